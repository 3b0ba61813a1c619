"""Large blocks of memory go back to the kernel as soon as they are free.

glibc's malloc takes blocks from the heap that are smaller than the largest one ever freed, up to
32 MiB, and the heap hardly ever shrinks. Each TLS connection has a buffer of 256 KiB, of which it
mostly touches a few pages, and a page of a list is as large: on the heap they would count in full.
What small blocks leave free between others that are in use goes back once in a while.
"""

from __future__ import annotations

import asyncio
import ctypes
from pathlib import Path
from typing import Final

LARGE: Final = 1 << 16
"""Bytes from which a block is mapped by itself."""

EVERY: Final = 20.0
"""Seconds between two times at which free pages inside the heap are given back."""

_STATM: Final = Path("/proc/self/statm")
_SLACK: Final = 128
"""Pages, half a MiB, by which a program may grow without that."""

_M_MMAP_THRESHOLD: Final = -3  # malloc.h; see mallopt(3). Setting it ends its growing, too.


def spare() -> None:
    """Do so from now on; elsewhere than on glibc nothing is different."""
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None)
    if mallopt is not None:
        mallopt(_M_MMAP_THRESHOLD, LARGE)


async def give_back(every: float = EVERY) -> None:
    """Give free pages back until cancelled, where there are more pages than after the last time.

    malloc_trim(3) goes through the whole heap, which takes many milliseconds: in a thread, since
    ctypes lets others run meanwhile, and not at all while a program rests.
    """
    trim = getattr(ctypes.CDLL(None), "malloc_trim", None)
    left = 0
    while trim is not None:
        await asyncio.sleep(every)
        if _resident() > left:
            await asyncio.to_thread(trim, 0)
            left = _resident() + _SLACK


def _resident() -> int:
    """Pages in memory: the second word of proc(5), statm."""
    return int(_STATM.read_text().split()[1])
