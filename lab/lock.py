"""Who has a lab: one process, and with it every command that it has under way.

The lock is flock(2) on a file. It belongs to the open file rather than to the process, and commands
of the lab (lab.kernel) and shells that are about to record a program (lab.processes) keep that file
open while they work. So a lab whose holder is killed is not free before the last thing that the
holder began is done, and whoever cleans up next finds everything.

The file names its holder. Without a name, or with that of a process that has ended, the lab is only
being cleaned up or about to be free, and is waited for.
"""

from __future__ import annotations

import fcntl
import os
import sys
import time
from contextlib import suppress
from pathlib import Path

from lab import signals
from lab.errors import Busy
from lab.processes import Record, start_time

descriptors: set[int] = set()
"""Locks that this process holds, for its commands to keep open."""

_PATIENCE = 30.0
"""Seconds that another process may take to clean up what a killed run left."""
_PAUSE = 0.01
_LOWEST = 100
"""Descriptors from here on are none that a program started by the lab is told about."""


class Lock:
    """The lock of one lab, in a directory that is there only while somebody needs it."""

    def __init__(self, lab: str, file: Path) -> None:
        self.file = file
        self.descriptor: int | None = None
        """Of the open file while this process holds the lab, else None."""
        self._lab = lab

    @property
    def held(self) -> bool:
        """Whether this process holds the lab."""
        return self.descriptor is not None

    def take(self, *, named: bool = True, patience: float = _PATIENCE) -> None:
        """Hold the lab for this process; nothing happens when it does already.

        Others are told this process's name, or are left to wait if not `named`. Raises Busy when a
        living process has its name on the lab, or when it is not free after `patience` s.
        """
        deadline = time.monotonic() + patience
        while not self.held:
            try:
                with signals.deferred():
                    self._try(named)
            except Busy as busy:
                if busy.holder or time.monotonic() >= deadline:
                    raise
                time.sleep(_PAUSE)

    def release(self) -> None:
        """Let others have the lab; nothing of the lock stays."""
        if self.descriptor is not None:
            self.file.unlink(missing_ok=True)
            descriptors.discard(self.descriptor)
            os.close(self.descriptor)
            self.descriptor = None
            # Another lab may live in it, or come into being just now.
            with suppress(OSError):
                self.file.parent.rmdir()

    def _try(self, named: bool) -> None:
        """Take it, or raise Busy, or do nothing: then it has to be tried again."""
        # Whoever releases the last lab removes the directory, at any moment.
        with suppress(FileExistsError):
            self.file.parent.mkdir(parents=True, exist_ok=True)
        try:
            fd = os.open(self.file, os.O_RDWR | os.O_CREAT, 0o644)
        except FileNotFoundError:
            return
        try:
            fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
            if self._is_current(fd):
                os.truncate(fd, 0)
                if named:
                    os.pwrite(fd, _own_name().encode(), 0)
                self.descriptor = fcntl.fcntl(fd, fcntl.F_DUPFD_CLOEXEC, _LOWEST)
                descriptors.add(self.descriptor)
        except BlockingIOError:
            raise Busy(self._lab, _living(os.pread(fd, 4096, 0).decode(errors="replace"))) from None
        finally:
            os.close(fd)

    def _is_current(self, fd: int) -> bool:
        """Whether the file is still that of the name: its last holder has removed it."""
        with suppress(FileNotFoundError):
            return os.path.samestat(os.fstat(fd), self.file.stat())
        return False


def _own_name() -> str:
    return f"{os.getpid()} {start_time(os.getpid())}\n{' '.join(sys.argv)}"


def _living(name: str) -> str:
    """What to call the process that wrote its name, empty if none did or it has ended."""
    numbers, _, command = name.partition("\n")
    words = numbers.split()
    if len(words) != len(("pid", "started")):
        return ""
    pid, started = (int(word) for word in words)
    return f"{pid} ({command})" if Record("holder", pid, started).alive() else ""
