"""How a program of the lab says that it is ready: one byte on the descriptor it was told."""

from __future__ import annotations

import os


def tell() -> None:
    """Say "ready" to whoever started this program and wants to know."""
    told = os.environ.pop("LAB_READY_FD", None)
    if told is not None:
        os.write(int(told), b"\n")
        os.close(int(told))
