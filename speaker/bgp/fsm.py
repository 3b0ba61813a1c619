"""BGP's state machine as a table: six states, every event, every cell filled on purpose.

`python -m speaker.bgp.fsm` prints it. A row is one paragraph of RFC 4271, section 8.2.2: a state,
the events that it treats alike, the next state, the steps in their order, and the RFC's words in
short. RFC 9687 adds event 29. Where a row does not follow the RFC's letter, it says so.

This speaker only ever connects, and does so once at a time; it listens nowhere. So there is no
second connection, no collision, no passive start, and OPEN leaves at once. The cells of what
therefore cannot happen say never: they have no steps and keep the state.
"""

from __future__ import annotations

import sys
from typing import Final

from speaker.bgp.states import Event, Row, State, Step


def _events(*numbers: int) -> tuple[Event, ...]:
    return tuple(map(Event, numbers))


_WHY_NEVER: Final = (
    (_events(4, 5, 7, 14, 15, 17), "never: this speaker listens nowhere, nobody connects to it"),
    (_events(23), "never: a collision takes a second connection, and there is none (6.8)"),
    (_events(12, 20), "never: DelayOpen is off, OPEN leaves as soon as TCP is up"),
    (_events(3, 6), "never: after the first start, event 13 alone starts again"),
)
_TAKE_DOWN: Final = (Step.STOP_CONNECT_RETRY, Step.RELEASE, Step.CLOSE)
_FAIL: Final = (*_TAKE_DOWN, Step.COUNT, Step.DAMP)


def _same(state: State, words: str, *numbers: int) -> Row:
    return Row(state, _events(*numbers), state, (), words)


def _never(state: State, words: str, *numbers: int) -> Row:
    return Row(state, _events(*numbers), state, (), words, never=True)


def _fail(state: State, words: str, *numbers: int, notify: Step | None = None) -> Row:
    steps = _FAIL if notify is None else (notify, *_FAIL)
    return Row(state, _events(*numbers), State.IDLE, steps, words)


def _go(state: State, number: int, to: State, steps: tuple[Step, ...], words: str) -> Row:
    return Row(state, _events(number), to, steps, words)


def _idle() -> tuple[Row, ...]:
    idle, connect = State.IDLE, State.CONNECT
    start = (Step.START_CONNECT_RETRY, Step.CONNECT)
    return (
        _go(idle, 1, connect, (Step.STOP_IDLE_HOLD, Step.ZERO, *start), "start, counting from 0"),
        _go(
            idle,
            2,
            idle,
            (Step.STOP_IDLE_HOLD, Step.ZERO),
            "ignored; but what damping would start again by itself (13) stays down",
        ),
        _same(idle, "ignored", 8),
        _go(idle, 13, connect, start, "damping is over (how, is left to us): start, count kept"),
        _same(idle, "no other event changes Idle", *(9, 10, 11, 16, 18, 19, 21, 22)),
        _same(idle, "no other event changes Idle", *(24, 25, 26, 27, 28)),
        _same(idle, "RFC 9687: SendHoldTimer runs in Established only; ignored", 29),
    )


def _connect() -> tuple[Row, ...]:
    me = State.CONNECT
    again = (Step.CLOSE, Step.START_CONNECT_RETRY, Step.CONNECT)
    opened = (Step.STOP_CONNECT_RETRY, Step.SEND_OPEN, Step.START_LARGE_HOLD)
    return (
        _same(me, "start events are ignored", 1),
        _go(me, 2, State.IDLE, (*_TAKE_DOWN, Step.ZERO), "drop TCP, back to Idle"),
        _go(me, 9, me, again, "drop the attempt and make the next"),
        _go(me, 16, State.OPEN_SENT, opened, "TCP is up: send OPEN, hold 4 minutes"),
        _go(
            me,
            18,
            State.IDLE,
            (*_TAKE_DOWN, Step.DAMP),
            "DelayOpenTimer does not run: Idle; not counted, so the wait stays short",
        ),
        _fail(me, "no NOTIFICATION before OPEN (SendNOTIFICATIONwithoutOPEN is off)", 21, 22),
        _fail(me, "DelayOpenTimer does not run: counted, Idle", 24),
        _fail(me, "any other event: drop TCP, count, Idle", *(8, 10, 11, 13, 19, 25, 26, 27, 28)),
        _same(me, "RFC 9687: SendHoldTimer runs in Established only; ignored", 29),
    )


def _active() -> tuple[Row, ...]:
    me = State.ACTIVE
    again = (Step.START_CONNECT_RETRY, Step.CONNECT)
    return (
        _same(me, "start events are ignored", 1),
        _go(me, 2, State.IDLE, (*_TAKE_DOWN, Step.ZERO), "back to Idle; no OPEN sent, no Cease"),
        _go(
            me, 9, State.CONNECT, again, "connect; until then Active only waits, as nothing listens"
        ),
        _never(me, "never: no attempt of ours is under way in Active", 16),
        _fail(me, "count, Idle; ConnectRetryTimer means nothing there, so it stops", 18),
        _fail(me, "no NOTIFICATION before OPEN (SendNOTIFICATIONwithoutOPEN is off)", 21, 22),
        _fail(me, "DelayOpenTimer does not run: counted, Idle", 24),
        _fail(me, "any other event: drop TCP, count, Idle", *(8, 10, 11, 13, 19, 25, 26, 27, 28)),
        _same(me, "RFC 9687: SendHoldTimer runs in Established only; ignored", 29),
    )


def _open_sent() -> tuple[Row, ...]:
    me = State.OPEN_SENT
    lost = (Step.RELEASE, Step.CLOSE, Step.START_CONNECT_RETRY)
    good = (Step.STOP_CONNECT_RETRY, Step.SEND_KEEPALIVE, Step.START_NEGOTIATED)
    return (
        *_alike_once_opened(me),
        _fail(me, "FSM error; none of these timers runs here", 9, 11, 13, notify=Step.NOTIFY_FSM),
        _go(me, 18, State.ACTIVE, lost, "close, wait for ConnectRetryTimer in Active"),
        _go(me, 19, State.OPEN_CONFIRM, good, "a good OPEN: KEEPALIVE, timers as negotiated"),
        _go(me, 24, State.IDLE, (*_TAKE_DOWN, Step.DAMP), "version error: Idle, not counted"),
        _fail(me, "listed as FSM error, but a NOTIFICATION is never answered: as OpenConfirm", 25),
        _fail(me, "FSM error: OPEN comes first", 26, 27, 28, notify=Step.NOTIFY_FSM),
        _fail(me, "the checks found an error: notify it", 21, 22, notify=Step.NOTIFY_ERROR),
        _same(me, "RFC 9687: SendHoldTimer runs in Established only; ignored", 29),
    )


def _open_confirm() -> tuple[Row, ...]:
    me = State.OPEN_CONFIRM
    up = (Step.RESTART_HOLD, Step.START_SEND_HOLD)
    return (
        *_alike_once_opened(me),
        _fail(me, "FSM error; neither timer runs here", 9, 13, notify=Step.NOTIFY_FSM),
        _go(me, 11, me, (Step.SEND_KEEPALIVE,), "send KEEPALIVE, restart its timer"),
        _fail(me, "TCP failed, or a NOTIFICATION: count, Idle", 18, 25),
        _fail(
            me,
            "may be a collision; with one connection alone it is a second OPEN: FSM error",
            19,
            notify=Step.NOTIFY_FSM,
        ),
        _go(me, 24, State.IDLE, (*_TAKE_DOWN, Step.DAMP), "version error: Idle, not counted"),
        _go(me, 26, State.ESTABLISHED, up, "the session is up: restart HoldTimer"),
        _fail(me, "FSM error: KEEPALIVE comes first", 27, 28, notify=Step.NOTIFY_FSM),
        _fail(me, "the checks found an error: notify it", 21, 22, notify=Step.NOTIFY_ERROR),
        _same(me, "RFC 9687: SendHoldTimer runs in Established only; ignored", 29),
    )


def _established() -> tuple[Row, ...]:
    me = State.ESTABLISHED
    return (
        *_alike_once_opened(me),
        _fail(me, "FSM error; neither timer runs here", 9, 13, notify=Step.NOTIFY_FSM),
        _go(me, 11, me, (Step.SEND_KEEPALIVE,), "send KEEPALIVE, restart its timer"),
        _fail(me, "TCP failed, or a NOTIFICATION: count, Idle", 18, 24, 25),
        _fail(
            me,
            "CollisionDetectEstablishedState is off; a second OPEN: FSM error",
            19,
            notify=Step.NOTIFY_FSM,
        ),
        _fail(me, "listed as FSM error; 6.1 asks for its own", 21, notify=Step.NOTIFY_ERROR),
        _fail(me, "FSM error: OPEN has no place here", 22, notify=Step.NOTIFY_FSM),
        _go(me, 26, me, (Step.RESTART_HOLD,), "restart HoldTimer, if there is one"),
        _go(me, 27, me, (Step.RESTART_HOLD,), "process it, restart HoldTimer"),
        _fail(me, "an UPDATE that ends the session: notify", 28, notify=Step.NOTIFY_ERROR),
        _fail(me, "RFC 9687, 4.3: nothing could be sent", 29, notify=Step.NOTIFY_SEND_HOLD),
    )


def _alike_once_opened(state: State) -> tuple[Row, ...]:
    """What OpenSent, OpenConfirm and Established treat alike."""
    stop = (Step.NOTIFY_CEASE, *_TAKE_DOWN, Step.ZERO)
    return (
        _same(state, "start events are ignored", 1),
        _go(state, 2, State.IDLE, stop, "Cease (not before a graceful restart), Idle"),
        _fail(state, "Cease, count, Idle", 8, notify=Step.NOTIFY_CEASE),
        _fail(state, "Hold Timer Expired, count, Idle", 10, notify=Step.NOTIFY_HOLD),
        _never(state, "never: no second connection is begun while one stands", 16),
    )


ROWS: Final = (
    *_idle(),
    *_connect(),
    *_active(),
    *_open_sent(),
    *_open_confirm(),
    *_established(),
    *(Row(state, events, state, (), why, True) for events, why in _WHY_NEVER for state in State),
)
TABLE: Final = {(row.state, event): row for row in ROWS for event in row.events}


def printed() -> str:
    """The whole table for people: by state and event, what comes next, why, and by which steps."""
    lines = []
    for state in State:
        lines.append(f"{state}")
        for event in Event:
            row = TABLE[state, event]
            to = "-" if row.never else row.next
            lines.append(f"  {event:>2} {event.words:<32} {to:<12} {row.words}")
            if row.steps:
                lines.append(f"{'':<51}{'; '.join(row.steps)}")
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    sys.stdout.write(printed())
