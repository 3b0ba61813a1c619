"""What is told of each Service whose routes this node tells: its ServiceBGPStatus, an Event. PURE.

Thousands of Services may have routes, and each report shows all of them, so what was rendered for a
Service is kept as long as its answer is the same.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from typing import Final

from speaker.bgp.routes import Routes
from vipcast.kube.owners import owned
from vipcast.kube.status import render_bgp_status
from vipcast.model.objects import Key
from vipcast.model.raw import SERVICE, EventNote, EventType, Owner, Raw, Ref
from vipcast.model.status import BgpStatus

ASSIGNED: Final = "nodeAssigned"
"""MetalLB's word for the Event that a node announces a Service from now on."""


@dataclass(frozen=True, slots=True)
class Shown:
    """What is said of one answer; nothing where no router is told."""

    routes: Routes
    peers: tuple[str, ...]
    object: tuple[Ref, Raw] | None


class Advertised:
    """One node's. `namespace` is that of the programs; the objects go with `owner`."""

    def __init__(self, node: str, namespace: str, owner: Owner | None) -> None:
        self._node = node
        self._namespace = namespace
        self._owner = owner
        self._shown: dict[Key, Shown] = {}
        self._assigned: set[Key] = set()
        self._waiting: set[Key] = set()

    def found(self, service: Key) -> None:
        """A speaker before this one told routers of it: that it is told is no news."""
        self._assigned.add(service)

    def objects(self, decisions: Mapping[Key, Routes]) -> Iterator[tuple[Ref, Raw]]:
        """Every object that should stand; the same one again while nothing has changed."""
        for key, routes in decisions.items():
            shown = self._shown.get(key)
            if shown is None or shown.routes is not routes:
                shown = self._shown[key] = self._show(routes, shown)
            if shown.object is not None:
                yield shown.object
        if len(self._shown) > len(decisions):
            for key in self._shown.keys() - decisions.keys():
                del self._shown[key]
                self._forget(key)

    def first_told(self, standing: Collection[str]) -> Iterator[EventNote]:
        """An Event for each Service that a router is told of for the first time; `standing` are
        those with which a session stands. Call it after `objects`."""
        for key in sorted(self._waiting):
            shown = self._shown[key]
            told = [name for name in shown.peers if name in standing]
            if told:
                self._waiting.remove(key)
                self._assigned.add(key)
                ips = ", ".join(each.address for each in shown.routes.answers if each.offers)
                message = (
                    f'announcing from node "{self._node}" with protocol "bgp" to'
                    f" {', '.join(told)}: {ips}"
                )
                yield EventNote(Ref(SERVICE, key), EventType.NORMAL, ASSIGNED, message)

    def _show(self, routes: Routes, before: Shown | None) -> Shown:
        peers = routes.peers
        if not peers:
            self._forget(routes.service)
        elif routes.service not in self._assigned:
            self._waiting.add(routes.service)
        if before is not None and before.peers == peers:
            return Shown(routes, peers, before.object)
        if not peers:
            return Shown(routes, peers, None)
        value = BgpStatus(self._node, routes.service, peers)
        ref, raw = render_bgp_status(self._namespace, value)
        return Shown(routes, peers, (ref, owned(raw, self._owner)))

    def _forget(self, service: Key) -> None:
        """It is told to nobody: the next time is a first one again."""
        self._waiting.discard(service)
        self._assigned.discard(service)
