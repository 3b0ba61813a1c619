"""Work inside a network namespace of the lab: what is opened there stays there."""

from __future__ import annotations

import ctypes
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from lab.kernel import NAMESPACES

_CLONE_NEWNET = 0x40000000  # linux/sched.h
_libc = ctypes.CDLL(None, use_errno=True)


@contextmanager
def inside(namespace: str) -> Iterator[None]:
    """This thread is in the namespace, until the end; sockets that it opens belong to it for good.

    Not across an `await`: another task would run there, too.
    """
    with Path("/proc/thread-self/ns/net").open() as home:
        with (NAMESPACES / namespace).open() as there:
            _enter(there.fileno())
        try:
            yield
        finally:
            _enter(home.fileno())


def _enter(descriptor: int) -> None:
    if _libc.setns(descriptor, _CLONE_NEWNET) != 0:
        code = ctypes.get_errno()
        raise OSError(code, os.strerror(code))
