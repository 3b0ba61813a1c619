"""Waiting in the lab and in benchmarks: what counts is returned, what never comes is named."""

from __future__ import annotations

import pytest

from benchmarks import harness
from lab.errors import NotReady
from lab.waiting import last_seen, until


def test_the_first_answer_that_counts_is_returned() -> None:
    answers = iter([None, [], ["found"]])
    assert until(lambda: next(answers), "an answer") == ["found"]


def test_what_never_comes_is_named_with_the_time_it_had() -> None:
    with pytest.raises(NotReady, match=r"^after 0 s still not so: an answer$"):
        until(lambda: None, "an answer", 0.0)
    with pytest.raises(harness.BenchmarkError, match=r"^after 0 s still not so: an answer$"):
        harness.until(lambda: False, "an answer", 0.0)


def test_no_pause_is_longer_than_the_time_that_is_left() -> None:
    pauses: list[float] = []
    assert last_seen(lambda: len(pauses) == 3, 20.0, pause=15.0, wait=pauses.append)
    assert pauses[0] == 15.0
    assert not last_seen(lambda: False, 0.0, wait=pauses.append)
    assert last_seen(lambda: len(pauses) == 4, 5.0, pause=15.0, wait=pauses.append)
    assert pauses[3] <= 5.0
    assert len(pauses) == 4
