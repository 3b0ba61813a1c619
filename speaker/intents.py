"""What the objects say: which addresses are to be announced, by whom, and what is in the way.

    taken = intents.take(batch)
    taken.services     looked at again          intents.claims       one for each address
    taken.state        a configuration was      intents.decisions    one for each Service
    taken.routes       by peer, what changed    intents.routing      routes, and the peers to tell

The store follows the objects, the keeper their configuration, the plan decides; here is only what
follows from which change. Nothing is carried out: that is the loop's.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass

from speaker.bgp.routes import Standing
from speaker.bgp.wanted import Change
from speaker.leaving import Leaving, Wish, staying, wish_of
from speaker.plan import Claim, Decision, Memo, Unannounced, decide, misplaced, settle
from speaker.routing import Routing, Turn
from vipcast.config.keeper import ConfigKeeper, ConfigState
from vipcast.kube.store import Store
from vipcast.model.addresses import Address, Network
from vipcast.model.classes import EVERY_DEFAULT, Classes
from vipcast.model.objects import Key, Node
from vipcast.model.raw import Batch
from vipcast.model.reasons import Reason, sentence


@dataclass(frozen=True, slots=True)
class Taken:
    """What a batch has changed.

    `first`: it completed the snapshot. `state` is there when the configuration was looked at again.
    `withdrawn` are the claims as they were before; None if they are the same still. `peers`: who
    is to be spoken with, or how, may be different. `routes` is what each peer is to be told anew,
    `turns` are the Services that this comes from.
    """

    first: bool
    state: ConfigState | None
    services: Collection[Key]
    findings: bool
    withdrawn: Mapping[Address, Claim] | None
    peers: bool
    routes: Mapping[str, Change]
    turns: tuple[Turn, ...]


class Intents:
    """The wishes of one node, kept up with the objects."""

    def __init__(
        self,
        store: Store,
        keeper: ConfigKeeper,
        node: str,
        service_cidrs: tuple[Network, ...] = (),
        classes: Classes = EVERY_DEFAULT,
    ) -> None:
        self.store = store
        self.keeper = keeper
        self.decisions: dict[Key, Decision] = {}
        self.claims: dict[Address, Claim] = {}
        self.routing = Routing(classes)
        self._leaving = Leaving()
        self._staying: tuple[Node, ...] | None = None
        self._node = node
        self._service_cidrs = service_cidrs
        self._classes = classes
        self._memo: Memo = {}
        self._beaten: tuple[Unannounced, ...] = ()
        self.synced = False

    @property
    def deadline(self) -> float | None:
        """When something follows from time alone: call `look_again` then."""
        times = (self._leaving.deadline, self.routing.deadline)
        return min((time for time in times if time is not None), default=None)

    def take(self, batch: Batch, now: float) -> Taken | None:
        """Let changes have their effect; None as long as the snapshot is not whole."""
        change = self.store.apply(batch)
        if change.nodes:
            self._memo = {}
        if change.nodes or change.readiness:
            self._staying = None
        if not batch.synced:
            return None
        first, self.synced = not self.synced, True
        state = None
        if first or change.config or change.findings:
            state = self.keeper.feed(self.store.inputs(self._service_cidrs))
        reconfigured = state is not None and state.changed
        if reconfigured:
            self._memo = {}  # other advertisements: what is kept by the old ones is of no use
        spoke = self.routing.peers
        rules = self._look(now)
        services = change.services
        if reconfigured or first or change.nodes or rules:
            services |= self.store.services.keys()
        before = {key: self._claims_of(key) for key in services}
        for key in services:
            self._decide(key, now)
        withdrawn = None
        if first or any(self._claims_of(key) != claims for key, claims in before.items()):
            withdrawn = self.claims
            self.claims, self._beaten = settle(self.decisions)
        return Taken(
            first,
            state,
            services,
            bool(change.findings),
            withdrawn,
            peers=first or rules or change.secret or self.routing.peers != spoke,
            routes=self.routing.take(),
            turns=self.routing.turns(),
        )

    def _claims_of(self, service: Key) -> tuple[Claim, ...]:
        decision = self.decisions.get(service)
        return () if decision is None else decision.claims

    @property
    def here(self) -> Node | None:
        """This node's own object."""
        return self.store.nodes.get(self._node)

    @property
    def leaving(self) -> bool:
        """Whether no router is to count on the node any more, whether or not that is over: it is to
        leave, or cordoned and needed for no route."""
        wish = wish_of(self.here)
        return wish is Wish.LEAVE or (wish is Wish.YIELD and not self.routing.needed)

    @property
    def cordoned(self) -> bool:
        """Whether the node is to leave its routes to others, and no more than that."""
        return wish_of(self.here) is Wish.YIELD

    def password(self, secret: Key) -> bytes | None:
        """What a Secret holds for a peer, None if that is nothing."""
        return self.store.password(secret)

    def look_again(self, now: float) -> Taken:
        """What follows from the time that has passed; claims do not."""
        spoke = self.routing.peers
        rules = self._look(now)
        services = frozenset(self.store.services) if rules else self.routing.due(now)
        for key in services:
            self.routing.put(key, self.store.services.get(key), self.store.slices(key), now)
        return Taken(
            False,
            None,
            services,
            False,
            None,
            peers=rules or self.routing.peers != spoke,
            routes=self.routing.take(),
            turns=self.routing.turns(),
        )

    def _look(self, now: float) -> bool:
        """Whether routes follow from other rules than before."""
        standing = self._leaving.look(wish_of(self.here), now)
        if self._staying is None and standing is Standing.YIELDS:
            self._staying = staying(self.store.nodes.values())
        config, here = self.keeper.state.config, self.here
        return self.routing.look(config, here, standing, self._staying or ())

    def _decide(self, key: Key, now: float) -> None:
        service = self.store.services.get(key)
        slices = self.store.slices(key)
        self.routing.put(key, service, slices, now)
        if service is None:
            self.decisions.pop(key, None)
            return
        self.decisions[key] = decide(
            service,
            slices,
            self.store.nodes,
            self.keeper.state.config,
            self._classes,
            self._memo,
        )

    def refusals(
        self, interfaces: Collection[str], no_room: Mapping[Address, tuple[str, ...]]
    ) -> Iterator[Unannounced]:
        """Every address that the node with these interfaces does not announce, and why.

        `no_room` are those that find no place in the map, and on which interfaces.
        """
        for decision in self.decisions.values():
            yield from decision.unannounced
        yield from self._beaten
        yield from self.routing.refusals()
        yield from misplaced(self.claims.values(), self._node, interfaces)
        for address, names in no_room.items():
            message = f"{sentence(Reason.MAP_FULL)} It has no entry on {', '.join(names)}."
            for service in self.claims[address].services:
                yield Unannounced(str(address), service, Reason.MAP_FULL, message)
