"""Objects that use every field of a kind, what can be wrong with them, and a schema's judgement."""

from __future__ import annotations

import copy
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from tests.support.manifests import Object

SELECTOR: Object = {
    "matchLabels": {"tier": "web"},
    "matchExpressions": [{"key": "zone", "operator": "In", "values": ["a", "b"]}],
}
POOL: Object = {
    "apiVersion": "metallb.io/v1beta1",
    "kind": "IPAddressPool",
    "metadata": {"name": "gold", "namespace": "metallb-system", "labels": {"zone": "a"}},
    "spec": {
        "addresses": ["192.0.2.0/28", "198.51.100.7-198.51.100.9"],
        "autoAssign": False,
        "avoidBuggyIPs": True,
        "serviceAllocation": {
            "priority": 7,
            "namespaces": ["shop"],
            "namespaceSelectors": [SELECTOR],
            "serviceSelectors": [SELECTOR],
        },
    },
    "status": {"assignedIPv4": 1, "assignedIPv6": 0, "availableIPv4": 18, "availableIPv6": 0},
}
ADVERTISEMENT: Object = {
    "apiVersion": "metallb.io/v1beta1",
    "kind": "L2Advertisement",
    "metadata": {"name": "racks", "namespace": "metallb-system"},
    "spec": {
        "ipAddressPools": ["gold"],
        "ipAddressPoolSelectors": [SELECTOR],
        "nodeSelectors": [SELECTOR],
        "interfaces": ["eth0"],
        "serviceSelectors": [SELECTOR],
        "preferredNodeSelectors": [{"weight": 10, "preference": SELECTOR}],
    },
    "status": {},
}
FULL = (POOL, ADVERTISEMENT)
"""One of each kind that is read."""

_OTHER_TYPE: dict[type, Any] = {str: 5, int: "5", bool: "true", list: {"a": "b"}, dict: ["a"]}


@dataclass(frozen=True, slots=True)
class Mistake:
    """An object that differs from a good one in one place. `kind` is type, bound or missing."""

    kind: str
    place: str
    raw: Object

    def __str__(self) -> str:
        return f"{self.raw['kind']}-{self.kind}-{self.place}"


def mistakes(good: Object, schema: Object) -> Iterator[Mistake]:
    """Every value of the spec with another type, just beyond its bounds, or missing."""
    for path, value, form in _values(good["spec"], schema["properties"]["spec"], ("spec",)):
        place = "".join(f"[{step}]" if isinstance(step, int) else f".{step}" for step in path)[1:]
        yield Mistake("type", place, _with(good, path, _OTHER_TYPE[type(value)]))
        for bound, step in (("minimum", -1), ("maximum", 1)):
            if bound in form:
                yield Mistake("bound", f"{place}={bound}", _with(good, path, form[bound]))
                beyond = _with(good, path, form[bound] + step)
                yield Mistake("bound", f"{place}={form[bound] + step}", beyond)
        if isinstance(path[-1], str):
            yield Mistake("missing", place, _without(good, path))


def problem(schema: Object, value: Any, place: str = "") -> str:
    """What an API server has against a value, "" for nothing; knows what our schemas use."""
    types: dict[str, Any] = {
        "object": dict,
        "array": list,
        "string": str,
        "boolean": bool,
        "integer": int,
    }
    if not isinstance(value, types[schema["type"]]) or (
        schema["type"] == "integer" and isinstance(value, bool)
    ):
        return f"{place} is no {schema['type']}"
    if schema["type"] == "integer":
        if not schema.get("minimum", value) <= value <= schema.get("maximum", value):
            return f"{place} is out of bounds"
    elif schema["type"] == "object":
        for key in schema.get("required", ()):
            if key not in value:
                return f"{place}.{key} is missing"
        inner = schema.get("properties", {})
        others = schema.get("additionalProperties", {"type": "object"})
        found = (
            problem(inner.get(key, others), each, f"{place}.{key}")
            for key, each in value.items()
            if key in inner or "additionalProperties" in schema
        )
        return next(filter(None, found), "")
    elif schema["type"] == "array":
        found = (problem(schema["items"], each, f"{place}[]") for each in value)
        return next(filter(None, found), "")
    return ""


Path = tuple[str | int, ...]


def _values(value: Any, schema: Object, path: Path) -> Iterator[tuple[Path, Any, Object]]:
    """Every value at or below a place, with its path and its schema; of lists the first item."""
    if len(path) > 1:
        yield path, value, schema
    if isinstance(value, dict):
        for key, inner in value.items():
            below = schema.get("properties", {}).get(key) or schema["additionalProperties"]
            yield from _values(inner, below, (*path, key))
    elif isinstance(value, list):
        yield from _values(value[0], schema["items"], (*path, 0))


def _with(good: Object, path: Path, value: Any) -> Object:
    changed = copy.deepcopy(good)
    _holder(changed, path)[path[-1]] = value
    return changed


def _without(good: Object, path: Path) -> Object:
    changed = copy.deepcopy(good)
    del _holder(changed, path)[path[-1]]
    return changed


def _holder(raw: Object, path: Path) -> Any:
    holder: Any = raw
    for step in path[:-1]:
        holder = holder[step]
    return holder
