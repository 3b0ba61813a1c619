"""When to greet: at once, then again and again with growing pauses, five times in all.

A single frame may be lost, or reach a switch that is still busy with the change that caused it.
Pauses double from 0.2 s and are stretched by up to a quarter at random, so that the greetings of a
thousand VIPs that moved together do not come as one burst each time. The last is sent after 3 to
3.75 s.
"""

from __future__ import annotations

import heapq
from collections.abc import Callable
from typing import NamedTuple

from vipcast.model.addresses import Address

PAUSES = (0.2, 0.4, 0.8, 1.6)
"""Seconds between one round and the next; the first round is at once."""

STRETCH = 0.25


class _Round(NamedTuple):
    """One round to come; `number` tells rounds of one moment apart, `pauses` lie behind it."""

    when: float
    number: int
    pauses: int
    address: Address


class Greetings:
    """The rounds due on one segment. `jitter` returns a number from 0 up to 1."""

    def __init__(self, jitter: Callable[[], float]) -> None:
        self._jitter = jitter
        self._number = 0
        self._next: dict[Address, _Round] = {}
        self._heap: list[_Round] = []  # may hold rounds that are void by now

    def start(self, address: Address, now: float) -> None:
        """Greet for a VIP from now on; a schedule that is under way begins anew."""
        self._plan(address, now, 0)

    def stop(self, address: Address) -> None:
        """No further greeting for a VIP, which is no longer held here."""
        self._next.pop(address, None)

    def due(self, now: float) -> tuple[Address, ...]:
        """The VIPs to greet for now, each once however late it is; plans their next rounds."""
        found: list[Address] = []
        while (first := self._first()) is not None and first.when <= now:
            heapq.heappop(self._heap)
            del self._next[first.address]
            found.append(first.address)
            if first.pauses < len(PAUSES):
                pause = PAUSES[first.pauses] * (1 + STRETCH * self._jitter())
                self._plan(first.address, now + pause, first.pauses + 1)
        return tuple(found)

    def next_deadline(self) -> float | None:
        """When something will be due, in monotonic seconds; None for never."""
        first = self._first()
        return None if first is None else first.when

    def _first(self) -> _Round | None:
        while self._heap and self._next.get(self._heap[0].address) is not self._heap[0]:
            heapq.heappop(self._heap)
        return self._heap[0] if self._heap else None

    def _plan(self, address: Address, when: float, pauses: int) -> None:
        self._number += 1
        planned = _Round(when, self._number, pauses, address)
        self._next[address] = planned
        heapq.heappush(self._heap, planned)
