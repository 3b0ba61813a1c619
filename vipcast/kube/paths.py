"""Where an API server keeps objects: kinds and names as paths of its REST interface."""

from __future__ import annotations

from urllib.parse import quote

from vipcast.model.raw import CLUSTER_WIDE, Kind, Ref, api_version


def collection(kind: Kind, namespace: str = "") -> str:
    """The path of all objects of a kind, of one namespace if it is given."""
    version = api_version(kind)
    root = f"/apis/{version}" if kind.group else f"/api/{version}"
    inside = f"/namespaces/{quote(namespace, safe='')}" if namespace else ""
    return f"{root}{inside}/{plural(kind)}"


def single(ref: Ref, part: str = "") -> str:
    """The path of one object, or of a part of it that is written by itself ("status")."""
    namespace = "" if ref.kind in CLUSTER_WIDE else ref.key.namespace
    path = f"{collection(ref.kind, namespace)}/{quote(ref.key.name, safe='')}"
    return f"{path}/{part}" if part else path


def plural(kind: Kind) -> str:
    """A kind as paths and RBAC rules spell it: "services", "communities"."""
    name = kind.name.lower()
    if name.endswith("s"):
        return f"{name}es"
    return f"{name[:-1]}ies" if name.endswith("y") else f"{name}s"
