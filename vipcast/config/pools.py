"""The section address-pools of the old ConfigMap: pools, and how their addresses are announced.

A pool of protocol layer2 is announced by every node on all interfaces; one of protocol bgp by its
advertisements. No address may be in two entries, of one pool or of two: see `overlaps`.
"""

from __future__ import annotations

from collections.abc import Mapping

from vipcast.config import advertisements
from vipcast.config.advertisements import read_advertisements
from vipcast.config.draft import Draft
from vipcast.config.ranges import read_addresses
from vipcast.config.schema import Section, nearest
from vipcast.model.advertisement import Community, L2Advertisement
from vipcast.model.pool import Pool

KEY = "address-pools"
KEYS = ("name", "protocol", "addresses", "avoid-buggy-ips", "auto-assign", advertisements.KEY)
LAYER2, BGP = "layer2", "bgp"


def read_pools(top: Section, aliases: Mapping[str, Community | None], draft: Draft) -> None:
    """Add every pool that could be read, with its advertisements, to the draft."""
    node = top.written(KEY)
    if node is None:
        return
    names: dict[str, str] = {}
    for path, item in top.reader.items(node, KEY, "Write [] to run without any pool."):
        section = top.reader.section(item, path, KEYS)
        if section is not None:
            _read_pool(section, aliases, names, draft)


def _read_pool(
    section: Section,
    aliases: Mapping[str, Community | None],
    names: dict[str, str],
    draft: Draft,
) -> None:
    name = _name(section, names)
    protocol = _protocol(section)
    entries = read_addresses(section, name or section.path)
    draft.entries += entries
    avoid_buggy = section.flag("avoid-buggy-ips", default=False)
    auto_assign = section.flag("auto-assign", default=True)
    if protocol == LAYER2:
        _refuse_advertisements(section)
        draft.l2.append(L2Advertisement(name or "", frozenset({name or ""})))
    elif protocol == BGP:
        draft.bgp += read_advertisements(section, name or "", entries, aliases, len(draft.bgp))
    if name is not None and protocol is not None:
        ranges = tuple(entry.range for entry in entries)
        draft.pools.append(Pool(name, ranges, auto_assign, avoid_buggy))


def _name(section: Section, names: dict[str, str]) -> str | None:
    name = section.needed(
        "name", "The pool has no name.", "Add the key name.", "Give the pool a name."
    )
    if name is not None and name in names:
        message = f"Another pool has this name already: {names[name]}."
        section.reader.refuse(section.at("name"), name, message, "Rename one of the two.")
    elif name is not None:
        names[name] = section.path
    return name


def _protocol(section: Section) -> str | None:
    fix = "Write layer2 or bgp."
    text = section.needed(
        "protocol", "The pool has no protocol.", "Add the key protocol: layer2 or bgp.", fix
    )
    if text is None or text in (LAYER2, BGP):
        return text
    hint = nearest(text, (LAYER2, BGP))
    section.reader.refuse(
        section.at("protocol"), text, "There is no such protocol.", hint if "?" in hint else fix
    )
    return None


def _refuse_advertisements(section: Section) -> None:
    if section.node(advertisements.KEY) is not None:
        section.reader.refuse(
            section.at(advertisements.KEY),
            "",
            "A layer2 pool has no BGP advertisements.",
            "Remove them, or use bgp.",
        )
