"""The objects that a speaker of this node has written: known again by their kind and their name.

A speaker takes over what the one before it wrote, and sees what others make of it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from vipcast.kube.render import configuration_state_ref
from vipcast.kube.status import speaker_status_ref
from vipcast.kube.store import Store
from vipcast.model.objects import Key
from vipcast.model.raw import (
    CONFIGURATION_STATE,
    SERVICE_BGP_STATUS,
    SERVICE_L2_STATUS,
    SPEAKER_STATUS,
    Delta,
    Kind,
    Raw,
    Ref,
)
from vipcast.model.status import BgpStatus, L2Status

KINDS = frozenset({SERVICE_L2_STATUS, SERVICE_BGP_STATUS, CONFIGURATION_STATE, SPEAKER_STATUS})
"""Kinds of which a speaker keeps up, or deletes, what was written in its node's name."""


class Own:
    """Those of one node, in a store that follows their kinds."""

    def __init__(self, store: Store, node: str, namespace: str) -> None:
        self._store = store
        self._node = node
        self._by_service: Mapping[Kind, Mapping[Key, L2Status | BgpStatus]] = {
            SERVICE_L2_STATUS: store.l2_statuses,
            SERVICE_BGP_STATUS: store.bgp_statuses,
        }
        self._named = (
            configuration_state_ref(namespace, node),
            speaker_status_ref(namespace, node),
        )

    def standing(self) -> Iterator[tuple[Ref, Raw]]:
        """Each as it stands now."""
        refs = [
            Ref(kind, key)
            for kind, statuses in self._by_service.items()
            for key, status in statuses.items()
            if status.node == self._node
        ]
        for ref in (*refs, *self._named):
            raw = self._store.raw(ref)
            if raw is not None:
                yield ref, raw

    def concerns(self, delta: Delta) -> bool:
        """Whether this may be about one of them; of what is gone, the writer itself knows."""
        if delta.ref.kind not in KINDS or delta.raw is None:
            return delta.ref.kind in KINDS
        if delta.ref.kind in self._by_service:
            status = self._by_service[delta.ref.kind].get(delta.ref.key)
            return status is not None and status.node == self._node
        return delta.ref in self._named
