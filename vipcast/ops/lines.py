"""Lines written by a thread of their own, so that a stalled reader of the log stalls nothing else.

A speaker whose log pipe is full must go on saying hello, or it would lose its addresses over a log
line. So lines wait in a queue of bounded length; what does not fit is dropped and counted, and the
count is written once there is room again. The file descriptor is written directly: a thread that
blocks inside a Python file object would hold that object's lock when the interpreter shuts down.
"""

from __future__ import annotations

import os
import queue
import select
import threading
from collections.abc import Callable

CAPACITY = 10_000
"""Lines that may wait; about 3 MB."""


class Lines:
    """Writes lines to a file descriptor, in the order of `put`."""

    def __init__(self, fd: int, lost: Callable[[int], str], capacity: int = CAPACITY) -> None:
        """`lost` makes the line that tells how many were dropped; the caller owns `fd`."""
        self._fd = fd
        self._lost_line = lost
        self._lost = 0
        self._queue: queue.Queue[str | None] = queue.Queue(capacity)
        self._thread = threading.Thread(target=self._work, name="log", daemon=True)
        self._thread.start()

    def put(self, line: str) -> None:
        """Hand over one line, without its line end. Never blocks, never raises."""
        try:
            if self._lost:
                self._queue.put_nowait(self._lost_line(self._lost))
                self._lost = 0
            self._queue.put_nowait(line)
        except queue.Full:
            self._lost += 1

    def close(self, patience: float = 2.0) -> None:
        """Write what waits, for at most `patience` seconds."""
        try:
            if self._lost:
                self._queue.put(self._lost_line(self._lost), timeout=patience)
            self._queue.put(None, timeout=patience)
        except queue.Full:
            return
        self._thread.join(patience)

    def _work(self) -> None:
        while (line := self._queue.get()) is not None:
            try:
                self._write(f"{line}\n".encode(errors="backslashreplace"))
            except OSError as error:
                self._reader_is_gone(error)
                return

    def _write(self, data: bytes) -> None:
        while data:
            try:
                data = data[os.write(self._fd, data) :]
            except BlockingIOError:
                select.select((), (self._fd,), ())

    def _reader_is_gone(self, error: OSError) -> None:
        """Say so once where somebody may still read; what comes after has nowhere to go."""
        os.write(2, f"The log ends here, for it cannot be written: {error.strerror}.\n".encode())
        while self._queue.get() is not None:
            pass
