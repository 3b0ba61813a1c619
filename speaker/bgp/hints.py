"""What to look at when a connection ended: the mistakes that people make most.

BGP says little: a router that drops every route for want of a policy says nothing at all, one with
another password does not even answer. So a hint names what is likely, not what is certain. Of a
connection that could not be had the host knows more: it has its own hints, and mostly needs none.
"""

from __future__ import annotations

from ipaddress import IPv4Address, IPv6Address
from typing import Final

from speaker.bgp.closing import Ending
from speaker.bgp.codes import Cease, ErrorCode, OpenError
from speaker.bgp.messages import Notification
from speaker.bgp.notices import DownReason
from speaker.bgp.settings import SessionSettings, names_families_alone
from speaker.bgp.states import State

AT_ONCE: Final = 10.0
"""A session that stood for less than this many seconds was ended by what it began with."""

_CAPABILITY: Final = (ErrorCode.OPEN_MESSAGE, OpenError.UNSUPPORTED_CAPABILITY)
_OURS: Final = {
    DownReason.WRONG_ASN: "Correct the AS of this peer here, or that of the router.",
    DownReason.BAD_ROUTER_ID: "Give the router or this peer another router id.",
    DownReason.UNACCEPTABLE_HOLD_TIME: "Give the router a hold time of 3 seconds or more, or none.",
    DownReason.NO_COMMON_FAMILY: (
        "Activate the family for this node on the router, or let this peer carry what it does."
    ),
    DownReason.HOLD_TIMER_EXPIRED: (
        "The router is down, cut off or busy; or what it sends is lost on the way."
    ),
    DownReason.SEND_HOLD_TIMER_EXPIRED: "The router reads nothing any more: look at its load.",
}
_THEIRS: Final[dict[tuple[int, int], str]] = {
    (ErrorCode.OPEN_MESSAGE, OpenError.BAD_BGP_IDENTIFIER): (
        "The router refuses our router id, {settings.router_id}: give this peer another."
    ),
    (ErrorCode.OPEN_MESSAGE, OpenError.BAD_PEER_AS): (
        "The router expects another AS than {settings.local_asn} of this node: compare the "
        "router's remote AS for it with the AS that this peer has for itself."
    ),
    (ErrorCode.OPEN_MESSAGE, OpenError.UNACCEPTABLE_HOLD_TIME): (
        "The router does not accept a hold time of {settings.hold_time} s: give this peer one "
        "that it does."
    ),
    (ErrorCode.OPEN_MESSAGE, OpenError.UNSUPPORTED_OPTIONAL_PARAMETER): (
        "The router knows no capabilities: it will be offered none."
    ),
    _CAPABILITY: "The router will be offered less; if that does not help, no family is common.",
    (ErrorCode.CEASE, Cease.MAXIMUM_PREFIXES_REACHED): (
        "The router got more routes than it allows for this node: raise its maximum, or announce "
        "fewer."
    ),
    (ErrorCode.CEASE, Cease.ADMINISTRATIVE_SHUTDOWN): (
        "On the router, somebody has shut this neighbour down."
    ),
    (ErrorCode.CEASE, Cease.PEER_DECONFIGURED): "The router has no such neighbour any more.",
    (ErrorCode.CEASE, Cease.CONNECTION_REJECTED): (
        "The router has no neighbour {local}, or waits after an error."
    ),
    (ErrorCode.CEASE, Cease.CONNECTION_COLLISION_RESOLUTION): (
        "The router has a connection with this node already: does another BGP speaker run here?"
    ),
    (ErrorCode.HOLD_TIMER_EXPIRED, 0): (
        "The router heard nothing of this node for the hold time: is the node overloaded, or the "
        "way lossy?"
    ),
}
_NO_FAMILY: Final = "No family is common: activate {families} for this node on the router."
_SILENT: Final = (
    "Is the address right, and the way open? A router that wants a password does not answer those "
    "who have none."
)
_SILENT_SIGNED: Final = (
    "Is the address right, and the way open? A router does not answer those whose password is "
    "another than its own, or who have one where it has none: compare both."
)
_NO_NEIGHBOUR: Final = (
    "The router took the connection and dropped it before OPEN: it has no neighbour {local}, has a "
    "session with another speaker of this node, or waits after an error."
)
_DROPPED: Final = (
    "The router dropped a session that had just begun, without a word: its log has the reason."
)


def hint(
    settings: SessionSettings,
    ending: Ending,
    state: State,
    *,
    local: IPv4Address | IPv6Address | None,
    stood: float | None,
) -> str:
    """A sentence or two, or "". `local` is our address of the connection, `stood` as in Down."""
    if ending.hint:
        return ending.hint
    families = " and ".join(map(str, settings.families))
    text = _of(settings, ending, state, stood)
    return text.format(settings=settings, local=local or "with our address", families=families)


def _of(settings: SessionSettings, ending: Ending, state: State, stood: float | None) -> str:
    match ending.reason:
        case DownReason.NOTIFIED if ending.notification is not None:
            return _of_notification(ending.notification)
        case DownReason.CONNECT_TIMED_OUT:
            return _SILENT_SIGNED if settings.md5 else _SILENT
        case DownReason.CLOSED_BY_PEER if state is State.OPEN_SENT:
            return _NO_NEIGHBOUR
        case DownReason.CLOSED_BY_PEER if stood is None or stood < AT_ONCE:
            return _DROPPED
        case _:
            return _OURS.get(ending.reason, "")


def _of_notification(said: Notification) -> str:
    inner = said.wrapped or said
    if (inner.code, inner.subcode) == _CAPABILITY and names_families_alone(inner.data):
        return _NO_FAMILY
    return _THEIRS.get((inner.code, inner.subcode), "")
