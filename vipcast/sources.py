"""The Source that flags name: a directory, or an API server."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Final

from vipcast.kube.patches import Part
from vipcast.kube.render import configuration_state_ref
from vipcast.kube.status import NODE_LABEL
from vipcast.model.raw import (
    CONFIG_MAP,
    CONFIGURATION_STATE,
    SECRET,
    SERVICE_BGP_STATUS,
    SERVICE_L2_STATUS,
    SPEAKER_STATUS,
    Kind,
)
from vipcast.ops.flags import Objects
from vipcast.ports import Source

BY_SERVICE: Final = (SERVICE_L2_STATUS, SERVICE_BGP_STATUS)
"""Kinds of which each speaker writes one for each Service."""


def open_source(
    objects: Objects,
    writer: str,
    kinds: Collection[Kind],
    *,
    namespace: str,
    config: str,
    secret: str = "",
    node: str | None = None,
    owns: Mapping[Kind, Part] | None = None,
) -> Source:
    """A source to be entered, which writes as `writer`.

    On an API server, only the one ConfigMap is followed, and of status objects those of the speaker
    on `node`, of the controller ("") or all (None): what all speakers write is not brought to each
    of them. Of Secrets, too, only the one, but for a speaker: passwords of BGP peers stand in
    others. `owns` is as KubeSource has it. A directory is followed whole.
    """
    # Each brings libraries that the other has no use for: the client of an API server is 12 MiB.
    if objects.directory is not None:
        from vipcast.files import DirectorySource

        own = () if node is None else (*BY_SERVICE, CONFIGURATION_STATE, SPEAKER_STATUS)
        return DirectorySource(objects.directory, writer, kinds, own=own)
    from vipcast.kube.api import Access
    from vipcast.kube.source import KubeSource

    names = {CONFIG_MAP: config}
    if not node:
        names[SECRET] = secret
    labels: dict[Kind, str] = {}
    if node is not None:
        names[CONFIGURATION_STATE] = configuration_state_ref(namespace, node).key.name
        names[SPEAKER_STATUS] = node
        labels = dict.fromkeys(BY_SERVICE, f"{NODE_LABEL}={node}")
    return KubeSource(
        Access(objects.kubeconfig),
        writer,
        kinds,
        namespace=namespace,
        names=names,
        labels=labels,
        owns=owns or {},
    )
