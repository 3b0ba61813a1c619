"""Slips of the pen in a Service that nobody would notice: it is read, and a wish in it is not.

    misspelled(raw) -> annotations with one of our prefixes that nobody reads
    near_misses(raw) -> keys of spec that look like one that is read, and are none of Kubernetes

An API server drops such keys of spec, and says so to kubectl alone; annotations stay as they are.
"""

from __future__ import annotations

import difflib
from collections.abc import Collection, Iterator, Mapping
from typing import Any

from vipcast.kube.fields import shown
from vipcast.model.errors import Finding
from vipcast.model.raw import Raw

OLD_PREFIX = "metallb.universe.tf/"
PREFIXES = ("vipcast.io/", "metallb.io/", OLD_PREFIX)
POOL_WISH = "address-pool"
ADDRESS_WISH = "loadBalancerIPs"
SHARING_KEY = "allow-shared-ip"
POOL_GIVEN = "ip-allocated-from-pool"

_WISHES = (POOL_WISH, ADDRESS_WISH, SHARING_KEY)
_READ = (
    "type",
    "ipFamilies",
    "ipFamilyPolicy",
    "loadBalancerIP",
    "loadBalancerClass",
    "externalTrafficPolicy",
    "ports",
    "selector",
    "publishNotReadyAddresses",
)
_OF_KUBERNETES = frozenset(_READ) | {
    "allocateLoadBalancerNodePorts", "clusterIP", "clusterIPs", "externalIPs", "externalName",
    "healthCheckNodePort", "internalTrafficPolicy", "ipFamily", "loadBalancerSourceRanges",
    "sessionAffinity", "sessionAffinityConfig", "topologyKeys", "trafficDistribution",
}  # fmt: skip
_CLOSE = 0.85


def misspelled(raw: Raw) -> Iterator[Finding]:
    """A finding for each annotation with one of our prefixes that is none of ours."""
    for name, value in below(raw, "metadata", "annotations").items():
        prefix = next((one for one in PREFIXES if name.startswith(one)), None)
        bare = name.removeprefix(prefix or "")
        if prefix is None or bare in _WISHES or bare == POOL_GIVEN:
            continue
        close = _nearest(bare, _WISHES, 0.6)
        fix = f"Did you mean {prefix}{close}?" if close else f"Known are: {', '.join(_WISHES)}."
        message = "Nothing reads an annotation of this name."
        yield Finding(_name(raw), f"metadata.annotations.{name}", shown(value), message, fix)


def near_misses(raw: Raw) -> Iterator[Finding]:
    """A finding for each key of spec that is most likely meant to be another one."""
    for key, value in below(raw, "spec").items():
        close = None if key in _OF_KUBERNETES else _nearest(key, _READ, _CLOSE)
        if close is not None:
            message = "A Service has no such key."
            fix = f"Did you mean {close}?"
            yield Finding(_name(raw), f"spec.{key}", shown(value), message, fix)


def _nearest(word: str, known: Collection[str], cutoff: float) -> str | None:
    folded = {name.casefold(): name for name in known}
    close = difflib.get_close_matches(word.casefold(), folded, n=1, cutoff=cutoff)
    return folded[close[0]] if close else None


def _name(raw: Raw) -> str:
    metadata = below(raw, "metadata")
    return f"Service {metadata.get('namespace', 'default')}/{metadata.get('name', '')}"


def below(raw: Raw, *path: str) -> Mapping[str, Any]:
    """The mapping at a path; empty where there is none, which the parser tells of."""
    value: Any = raw
    for key in path:
        value = value.get(key) if isinstance(value, Mapping) else None
    return value if isinstance(value, Mapping) else {}
