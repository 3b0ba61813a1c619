"""The section address-pools of the old ConfigMap: pools, and the ranges that they are made of.

An entry is a network ("192.0.2.0/24"; bits of the host part are dropped, as MetalLB does) or a
range ("192.0.2.10-192.0.2.20", blanks around the dash allowed), of either family. No address may be
in two entries, of one pool or of two.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from vipcast.config.nodes import Node, Scalar, Sequence, is_null, texts
from vipcast.config.schema import Reader, join, nearest
from vipcast.model.addresses import Address, AddressRange, family_of, parse_address
from vipcast.model.pool import Pool, Protocol

KEYS = ("name", "protocol", "addresses", "avoid-buggy-ips", "auto-assign", "bgp-advertisements")
_PROTOCOLS = tuple(protocol.value for protocol in Protocol)
_FORMS = "Write a network such as 192.0.2.0/24 or a range such as 192.0.2.10-192.0.2.20."


@dataclass(frozen=True, slots=True)
class _Entry:
    """One entry of `addresses`, with where it stands and how it was written."""

    range: AddressRange
    path: str
    pool: str
    written: str


def read_pools(reader: Reader, node: Node, later: dict[str, Any]) -> tuple[Pool, ...]:
    """Every pool that could be read; the reader has the findings, `later` the BGP sections."""
    pools: list[Pool] = []
    entries: list[_Entry] = []
    names: dict[str, str] = {}
    for path, item in reader.items(node, "address-pools", "Write [] to run without any pool."):
        values = reader.mapping(item, path, KEYS)
        if values is None:
            continue
        name = _name(reader, values, path, names)
        protocol = _protocol(reader, values, path)
        mine = _addresses(reader, values, path, name or path)
        flags = {
            key: reader.flag(values[key], join(path, key))
            for key in ("avoid-buggy-ips", "auto-assign")
            if key in values
        }
        _advertisements(reader, values, path, protocol, later)
        entries += mine
        if name is not None and protocol is not None:
            ranges = tuple(entry.range for entry in mine)
            auto, buggy = flags.get("auto-assign", True), flags.get("avoid-buggy-ips", False)
            pools.append(Pool(name, protocol, ranges, auto is not False, buggy is True))
    _refuse_overlaps(reader, entries)
    return tuple(pools)


def _name(reader: Reader, values: dict[str, Node], path: str, names: dict[str, str]) -> str | None:
    if "name" not in values:
        reader.refuse(join(path, "name"), "", "The pool has no name.", "Add the key name.")
        return None
    name = reader.text(values["name"], join(path, "name"), "Give the pool a name.")
    if name is not None and name in names:
        reader.refuse(
            join(path, "name"),
            name,
            f"Another pool has this name already: {names[name]}.",
            "Rename one of the two.",
        )
    elif name is not None:
        names[name] = path
    return name


def _protocol(reader: Reader, values: dict[str, Node], path: str) -> Protocol | None:
    path = join(path, "protocol")
    fix = "Write layer2 or bgp."
    if "protocol" not in values:
        reader.refuse(path, "", "The pool has no protocol.", "Add the key protocol: layer2 or bgp.")
        return None
    text = reader.text(values["protocol"], path, fix)
    if text is None or text in _PROTOCOLS:
        return None if text is None else Protocol(text)
    hint = nearest(text, _PROTOCOLS)
    reader.refuse(path, text, "There is no such protocol.", hint if "?" in hint else fix)
    return None


def _addresses(reader: Reader, values: dict[str, Node], path: str, pool: str) -> list[_Entry]:
    path = join(path, "addresses")
    if "addresses" not in values:
        reader.refuse(path, "", "The pool has no addresses.", f"Add the key addresses. {_FORMS}")
        return []
    entries = []
    node = values["addresses"]
    if isinstance(node, Sequence) and not node.items:
        reader.refuse(path, "[]", "The pool has no addresses.", _FORMS)
    for where, item in reader.items(node, path, _FORMS):
        text = reader.text(item, where, _FORMS)
        entry = None if text is None else _range(reader, where, text)
        if text is not None and entry is not None:
            entries.append(_Entry(entry, where, pool, text))
    return entries


def _range(reader: Reader, path: str, text: str) -> AddressRange | None:
    """One entry of `addresses`; None after a finding."""
    if "-" in text:
        return _from_to(reader, path, text)
    if "/" not in text:
        reader.refuse(
            path, text, "This is neither a network nor a range.", f"{_single(text)}{_FORMS}"
        )
        return None
    start, _, length = text.partition("/")
    address = _address(reader, path, text, start)
    if address is None:
        return None
    if not (length.isascii() and length.isdigit() and int(length) <= address.max_prefixlen):
        message = f"{length!r} is not a prefix length: it must be 0 to {address.max_prefixlen}."
        reader.refuse(path, text, message, _FORMS)
        return None
    host = (1 << (address.max_prefixlen - int(length))) - 1
    return AddressRange(family_of(address), int(address) & ~host, int(address) | host)


def _address(reader: Reader, path: str, text: str, part: str) -> Address | None:
    """One address within an entry; None after a finding."""
    try:
        if "%" not in part:
            return parse_address(part)
        why = f"{part!r} names an interface, which a pool cannot."
    except ValueError:
        why = f"{part!r} is not an IP address."
    reader.refuse(path, text, why, _FORMS)
    return None


def _from_to(reader: Reader, path: str, text: str) -> AddressRange | None:
    parts = [part.strip() for part in text.split("-")]
    if len(parts) != 2 or not all(parts):
        reader.refuse(path, text, "A range is two addresses with one dash between them.", _FORMS)
        return None
    first, last = (_address(reader, path, text, part) for part in parts)
    if first is None or last is None:
        return None
    if first.version != last.version:
        reader.refuse(
            path,
            text,
            "The range begins in one IP family and ends in the other.",
            "Write one range for IPv4 and another one for IPv6.",
        )
        return None
    if int(first) > int(last):
        reader.refuse(
            path, text, "The range ends before it begins.", f"Did you mean {last}-{first}?"
        )
        return None
    return AddressRange(family_of(first), int(first), int(last))


def _single(text: str) -> str:
    """How to write a single address, if the text is one."""
    try:
        address = parse_address(text)
    except ValueError:
        return ""
    return f"For this one address write {address}/{address.max_prefixlen}. "


def _advertisements(
    reader: Reader,
    values: dict[str, Node],
    path: str,
    protocol: Protocol | None,
    later: dict[str, Any],
) -> None:
    node = values.get("bgp-advertisements")
    if node is None or is_null(node):
        return
    path = join(path, "bgp-advertisements")
    if protocol is Protocol.LAYER2:
        reader.refuse(
            path, "", "A layer2 pool has no BGP advertisements.", "Remove them, or use bgp."
        )
        return
    for where, item in reader.items(node, path, "Write a list of advertisements."):
        if isinstance(item, Scalar):
            reader.wrong_type(item, where, "a mapping of keys to values", "Write key: value.")
    later[path] = texts(node)


def _refuse_overlaps(reader: Reader, entries: list[_Entry]) -> None:
    """A finding for each entry that shares addresses with one that was written before it."""
    written = {entry.path: order for order, entry in enumerate(entries)}
    by_start = sorted(entries, key=lambda each: (each.range.family.version, each.range.first))
    clashes: list[tuple[_Entry, _Entry]] = []
    widest: _Entry | None = None
    for entry in by_start:
        if widest is not None and widest.range.overlaps(entry.range):
            clashes.append((widest, entry))
        if (
            widest is None
            or not widest.range.overlaps(entry.range)
            or (entry.range.last > widest.range.last)
        ):
            widest = entry
    for pair in clashes:
        first, second = sorted(pair, key=lambda each: written[each.path])
        same = "the same pool" if first.pool == second.pool else f"pool {first.pool}"
        reader.refuse(
            second.path,
            second.written,
            f"It shares addresses with {first.written} of {same} ({first.path}).",
            "Give each address to one entry only.",
        )
