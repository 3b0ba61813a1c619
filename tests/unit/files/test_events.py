"""Equal notes are counted up, and the newest are kept."""

from __future__ import annotations

from typing import Any

from vipcast.files.events import EventTable
from vipcast.files.reading import read
from vipcast.model.objects import Key
from vipcast.model.raw import SERVICE, EventNote, EventType, Ref

WEB = Ref(SERVICE, Key("shop", "web"))


def note(message: str) -> EventNote:
    return EventNote(WEB, EventType.NORMAL, "IPAllocated", message)


def text(table: EventTable) -> str:
    return "".join(counted.text() for counted in table.all())


def told(table: EventTable) -> list[tuple[Any, ...]]:
    """What the Events' file says, in its order."""
    keys = ("message", "count", "firstTimestamp", "lastTimestamp")
    found = read("events.yaml", text(table))
    assert not found.problems
    return [tuple(one.raw[key] for key in keys) for one in found.objects]


def test_equal_notes_are_one_event_that_counts() -> None:
    table = EventTable("controller", 10)
    for message, now in (("a", "t1"), ("b", "t2"), ("a", "t3")):
        table.note(note(message), now)
    assert told(table) == [("b", 1, "t2", "t2"), ("a", 2, "t1", "t3")]


def test_the_ones_noted_last_are_kept() -> None:
    table = EventTable("controller", 3)
    for message in "abcdaa":
        table.note(note(message), "t")
    assert [one[:2] for one in told(table)] == [("c", 1), ("d", 1), ("a", 2)]


def test_counting_goes_on_after_a_restart() -> None:
    table = EventTable("controller", 10)
    table.note(note("a"), "t1")
    table.note(note("b"), "t2")
    again = EventTable("controller", 10)
    again.restore((one.ref, one.raw) for one in read("events.yaml", text(table)).objects)
    assert told(again) == told(table)
    again.note(note("a"), "t3")
    assert told(again) == [("b", 1, "t2", "t2"), ("a", 2, "t1", "t3")]


def test_what_is_no_event_of_ours_is_left_out() -> None:
    table = EventTable("controller", 10)
    table.restore([(WEB, {"count": "many"}), (WEB, {}), (WEB, {"count": 1, "firstTimestamp": 5})])
    assert told(table) == []


def test_a_note_that_is_taken_away_meanwhile_changes_nothing_that_is_being_written() -> None:
    table = EventTable("controller", 10)
    table.note(note("a"), "t1")
    writing = table.all()
    table.note(note("a"), "t2")
    assert [(counted.count, counted.last) for counted in writing] == [(1, "t1")]
