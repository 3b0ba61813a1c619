"""The routes of one node, kept up with its objects: its peers, and what each is told. PURE.

    routing.look(config, node, standing)    whether the rules are others: then put every Service
    routing.put(key, service, endpoints)    one Service as it is now; None: it is gone
    routing.take()                          for each peer what has changed since, by its name

What one Service has is speaker.bgp.routes; what all of them come to, speaker.bgp.wanted.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

from speaker.bgp.routes import Routes, Rules, Standing
from speaker.bgp.wanted import Change, Wanted
from speaker.plan import Unannounced
from vipcast.config.config import Config
from vipcast.model.addresses import parse_address
from vipcast.model.classes import EVERY_DEFAULT, Classes
from vipcast.model.objects import EndpointSlice, Key, Node, Service
from vipcast.model.peer import Peer


class Routing:
    """The tables of one node, and the answers that they follow from."""

    def __init__(self, classes: Classes = EVERY_DEFAULT) -> None:
        self.decisions: dict[Key, Routes] = {}
        self.wanted = Wanted()
        self._classes = classes
        self._seen: tuple[Config | None, Node | None, Standing] = (None, None, Standing.STAYS)
        self._rules = Rules(*self._seen, classes)
        self._anew = False

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
        return True

    def put(self, key: Key, service: Service | None, slices: Iterable[EndpointSlice]) -> None:
        """Decide one Service anew."""
        config = self._seen[0]
        if service is None or config is None or not config.bgp:
            self.decisions.pop(key, None)  # where nothing is told of anything, there are no reasons
            self.wanted.put(key, ())
            return
        routes = self.decisions[key] = self._rules.decide(service, slices)
        self.wanted.put(key, routes.offers)

    def refusals(self) -> Iterator[Unannounced]:
        """Addresses that peers would be told of by some advertisement, and are not."""
        config = self._seen[0]
        if config is None:
            return
        pools = {pool for each in config.bgp for pool in each.pools}
        for service, routes in self.decisions.items():
            for answer in routes.answers:
                if not answer.offers and _pool(answer.address, config) in pools:
                    yield Unannounced(answer.address, service, answer.reason, answer.message)

    def take(self) -> Mapping[str, Change]:
        """What each peer is to be told that it was not before."""
        anew, self._anew = self._anew, False
        return self.wanted.take(self._rules.audiences if anew else None)


def _pool(text: str, config: Config) -> str | None:
    """The pool that an address is from; None if there is none."""
    try:
        pool = config.pool_of(parse_address(text))
    except ValueError:
        return None
    return None if pool is None else pool.name
