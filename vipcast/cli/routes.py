"""Which nodes tell which routers a route to an address, which tell none and why not. PURE.

Asked in the speakers' own words: the same rules (speaker.bgp.routes), applied to the same objects.
Whether a session stands is what each speaker reports; one that is not heard has none. Where the
configuration cannot be read, what the speakers say of each Service is all that is known.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace

from speaker.bgp.routes import YES, Answer
from vipcast.cli.decisions import Decisions, answer_to
from vipcast.cli.picture import Picture
from vipcast.cli.routed import Routed, Silent, Teller
from vipcast.cli.sessions import Session
from vipcast.cli.wording import said
from vipcast.cli.world import World
from vipcast.config import Config
from vipcast.model.addresses import parse_address
from vipcast.model.objects import Key, Service


class Tables:
    """What the nodes of a world tell; a node with the same routers is the same value each time."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._sessions = {(one.node, one.peer.name): one for one in world.picture.sessions}
        self._lost = {one.node for one in world.picture.speakers if one.lost}
        self._tellers: dict[tuple[str, tuple[str, ...], str], Teller] = {}
        self._decisions: Decisions | None = None
        self._pools = frozenset[str]()
        if world.config is not None:
            self._pools = frozenset(pool for each in world.config.bgp for pool in each.pools)
            self._decisions = Decisions(world, world.config, {node for node, _ in self._sessions})
        self._said: dict[Key, dict[str, tuple[str, ...]]] = {}
        for key, status in world.store.bgp_statuses.items():
            if key.namespace == world.namespace:
                self._said.setdefault(status.service, {})[status.node] = status.peers

    def of(self, service: Service) -> Iterator[Routed]:
        """Each address of a Service that routers are to be told of."""
        config, decisions = self._world.config, self._decisions
        if config is None or decisions is None:
            yield from self._as_said(service)
            return
        pools = {text: _pool(config, text) for text in service.ingress}
        wanted = {text: pool for text, pool in pools.items() if pool in self._pools}
        if not wanted:
            return
        found = sorted(decisions.of(service), key=lambda pair: pair[0])
        for text, pool in wanted.items():
            answers = ((node, answer_to(routes, text)) for node, routes in found)
            yield self._routed(service.key, text, pool or "", answers)

    def _routed(
        self, service: Key, text: str, pool: str, answers: Iterable[tuple[str, Answer | None]]
    ) -> Routed:
        tellers, silent = [], []
        peers: dict[int, tuple[str, ...]] = {}  # by the answer's identity: nodes share them
        for node, answer in answers:
            if answer is None:
                continue
            if answer.offers:
                if id(answer) not in peers:
                    names = {name for offer in answer.offers for name in offer.terms.peers}
                    peers[id(answer)] = tuple(sorted(names))
                tellers.append(self._teller(node, peers[id(answer)], answer.message))
            else:
                silent.append(Silent(node, answer.reason, said(answer.reason, answer.message)))
        return Routed(service, text, tuple(tellers), tuple(silent), pool)

    def _teller(self, node: str, peers: tuple[str, ...], message: str = YES) -> Teller:
        """A node that is to tell these routers."""
        if (node, peers, message) not in self._tellers:
            found = [self._session(node, name) for name in peers]
            self._tellers[node, peers, message] = Teller(
                node,
                tuple(one.peer.name for one in found if one.stands),
                tuple(one for one in found if not one.stands),
                node in self._lost,
                message,
            )
        return self._tellers[node, peers, message]

    def _session(self, node: str, name: str) -> Session:
        known = self._sessions.get((node, name))
        return Session.unknown(node, name, lost=node in self._lost) if known is None else known

    def _as_said(self, service: Service) -> Iterator[Routed]:
        told = self._said.get(service.key, {})
        tellers = tuple(self._teller(node, told[node]) for node in sorted(told))
        for text in service.ingress if tellers else ():
            yield Routed(service.key, text, tellers, (), service.recorded.pool, partial=True)


def with_routes(world: World) -> World:
    """The world with what routers are told; what they alone are told of is on no segment."""
    tables, picture = Tables(world), world.picture
    routes = tuple(
        routed
        for _, service in sorted(world.store.services.items())
        if world.ours(service)
        for routed in tables.of(service)
    )
    return replace(world, picture=_told(picture, routes, world.config))


def _told(picture: Picture, routes: tuple[Routed, ...], config: Config | None) -> Picture:
    if not routes:
        return picture
    known = {(one.service, one.address): one for one in routes}

    def elsewhere(service: Key, address: str) -> bool:
        one = known.get((service, address))
        if one is None:
            return False
        return config is None or config.only_by_bgp(one.pool)

    lines = tuple(
        line for line in picture.lines if line.holder or not elsewhere(line.service, line.address)
    )
    return replace(picture, lines=lines, routes=routes)


def _pool(config: Config, text: str) -> str | None:
    """The pool that an address is from; None if there is none."""
    try:
        pool = config.pool_of(parse_address(text))
    except ValueError:
        return None
    return None if pool is None else pool.name
