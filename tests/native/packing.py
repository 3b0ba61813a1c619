"""UPDATEs packed a second time, prefix by prefix, with the lengths counted on the message as it is.

Written from the RFCs: nothing of it is taken from the C.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache

LONGEST = 4096
HOP = bytes.fromhex("c0000201")
HOP6 = bytes.fromhex("20010db8000000000000000000000001")


@dataclass(frozen=True, slots=True)
class Said:
    """What is said about routes; withdrawn if there is no next hop."""

    afi: int = 1
    next_hop: bytes = HOP
    path: tuple[int, ...] = ()
    local_pref: int | None = None
    communities: tuple[int, ...] = ()
    large: tuple[int, ...] = ()
    four_octet: bool = True


def attribute(flags: int, kind: int, value: bytes) -> bytes:
    """RFC 4271, section 4.3."""
    if len(value) > 255:
        return bytes((flags | 0x10, kind)) + len(value).to_bytes(2, "big") + value
    return bytes((flags, kind, len(value))) + value


@cache
def numbers(values: tuple[int, ...], width: int = 4) -> bytes:
    return b"".join(value.to_bytes(width, "big") for value in values)


def path(values: tuple[int, ...], width: int) -> bytes:
    """Sequences of at most 255 (RFC 4271, section 4.3)."""
    parts = [values[start : start + 255] for start in range(0, len(values), 255)]
    return b"".join(bytes((2, len(part))) + numbers(part, width) for part in parts)


def message(said: Said, routes: bytes) -> bytes:
    """One UPDATE with these routes, as they are in messages."""
    family = said.afi.to_bytes(2, "big") + b"\x01"
    own = attributes = withdrawn = b""
    if not said.next_hop and said.afi == 1:
        withdrawn = routes
    elif not said.next_hop:
        attributes = attribute(0x80, 15, family + routes)
    else:
        width, plain = 4 if said.four_octet else 2, len(said.next_hop) == 4
        if plain:
            own = routes
        else:
            hop = bytes((len(said.next_hop),)) + said.next_hop + b"\0"
            attributes = attribute(0x80, 14, family + hop + routes)
        attributes += attribute(0x40, 1, b"\0") + attribute(0x40, 2, path(said.path, width))
        if plain:
            attributes += attribute(0x40, 3, said.next_hop)
        if said.local_pref is not None:
            attributes += attribute(0x40, 5, numbers((said.local_pref,)))
        if said.communities:
            attributes += attribute(0xC0, 8, numbers(said.communities))
        if said.large:
            attributes += attribute(0xC0, 32, numbers(said.large))
    body = len(withdrawn).to_bytes(2, "big") + withdrawn
    body += len(attributes).to_bytes(2, "big") + attributes + own
    return b"\xff" * 16 + (19 + len(body)).to_bytes(2, "big") + b"\x02" + body


def messages(said: Said, routes: Sequence[bytes]) -> list[bytes]:
    """All UPDATEs, each with as many routes as fit."""
    made: list[bytes] = []
    taken = b""
    for route in routes:
        if len(message(said, taken + route)) > LONGEST:
            made.append(message(said, taken))
            taken = b""
        taken += route
    return [*made, message(said, taken)]


def routes_of(length: int, number: int, afi: int) -> tuple[list[bytes], list[bytes]]:
    """So many prefixes of one length as records, and as they are in messages."""
    size = 4 if afi == 1 else 16
    top = [count % (1 << min(length, 30)) << 8 * size - length for count in range(number)]
    records = [bytes((length,)) + address.to_bytes(size, "big") for address in top]
    return records, [record[: 1 + (length + 7) // 8] for record in records]


CLASSIC = Said()
CARRIED = Said(next_hop=HOP6)
IPV6 = Said(afi=2, next_hop=HOP6)
IPV6_TWO = Said(afi=2, next_hop=2 * HOP6)
GONE = Said(next_hop=b"")
GONE6 = Said(afi=2, next_hop=b"")
