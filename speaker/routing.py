"""The routes of one node, kept up with its objects: its peers, and what each is told. PURE.

    routing.look(config, node, standing)    whether the rules are others: then put every Service
    routing.put(key, service, endpoints)    one Service as it is now; None: it is gone
    routing.take()                          for each peer what has changed since, by its name
    routing.turns()                         of which Services the routes have changed since

What one Service has is speaker.bgp.routes; what all of them come to, speaker.bgp.wanted.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from speaker.bgp.audiences import Terms
from speaker.bgp.facets import Facets
from speaker.bgp.prefixes import Record
from speaker.bgp.routes import Offer, Routes, Rules, Standing
from speaker.bgp.wanted import Change, Wanted
from speaker.plan import Unannounced
from vipcast.config.config import Config
from vipcast.model.classes import EVERY_DEFAULT, Classes
from vipcast.model.objects import EndpointSlice, Key, Node, Service
from vipcast.model.peer import Peer
from vipcast.model.reasons import Reason


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
        """Whether the node was to leave, and has withdrawn its routes."""
        return self._seen[2] is Standing.LEFT

    def look(self, config: Config | None, node: Node | None, standing: Standing) -> bool:
        """What is in force now, and whether anything of it is new."""
        seen = (config, node, standing)
        if seen == self._seen:
            return False
        self._seen = seen
        self._rules = Rules(*seen, self._classes)
        self._anew = True
        self._sayings = {}
        return True

    def put(self, key: Key, service: Service | None, slices: Iterable[EndpointSlice]) -> None:
        """Decide one Service anew."""
        config = self._seen[0]
        if service is None or config is None or not config.bgp:
            self.decisions.pop(key, None)  # where nothing is told of anything, there are no reasons
            self._offer(key, None, ())
            return
        routes = self.decisions[key] = self._rules.decide(service, slices)
        self._offer(key, routes, routes.offers)

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
                    yield Unannounced(answer.address, service, answer.reason, answer.message)

    def take(self) -> Mapping[str, Change]:
        """What each peer is to be told that it was not before."""
        anew, self._anew = self._anew, False
        return self.wanted.take(self._rules.audiences if anew else None)

    def turns(self) -> tuple[Turn, ...]:
        """The Services whose routes are others than when it was last asked, in their order."""
        turns, self._turns = self._turns, []
        return tuple(turns)
