"""Which element of the program's counters belongs to which VIP.

A VIP keeps its element as long as it has an entry, over restarts too: the entries themselves
remember it. Element 0 belongs to nobody; it takes what finds no element of its own.
"""

from __future__ import annotations

import heapq
from collections import Counter
from collections.abc import Iterable

from bpf.abi import COUNTER_OTHER, COUNTERS
from vipcast.model.addresses import Address


class CounterIndexes:
    """Gives and takes back indexes, the lowest free one first."""

    def __init__(self, used: Iterable[tuple[Address, int]], size: int = COUNTERS) -> None:
        """`used` holds address and index of every entry, one item for each interface."""
        self._entries: Counter[Address] = Counter()
        self._of: dict[Address, int] = {}
        for address, index in used:
            self._entries[address] += 1
            self._of[address] = index
        taken = set(self._of.values()) | {COUNTER_OTHER}
        self._free = [index for index in range(size) if index not in taken]

    def of(self, address: Address) -> tuple[int, bool]:
        """The index of a VIP, and whether it was given just now, so that it must be zeroed."""
        if address in self._of:
            return self._of[address], False
        index = heapq.heappop(self._free) if self._free else COUNTER_OTHER
        self._of[address] = index
        return index, index != COUNTER_OTHER

    def entered(self, address: Address) -> None:
        """The VIP has one entry more."""
        self._entries[address] += 1

    def removed(self, address: Address) -> None:
        """The VIP has one entry less; with the last one its index is free."""
        self._entries[address] -= 1
        if self._entries[address] <= 0:
            del self._entries[address]
            index = self._of.pop(address, COUNTER_OTHER)
            if index != COUNTER_OTHER:
                heapq.heappush(self._free, index)

    def own(self) -> list[tuple[Address, int]]:
        """Every VIP that has an element of its own, and its index."""
        return [(address, index) for address, index in self._of.items() if index != COUNTER_OTHER]
