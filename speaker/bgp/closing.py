"""Why a connection ends: the cause as the session knows it, before the end has happened."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from speaker.bgp.codes import Cease, ErrorCode, FsmError, MessageType, OpenError
from speaker.bgp.encode import shutdown
from speaker.bgp.messages import Notification
from speaker.bgp.notices import DownReason
from speaker.bgp.states import Event, State
from vipcast.model.errors import MessageError

# Texts are no longer than this: peers from before RFC 9003 take no more (RFC 8203, section 2).
_LONGEST_TEXT: Final = 128
_OF_OPEN: Final[dict[int, DownReason]] = {
    OpenError.BAD_PEER_AS: DownReason.WRONG_ASN,
    OpenError.BAD_BGP_IDENTIFIER: DownReason.BAD_ROUTER_ID,
    OpenError.UNACCEPTABLE_HOLD_TIME: DownReason.UNACCEPTABLE_HOLD_TIME,
    OpenError.UNSUPPORTED_CAPABILITY: DownReason.NO_COMMON_FAMILY,
}
_UNEXPECTED: Final = {
    State.OPEN_SENT: FsmError.IN_OPEN_SENT,
    State.OPEN_CONFIRM: FsmError.IN_OPEN_CONFIRM,
    State.ESTABLISHED: FsmError.IN_ESTABLISHED,
}


@dataclass(frozen=True, slots=True)
class Ending:
    """A cause, in a sentence, with the NOTIFICATION that goes with it, the peer's or ours.

    `hint` is what the host would have people look at.
    """

    reason: DownReason
    sentence: str
    notification: Notification | None = None
    hint: str = ""


def stopped(cease: Cease | None, text: str, *, hard: bool) -> Ending:
    """The owner wants no session any more; no Cease: it will be back (RFC 4724, section 4.1).

    `hard`: the peer would take a NOTIFICATION for a restart and keep our routes, so that what is
    meant is wrapped in a hard reset (RFC 8538, section 3.1).
    """
    if cease is None:
        return Ending(DownReason.RESTARTING, "This speaker restarts.")
    told = _cease(cease, text)
    if hard:
        wrapped = bytes((told.code, told.subcode)) + told.data
        told = Notification(ErrorCode.CEASE, Cease.HARD_RESET, wrapped)
    return Ending(DownReason.STOPPED, "This speaker ended the session.", told)


def reset(cease: Cease, text: str) -> Ending:
    """The owner wants a new session in the place of this one."""
    sentence = "This speaker ended the session, to begin it anew."
    return Ending(DownReason.RESET, sentence, _cease(cease, text))


def notified(said: Notification) -> Ending:
    """The peer ended the session, and said why."""
    text = f': "{said.text}"' if said.text else ""
    return Ending(DownReason.NOTIFIED, f"The router sent {said.words}{text}.", said)


def lost(how: str, state: State, hint: str) -> Ending:
    """TCP failed or was closed; `how` is the host's sentence about it, `hint` its hint."""
    failed = state is State.CONNECT
    reason = DownReason.UNREACHABLE if failed else DownReason.CLOSED_BY_PEER
    return Ending(reason, how, hint=hint)


def broken(error: MessageError) -> Ending:
    """The peer's message cannot be accepted."""
    reason = DownReason.MALFORMED
    if error.code == ErrorCode.OPEN_MESSAGE:
        reason = _OF_OPEN.get(error.subcode, reason)
    return Ending(reason, error.sentence, Notification(error.code, error.subcode, error.data))


def unexpected(state: State, kind: MessageType) -> Ending:
    """The peer's message has no place in this state (RFC 6608, section 4: its type is the data)."""
    name = kind.name.replace("_", "-")
    sentence = f"The router sent {name} in state {state}, where it has no place."
    told = Notification(ErrorCode.FINITE_STATE_MACHINE, _UNEXPECTED[state], bytes((kind,)))
    return Ending(DownReason.UNEXPECTED, sentence, told)


def expired(timer: Event) -> Ending | None:
    """A timer ended; None of those that end no connection."""
    return _EXPIRED.get(timer)


_EXPIRED: Final = {
    Event.CONNECT_RETRY_TIMER_EXPIRES: Ending(
        DownReason.CONNECT_TIMED_OUT, "The router did not answer within the connect time."
    ),
    Event.HOLD_TIMER_EXPIRES: Ending(
        DownReason.HOLD_TIMER_EXPIRED,
        "The router was not heard for the hold time.",
        Notification(ErrorCode.HOLD_TIMER_EXPIRED, 0),
    ),
    Event.SEND_HOLD_TIMER_EXPIRES: Ending(
        DownReason.SEND_HOLD_TIMER_EXPIRED,
        "The router has taken nothing for too long.",
        Notification(ErrorCode.SEND_HOLD_TIMER_EXPIRED, 0),
    ),
}


def _cease(subcode: Cease, text: str) -> Notification:
    """RFC 9003, section 2: only these two carry a text."""
    speaking = subcode in (Cease.ADMINISTRATIVE_SHUTDOWN, Cease.ADMINISTRATIVE_RESET)
    short = text.encode(errors="replace")[:_LONGEST_TEXT].decode(errors="ignore")
    data = shutdown(short) if speaking and short else b""
    return Notification(ErrorCode.CEASE, subcode, data)
