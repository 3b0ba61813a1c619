"""Ctrl-C and friends while a lab stands: nothing is cut in half, and nothing stays behind.

`deferred` holds signals back while something is built or taken down and delivers them afterwards.
`as_exit` lets SIGTERM and SIGHUP, which would end the process on the spot, unwind it like Ctrl-C
does, so that the lab's own `with` can clean up. Python hands signals to the main thread only; in
any other thread both do nothing.
"""

from __future__ import annotations

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

_ENDING = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


@contextmanager
def deferred() -> Iterator[None]:
    """Deliver SIGINT, SIGTERM and SIGHUP only at the end of the block (each once)."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    came: list[int] = []

    def note(number: int, _frame: FrameType | None) -> None:
        came.append(number)

    before = {number: signal.signal(number, note) for number in _ENDING}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
        for missed in dict.fromkeys(came):
            signal.raise_signal(missed)


@contextmanager
def as_exit() -> Iterator[None]:
    """Turn SIGTERM and SIGHUP into SystemExit(128 + number), where nobody handles them yet."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return

    def leave(number: int, _frame: FrameType | None) -> None:
        raise SystemExit(128 + number)

    unwound = (signal.SIGTERM, signal.SIGHUP)
    mine = [each for each in unwound if signal.getsignal(each) == signal.SIG_DFL]
    for each in mine:
        signal.signal(each, leave)
    try:
        yield
    finally:
        for each in mine:
            signal.signal(each, signal.SIG_DFL)
