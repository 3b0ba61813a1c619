"""The timers of one session: when each is due, and which is next (RFC 4271, section 10).

Times are monotonic seconds. Timers that routers could fall into step by are shortened by chance, to
between three quarters and all of their time.
"""

from __future__ import annotations

from collections.abc import Callable
from enum import Enum
from typing import Final

from speaker.bgp.states import Event

LARGE_HOLD: Final = 240.0
"""How long a peer may take for its OPEN."""

SEND_HOLD: Final = 480.0
"""How long nothing may leave, or twice the hold time if that is longer (RFC 9687, section 6)."""

KEEPALIVE_SPACING: Final = 1.0
"""KEEPALIVEs never follow each other faster (RFC 4271, section 4.4)."""

LATE: Final = 0.5
"""Who looks at the clock this much after the hold time has ended was held up itself.

What the peer said meanwhile may still wait to be read: it is given the same time once more.
"""


class Timer(Enum):
    """Each with the event of its end; where several are due, they end in this order."""

    CONNECT_RETRY = Event.CONNECT_RETRY_TIMER_EXPIRES
    HOLD = Event.HOLD_TIMER_EXPIRES
    SEND_HOLD = Event.SEND_HOLD_TIMER_EXPIRES
    KEEPALIVE = Event.KEEPALIVE_TIMER_EXPIRES
    IDLE_HOLD = Event.IDLE_HOLD_TIMER_EXPIRES


class Timers:
    """Which timers run."""

    def __init__(self, jitter: Callable[[], float]) -> None:
        """`jitter` gives a number between 0 and 1 at each call."""
        self._jitter = jitter
        self._due: dict[Timer, float] = {}
        self._excused = False

    def start(self, timer: Timer, now: float, seconds: float) -> None:
        """It ends that many seconds from now, whether or not it ran before."""
        self._due[timer] = now + seconds
        if timer is Timer.HOLD:
            self._excused = False

    def start_jittered(self, timer: Timer, now: float, seconds: float, least: float = 0.0) -> None:
        """As `start`, after three quarters to all of the seconds, but not less than `least`."""
        self.start(timer, now, max(least, seconds * (0.75 + 0.25 * self._jitter())))

    def stop(self, *timers: Timer) -> None:
        """They do not run any more."""
        for timer in timers:
            self._due.pop(timer, None)

    def due(self, timer: Timer) -> float | None:
        """When it ends; None if it does not run."""
        return self._due.get(timer)

    def deadline(self) -> float | None:
        """When the next one ends; None if none runs."""
        return min(self._due.values(), default=None)

    def expired(self, now: float) -> Event | None:
        """The next timer that has ended, as an event; it runs no more."""
        for timer in Timer:
            due = self._due.get(timer)
            if due is None or now < due:
                continue
            if timer is Timer.HOLD and now - due > LATE and not self._excused:
                self._due[timer] = now + LATE
                self._excused = True
                continue
            del self._due[timer]
            return timer.value
        return None
