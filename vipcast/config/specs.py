"""Objects of group metallb.io as sections to read: name, labels, spec; names of other objects.

What is the same for every kind stands here; each kind's own fields are read in `kinds`, `bgppeers`
and `bgpkinds`.
"""

from __future__ import annotations

import difflib
from collections.abc import Collection, Iterable, Mapping
from typing import Any

from vipcast.config.nodes import Mapping as MappingNode
from vipcast.config.nodes import of_raw
from vipcast.config.schema import Notes, Reader, Section
from vipcast.config.selectors import CAMEL, read_selectors
from vipcast.model.raw import IP_ADDRESS_POOL, Kind

TOP = ("apiVersion", "kind", "metadata", "spec", "status")

EVERY_NODE = "every node"
EVERY_SERVICE = "every Service"

Labels = Mapping[str, str]


def name_of(raw: Mapping[str, Any]) -> str:
    """The name of an object, "" where there is none."""
    return str(metadata_of(raw).get("name", ""))


def metadata_of(raw: Mapping[str, Any]) -> Mapping[str, Any]:
    """The metadata of an object, whatever stands there."""
    return _mapping(raw.get("metadata"))


def _mapping(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, Mapping) else {}


def reader_of(raw: Mapping[str, Any], kind: Kind, notes: Notes) -> Reader:
    """What reads an object; findings name it as "IPAddressPool metallb-system/lan"."""
    namespace = metadata_of(raw).get("namespace", "default")
    return Reader(f"{kind.name} {namespace}/{name_of(raw)}", notes, exact=True)


def spec_of(reader: Reader, raw: Mapping[str, Any], known: tuple[str, ...]) -> Section | None:
    """The object's spec, empty where there is none; None after a finding."""
    top = reader.section(of_raw(raw), "", TOP)
    if top is None:
        return None
    return reader.section(top.node("spec") or MappingNode((), 0), "spec", known)


def labels_of_nodes(raws: Iterable[Mapping[str, Any]]) -> frozenset[str]:
    """The labels that objects ask nodes for in spec.nodeSelectors, whatever else stands there."""
    found: set[str] = set()
    for raw in raws:
        selectors = _mapping(raw.get("spec")).get("nodeSelectors")
        for selector in map(_mapping, selectors if isinstance(selectors, list) else ()):
            found.update(map(str, _mapping(selector.get("matchLabels"))))
            expressions = selector.get("matchExpressions")
            for each in map(_mapping, expressions if isinstance(expressions, list) else ()):
                found.add(str(each.get("key", "")))
    return frozenset(found)


def read_names(
    section: Section, key: str, known: Collection[str], kind: Kind, default: str
) -> tuple[str, ...]:
    """The names of objects of a kind; one that is not `known` is refused, and left out."""
    found = []
    for path, name in section.texts_at(key, f"Write a list of names of {kind.name}s.", default):
        if name in known:
            found.append(name)
            continue
        close = difflib.get_close_matches(name, known, n=1, cutoff=0.7)
        fix = f"Did you mean {close[0]}?" if close else "Create it, or remove its name here."
        section.reader.refuse(path, name, f"There is no {kind.name} of this name.", fix)
    return tuple(found)


def read_pools(spec: Section, labels: Mapping[str, Labels]) -> frozenset[str]:
    """The pools that an advertisement names or selects; all of them if it says neither.

    `labels` are those of each pool. One that is for no pool is warned of.
    """
    known = frozenset(labels)
    written = spec.given("ipAddressPools")
    named = read_names(spec, "ipAddressPools", known, IP_ADDRESS_POOL, "every pool")
    selectors = read_selectors(spec, "ipAddressPoolSelectors", CAMEL, "every pool")
    selected = (
        name for name, mine in labels.items() if any(each.matches(mine) for each in selectors)
    )
    pools = frozenset(named).union(selected) if written or selectors else known
    if not pools:
        message = "It applies to no pool, so it has no effect."
        spec.reader.warn("spec", "", message, "Correct it, or add a pool that it selects.")
    return pools
