"""The table of the state machine against a grid that was read out of the RFCs a second time.

RFC 4271, section 8.2.2, paragraph by paragraph, and RFC 9687, section 4.3. A cell of the grid is
where the event leads, and how:

    =   nothing happens            =k  KEEPALIVE leaves        =h  HoldTimer restarts
    .   cannot happen here         =d  damping ends
    C0  Connect, counting from 0   C   Connect                 CC  Connect, after dropping TCP
    S   OpenSent, OPEN leaves      F   OpenConfirm, KEEPALIVE  E   Established
    A   Active
    I0  Idle, not to come back     I   Idle, damped            I+  Idle, damped, counted
        and after the last two what is notified:
        c Cease, h Hold Timer Expired, s Send Hold Timer Expired, e the error found, f FSM Error
"""

from __future__ import annotations

import subprocess
import sys
from typing import Final

import pytest

from speaker.bgp.fsm import ROWS, TABLE, printed
from speaker.bgp.states import Event, Row, State, Step

#         Idle  Connect Active OpenSent OpenConfirm Established
GRID: Final = """
 1        C0    =       =      =        =           =
 2        =d    I0      I0     I0c      I0c         I0c
 3        .     .       .      .        .           .
 4        .     .       .      .        .           .
 5        .     .       .      .        .           .
 6        .     .       .      .        .           .
 7        .     .       .      .        .           .
 8        =     I+      I+     I+c      I+c         I+c
 9        =     CC      C      I+f      I+f         I+f
10        =     I+      I+     I+h      I+h         I+h
11        =     I+      I+     I+f      =k          =k
12        .     .       .      .        .           .
13        C     I+      I+     I+f      I+f         I+f
14        .     .       .      .        .           .
15        .     .       .      .        .           .
16        =     S       .      .        .           .
17        .     .       .      .        .           .
18        =     I       I+     A        I+          I+
19        =     I+      I+     F        I+f         I+f
20        .     .       .      .        .           .
21        =     I+      I+     I+e      I+e         I+e
22        =     I+      I+     I+e      I+e         I+f
23        .     .       .      .        .           .
24        =     I+      I+     I        I           I+
25        =     I+      I+     I+       I+          I+
26        =     I+      I+     I+f      E           =h
27        =     I+      I+     I+f      I+f         =h
28        =     I+      I+     I+f      I+f         I+e
29        =     =       =      =        =           I+s
"""

# Where the letter of RFC 4271 leads elsewhere, and what the row has to say about it.
DEPARTURES: Final = {
    (State.OPEN_SENT, Event.NOTIF_MSG): "a NOTIFICATION is never answered",
    (State.ESTABLISHED, Event.BGP_HEADER_ERR): "6.1 asks for its own",
    (State.IDLE, Event.MANUAL_STOP): "what damping would start again",
    (State.ACTIVE, Event.TCP_CONNECTION_FAILS): "ConnectRetryTimer means nothing there",
}

HOW: Final = {
    Step.NOTIFY_CEASE: "c",
    Step.NOTIFY_HOLD: "h",
    Step.NOTIFY_SEND_HOLD: "s",
    Step.NOTIFY_ERROR: "e",
    Step.NOTIFY_FSM: "f",
}
UP: Final = {
    State.OPEN_SENT: ("S", {Step.SEND_OPEN, Step.START_LARGE_HOLD, Step.STOP_CONNECT_RETRY}),
    State.OPEN_CONFIRM: (
        "F",
        {Step.SEND_KEEPALIVE, Step.START_NEGOTIATED, Step.STOP_CONNECT_RETRY},
    ),
    State.ESTABLISHED: ("E", {Step.RESTART_HOLD, Step.START_SEND_HOLD}),
    State.ACTIVE: ("A", {Step.CLOSE, Step.RELEASE, Step.START_CONNECT_RETRY}),
}


def cell(state: State, row: Row) -> str:
    """A row of the table in the letters of the grid."""
    if row.never:
        return "."
    steps = set(row.steps)
    if row.next is State.CONNECT and Step.CONNECT in steps:
        assert Step.START_CONNECT_RETRY in steps
        return "C0" if Step.ZERO in steps else "CC" if Step.CLOSE in steps else "C"
    if row.next is State.IDLE and state is not State.IDLE:
        return _down(steps)
    if row.next is state:
        kept = {
            frozenset[Step](): "=",
            frozenset({Step.SEND_KEEPALIVE}): "=k",
            frozenset({Step.RESTART_HOLD}): "=h",
            frozenset({Step.STOP_IDLE_HOLD, Step.ZERO}): "=d",
        }
        return kept[frozenset(steps)]
    letter, wanted = UP[row.next]
    assert steps == wanted
    return letter


def _down(steps: set[Step]) -> str:
    assert steps >= {Step.CLOSE, Step.RELEASE, Step.STOP_CONNECT_RETRY}
    said = "".join(letter for step, letter in HOW.items() if step in steps)
    assert (Step.ZERO in steps) is not (Step.DAMP in steps)
    way = "I0" if Step.ZERO in steps else "I+" if Step.COUNT in steps else "I"
    return way + said


def test_every_cell_of_the_table_is_as_the_grid_read_from_the_rfc_says() -> None:
    wanted = {}
    for line in GRID.split("\n")[1:-1]:
        number, *cells = line.split()
        for state, letters in zip(State, cells, strict=True):
            wanted[state, Event(int(number))] = letters
    assert {key: cell(key[0], row) for key, row in TABLE.items()} == wanted


def test_the_table_has_one_row_for_each_of_174_cells() -> None:
    cells = [(row.state, event) for row in ROWS for event in row.events]
    assert len(cells) == len(set(cells)) == 6 * 29
    assert set(cells) == {(state, event) for state in State for event in Event}


def test_every_row_has_words_and_what_never_happens_does_nothing() -> None:
    assert all(row.words for row in ROWS)
    assert all(row.next is row.state and not row.steps for row in ROWS if row.never)
    assert all(row.words.startswith("never: ") is row.never for row in ROWS)


def test_where_the_letter_of_the_rfc_is_not_followed_the_row_says_so() -> None:
    silent = [key for key, words in DEPARTURES.items() if words not in TABLE[key].words]
    assert not silent


def test_a_notification_leaves_before_the_connection_is_dropped() -> None:
    for row in ROWS:
        notify = [row.steps.index(step) for step in HOW if step in row.steps]
        assert all(index < row.steps.index(Step.CLOSE) for index in notify)


def test_no_state_without_open_sends_a_notification() -> None:
    early = (State.IDLE, State.CONNECT, State.ACTIVE)
    assert not [row for row in ROWS if row.state in early and set(row.steps) & set(HOW)]


@pytest.mark.parametrize("state", State)
def test_whoever_leaves_established_or_its_forerunners_releases_what_they_had(state: State) -> None:
    for event in Event:
        row = TABLE[state, event]
        if Step.CLOSE in row.steps and row.next is not State.CONNECT:
            assert Step.RELEASE in row.steps


def test_the_module_prints_every_cell_of_the_table() -> None:
    told = subprocess.run(
        [sys.executable, "-m", "speaker.bgp.fsm"], check=True, capture_output=True, text=True
    ).stdout
    assert told == printed()
    lines = [line for line in told.split("\n") if line[2:4].strip().isdigit()]
    assert len(lines) == 6 * 29
    assert [line for line in told.split("\n") if line in list(State)] == list(State)
