"""One entry of a pool's `addresses`: text into a range of integers, and what a range is made of.

An entry is a network ("192.0.2.0/24"; bits of the host part are dropped, as MetalLB does) or a
range ("192.0.2.10-192.0.2.20", blanks around the dash allowed), of either family.
"""

from __future__ import annotations

from dataclasses import dataclass

from vipcast.config.nodes import Sequence
from vipcast.config.schema import Reader, Section
from vipcast.model.addresses import Address, AddressRange, family_of, parse_address

FORMS = "Write a network such as 192.0.2.0/24 or a range such as 192.0.2.10-192.0.2.20."


@dataclass(frozen=True, slots=True)
class Entry:
    """One entry of `addresses`: where it stands, in which pool, and how it was written."""

    range: AddressRange
    object: str
    path: str
    pool: str
    written: str


def read_addresses(section: Section, pool: str) -> list[Entry]:
    """The entries of a pool that could be read, in the user's order."""
    reader, key = section.reader, "addresses"
    node = section.written(key)
    if node is None:
        reader.refuse(
            section.at(key), "", "The pool has no addresses.", f"Add the key addresses. {FORMS}"
        )
        return []
    if isinstance(node, Sequence) and not node.items:
        reader.refuse(section.at(key), "[]", "The pool has no addresses.", FORMS)
    entries = []
    for path, item in reader.items(node, section.at(key), FORMS):
        text = reader.text(item, path, FORMS)
        found = None if text is None else _range(reader, path, text)
        if text is not None and found is not None:
            reader.note(path, text)
            entries.append(Entry(found, reader.name, path, pool, text))
    return entries


def widest_block(entry: AddressRange) -> int:
    """The prefix length of the widest network among the fewest that make up a range."""
    bits = 32 if entry.family.version == 4 else 128
    widest, first = 0, entry.first
    while first <= entry.last:
        aligned = first & -first or 1 << bits
        size = min(aligned, 1 << ((entry.last - first + 1).bit_length() - 1))
        widest = max(widest, size)
        first += size
    return bits - (widest.bit_length() - 1)


def _range(reader: Reader, path: str, text: str) -> AddressRange | None:
    """One entry of `addresses`; None after a finding."""
    if "-" in text:
        return _from_to(reader, path, text)
    if "/" not in text:
        reader.refuse(
            path, text, "This is neither a network nor a range.", f"{_single(text)}{FORMS}"
        )
        return None
    start, _, length = text.partition("/")
    address = _address(reader, path, text, start)
    if address is None:
        return None
    if not (length.isascii() and length.isdigit() and _fits(length, address.max_prefixlen)):
        message = f"{length!r} is not a prefix length: it must be 0 to {address.max_prefixlen}."
        reader.refuse(path, text, message, FORMS)
        return None
    host = (1 << (address.max_prefixlen - int(length))) - 1
    return AddressRange(family_of(address), int(address) & ~host, int(address) | host)


def _fits(length: str, most: int) -> bool:
    """Whether digits are a number up to `most`; what is longer than any is not even read."""
    return len(length) <= 9 and int(length) <= most


def _address(reader: Reader, path: str, text: str, part: str) -> Address | None:
    """One address within an entry; None after a finding."""
    try:
        if "%" not in part:
            return parse_address(part)
        why = f"{part!r} names an interface, which a pool cannot."
    except ValueError:
        why = f"{part!r} is not an IP address."
    reader.refuse(path, text, why, FORMS)
    return None


def _from_to(reader: Reader, path: str, text: str) -> AddressRange | None:
    parts = [part.strip() for part in text.split("-")]
    if len(parts) != 2 or not all(parts):
        reader.refuse(path, text, "A range is two addresses with one dash between them.", FORMS)
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
