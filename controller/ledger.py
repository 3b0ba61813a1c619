"""Who holds which address, and which address of a pool is the next free one.

    ledger.arrange(pools)               the pools to look in; what is held stays held
    ledger.hold(service, address)       at most one Service per address, or ValueError
    ledger.release(service, address)    free again
    ledger.next_free(pool, family)      entries as written, lowest address first

A pool's addresses of one family are numbered as slots: 0, 1, 2 … through its entries in the user's
order, leaving out those that the pool avoids. The used slots stand in a sorted list, where the slot
at place i is i exactly as long as no slot before it is free; so bisection finds the first gap: a /8
costs what a /30 costs, and addresses to avoid are never stepped over one by one.

An address is held from before it is written into a Service until no status shows it any more. So a
Service can hold two for a moment, while it moves; and an address in no pool can be held, too.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right, insort
from collections.abc import Iterable
from dataclasses import dataclass

from vipcast.model.addresses import Address, AddressRange, Family, family_of, make_address
from vipcast.model.objects import Key
from vipcast.model.pool import Pool, is_buggy

BLOCK = 256
"""Addresses per block of which a pool with avoid-buggy-ips gives all but the first and the last."""

GIVEN = BLOCK - 2


@dataclass(frozen=True, slots=True)
class Usage:
    """How many different addresses of one family a pool has, and how many of them are held."""

    pool: str
    family: Family
    in_use: int
    capacity: int


class Ledger:
    """The book of addresses: who holds what, and what is free in which pool."""

    def __init__(self, pools: Iterable[Pool] = ()) -> None:
        self._holder: dict[Address, Key] = {}
        self._held: dict[Key, tuple[Address, ...]] = {}
        self.arrange(pools)

    def arrange(self, pools: Iterable[Pool]) -> None:
        """Look in these pools from now on (no entries overlap); holders stay holders."""
        self._spaces: dict[tuple[str, Family], _Space] = {}
        self._spans: dict[Family, list[_Span]] = {family: [] for family in Family}
        for pool in pools:
            for family in Family:
                space = self._spaces[pool.name, family] = _Space(pool, family)
                self._spans[family].extend(space.spans)
        for spans in self._spans.values():
            spans.sort(key=_first)
        for address in self._holder:
            self._mark(address, used=True)

    def hold(self, service: Key, address: Address) -> None:
        """Note that a Service holds an address; again is no change. ValueError: it is another's."""
        holder = self._holder.get(address)
        if holder == service:
            return
        if holder is not None:
            raise ValueError(f"{address} is held by {holder}, so {service} cannot hold it")
        self._holder[address] = service
        self._held[service] = (*self._held.get(service, ()), address)
        self._mark(address, used=True)

    def release(self, service: Key, address: Address) -> None:
        """Free an address; ValueError if the Service does not hold it."""
        if self._holder.get(address) != service:
            raise ValueError(f"{service} does not hold {address}")
        del self._holder[address]
        left = tuple(held for held in self._held.pop(service) if held != address)
        if left:
            self._held[service] = left
        self._mark(address, used=False)

    def holder(self, address: Address) -> Key | None:
        """The Service that holds an address."""
        return self._holder.get(address)

    def held(self, service: Key) -> tuple[Address, ...]:
        """The addresses of a Service, the one it has had for the longest time first."""
        return self._held.get(service, ())

    def holdings(self) -> dict[Key, tuple[Address, ...]]:
        """A copy of the whole book."""
        return dict(self._held)

    def next_free(self, pool: str, family: Family) -> Address | None:
        """The address that a pool gives out next; None if all are held or there are none."""
        space = self._spaces.get((pool, family))
        return space.next_free() if space else None

    def usage(self) -> tuple[Usage, ...]:
        """Counts per pool and family, pools in their order."""
        return tuple(
            Usage(pool, family, len(space.used), space.capacity)
            for (pool, family), space in self._spaces.items()
        )

    def _mark(self, address: Address, *, used: bool) -> None:
        span = self._span(address)
        slot = span.slot(address) if span else None
        if span is None or slot is None:
            return  # in no pool, or avoided by it: nobody is given it, so it takes no slot
        place = self._spaces[span.pool.name, span.entry.family]
        if used:
            insort(place.used, slot)
        else:
            del place.used[bisect_left(place.used, slot)]

    def _span(self, address: Address) -> _Span | None:
        spans = self._spans[family_of(address)]
        place = bisect_right(spans, int(address), key=_first) - 1
        return spans[place] if place >= 0 and address in spans[place].entry else None


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


class _Space:
    """The slots of one family in one pool, and which of them are used (sorted)."""

    def __init__(self, pool: Pool, family: Family) -> None:
        self.spans: list[_Span] = []
        self.used: list[int] = []
        self.capacity = 0
        for entry in pool.entries:
            if entry.family is family:
                span = _Span(pool, entry, self.capacity)
                self.spans.append(span)
                self.capacity += span.size

    def next_free(self) -> Address | None:
        slot = self._first_gap()
        if slot >= self.capacity:
            return None
        # An entry that gives out nothing (a lone .0) starts at the same slot as the next one.
        return self.spans[bisect_right(self.spans, slot, key=_start) - 1].address(slot)

    def _first_gap(self) -> int:
        low, high = 0, len(self.used)
        while low < high:
            middle = (low + high) // 2
            if self.used[middle] == middle:
                low = middle + 1
            else:
                high = middle
        return low


def _first(span: _Span) -> int:
    return span.entry.first


def _start(span: _Span) -> int:
    return span.start
