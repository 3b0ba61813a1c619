"""The kernel's own notifications for one directory, with nothing around them (inotify(7))."""

from __future__ import annotations

import ctypes
import os
import select
import struct
from pathlib import Path
from typing import Final, Self

# linux/inotify.h
_IN_MOVED_TO: Final = 0x80
_IN_DELETE: Final = 0x200
_IN_Q_OVERFLOW: Final = 0x4000
_HEAD: Final = struct.Struct("=iIII")
"""struct inotify_event without its name: watch, mask, cookie, length of the name; host order."""

_ENOUGH: Final = 1 << 16


class Inotify:
    """Tells which files were put into a directory by rename, or deleted from it."""

    def __init__(self, directory: Path) -> None:
        """Raises OSError if the kernel refuses."""
        libc = ctypes.CDLL(None, use_errno=True)
        self._fd: int = libc.inotify_init1(os.O_CLOEXEC)
        if self._fd < 0:
            raise OSError(ctypes.get_errno(), "inotify_init1")
        mask = _IN_MOVED_TO | _IN_DELETE
        if libc.inotify_add_watch(self._fd, os.fsencode(directory), mask) < 0:
            os.close(self._fd)
            raise OSError(ctypes.get_errno(), "inotify_add_watch", str(directory))

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        os.close(self._fd)

    def fileno(self) -> int:
        """Readable when there is something to tell."""
        return self._fd

    def names(self, patience: float) -> list[str]:
        """The files since it was last asked, in order; waits so many seconds for the first.

        Raises TimeoutError if nothing happens, OverflowError if the kernel has dropped some.
        """
        if not select.select([self._fd], [], [], patience)[0]:
            raise TimeoutError(f"nothing has happened for {patience:g} s")
        told = os.read(self._fd, _ENOUGH)
        names = []
        at = 0
        while at < len(told):
            _, mask, _, length = _HEAD.unpack_from(told, at)
            if mask & _IN_Q_OVERFLOW:
                raise OverflowError("the kernel has dropped notifications")
            at += _HEAD.size
            names.append(os.fsdecode(told[at : at + length].rstrip(b"\0")))
            at += length
        return names
