"""How long a session stays in Idle after a failure: the damping that RFC 4271 leaves to us (8.1.1).

A speaker is to be back seconds after its router is. So the wait doubles only to LIMIT, is forgotten
by a session that stood, and does not grow where an administrator asked for the reset. A router
that does not accept connections may be booting: waits for it have a ladder of their own, which ends
at the connect time. Only a router that got too many routes is left in peace for longer.
"""

from __future__ import annotations

from typing import Final

from speaker.bgp.closing import Ending
from speaker.bgp.codes import Cease, ErrorCode
from speaker.bgp.notices import DownReason

FIRST: Final = 1.0
"""Seconds after the first failure; each further one doubles it."""

LIMIT: Final = 16.0
"""The longest wait, in seconds."""

CROWDED: Final = 60.0
"""Seconds after a router said that it got too many prefixes."""

STOOD: Final = 60.0
"""Seconds in Established after which what had failed before is forgotten."""

_ASKED: Final = (Cease.ADMINISTRATIVE_RESET, Cease.OTHER_CONFIGURATION_CHANGE)


class Backoff:
    """Counts what failed in a row."""

    def __init__(self) -> None:
        self._failures = 0  # RFC 4271's ConnectRetryCounter
        self._refusals = 0

    def count(self) -> None:
        """A connection failed after it was up."""
        self._failures += 1

    def reached(self) -> None:
        """The router accepted a connection."""
        self._refusals = 0

    def forget(self) -> None:
        """All is as if nothing had failed."""
        self._failures = 0
        self._refusals = 0

    def wait(self, ending: Ending, connect_time: float) -> float:
        """Seconds until the next attempt, after what has been counted."""
        if ending.reason is DownReason.UNREACHABLE:
            self._refusals += 1
            return _ladder(self._refusals, connect_time)
        if ending.reason is DownReason.RESET:
            self.forget()
        if ending.reason is DownReason.NOTIFIED and ending.notification is not None:
            said = ending.notification.wrapped or ending.notification
            if said.code == ErrorCode.CEASE and said.subcode == Cease.MAXIMUM_PREFIXES_REACHED:
                return CROWDED
            if said.code == ErrorCode.CEASE and said.subcode in _ASKED:
                self.forget()
        return _ladder(self._failures, LIMIT)


def _ladder(step: int, limit: float) -> float:
    """FIRST for the first step (and before), then twice as long each, but never above the limit."""
    return min(FIRST * (1 << min(max(step - 1, 0), 16)), limit)
