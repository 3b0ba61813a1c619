"""The thread that writes for a connection when the event loop is held up.

While the loop computes, KEEPALIVEs are still due. Python hands the interpreter from a busy thread
to a waiting one after 5 ms, so a thread of our own writes them in time. It writes only where the
loop is late: the session has its own timer for KEEPALIVEs, and normally this thread finds each time
that something was written meanwhile.

A loop that never comes round again must not be kept alive at the routers, though: they would go on
to send it traffic for routes that nobody withdraws. So the thread asks the loop for a sign of life
as it begins to write in its place, and stops when none has come after PATIENCE seconds.
"""

from __future__ import annotations

import asyncio
import threading
import time
from typing import Final, Protocol

PATIENCE: Final = 30.0
"""Seconds: far more than any computation of ours takes."""

_RECHECK: Final = 1.0


class Paced(Protocol):
    """What the thread looks after."""

    @property
    def due(self) -> float:
        """When something has to have been written, in seconds of time.monotonic()."""

    def beat(self, now: float) -> None:
        """It is due: write. Called in the thread; must not block."""


class Pacemaker:
    """One thread for all connections; it runs while there are any to look after."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop
        self._paced: set[Paced] = set()
        self._changed = threading.Condition()
        self._running = False
        self._asked: float | None = None

    def watch(self, paced: Paced) -> None:
        """Look after it from now on; again when what is due is due sooner than it was."""
        with self._changed:
            self._paced.add(paced)
            if self._running:
                self._changed.notify()
                return
            self._running = True
        threading.Thread(target=self._run, name="bgp-keepalive", daemon=True).start()

    def forget(self, paced: Paced) -> None:
        """Look after it no longer: when this returns the thread does nothing with it any more."""
        with self._changed:
            self._paced.discard(paced)
            self._changed.notify()

    def turn(self, now: float) -> float:
        """Write where it is due; returns for how many seconds nothing will be. Under the lock."""
        late = [paced for paced in self._paced if paced.due <= now]
        if late and not self._loop_lives(now):
            return _RECHECK
        for paced in late:
            paced.beat(now)
        return min((paced.due for paced in self._paced), default=now) - now

    def _run(self) -> None:
        with self._changed:
            try:
                while self._paced:
                    wait = self.turn(time.monotonic())
                    if wait > 0:
                        self._changed.wait(wait)
            finally:
                self._running = False

    def _loop_lives(self, now: float) -> bool:
        asked = self._asked
        if asked is None:
            self._asked = now
            self._loop.call_soon_threadsafe(self._answered)  # may be answered before it returns
            return True
        return now - asked < PATIENCE

    def _answered(self) -> None:
        self._asked = None
