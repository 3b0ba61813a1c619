"""The Source that flags name: a directory, or an API server."""

from __future__ import annotations

from collections.abc import Collection, Mapping

from vipcast.files import DirectorySource
from vipcast.kube.patches import Part
from vipcast.model.raw import CONFIG_MAP, SECRET, Kind
from vipcast.ops.flags import Objects
from vipcast.ports import Source


def open_source(
    objects: Objects,
    writer: str,
    kinds: Collection[Kind],
    *,
    namespace: str,
    config: str,
    secret: str = "",
    owns: Mapping[Kind, Part] | None = None,
) -> Source:
    """A source to be entered, which writes as `writer`.

    On an API server, only the one ConfigMap and the one Secret are followed; `owns` is as
    KubeSource has it. A directory is followed whole.
    """
    if objects.directory is not None:
        return DirectorySource(objects.directory, writer, kinds)
    # The client of an API server costs 12 MiB, which a directory has no use for.
    from vipcast.kube.api import Access
    from vipcast.kube.source import KubeSource

    names = {CONFIG_MAP: config, SECRET: secret}
    access = Access(objects.kubeconfig)
    return KubeSource(access, writer, kinds, namespace=namespace, names=names, owns=owns or {})
