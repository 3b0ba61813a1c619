"""Labs for tests: names of their own, and a failed test that shows what its programs wrote."""

from __future__ import annotations

import itertools
import os
from pathlib import Path

from lab.cluster import Lab

_numbers = itertools.count(1)
_TAIL = 4000


def unique_name() -> str:
    """A lab name that no other test, and no other run of the tests on this machine, uses."""
    return f"t{os.getpid()}n{next(_numbers)}"


def logs(lab: Lab) -> list[tuple[str, str]]:
    """Name and last characters of every log of a lab that stands."""
    return [(path.name, _tail(path)) for path in sorted(lab.run.log.glob("*.log"))]


def _tail(path: Path) -> str:
    return path.read_text(errors="replace")[-_TAIL:]
