"""What every node decides about the routes of a Service, by the speakers' own rules. PURE.

Most nodes of a cluster are alike to the rules, so one is asked for all of its kind: to ask each of
a hundred about each of a thousand Services takes many seconds. Asked by itself is who has an
endpoint where endpoints on the node decide, and who is named in an answer.
"""

from __future__ import annotations

from collections.abc import Collection, Hashable, Iterator
from typing import Final

from speaker.bgp.routes import Answer, Routes, Rules, Standing
from speaker.leaving import Wish, wish_of
from vipcast.cli.world import World
from vipcast.config import Config
from vipcast.model.classes import Classes
from vipcast.model.objects import EXCLUDE_LABEL, Node, Service, TrafficPolicy
from vipcast.model.selectors import any_matches

_NOBODY: Final[frozenset[str]] = frozenset()


class Decisions:
    """Those of all nodes of a world. `speaking` are nodes with a session, standing or not."""

    def __init__(self, world: World, config: Config, speaking: Collection[str]) -> None:
        self._world = world
        self._config = config
        self._rules: dict[str, Rules] = {}
        self._kinds: dict[Hashable, list[str]] = {}
        for name, node in sorted(world.store.nodes.items()):
            told = world.picture.flags.get(name)
            classes = world.classes if told is None else told.classes
            standing = _standing(wish_of(node), speaks=name in speaking)
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
            for name in nodes:
                if name in apart:
                    yield name, self._rules[name].decide(service, slices)
                    continue
                found = shared or self._rules[name].decide(service, slices)
                named = shared is None and any(
                    name in each.message for each in found.answers if not each.offers
                )
                shared = None if named else found
                yield name, found

    def _kind(self, node: Node, standing: Standing, classes: Classes) -> Hashable:
        """All that the rules look at of a node but its name."""
        return (
            standing,
            node.network_unavailable,
            EXCLUDE_LABEL in node.labels,
            classes,
            tuple(any_matches(each.nodes, node.labels) for each in self._config.bgp),
            tuple(any_matches(each.nodes, node.labels) for each in self._config.peers),
        )


def answer_to(routes: Routes, address: str) -> Answer | None:
    """What is said of an address; of a Service of which nothing is told, that is said of all."""
    return next((each for each in routes.answers if each.address in ("", address)), None)


def _standing(wish: Wish, *, speaks: bool) -> Standing:
    """A node that is to leave has left when its speaker speaks with nobody any more."""
    if wish is Wish.STAY:
        return Standing.STAYS
    return Standing.LEAVES if wish is Wish.LAST or speaks else Standing.LEFT
