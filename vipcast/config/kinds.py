"""The kinds IPAddressPool and L2Advertisement (metallb.io/v1beta1): objects into one draft.

Advertisements name pools and select them by their labels; both are resolved here. Pools that say
which Services they are for are tried first, the lowest priority first (0 is the last), then by
name; then come the others by name. What names a pool that is not there is refused.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Mapping
from typing import Any

from vipcast.config.draft import Draft
from vipcast.config.nodes import Mapping as MappingNode
from vipcast.config.nodes import Node, of_raw
from vipcast.config.ranges import read_addresses
from vipcast.config.schema import Notes, Reader, Section
from vipcast.config.selectors import CAMEL, read_selector, read_selectors
from vipcast.model.advertisement import L2Advertisement, Preference
from vipcast.model.pool import Allocation, Pool

TOP = ("apiVersion", "kind", "metadata", "spec", "status")
POOL_KEYS = ("addresses", "autoAssign", "avoidBuggyIPs", "serviceAllocation")
ALLOCATION_KEYS = ("priority", "namespaces", "namespaceSelectors", "serviceSelectors")
L2_KEYS = (
    "ipAddressPools",
    "ipAddressPoolSelectors",
    "nodeSelectors",
    "interfaces",
    "serviceSelectors",
    "preferredNodeSelectors",
)
PREFERENCE_KEYS = ("weight", "preference")

_PRIORITY = (0, 2**31 - 1)
_EVERY_SERVICE = "every Service"
_LAST = "0"
_SILENT = (
    "Services get addresses of this pool, and nobody announces them: no L2Advertisement is for it."
)
_ADVERTISE = (
    "Create an L2Advertisement with its name in spec.ipAddressPools; one without a spec is for"
    " every pool."
)

Labels = Mapping[str, str]


def read_objects(
    pools: Iterable[Mapping[str, Any]],
    advertisements: Iterable[Mapping[str, Any]],
    source: str,
    notes: Notes,
) -> Draft:
    """What the objects say, as far as they can be read; the notes have what is wrong with them."""
    draft = Draft(source)
    labels: dict[str, Labels] = {}
    for raw in sorted(pools, key=_name):
        labels[_name(raw)] = _pool_labels(raw, notes)
        _read_pool(raw, draft, notes)
    draft.pools.sort(key=_rank)
    for raw in sorted(advertisements, key=_name):
        _read_advertisement(raw, labels, draft, notes)
    for raw in sorted(pools, key=_name):
        _warn_of_silence(raw, draft, notes)
    return draft


def _warn_of_silence(raw: Mapping[str, Any], draft: Draft, notes: Notes) -> None:
    """Say so where nobody announces what a pool gives: no advertisement is for it."""
    if any(_name(raw) in each.pools for each in draft.l2):
        return
    _reader(raw, "IPAddressPool", notes).warn("", "", _SILENT, _ADVERTISE)


def _rank(pool: Pool) -> tuple[bool, bool, int, str]:
    priority = pool.allocation.priority if pool.allocation else 0
    return (pool.allocation is None, priority == 0, priority, pool.name)


def _name(raw: Mapping[str, Any]) -> str:
    return str(_metadata(raw).get("name", ""))


def _metadata(raw: Mapping[str, Any]) -> Mapping[str, Any]:
    metadata = raw.get("metadata")
    return metadata if isinstance(metadata, Mapping) else {}


def _reader(raw: Mapping[str, Any], kind: str, notes: Notes) -> Reader:
    namespace = _metadata(raw).get("namespace", "default")
    return Reader(f"{kind} {namespace}/{_name(raw)}", notes, exact=True)


def _spec(reader: Reader, raw: Mapping[str, Any], known: tuple[str, ...]) -> Section | None:
    """The object's spec, empty where there is none; None after a finding."""
    top = reader.section(of_raw(raw), "", TOP)
    if top is None:
        return None
    return reader.section(top.node("spec") or MappingNode((), 0), "spec", known)


def _pool_labels(raw: Mapping[str, Any], notes: Notes) -> Labels:
    labels = _metadata(raw).get("labels")
    if labels is None:
        return {}
    reader, path, fix = _reader(raw, "IPAddressPool", notes), "metadata.labels", "Write text."
    node = of_raw(labels)
    if not isinstance(node, MappingNode):
        reader.wrong_type(node, path, "a mapping of labels to values", "Write label: value.")
        return {}
    values = {key.text: reader.label(item, f"{path}.{key.text}", fix) for key, item in node.entries}
    return {key: value for key, value in values.items() if value is not None}


def _read_pool(raw: Mapping[str, Any], draft: Draft, notes: Notes) -> None:
    reader, name = _reader(raw, "IPAddressPool", notes), _name(raw)
    spec = _spec(reader, raw, POOL_KEYS)
    if spec is None:
        return
    entries = read_addresses(spec, name)
    draft.entries += entries
    draft.pools.append(
        Pool(
            name,
            tuple(entry.range for entry in entries),
            auto_assign=spec.flag("autoAssign", default=True),
            avoid_buggy=spec.flag("avoidBuggyIPs", default=False),
            allocation=_allocation(spec),
        )
    )


def _allocation(spec: Section) -> Allocation | None:
    key = "serviceAllocation"
    node = spec.node(key)
    if node is None:
        spec.reader.note(spec.at(key), _EVERY_SERVICE, _EVERY_SERVICE, given=False)
        return None
    section = spec.reader.section(node, spec.at(key), ALLOCATION_KEYS)
    if section is None:
        return None
    namespaces = section.texts("namespaces", "Write a list of namespaces.", "every namespace")
    return Allocation(
        priority=section.number("priority", *_PRIORITY, default=_LAST) or 0,
        namespaces=frozenset(namespaces),
        namespace_selectors=read_selectors(section, "namespaceSelectors", CAMEL, "every namespace"),
        services=read_selectors(section, "serviceSelectors", CAMEL, _EVERY_SERVICE),
    )


def _read_advertisement(
    raw: Mapping[str, Any], labels: Mapping[str, Labels], draft: Draft, notes: Notes
) -> None:
    reader = _reader(raw, "L2Advertisement", notes)
    spec = _spec(reader, raw, L2_KEYS)
    if spec is None:
        return
    pools = _pools(spec, labels)
    draft.l2.append(
        L2Advertisement(
            _name(raw),
            pools,
            nodes=read_selectors(spec, "nodeSelectors", CAMEL, "every node"),
            preferences=_preferences(spec),
            interfaces=frozenset(
                spec.texts("interfaces", "Write a list of interfaces.", "every interface")
            ),
            services=read_selectors(spec, "serviceSelectors", CAMEL, _EVERY_SERVICE),
        )
    )
    if not pools:
        message = "It applies to no pool, so it has no effect."
        reader.warn("spec", "", message, "Correct it, or add a pool that it selects.")


def _pools(spec: Section, labels: Mapping[str, Labels]) -> frozenset[str]:
    """The pools that are named or selected; all of them if neither is said."""
    known = frozenset(labels)
    named = spec.texts_at("ipAddressPools", "Write a list of pools' names.", "every pool")
    selectors = read_selectors(spec, "ipAddressPoolSelectors", CAMEL, "every pool")
    for path, name in named:
        if name not in known:
            close = difflib.get_close_matches(name, known, n=1, cutoff=0.7)
            fix = f"Did you mean {close[0]}?" if close else "Create it, or remove its name here."
            spec.reader.refuse(path, name, "There is no IPAddressPool of this name.", fix)
    if not named and not selectors:
        return known
    selected = (
        name for name, mine in labels.items() if any(each.matches(mine) for each in selectors)
    )
    return known.intersection(name for _, name in named).union(selected)


def _preferences(spec: Section) -> tuple[Preference, ...]:
    found = []
    items = spec.items("preferredNodeSelectors", "Write a list of preferences.", "no node")
    for path, item in items:
        section = spec.reader.section(item, path, PREFERENCE_KEYS)
        preference = None if section is None else _preference(section)
        if preference is not None:
            found.append(preference)
    return tuple(found)


def _preference(section: Section) -> Preference | None:
    reader = section.reader
    weight = section.number("weight", 1, 100)
    if section.node("weight") is None:
        reader.refuse(
            section.at("weight"), "", "There is no weight.", "Add a number from 1 to 100."
        )
    node: Node | None = section.node("preference")
    if node is None:
        message = "There is no selector of nodes here."
        fix = "Add matchLabels or matchExpressions below preference."
        reader.refuse(section.at("preference"), "", message, fix)
        return None
    selector = read_selector(reader, node, section.at("preference"), CAMEL)
    return None if weight is None or selector is None else Preference(weight, selector)
