"""When a report that does not stand as it was written is to be written again."""

from __future__ import annotations

from speaker.guard import PAUSE, SETTLE, Guard
from vipcast.kube.status import speaker_status_ref
from vipcast.model.raw import Raw, Ref

REF = speaker_status_ref("metallb-system", "node1")
OURS: Raw = {"metadata": {"name": "node1"}, "status": {"boot": "1"}}
THEIRS: Raw = {"metadata": {"name": "node1"}, "status": {"boot": "2"}}
WRITTEN: dict[Ref, Raw] = {REF: OURS}


def test_what_stands_as_it_was_written_asks_for_nothing() -> None:
    guard = Guard()
    guard.saw(REF, {**OURS, "metadata": {"name": "node1", "uid": "7"}}, OURS, 0.0)
    assert guard.due is None
    assert list(guard.spoilt(100.0, WRITTEN)) == []


def test_what_is_gone_or_overwritten_is_mended_a_moment_later() -> None:
    for stands in (None, THEIRS):
        guard = Guard()
        guard.saw(REF, stands, OURS, 5.0)
        assert guard.due == 5.0 + SETTLE
        assert list(guard.spoilt(5.5, WRITTEN)) == []
        assert list(guard.spoilt(6.0, WRITTEN)) == [(REF, stands)]
        assert guard.due is None


def test_an_older_write_of_ours_that_is_seen_late_is_not_mended() -> None:
    guard = Guard()
    guard.saw(REF, THEIRS, OURS, 5.0)
    guard.saw(REF, OURS, OURS, 5.5)
    assert list(guard.spoilt(6.0, WRITTEN)) == []


def test_who_fights_is_answered_once_in_ten_seconds() -> None:
    guard = Guard()
    now, mended = 0.0, 0
    while now < 60.0:
        guard.saw(REF, OURS, OURS, now)
        guard.saw(REF, THEIRS, OURS, now)
        mended += len(list(guard.spoilt(now, WRITTEN)))
        now += 0.25
    assert mended == 60.0 / PAUSE


def test_what_the_source_makes_of_it_by_itself_is_left_so() -> None:
    guard = Guard()
    mended = 0
    for now in range(0, 100, 5):
        guard.saw(REF, THEIRS, OURS, float(now))
        mended += len(list(guard.spoilt(now + 4.0, WRITTEN)))
    assert mended == 1
