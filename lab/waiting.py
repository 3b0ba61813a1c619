"""Waiting for states: look again and again, and tell what never came.

Nobody in the lab, its tests or the benchmarks sleeps for a time that is hoped to be enough.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TypeVar

from lab.errors import NotReady

Found = TypeVar("Found")

PATIENCE = 30.0
"""Seconds to wait for a state; far more than any needs."""
PAUSE = 0.02
"""Seconds between two looks."""


def until(
    condition: Callable[[], Found | None],
    what: str,
    seconds: float = PATIENCE,
    error: type[Exception] = NotReady,
) -> Found:
    """Look again and again until there is an answer that counts. Raises `error`."""
    if found := last_seen(condition, seconds):
        return found
    raise error(never(what, seconds))


def last_seen(
    look: Callable[[], Found],
    seconds: float,
    *,
    pause: float = PAUSE,
    wait: Callable[[float], object] = time.sleep,
) -> Found:
    """The first answer that counts, or that of the last look when the time is over.

    `wait` lets so many seconds pass, or less where it knows that there is news.
    """
    end = time.monotonic() + seconds
    while not (found := look()) and (left := end - time.monotonic()) > 0:
        wait(min(pause, left))
    return found


def never(what: str, seconds: float) -> str:
    """That a state did not come."""
    return f"after {seconds:g} s still not so: {what}"
