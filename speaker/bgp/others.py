"""Whether a node that stays can tell a route, by the rules that it decides by itself. PURE.

    others = Others(config, staying)            once for each configuration and set of nodes
    others.tell("192.0.2.1", service, slices)   whether one of them tells the address, to anybody

Looked at is what the objects say: the nodes that stay (speaker.leaving says which these are), the
node selectors of advertisements and peers, the families of the sessions, Services, endpoints and
traffic policies. Not looked at: whether that node's speaker runs, with which flags (its classes are
taken to be ours), whether its sessions stand, and whether it is the same router that is told: one
that hears of a route from no neighbour has it from the other routers.

Most nodes are alike to the rules, so one of each kind is asked, and what it says of Services that
are alike is kept: for most Services the answer is looked up.
"""

from __future__ import annotations

from collections.abc import Hashable, Iterable

from speaker.bgp.routes import Rules, served_on, taken_by
from vipcast.config.config import Config
from vipcast.model.addresses import parse_address
from vipcast.model.objects import EndpointSlice, Node, Service, TrafficPolicy
from vipcast.model.selectors import any_matches


class Others:
    """Nodes that stay. Make new ones when they, or the configuration, change."""

    def __init__(self, config: Config | None, nodes: Iterable[Node]) -> None:
        self._config = config
        self._kinds: dict[str | None, Hashable] = {}
        self._rules: dict[Hashable, Rules] = {}
        self._able: dict[Hashable, frozenset[Hashable]] = {}
        if config is None:
            return
        for node in nodes:
            kind = self._kinds[node.name] = taken_by(config, node)
            if kind not in self._rules:
                self._rules[kind] = Rules(config, node)

    def tell(self, text: str, service: Service, slices: Iterable[EndpointSlice]) -> bool:
        """Whether one of them can tell an address of a Service now."""
        able = self._kinds_able(text, service)
        if not able:
            return False
        places = served_on(service, slices)
        if service.policy is TrafficPolicy.LOCAL:
            return any(self._kinds.get(place) in able for place in places)
        return any(True for _ in places)

    def _kinds_able(self, text: str, service: Service) -> frozenset[Hashable]:
        """The kinds of nodes that would tell it, if the Service were served through them."""
        if self._config is None or not self._rules:
            return frozenset()
        address = parse_address(text)
        pool = self._config.pool_of(address)
        if pool is None:
            return frozenset()
        ads = (each for each in self._config.bgp if pool.name in each.pools)
        matches = tuple([any_matches(each.services, service.labels) for each in ads])
        key = (pool.name, address.version, matches)
        if key not in self._able:
            self._able[key] = frozenset(
                kind
                for kind, rules in self._rules.items()
                if rules.would_tell(address, pool.name, service)
            )
        return self._able[key]
