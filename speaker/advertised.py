"""What stands of each Service whose routes this node tells: its ServiceBGPStatus. PURE.

Thousands of Services may have routes, and each report shows all of them, so what was rendered for a
Service is kept as long as its answer is the same.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from speaker.bgp.routes import Routes
from vipcast.kube.owners import owned
from vipcast.kube.status import render_bgp_status
from vipcast.model.objects import Key
from vipcast.model.raw import Owner, Raw, Ref
from vipcast.model.status import BgpStatus


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

    def _show(self, routes: Routes, before: Shown | None) -> Shown:
        peers = routes.peers
        if before is not None and before.peers == peers:
            return Shown(routes, peers, before.object)
        if not peers:
            return Shown(routes, peers, None)
        value = BgpStatus(self._node, routes.service, peers)
        ref, raw = render_bgp_status(self._namespace, value)
        return Shown(routes, peers, (ref, owned(raw, self._owner)))
