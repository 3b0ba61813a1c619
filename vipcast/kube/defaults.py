"""What an API server fills in when an object is created, for sources that have no API server.

Only what Vipcast reads is filled in. What has the wrong type is left as it is, for
`vipcast.kube.parse` to name. The object that comes in is not changed.

A Service of type LoadBalancer without clusterIP is one that an API server would give a cluster IP
to: it is not headless. Headless is what says `clusterIP: None`.
"""

from __future__ import annotations

import base64
from collections.abc import Callable, Mapping
from typing import Any

from vipcast.model.addresses import family_of, parse_address
from vipcast.model.raw import CLUSTER_WIDE, SECRET, SERVICE, Kind

_EXTERNAL = ("LoadBalancer", "NodePort")


def with_defaults(kind: Kind, raw: Mapping[str, Any]) -> dict[str, Any]:
    """The object as an API server would hand it out."""
    filled = dict(raw)
    metadata = raw.get("metadata")
    if isinstance(metadata, Mapping):
        filled["metadata"] = _metadata(kind, metadata)
    extra = _OF_KIND.get(kind)
    if extra is not None:
        extra(filled)
    return filled


def _metadata(kind: Kind, given: Mapping[str, Any]) -> dict[str, Any]:
    metadata = dict(given)
    if kind in CLUSTER_WIDE:
        metadata.pop("namespace", None)
    elif not metadata.get("namespace"):
        metadata["namespace"] = "default"
    return metadata


def _service(raw: dict[str, Any]) -> None:
    given = raw.get("spec")
    if given is not None and not isinstance(given, Mapping):
        return
    spec = dict(given or {})
    spec.setdefault("type", "ClusterIP")
    if spec["type"] in _EXTERNAL:
        spec.setdefault("externalTrafficPolicy", "Cluster")
    ports = spec.get("ports")
    if isinstance(ports, list):
        spec["ports"] = [_port(port) for port in ports]
    if spec["type"] != "ExternalName":
        families = spec["ipFamilies"] = _families(spec)
        dual = isinstance(families, list) and len(families) > 1
        spec.setdefault("ipFamilyPolicy", "RequireDualStack" if dual else "SingleStack")
    raw["spec"] = spec


def _port(given: Any) -> Any:
    if not isinstance(given, Mapping):
        return given
    port = dict(given)
    port.setdefault("protocol", "TCP")
    if "port" in port:
        port.setdefault("targetPort", port["port"])
    return port


def _families(spec: Mapping[str, Any]) -> Any:
    """Of the cluster IPs if there are any, else as asked for, else IPv4."""
    cluster_ips = spec.get("clusterIPs") or [spec.get("clusterIP")]
    found = []
    for text in cluster_ips if isinstance(cluster_ips, list) else []:
        try:
            found.append(str(family_of(parse_address(text))))
        except (ValueError, AttributeError):
            break  # none given, "None", or something that is refused where it is parsed
    return found or spec.get("ipFamilies") or ["IPv4"]


def _secret(raw: dict[str, Any]) -> None:
    """`stringData` is how text is put into `data`; nobody ever reads it back."""
    texts = raw.get("stringData")
    data = raw.get("data") or {}
    if not isinstance(texts, Mapping) or not isinstance(data, Mapping):
        return
    encoded = {
        key: base64.b64encode(text.encode()).decode() if isinstance(text, str) else text
        for key, text in texts.items()
    }
    raw["data"] = {**data, **encoded}
    del raw["stringData"]


_OF_KIND: Mapping[Kind, Callable[[dict[str, Any]], None]] = {SERVICE: _service, SECRET: _secret}
