"""Large blocks of memory go back to the kernel as soon as they are free.

glibc's malloc takes blocks from the heap that are smaller than the largest one ever freed, up to
32 MiB, and the heap hardly ever shrinks. Each TLS connection has a buffer of 256 KiB, of which it
mostly touches a few pages, and a page of a list is as large: on the heap they would count in full.
"""

from __future__ import annotations

import ctypes
from typing import Final

LARGE: Final = 1 << 16
"""Bytes from which a block is mapped by itself."""

_M_MMAP_THRESHOLD: Final = -3  # malloc.h; see mallopt(3). Setting it ends its growing, too.


def spare() -> None:
    """Do so from now on; elsewhere than on glibc nothing is different."""
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None)
    if mallopt is not None:
        mallopt(_M_MMAP_THRESHOLD, LARGE)
