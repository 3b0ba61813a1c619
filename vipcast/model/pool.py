"""Pools of addresses, as written: entries in the user's order, each a range of integers."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from vipcast.model.addresses import Address, AddressRange, Family
from vipcast.model.selectors import Selector, any_matches


@dataclass(frozen=True, slots=True)
class Allocation:
    """Which Services a pool is for (IPAddressPool.spec.serviceAllocation).

    A pool that has one is tried before those that have none: the lowest `priority` first, 0 last.
    A Service must be of one of the namespaces, by name or by labels, where any are named, and meet
    one of the selectors over Services, where there are any.
    """

    priority: int = 0
    namespaces: frozenset[str] = frozenset()
    namespace_selectors: tuple[Selector, ...] = ()
    services: tuple[Selector, ...] = ()

    def admits(
        self, namespace: str, namespace_labels: Mapping[str, str], labels: Mapping[str, str]
    ) -> bool:
        """Whether a Service with these labels, in that namespace, may have the pool."""
        limited = bool(self.namespaces or self.namespace_selectors)
        named = namespace in self.namespaces
        if limited and not named:
            matching = (each.matches(namespace_labels) for each in self.namespace_selectors)
            if not any(matching):
                return False
        return any_matches(self.services, labels)

    @property
    def described(self) -> str:
        """Which Services these are, as the end of a sentence; "" for all of them."""
        places = []
        if self.namespaces:
            places.append(f"of namespace {' or '.join(sorted(self.namespaces))}")
        if self.namespace_selectors:
            labels = " or ".join(map(str, self.namespace_selectors))
            places.append(f"of namespaces with {labels}")
        parts = [", or ".join(places)] if places else []
        if self.services:
            parts.append(f"with {' or '.join(map(str, self.services))}")
        return " ".join(parts)


@dataclass(frozen=True, slots=True)
class Pool:
    """One pool. Addresses are given entry by entry as written, lowest first within an entry."""

    name: str
    entries: tuple[AddressRange, ...]
    auto_assign: bool = True
    avoid_buggy: bool = False
    allocation: Allocation | None = None
    _capacities: Mapping[Family, int] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        # Once: each Service that waits for an address asks for it.
        counted = {family: self._count(family) for family in Family}
        object.__setattr__(self, "_capacities", counted)

    def __contains__(self, address: object) -> bool:
        """Whether an address lies in one of the entries (buggy or not)."""
        return any(address in entry for entry in self.entries)

    def allows(self, address: Address) -> bool:
        """Whether the pool may hand the address out."""
        return address in self and not (self.avoid_buggy and is_buggy(address))

    def capacity(self, family: Family) -> int:
        """How many addresses of a family can be handed out."""
        return self._capacities[family]

    def _count(self, family: Family) -> int:
        """The same, entry by entry; costs nothing per address."""
        entries = (entry for entry in self.entries if entry.family is family)
        return sum(entry.size - (_buggy_in(entry) if self.avoid_buggy else 0) for entry in entries)


def is_buggy(address: Address) -> bool:
    """IPv4 addresses ending in .0 or .255, which some old devices treat as broadcast."""
    return address.version == 4 and int(address) & 0xFF in (0, 255)


def _buggy_in(entry: AddressRange) -> int:
    """How many addresses of an IPv4 range end in .0 or .255."""
    if entry.family is not Family.IPV4:
        return 0

    def up_to(number: int) -> int:
        """Buggy addresses in 0..number."""
        return (number + 256) // 256 + (number + 1) // 256

    return up_to(entry.last) - up_to(entry.first - 1)
