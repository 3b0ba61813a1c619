"""What a session tells its owner, in the order in which it happened.

    Connect       open a TCP connection
    Established   routes may be sent
    UpdateSeen    the router sent routes; they are counted, never kept
    RefreshAsked  the router wants all routes of a family again
    Close         drop the connection
    Down          an attempt or a session ended, and why

Each carries the generation of the connection that it is about: a number that only grows. What is
told about an older connection than the present one is late, and means nothing any more.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from ipaddress import IPv4Address, IPv6Address

from speaker.bgp.messages import AfiSafi, Counts, Fault, Notification
from speaker.bgp.negotiate import Negotiated
from speaker.bgp.states import State


class DownReason(StrEnum):
    """Why a connection ended: one word, the same in status, log, Events and metrics."""

    STOPPED = "stopped"
    RESTARTING = "restarting"
    RESET = "reset"
    UNREACHABLE = "unreachable"
    CONNECT_TIMED_OUT = "connectTimedOut"
    CLOSED_BY_PEER = "closedByPeer"
    NOTIFIED = "notificationReceived"
    HOLD_TIMER_EXPIRED = "holdTimerExpired"
    SEND_HOLD_TIMER_EXPIRED = "sendHoldTimerExpired"
    WRONG_ASN = "wrongASN"
    BAD_ROUTER_ID = "badRouterID"
    UNACCEPTABLE_HOLD_TIME = "unacceptableHoldTime"
    NO_COMMON_FAMILY = "noCommonFamily"
    MALFORMED = "malformedMessage"
    UNEXPECTED = "unexpectedMessage"


@dataclass(frozen=True, slots=True)
class Said:
    """A NOTIFICATION, who said it, and when (monotonic seconds)."""

    notification: Notification
    by_us: bool
    at: float

    def __str__(self) -> str:
        """In words: 'received Cease, administrative shutdown ("maintenance")'."""
        text = self.notification.text
        told = f' ("{text}")' if text else ""
        return f"{'sent' if self.by_us else 'received'} {self.notification.words}{told}"


@dataclass(frozen=True, slots=True)
class Connect:
    """Open a TCP connection to the peer, and only this one: any other is dropped already.

    Then say `connected` or `refused`.
    """

    generation: int


@dataclass(frozen=True, slots=True)
class Close:
    """Drop this connection, or the attempt to have it, after `last`, which may be empty.

    What was taken from `to_send` before comes first. Nobody waits for it: if the socket takes
    nothing, drop it as it is. What the peer has sent should be read up before, since a socket that
    is closed on unread bytes takes `last` with it.
    """

    generation: int
    last: bytes


@dataclass(frozen=True, slots=True)
class Established:
    """The session is up; `local` is this side's address of the connection, a next hop."""

    generation: int
    negotiated: Negotiated
    local: IPv4Address | IPv6Address
    remote: IPv4Address | IPv6Address


@dataclass(frozen=True, slots=True)
class Down:
    """A connection or an attempt ended in `state`.

    `sentence` says what happened, `hint` what to look at (often empty). `said` is the NOTIFICATION
    that ended it. `stood` is for how many seconds it was Established, None if never.
    """

    generation: int
    reason: DownReason
    state: State
    sentence: str
    hint: str
    said: Said | None
    stood: float | None


@dataclass(frozen=True, slots=True)
class RefreshAsked:
    """Send all routes of this family again; `enhanced`: between BoRR and EoRR (RFC 7313)."""

    generation: int
    family: AfiSafi
    enhanced: bool


@dataclass(frozen=True, slots=True)
class UpdateSeen:
    """The UPDATEs of one call of `receive`, summed up; of equal faults there is one."""

    generation: int
    messages: int
    announced: Counts
    withdrawn: Counts
    end_of_rib: tuple[AfiSafi, ...]
    faults: tuple[Fault, ...]


SessionEvent = Connect | Close | Established | Down | RefreshAsked | UpdateSeen


@dataclass(frozen=True, slots=True)
class SessionView:
    """How a session stands, for status and metrics; times are monotonic seconds.

    `since`: when the state was entered, None if it never left Idle. `next_attempt`: when it
    connects again, None if it does not wait for that. `waiting`: octets that are not yet taken.
    `cause` is why there is no session, or was none, `aftermath` how connections have ended since
    then that explain nothing (causes). Messages are counted by type (codes.MessageType), over all
    connections.
    """

    state: State
    since: float | None
    generation: int
    negotiated: Negotiated | None
    last_sent: Said | None
    last_received: Said | None
    cause: Down | None
    aftermath: Down | None
    next_attempt: float | None
    waiting: int
    messages_sent: Mapping[int, int]
    messages_received: Mapping[int, int]
