"""Addresses and ranges of them: integers inside, text at the edges, IPv4 and IPv6 alike.

A range is two integers and a family, so a /8 or an IPv6 /64 costs what a single address costs.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum

Address = ipaddress.IPv4Address | ipaddress.IPv6Address
Network = ipaddress.IPv4Network | ipaddress.IPv6Network


class Family(StrEnum):
    """IP family in Kubernetes' spelling (Service.spec.ipFamilies)."""

    IPV4 = "IPv4"
    IPV6 = "IPv6"

    @property
    def version(self) -> int:
        """4 or 6."""
        return 4 if self is Family.IPV4 else 6


def family_of(address: Address) -> Family:
    """The family an address belongs to."""
    return Family.IPV4 if address.version == 4 else Family.IPV6


def parse_address(text: str) -> Address:
    """Read one IP address; raises ValueError with the reason of `ipaddress`."""
    return ipaddress.ip_address(text.strip())


def parse_plain(text: str) -> Address:
    """The same for an address that names no interface (fe80::1%eth0); raises ValueError."""
    if "%" in text:
        raise ValueError(f"{text!r} names an interface")
    return parse_address(text)


def make_address(family: Family, number: int) -> Address:
    """The address that an integer stands for in a family."""
    return ipaddress.IPv4Address(number) if family is Family.IPV4 else ipaddress.IPv6Address(number)


@dataclass(frozen=True, slots=True)
class AddressRange:
    """All addresses from `first` to `last`, both included, as integers of one family."""

    family: Family
    first: int
    last: int

    def __contains__(self, address: object) -> bool:
        if not isinstance(address, ipaddress.IPv4Address | ipaddress.IPv6Address):
            return False
        return address.version == self.family.version and self.first <= int(address) <= self.last

    def __str__(self) -> str:
        first, last = make_address(self.family, self.first), make_address(self.family, self.last)
        return str(first) if self.first == self.last else f"{first}-{last}"

    @property
    def size(self) -> int:
        """How many addresses (no __len__: an IPv6 /64 exceeds what len() may return)."""
        return self.last - self.first + 1

    def overlaps(self, other: AddressRange) -> bool:
        """Whether at least one address is in both."""
        same = self.family is other.family
        return same and self.first <= other.last and other.first <= self.last

    def addresses(self) -> Iterator[Address]:
        """Every address, lowest first, made one at a time."""
        for number in range(self.first, self.last + 1):
            yield make_address(self.family, number)
