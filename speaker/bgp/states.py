"""The words of BGP's state machine: states, events, and the steps between them.

What a state makes of an event stands in `fsm`; what a step does is known to `session`.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum, StrEnum


class State(StrEnum):
    """RFC 4271, section 8.2.2."""

    IDLE = "Idle"
    CONNECT = "Connect"
    ACTIVE = "Active"
    OPEN_SENT = "OpenSent"
    OPEN_CONFIRM = "OpenConfirm"
    ESTABLISHED = "Established"


class Event(IntEnum):
    """RFC 4271, sections 8.1.2 to 8.1.5, with its numbers; 29 is of RFC 9687."""

    MANUAL_START = 1
    MANUAL_STOP = 2
    AUTOMATIC_START = 3
    MANUAL_START_PASSIVE = 4
    AUTOMATIC_START_PASSIVE = 5
    AUTOMATIC_START_DAMPED = 6
    AUTOMATIC_START_DAMPED_PASSIVE = 7
    AUTOMATIC_STOP = 8
    CONNECT_RETRY_TIMER_EXPIRES = 9
    HOLD_TIMER_EXPIRES = 10
    KEEPALIVE_TIMER_EXPIRES = 11
    DELAY_OPEN_TIMER_EXPIRES = 12
    IDLE_HOLD_TIMER_EXPIRES = 13
    TCP_CONNECTION_VALID = 14
    TCP_CR_INVALID = 15
    TCP_CR_ACKED = 16
    TCP_CONNECTION_CONFIRMED = 17
    TCP_CONNECTION_FAILS = 18
    BGP_OPEN = 19
    BGP_OPEN_DELAYED = 20
    BGP_HEADER_ERR = 21
    BGP_OPEN_MSG_ERR = 22
    OPEN_COLLISION_DUMP = 23
    NOTIF_MSG_VER_ERR = 24
    NOTIF_MSG = 25
    KEEPALIVE_MSG = 26
    UPDATE_MSG = 27
    UPDATE_MSG_ERR = 28
    SEND_HOLD_TIMER_EXPIRES = 29

    @property
    def words(self) -> str:
        """The name as the RFCs write it, about: "HoldTimerExpires"."""
        return "".join(map(str.capitalize, self.name.split("_")))


class Step(StrEnum):
    """What a session does on its way to the next state."""

    CONNECT = "open TCP"
    CLOSE = "drop TCP"
    RELEASE = "release resources"
    SEND_OPEN = "send OPEN"
    SEND_KEEPALIVE = "send KEEPALIVE"
    NOTIFY_CEASE = "notify Cease"
    NOTIFY_HOLD = "notify Hold Timer Expired"
    NOTIFY_SEND_HOLD = "notify Send Hold Timer Expired"
    NOTIFY_ERROR = "notify the error found"
    NOTIFY_FSM = "notify FSM Error"
    START_CONNECT_RETRY = "start ConnectRetryTimer"
    STOP_CONNECT_RETRY = "stop ConnectRetryTimer"
    START_LARGE_HOLD = "start HoldTimer, 4 minutes"
    START_NEGOTIATED = "start HoldTimer and KeepaliveTimer as negotiated"
    RESTART_HOLD = "restart HoldTimer"
    START_SEND_HOLD = "start SendHoldTimer"
    STOP_IDLE_HOLD = "stop IdleHoldTimer"
    ZERO = "zero ConnectRetryCounter"
    COUNT = "count a failure"
    DAMP = "start IdleHoldTimer"


@dataclass(frozen=True, slots=True)
class Row:
    """What a state makes of some events, and the RFC's words for it in short.

    `never`: these events cannot happen in this state to a speaker that only connects.
    """

    state: State
    events: tuple[Event, ...]
    next: State
    steps: tuple[Step, ...]
    words: str
    never: bool = False
