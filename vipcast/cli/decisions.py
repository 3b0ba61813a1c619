"""What every node decides about the routes of a Service, by the speakers' own rules. PURE.

Most nodes of a cluster are alike to the rules, so one is asked for all of its kind: to ask each of
a hundred about each of a thousand Services takes many seconds. Asked by itself is who has an
endpoint where endpoints on the node decide, and who is named in an answer.

What a cordoned node is rid of already its speaker knows best: it reports each such route. Where it
speaks with nobody, it is rid of all that a node that stays can tell.
"""

from __future__ import annotations

from collections.abc import Collection, Hashable, Iterator
from typing import Final

from speaker.bgp.others import Others
from speaker.bgp.routes import Answer, Routes, Rules, Standing, taken_by
from speaker.bgp.yielding import Stage, staged
from speaker.leaving import Wish, staying, wish_of
from vipcast.cli.world import World
from vipcast.config import Config
from vipcast.model.classes import Classes
from vipcast.model.objects import EXCLUDE_LABEL, EndpointSlice, Key, Node, Service, TrafficPolicy
from vipcast.model.reasons import Reason

_NOBODY: Final[frozenset[str]] = frozenset()


class Decisions:
    """Those of all nodes of a world. `speaking` are nodes with a session, standing or not."""

    def __init__(self, world: World, config: Config, speaking: Collection[str]) -> None:
        self._world = world
        self._config = config
        self._rules: dict[str, Rules] = {}
        self._kinds: dict[Hashable, list[str]] = {}
        self._speaking = speaking
        self._others = Others(config, staying(world.store.nodes.values()))
        self._rid: dict[str, frozenset[tuple[Key, str]]] = {}
        for name, node in sorted(world.store.nodes.items()):
            told = world.picture.flags.get(name)
            classes = world.classes if told is None else told.classes
            standing = _standing(wish_of(node), speaks=name in speaking)
            if standing is Standing.YIELDS:
                self._rid[name] = _rid(world, name)
            self._rules[name] = Rules(config, node, standing, classes)
            self._kinds.setdefault(self._kind(node, standing, classes), []).append(name)

    def of(self, service: Service) -> Iterator[tuple[str, Routes]]:
        """Each node with its decision; nodes of one kind share it."""
        slices = self._world.store.slices(service.key)
        apart = _NOBODY
        if service.policy is TrafficPolicy.LOCAL:
            apart = frozenset(one.node for each in slices for one in each.endpoints if one.node)
        for nodes in self._kinds.values():
            shared: Routes | None = None
            yielded: dict[tuple[Stage | None, ...], Routes] = {}
            for name in nodes:
                if name in apart:
                    found = self._rules[name].decide(service, slices)
                    yield name, self._yielded(name, found, service, slices, {})
                    continue
                found = shared or self._rules[name].decide(service, slices)
                named = shared is None and any(
                    name in each.message for each in found.answers if not each.offers
                )
                shared = None if named else found
                yield name, self._yielded(name, found, service, slices, {} if named else yielded)

    def _yielded(
        self,
        name: str,
        routes: Routes,
        service: Service,
        slices: tuple[EndpointSlice, ...],
        known: dict[tuple[Stage | None, ...], Routes],
    ) -> Routes:
        """What is left of a Service's routes on a node, if it is cordoned; `known`: as before."""
        if name not in self._rid:
            return routes
        stages = tuple(
            self._stage(name, each, service, slices) if each.offers else None
            for each in routes.answers
        )
        if stages not in known:
            pairs = zip(routes.answers, stages, strict=True)
            answers = (each if stage is None else staged(each, stage) for each, stage in pairs)
            known[stages] = Routes(routes.service, tuple(answers))
        return known[stages]

    def _stage(
        self, name: str, answer: Answer, service: Service, slices: tuple[EndpointSlice, ...]
    ) -> Stage:
        if not self._others.tell(answer.address, service, slices):
            return Stage.NEEDED
        rid = name not in self._speaking or (service.key, answer.address) in self._rid[name]
        return Stage.LEFT if rid else Stage.HANDED

    def _kind(self, node: Node, standing: Standing, classes: Classes) -> Hashable:
        """All that the rules look at of a node but its name."""
        return (
            standing,
            node.network_unavailable,
            EXCLUDE_LABEL in node.labels,
            classes,
            taken_by(self._config, node),
        )


def answer_to(routes: Routes, address: str) -> Answer | None:
    """What is said of an address; of a Service of which nothing is told, that is said of all."""
    return next((each for each in routes.answers if each.address in ("", address)), None)


def _standing(wish: Wish, *, speaks: bool) -> Standing:
    """A node that is to leave has left when its speaker speaks with nobody any more."""
    if wish is Wish.STAY:
        return Standing.STAYS
    if wish is Wish.YIELD:
        return Standing.YIELDS
    return Standing.LEAVES if speaks else Standing.LEFT


def _rid(world: World, name: str) -> frozenset[tuple[Key, str]]:
    """The routes of which a node's speaker says that it has left them to others."""
    report = world.picture.reports.get(name)
    refusals = () if report is None else report.untold
    return frozenset(
        (each.service, each.address) for each in refusals if each.reason == Reason.NODE_CORDONED
    )
