"""Which keys are to be worked on, in which order, and when: pure, `now` is an argument.

A key is queued at most once, however often it is added, and is not taken while it is being worked
on: what is added meanwhile waits for `done`. Of several keys that are due the lowest rank comes
first. A key that is added again keeps the earlier of its times, so news overtake a pause.
"""

from __future__ import annotations

from heapq import heappop, heappush
from typing import Any, Generic, TypeVar

K = TypeVar("K")

AT_ONCE = float("-inf")

FIRST_PAUSE = 0.2
LONGEST_PAUSE = 30.0


def pause(failures: int, draw: float) -> float:
    """Seconds to wait after that many failures in a row (1 or more).

    Doubles from 0.2 s up to 30 s; `draw`, evenly spread over 0 to 1, takes off up to half of it, so
    that many who failed at once do not all come back at once.
    """
    whole = min(FIRST_PAUSE * 2.0 ** min(failures - 1, 16), LONGEST_PAUSE)
    return whole * (1 - draw / 2)


class DelayQueue(Generic[K]):
    """Keys with a rank and a time. Ranks must be comparable, and so must keys of one rank."""

    def __init__(self) -> None:
        self._due: dict[K, float] = {}
        self._later: list[tuple[float, Any, K]] = []
        self._ready: list[tuple[Any, K]] = []
        self._busy: dict[K, tuple[float, Any] | None] = {}

    def __len__(self) -> int:
        """How many keys are queued or worked on."""
        return len(self._due.keys() | self._busy.keys())

    def add(self, key: K, rank: Any, due: float = AT_ONCE) -> None:
        """Queue a key for a time, in seconds of the clock that `take` is asked by."""
        if key in self._busy:
            before = self._busy[key]
            self._busy[key] = (due if before is None else min(due, before[0]), rank)
        elif self._due.get(key, float("inf")) > due:
            self._due[key] = due
            heappush(self._later, (due, rank, key))

    def take(self, now: float) -> K | None:
        """The next key that is due, to be worked on until `done`; None: there is none."""
        while self._later and self._later[0][0] <= now:
            due, rank, key = heappop(self._later)
            if self._due.get(key) == due:
                self._due[key] = AT_ONCE
                heappush(self._ready, (rank, key))
        if not self._ready:
            return None
        key = heappop(self._ready)[1]
        del self._due[key]
        self._busy[key] = None
        return key

    def done(self, key: K) -> None:
        """A key that was taken is no longer worked on; what was added meanwhile is queued."""
        again = self._busy.pop(key)
        if again is not None:
            due, rank = again
            self.add(key, rank, due)

    def deadline(self) -> float | None:
        """When `take` may have an answer; None: not before something is added or done."""
        if self._ready:
            return AT_ONCE
        while self._later and self._due.get(self._later[0][2]) != self._later[0][0]:
            heappop(self._later)
        return self._later[0][0] if self._later else None
