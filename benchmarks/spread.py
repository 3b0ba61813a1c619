"""What was measured, in few numbers: its spread, and how it compares with a floor's.

PURE. Percentiles are nearest rank: each is a value that occurred. A ratio of two contenders comes
with an interval, found by drawing whole rounds again (the bootstrap of Efron, 1979): the values of
a round share what the machine was doing just then, so they must not be drawn one by one.
"""

from __future__ import annotations

import math
import random
from bisect import bisect_right
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import chain

RESAMPLES = 400
CONFIDENCE = 0.95


@dataclass(frozen=True, slots=True)
class Spread:
    """What was measured, each value one that occurred, in the unit it came in."""

    samples: int
    median: float
    p90: float
    p99: float
    p999: float
    worst: float

    def rounded(self) -> dict[str, float]:
        """As a result file has it."""
        names = ("median", "p90", "p99", "p999", "worst")
        parts = {name: round(getattr(self, name), 3) for name in names}
        return {"samples": self.samples, **parts}


def spread(values: Iterable[float]) -> Spread:
    """The spread of at least one value."""
    ranked = sorted(values)
    median, p90, p99, p999 = (ranked[_rank(len(ranked), part)] for part in (0.5, 0.9, 0.99, 0.999))
    return Spread(len(ranked), median, p90, p99, p999, ranked[-1])


def ratios(ours: Spread, floor: Spread) -> dict[str, float]:
    """How many times the floor ours is, at the median and at the 99th percentile."""
    return {
        "median": round(ours.median / floor.median, 2),
        "p99": round(ours.p99 / floor.p99, 2),
    }


@dataclass(frozen=True, slots=True)
class Ratio:
    """How many times the floor: over all rounds, and the interval in which 95 % of draws lie."""

    ratio: float
    low: float
    high: float

    def rounded(self) -> dict[str, float]:
        """As a result file has it."""
        return {name: round(getattr(self, name), 3) for name in ("ratio", "low", "high")}


def compared(
    ours: Sequence[Sequence[int]],
    floor: Sequence[Sequence[int]],
    parts: Mapping[str, float],
    seed: int,
) -> dict[str, Ratio]:
    """Ratios at some percentiles (by name, as parts of 1) of two contenders that took turns.

    Each has the values of every round; both have as many rounds, at least one. A draw takes the
    same rounds of both.
    """
    mine, theirs = [sorted(one) for one in ours], [sorted(one) for one in floor]
    every = dict.fromkeys(range(len(mine)), 1)
    chance = random.Random(seed)
    draws = [Counter(chance.choices(range(len(mine)), k=len(mine))) for _ in range(RESAMPLES)]
    found = {}
    for name, part in parts.items():
        drawn = sorted(
            percentile(mine, draw, part) / percentile(theirs, draw, part) for draw in draws
        )
        outside = (1 - CONFIDENCE) / 2
        found[name] = Ratio(
            percentile(mine, every, part) / percentile(theirs, every, part),
            drawn[_rank(RESAMPLES, outside)],
            drawn[_rank(RESAMPLES, 1 - outside)],
        )
    return found


def percentile(rounds: Sequence[Sequence[int]], drawn: Mapping[int, int], part: float) -> int:
    """Nearest-rank percentile of rounds that are sorted, each taken as often as `drawn` says."""
    rank = _rank(sum(len(rounds[one]) * times for one, times in drawn.items()), part)
    low = min(rounds[one][0] for one in drawn)
    high = max(rounds[one][-1] for one in drawn)
    # The lowest value that more than `rank` values do not exceed: one that occurred.
    while low < high:
        middle = (low + high) // 2
        within = sum(bisect_right(rounds[one], middle) * times for one, times in drawn.items())
        low, high = (low, middle) if within > rank else (middle + 1, high)
    return low


def pooled(rounds: Iterable[Iterable[int]]) -> Iterable[int]:
    """The values of all rounds."""
    return chain.from_iterable(rounds)


def _rank(samples: int, part: float) -> int:
    return math.ceil(samples * part) - 1
