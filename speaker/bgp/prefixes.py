"""A prefix as one record of bytes: what the tables hold, and what the encoder takes.

A record is the prefix length in one octet, then the whole address in network order with zeros past
the length: 5 octets for IPv4, 17 for IPv6, so its family shows in its size. Records of one family
in their order as bytes, one after the other, are a packed array. A table of ten thousand routes
holds so many short bytes objects and nothing else of its own.
"""

from __future__ import annotations

from collections.abc import Iterable
from ipaddress import IPv4Network, IPv6Network
from typing import Final

from speaker.bgp.messages import IPV4_UNICAST, IPV6_UNICAST, AfiSafi
from vipcast.model.addresses import Address, Family, Network

Record = bytes
"""Length octet and address of one prefix; see the head of this file."""

FAMILIES: Final[dict[Family, AfiSafi]] = {Family.IPV4: IPV4_UNICAST, Family.IPV6: IPV6_UNICAST}
"""Kubernetes' word for a family, and BGP's."""

SIZES: Final[dict[AfiSafi, int]] = {IPV4_UNICAST: 5, IPV6_UNICAST: 17}
"""Octets of a record."""

_BY_SIZE: Final = {size: family for family, size in SIZES.items()}


def record(address: Address, length: int) -> Record:
    """The prefix of this length that the address lies in: aggregation is masking, nothing more.

    Raises ValueError if the family has no prefix of such a length.
    """
    whole = address.max_prefixlen
    if not 0 <= length <= whole:
        raise ValueError(f"IPv{address.version} has no prefix of length {length}.")
    host = whole - length
    masked = int(address) >> host << host
    return length.to_bytes(1, "big") + masked.to_bytes(whole // 8, "big")


def family_of(prefix: Record) -> AfiSafi:
    """Which family a record is of. Raises ValueError if it has a size that no record has."""
    family = _BY_SIZE.get(len(prefix))
    if family is None:
        raise ValueError(f"{prefix!r} is no record of a prefix.")
    return family


def network(prefix: Record) -> Network:
    """The prefix as people write it."""
    kind = IPv4Network if family_of(prefix) == IPV4_UNICAST else IPv6Network
    return kind((prefix[1:], prefix[0]))


def pack(prefixes: Iterable[Record]) -> bytes:
    """The packed array of records of one family, in any order: sorted, one after the other."""
    return b"".join(sorted(prefixes))
