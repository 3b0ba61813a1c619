"""Recorded conversations, replayed: what a session says, tells and waits for, to the octet.

The files stand in conversations/, whose docstring tells how they are written. Each is played as it
stands, and once more with every octet of the router by itself: where TCP cuts means nothing.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from speaker.bgp.session import Session
from tests.unit.bgp.conversations import ALL, Line, as_told, call, calls_of, octets, read, told


@pytest.mark.parametrize("cut", [False, True], ids=["whole", "octet by octet"])
@pytest.mark.parametrize("path", ALL, ids=lambda path: path.stem)
def test_a_recorded_conversation_goes_as_it_was_recorded(path: Path, cut: bool) -> None:
    settings, lines = read(path)
    session = Session(settings, jitter=lambda: 1.0)
    for line, follow in calls_of(lines):
        due = session.deadline()
        assert due is None or due >= line.time, f"line {line.number}: {due} was passed over"
        if line.kind == "!":
            call(session, line.text, line.time)
        else:
            _hear(session, line, cut)
        assert _came_of(session) == _wanted(follow), f"line {line.number}"
        for state in (after.text for after in follow if after.kind == "?"):
            assert session.state.value == state, f"line {line.number}"


def _hear(session: Session, line: Line, cut: bool) -> None:
    said = octets(line.text)
    pieces = [said[n : n + 1] for n in range(len(said))] if cut else [said]
    generation = session.generation
    for piece in pieces:
        session.receive(piece, line.time, generation=generation)


def _came_of(session: Session) -> tuple[bytes, list[str]]:
    sent = b""
    while more := session.to_send():
        sent += more
    return sent, [told(event) for event in session.events()]


def _wanted(follow: list[Line]) -> tuple[bytes, list[str]]:
    sent = b"".join(octets(line.text) for line in follow if line.kind == ">")
    return sent, [as_told(line.text) for line in follow if line.kind == "="]


def test_there_are_conversations_of_every_kind_that_matters() -> None:
    assert {path.stem for path in ALL} >= {
        *("frr", "bird", "gobgp", "openbgpd", "capability-less", "wrong-as", "shut-down"),
        *("hold-timer", "no-common-family", "not-accepting", "graceful-restart", "fewer"),
    }
