"""The kinds IPAddressPool and L2Advertisement (metallb.io/v1beta1).

Pools that say which Services they are for are tried first, the lowest priority first (0 is the
last), then by name; then come the others by name.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from vipcast.config.draft import Draft
from vipcast.config.nodes import Mapping as MappingNode
from vipcast.config.nodes import Node, of_raw
from vipcast.config.ranges import read_addresses
from vipcast.config.schema import Notes, Section
from vipcast.config.selectors import CAMEL, read_selector, read_selectors
from vipcast.config.specs import (
    EVERY_NODE,
    EVERY_SERVICE,
    Labels,
    metadata_of,
    name_of,
    read_pools,
    reader_of,
    spec_of,
)
from vipcast.model.advertisement import L2Advertisement, Preference
from vipcast.model.pool import Allocation, Pool
from vipcast.model.raw import IP_ADDRESS_POOL, L2_ADVERTISEMENT

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
_LAST = "0"
_SILENT = (
    "Services get addresses of this pool, and nobody announces them: neither an L2Advertisement nor"
    " a BGPAdvertisement is for it."
)
_ADVERTISE = (
    "Create one of the two with its name in spec.ipAddressPools; one without a spec is for every"
    " pool."
)


def rank(pool: Pool) -> tuple[bool, bool, int, str]:
    """The place of a pool among those that are tried, as something to sort by."""
    priority = pool.allocation.priority if pool.allocation else 0
    return (pool.allocation is None, priority == 0, priority, pool.name)


def warn_of_silence(raw: Mapping[str, Any], draft: Draft, notes: Notes) -> None:
    """Say so where nobody announces what a pool gives: no advertisement is for it."""
    name = name_of(raw)
    by_bgp = any(name in each.pools for each in draft.bgp)
    if not by_bgp and not any(name in each.pools for each in draft.l2):
        reader_of(raw, IP_ADDRESS_POOL, notes).warn("", "", _SILENT, _ADVERTISE)


def read_labels(raw: Mapping[str, Any], notes: Notes) -> Labels:
    """The labels of a pool, by which advertisements select it."""
    labels = metadata_of(raw).get("labels")
    if labels is None:
        return {}
    reader, path, fix = reader_of(raw, IP_ADDRESS_POOL, notes), "metadata.labels", "Write text."
    node = of_raw(labels)
    if not isinstance(node, MappingNode):
        reader.wrong_type(node, path, "a mapping of labels to values", "Write label: value.")
        return {}
    values = {key.text: reader.label(item, f"{path}.{key.text}", fix) for key, item in node.entries}
    return {key: value for key, value in values.items() if value is not None}


def read_pool(raw: Mapping[str, Any], draft: Draft, notes: Notes) -> None:
    """Add a pool to the draft, as far as it can be read."""
    reader, name = reader_of(raw, IP_ADDRESS_POOL, notes), name_of(raw)
    spec = spec_of(reader, raw, POOL_KEYS)
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
        spec.reader.note(spec.at(key), EVERY_SERVICE, EVERY_SERVICE, given=False)
        return None
    section = spec.reader.section(node, spec.at(key), ALLOCATION_KEYS)
    if section is None:
        return None
    namespaces = section.texts("namespaces", "Write a list of namespaces.", "every namespace")
    return Allocation(
        priority=section.number("priority", *_PRIORITY, default=_LAST) or 0,
        namespaces=frozenset(namespaces),
        namespace_selectors=read_selectors(section, "namespaceSelectors", CAMEL, "every namespace"),
        services=read_selectors(section, "serviceSelectors", CAMEL, EVERY_SERVICE),
    )


def read_l2_advertisement(
    raw: Mapping[str, Any], labels: Mapping[str, Labels], draft: Draft, notes: Notes
) -> None:
    """Add an advertisement to the draft; `labels` are those of each pool."""
    reader = reader_of(raw, L2_ADVERTISEMENT, notes)
    spec = spec_of(reader, raw, L2_KEYS)
    if spec is None:
        return
    draft.l2.append(
        L2Advertisement(
            name_of(raw),
            read_pools(spec, labels),
            nodes=read_selectors(spec, "nodeSelectors", CAMEL, EVERY_NODE),
            preferences=_preferences(spec),
            interfaces=frozenset(
                spec.texts("interfaces", "Write a list of interfaces.", "every interface")
            ),
            services=read_selectors(spec, "serviceSelectors", CAMEL, EVERY_SERVICE),
        )
    )


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
