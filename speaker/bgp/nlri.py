"""Prefixes as they stand in an UPDATE: one after the other, a length in bits and as few octets.

RFC 4271, section 4.3, and RFC 4760, section 5; bits behind the length mean nothing. Here they are
counted, which also says whether they can be told apart (RFC 7606, section 5.3).
"""

from __future__ import annotations

from collections.abc import Iterator
from ipaddress import IPv4Network, IPv6Network
from typing import Final

from speaker.bgp.codes import Afi
from vipcast.model.addresses import Network

BITS: Final[dict[int, int]] = {Afi.IPV4: 32, Afi.IPV6: 128}

_BEYOND: Final = 1 << 17  # more than a message holds: one such step and the count cannot end well


def _steps(bits: int) -> tuple[int, ...]:
    """By length octet: the octets that such a prefix takes with its length."""
    return tuple(1 + (length + 7) // 8 if length <= bits else _BEYOND for length in range(256))


_STEPS: Final = {afi: _steps(bits) for afi, bits in BITS.items()}


def count(octets: bytes, start: int, end: int, afi: int) -> int | None:
    """How many prefixes stand there; None if one is too long for its family or for the octets.

    One step of this loop is all that a route costs that a router sends us.
    """
    steps = _STEPS[afi]
    number = 0
    while start < end:
        start += steps[octets[start]]
        number += 1
    return number if start == end else None


def prefixes(octets: bytes, start: int, end: int, afi: int) -> Iterator[Network]:
    """The prefixes themselves, bits behind their length cleared, where `count` can count them."""
    steps = _STEPS[afi]
    width = BITS[afi] // 8
    while start < end:
        length, first = octets[start], start + 1
        start += steps[length]
        address = int.from_bytes(octets[first:start].ljust(width, b"\0"), "big")
        if afi == Afi.IPV4:
            yield IPv4Network((address, length), strict=False)
        else:
            yield IPv6Network((address, length), strict=False)
