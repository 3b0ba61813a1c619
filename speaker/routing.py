"""The routes of one node, kept up with its objects: its peers, and what each is told. PURE.

    routing.look(config, node, standing, …)      whether rules are others: then put every Service
    routing.put(key, service, endpoints, now)    one Service as it is now; None: it is gone
    routing.take()                               for each peer what has changed since, by its name
    routing.turns()                              of which Services the routes have changed since
    routing.deadline, routing.due(now)           when to put Services that have not changed, which

What one Service has is speaker.bgp.routes; what all of them come to, speaker.bgp.wanted; what a
cordoned node still tells, speaker.bgp.yielding.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from speaker.bgp.audiences import Terms
from speaker.bgp.facets import Facets
from speaker.bgp.others import Others
from speaker.bgp.prefixes import Record
from speaker.bgp.routes import Offer, Routes, Rules, Standing
from speaker.bgp.wanted import Change, Wanted
from speaker.bgp.yielding import Yielding, staged
from speaker.leaving import WAIT
from speaker.plan import Unannounced
from vipcast.config.config import Config
from vipcast.model.classes import EVERY_DEFAULT, Classes
from vipcast.model.objects import EndpointSlice, Key, Node, Service
from vipcast.model.peer import Peer
from vipcast.model.reasons import Reason
from vipcast.model.status import BGP


@dataclass(frozen=True, slots=True)
class Turn:
    """What has become of the routes of one Service: so many of them, for these addresses and peers.

    `reason` is why not all of it is told; ADVERTISED if all is.
    """

    service: Key
    routes: int
    ips: tuple[str, ...]
    peers: tuple[str, ...]
    reason: Reason


Saying = tuple[Facets, tuple[str, ...]]
"""What is said of a route, and to whom: terms of other rules may come to the same."""


class Routing:
    """The tables of one node, and the answers that they follow from."""

    def __init__(self, classes: Classes = EVERY_DEFAULT) -> None:
        self.decisions: dict[Key, Routes] = {}
        self.wanted = Wanted()
        self._classes = classes
        self._seen: tuple[Config | None, Node | None, Standing] = (None, None, Standing.STAYS)
        self._rules = Rules(*self._seen, classes)
        self._staying: tuple[Node, ...] = ()
        self._others = Others(None, ())
        self._yielding = Yielding(WAIT)
        self._anew = False
        self._said: dict[Key, tuple[tuple[Record, Saying], ...]] = {}
        self._sayings: dict[Terms, Saying] = {}
        self._turns: list[Turn] = []

    @property
    def peers(self) -> tuple[Peer, ...]:
        """Those that this node speaks with; once it has left, none."""
        return () if self.left else self._rules.peers

    @property
    def left(self) -> bool:
        """Whether the node has withdrawn its routes, or yielded all to others."""
        standing = self._seen[2]
        return standing is Standing.LEFT or (standing is Standing.YIELDS and not self._said)

    @property
    def needed(self) -> bool:
        """Whether it tells any route that it is not handing over."""
        return any(
            (key, address) not in self._yielding
            for key in self._said
            for address in _told(self.decisions[key])
        )

    @property
    def deadline(self) -> float | None:
        """When Services are `due`; None where none will be."""
        return self._yielding.deadline

    def due(self, now: float) -> frozenset[Key]:
        """The Services to put although nothing has changed but the time."""
        return self._yielding.due(now)

    def look(
        self,
        config: Config | None,
        node: Node | None,
        standing: Standing,
        staying: tuple[Node, ...] = (),
    ) -> bool:
        """What is in force now, and whether anything of it is new.

        `staying` are the nodes that a yielding one may leave routes to; for no other they count.
        """
        if standing is not Standing.YIELDS:
            staying = ()
            self._yielding.clear()
        seen, before = (config, node, standing), self._seen
        if seen == before and staying == self._staying:
            return False
        if seen[0] != before[0] or staying != self._staying:
            self._others = Others(config, staying)
        if seen != before:
            self._rules = Rules(*seen, self._classes)
            self._anew = True
            self._sayings = {}
        self._seen, self._staying = seen, staying
        return True

    def put(
        self, key: Key, service: Service | None, slices: Iterable[EndpointSlice], now: float
    ) -> None:
        """Decide one Service anew."""
        config = self._seen[0]
        before = self.decisions.get(key)
        if service is None or config is None or not config.bgp:
            self.decisions.pop(key, None)  # where nothing is told of anything, there are no reasons
            self._yielding.drop((key, each) for each in _told(before))
            self._offer(key, None, ())
            return
        routes = self._rules.decide(service, slices)
        if self._seen[2] is Standing.YIELDS:
            routes = self._yielded(before, routes, service, slices, now)
        self.decisions[key] = routes
        self._offer(key, routes, routes.offers)

    def _yielded(
        self,
        before: Routes | None,
        routes: Routes,
        service: Service,
        slices: Iterable[EndpointSlice],
        now: float,
    ) -> Routes:
        """What is left of a Service's routes on a node that yields to others."""
        told, wanted = _told(before), _told(routes)
        self._yielding.drop((routes.service, each) for each in told - wanted)
        stages = {
            each: self._yielding.look(
                (routes.service, each),
                told=each in told,
                others=self._others.tell(each, service, slices),
                now=now,
            )
            for each in wanted
        }
        answers = (
            staged(each, stages[each.address]) if each.offers else each for each in routes.answers
        )
        return Routes(routes.service, tuple(answers))

    def _offer(self, key: Key, routes: Routes | None, offers: tuple[Offer, ...]) -> None:
        self.wanted.put(key, offers)
        said = tuple((offer.prefix, self._saying(offer.terms)) for offer in offers)
        if said == self._said.get(key, ()):
            return
        if said:
            self._said[key] = said
        else:
            del self._said[key]
        answers = () if routes is None else routes.answers
        silent = (each.reason for each in answers if not each.offers)
        self._turns.append(
            Turn(
                key,
                len(said),
                tuple(each.address for each in answers if each.offers),
                () if routes is None else routes.peers,
                next(silent, Reason.ADVERTISED if said else Reason.NOT_WANTED),
            )
        )

    def _saying(self, terms: Terms) -> Saying:
        if terms not in self._sayings:
            self._sayings[terms] = (terms.facets, terms.peers)
        return self._sayings[terms]

    def refusals(self) -> Iterator[Unannounced]:
        """Addresses that peers would be told of by some advertisement, and are not."""
        config = self._seen[0]
        if config is None:
            return
        pools = {pool for each in config.bgp for pool in each.pools}
        for service, routes in self.decisions.items():
            for answer in routes.answers:
                if not answer.offers and answer.pool in pools:
                    yield Unannounced(answer.address, service, answer.reason, answer.message, BGP)

    def take(self) -> Mapping[str, Change]:
        """What each peer is to be told that it was not before."""
        anew, self._anew = self._anew, False
        return self.wanted.take(self._rules.audiences if anew else None)

    def turns(self) -> tuple[Turn, ...]:
        """The Services whose routes are others than when it was last asked, in their order."""
        turns, self._turns = self._turns, []
        return tuple(turns)


def _told(routes: Routes | None) -> frozenset[str]:
    """The addresses that are told."""
    if routes is None:
        return frozenset()
    return frozenset(each.address for each in routes.answers if each.offers)
