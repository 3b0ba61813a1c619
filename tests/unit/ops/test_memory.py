"""What is free in the heap goes back to the kernel, without the loop waiting for it."""

from __future__ import annotations

import subprocess
import sys

KEPT = """
import asyncio, re, sys
from pathlib import Path
from vipcast.ops import memory

def anonymous():
    return int(re.search(r"Anonymous: +(\\d+)", Path("/proc/self/smaps_rollup").read_text())[1])

async def main():
    memory.spare()
    blocks = [bytes(4000) for _ in range(10_000)]
    last = bytes(4000)
    full = anonymous()
    del blocks[:]
    before = anonymous()
    async with asyncio.timeout(60):
        tidy = asyncio.create_task(memory.give_back(0.01))
        while anonymous() > full - 30_000:
            await asyncio.sleep(0.01)
        tidy.cancel()
    print("returned" if before > full - 30_000 else "was never kept", len(last))

asyncio.run(main())
"""


def test_pages_that_are_free_inside_the_heap_are_given_back() -> None:
    told = subprocess.run([sys.executable, "-c", KEPT], check=True, capture_output=True, text=True)
    assert told.stdout == "returned 4000\n"
