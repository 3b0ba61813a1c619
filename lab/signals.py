"""Ctrl-C and friends while a lab stands: nothing is cut in half, and nothing stays behind.

`program` runs what a person starts: a signal unwinds it, so that every `with` cleans up, and it
ends without a trace on the terminal. `as_exit` does a part of this where a lab is used by somebody
else's program, a test run say. `deferred` holds signals back while something is built or taken
down, and delivers them afterwards. Python hands signals to the main thread only; in any other
thread `as_exit` and `deferred` do nothing.
"""

from __future__ import annotations

import os
import signal
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType

_ENDING = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
_SAME_WISH = 1.0
"""Seconds in which a further signal asks for nothing new: Ctrl-C is often pressed twice."""


def program(main: Callable[[], int]) -> int:
    """Exit status of a whole program: what `main` returns, or 128 + the signal that ended it.

    A reader of the output who has gone (`| head`) ends it as SIGPIPE would, with 141. Afterwards
    signals are ignored: the program is at its end.
    """
    last = -_SAME_WISH

    def leave(number: int, _frame: FrameType | None) -> None:
        nonlocal last
        now = time.monotonic()
        if now - last >= _SAME_WISH:
            last = now
            raise SystemExit(128 + number)

    # What is ignored already (nohup) is to stay so.
    for each in _ENDING:
        if signal.getsignal(each) != signal.SIG_IGN:
            signal.signal(each, leave)
    try:
        status = main()
        sys.stdout.flush()
    except SystemExit as ended:
        status = ended.code if isinstance(ended.code, int) else 1
    except BrokenPipeError:
        # Python flushes once more at its end, and would complain then.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        status = 128 + signal.SIGPIPE
    finally:
        for each in _ENDING:
            signal.signal(each, signal.SIG_IGN)
    return status


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
def blocked() -> Iterator[None]:
    """Block SIGINT, SIGTERM and SIGHUP in this thread, and for good in what it starts meanwhile.

    Ctrl-C goes to everything in the foreground of a terminal, and also to a child that has only
    just been forked, before it could leave its parent's process group. To be used in `deferred`.
    """
    before = signal.pthread_sigmask(signal.SIG_BLOCK, _ENDING)
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


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
