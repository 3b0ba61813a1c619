"""A pool's addresses as numbers from 0 on, and which of these are used.

The addresses of one family that a pool gives out are numbered as slots through its entries in the
user's order, leaving out those that the pool avoids. The used slots stand in a sorted list, where
the slot at place i is i exactly as long as no slot before it is free; so bisection finds the first
gap: a /8 costs what a /30 costs, and addresses to avoid are never stepped over one by one.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right, insort
from collections.abc import Iterable
from dataclasses import dataclass

from vipcast.model.addresses import Address, AddressRange, Family, family_of, make_address
from vipcast.model.pool import Pool, is_buggy

BLOCK = 256
"""Addresses per block of which a pool with avoid-buggy-ips gives all but the first and the last."""

GIVEN = BLOCK - 2


class Slots:
    """All slots of some pools, whose entries do not overlap."""

    def __init__(self, pools: Iterable[Pool]) -> None:
        self.spaces: dict[tuple[str, Family], Space] = {}
        self._spans: dict[Family, list[_Span]] = {family: [] for family in Family}
        for pool in pools:
            for family in Family:
                space = self.spaces[pool.name, family] = Space(pool, family)
                self._spans[family].extend(space.spans)
        for spans in self._spans.values():
            spans.sort(key=_first)

    def place(self, address: Address) -> tuple[Space, int] | None:
        """The space that gives an address out and its slot there; None if no pool does."""
        spans = self._spans[family_of(address)]
        index = bisect_right(spans, int(address), key=_first) - 1
        if index < 0 or address not in spans[index].entry:
            return None
        span = spans[index]
        slot = span.slot(address)
        return None if slot is None else (self.spaces[span.pool.name, span.entry.family], slot)


class Space:
    """The slots of one family in one pool; an IPv6 pool has more than a list could count."""

    def __init__(self, pool: Pool, family: Family) -> None:
        self.spans: list[_Span] = []
        self.capacity = 0
        self._used: list[int] = []
        for entry in pool.entries:
            if entry.family is family:
                span = _Span(pool, entry, self.capacity)
                self.spans.append(span)
                self.capacity += span.size

    @property
    def in_use(self) -> int:
        """How many slots are used."""
        return len(self._used)

    def take(self, slot: int) -> None:
        """Note that a free slot is used."""
        insort(self._used, slot)

    def free(self, slot: int) -> None:
        """Note that a used slot is free."""
        del self._used[bisect_left(self._used, slot)]

    def address(self, slot: int) -> Address | None:
        """The address of a slot; None if there are not that many."""
        if slot >= self.capacity:
            return None
        # An entry that gives out nothing (a lone .0) starts at the same slot as the next one.
        return self.spans[bisect_right(self.spans, slot, key=_start) - 1].address(slot)

    def first_gap(self) -> int:
        """The lowest slot that is free, also where that is beyond the last one."""
        low, high = 0, len(self._used)
        while low < high:
            middle = (low + high) // 2
            if self._used[middle] == middle:
                low = middle + 1
            else:
                high = middle
        return low


@dataclass(frozen=True, slots=True)
class _Span:
    """One entry of a pool; its lowest address that is given out has the slot `start`."""

    pool: Pool
    entry: AddressRange
    start: int

    @property
    def size(self) -> int:
        return self._below(self.entry.last + 1) - self._below(self.entry.first)

    def slot(self, address: Address) -> int | None:
        """The slot of an address within the entry; None if the pool avoids it."""
        if self._avoids and is_buggy(address):
            return None
        return self.start + self._below(int(address)) - self._below(self.entry.first)

    def address(self, slot: int) -> Address:
        """The address of a slot within this span."""
        rank = self._below(self.entry.first) + slot - self.start
        number = rank // GIVEN * BLOCK + rank % GIVEN + 1 if self._avoids else rank
        return make_address(self.entry.family, number)

    @property
    def _avoids(self) -> bool:
        return self.pool.avoid_buggy and self.entry.family is Family.IPV4

    def _below(self, number: int) -> int:
        """How many numbers from 0 up to, but without, `number` may be given out."""
        if not self._avoids:
            return number
        blocks, offset = divmod(number, BLOCK)
        return blocks * GIVEN + max(offset - 1, 0)


def _first(span: _Span) -> int:
    return span.entry.first


def _start(span: _Span) -> int:
    return span.start
