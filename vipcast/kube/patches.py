"""Status patches: what one writer owns of an object's status, replaced, and nothing beside it.

What a writer owns (its part) are keys of the status, conditions by their type, and annotations.
A patch states all of the part: what is given, as given; what is not, as taken away. Whoever else
writes on the object keeps what is theirs, so no version has to match. The uid does: what was
decided for one object is not written on another one that came by the same name.

A Service takes a strategic merge patch, which joins conditions by their type in the API server.
Custom resources know merge patches only, which replace lists: their conditions are joined here.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Self

from vipcast.kube.parse import CONDITION, POOL_OUTPUT
from vipcast.model.raw import Raw

CONDITIONS = "conditions"

_GONE = {"$patch": "delete"}
_WHOLE = {"$patch": "replace"}


@dataclass(frozen=True, slots=True)
class Part:
    """Names of what a writer owns of an object's status."""

    keys: frozenset[str] = frozenset()
    conditions: frozenset[str] = frozenset()
    annotations: frozenset[str] = frozenset()

    @classmethod
    def of(cls, status: Raw, annotations: Mapping[str, str]) -> Self:
        """The part that consists of these."""
        return cls(
            frozenset(status.keys() - {CONDITIONS}),
            frozenset(one["type"] for one in status.get(CONDITIONS, ())),
            frozenset(annotations),
        )

    def __or__(self, other: Part) -> Part:
        return Part(
            self.keys | other.keys,
            self.conditions | other.conditions,
            self.annotations | other.annotations,
        )

    def __sub__(self, other: Part) -> Part:
        return Part(
            self.keys - other.keys,
            self.conditions - other.conditions,
            self.annotations - other.annotations,
        )

    def __bool__(self) -> bool:
        return bool(self.keys or self.conditions or self.annotations)


NOTHING = Part()

BALANCER = Part(frozenset({"loadBalancer"}), frozenset({CONDITION}), frozenset({POOL_OUTPUT}))
"""What a controller of load balancers owns of a Service, whichever of them it was that wrote it."""


def strategic(
    owned: Part, status: Raw, annotations: Mapping[str, str], uid: str = ""
) -> dict[str, Any]:
    """The strategic merge patch that makes the part `owned` be what is given."""
    patch = _keys(owned, status)
    for key, value in patch.items():
        if isinstance(value, Mapping):
            patch[key] = {**_WHOLE, **value}
    given = list(status.get(CONDITIONS, ()))
    dropped = owned.conditions - {one["type"] for one in given}
    if given or dropped:
        patch[CONDITIONS] = given + [{**_GONE, "type": kind} for kind in sorted(dropped)]
    return _patch(owned, patch, annotations, uid)


def merging(
    owned: Part, status: Raw, annotations: Mapping[str, str], before: Raw, uid: str = ""
) -> dict[str, Any]:
    """The merge patch for the same; `before` is the status as it stands, for others' conditions."""
    patch = _keys(owned, status)
    given = list(status.get(CONDITIONS, ()))
    if given or owned.conditions:
        ours = owned.conditions | {one["type"] for one in given}
        others = [one for one in before.get(CONDITIONS, ()) if one.get("type") not in ours]
        patch[CONDITIONS] = others + given
    return _patch(owned, patch, annotations, uid)


def _keys(owned: Part, status: Raw) -> dict[str, Any]:
    given = {key: value for key, value in status.items() if key != CONDITIONS}
    return {**dict.fromkeys(sorted(owned.keys)), **given}


def _patch(
    owned: Part, status: dict[str, Any], annotations: Mapping[str, str], uid: str
) -> dict[str, Any]:
    metadata: dict[str, Any] = {}
    if uid:
        metadata["uid"] = uid
    stated = {**dict.fromkeys(sorted(owned.annotations)), **annotations}
    if stated:
        metadata["annotations"] = stated
    return {"metadata": metadata, "status": status}
