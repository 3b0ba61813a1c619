"""Times at which something began."""

from __future__ import annotations

from itertools import count

from speaker.stamps import Stamps


def test_a_time_is_made_once_for_each_mark_and_forgotten_with_its_place() -> None:
    clock = count(1)
    stamps: Stamps[str] = Stamps(lambda: f"at {next(clock)}")
    assert [stamps.of("a", 1), stamps.of("b", 1), stamps.of("a", 1)] == ["at 1", "at 2", "at 1"]
    assert [stamps.of("a", 2), stamps.of("a", 1)] == ["at 3", "at 4"]
    stamps.keep({"b", "c"})
    assert [stamps.of("b", 1), stamps.of("a", 1)] == ["at 2", "at 5"]
