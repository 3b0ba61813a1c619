"""Percentiles, ratios and their intervals, against the plain ways of working them out."""

from __future__ import annotations

import math
from collections import Counter

from hypothesis import given
from hypothesis import strategies as st

from benchmarks.spread import Spread, compared, percentile, pooled, ratios, spread

ROUNDS = st.lists(st.lists(st.integers(1, 50), min_size=1, max_size=8), min_size=1, max_size=5)
PARTS = {"median": 0.5, "p99": 0.99}


def test_a_spread_is_of_values_that_occurred() -> None:
    assert spread(range(2000, 0, -1)) == Spread(2000, 1000, 1800, 1980, 1998, 2000)
    assert spread([7.0]) == Spread(1, 7.0, 7.0, 7.0, 7.0, 7.0)
    assert spread([1.23456]).rounded() == {
        "samples": 1,
        **dict.fromkeys(("median", "p90", "p99", "p999", "worst"), 1.235),
    }


def test_a_ratio_is_of_median_to_median_and_p99_to_p99() -> None:
    ours, floor = Spread(9, 30.0, 1, 60.0, 1, 90.0), Spread(9, 2.0, 1, 3.0, 1, 90.0)
    assert ratios(ours, floor) == {"median": 15.0, "p99": 20.0}


@given(ROUNDS, st.sampled_from([0.01, 0.5, 0.9, 0.99, 1.0]), st.data())
def test_a_percentile_of_drawn_rounds_is_that_of_all_their_values(
    rounds: list[list[int]], part: float, data: st.DataObject
) -> None:
    drawn = data.draw(st.lists(st.integers(0, len(rounds) - 1), min_size=1, max_size=9))
    values = sorted(pooled(rounds[one] for one in drawn))
    wanted = values[math.ceil(len(values) * part) - 1]
    assert percentile([sorted(one) for one in rounds], Counter(drawn), part) == wanted


@given(ROUNDS)
def test_beside_itself_a_contender_is_once_as_slow_whatever_is_drawn(
    rounds: list[list[int]],
) -> None:
    for ratio in compared(rounds, rounds, PARTS, seed=3).values():
        assert (ratio.ratio, ratio.low, ratio.high) == (1.0, 1.0, 1.0)


def test_a_ratio_is_over_all_rounds_and_its_interval_over_what_may_be_drawn() -> None:
    floor = [[10] * 100] * 10
    ours = [[20] * 100] * 9 + [[40] * 100]
    found = compared(ours, floor, PARTS, seed=3)
    median, p99 = found["median"].rounded(), found["p99"].rounded()
    assert median == {"ratio": 2.0, "low": 2.0, "high": 2.0}
    # One round of ten is slow: about a third of the draws does without it.
    assert p99 == {"ratio": 4.0, "low": 2.0, "high": 4.0}
    assert compared(ours, floor, PARTS, seed=3) == found
