"""What benchmarks share: rounds in turn, the spread of what was measured, and the result file.

    told = interleaved({"ours": ..., "floor": ...}, rounds=100, warm_up=5)
    spread(told["ours"]).median / spread(told["floor"]).median
    record("directory-latency", environment(time.time()), {...})

Contenders take turns within one run, and who goes first changes with every round: whatever else the
machine does meets them alike.
"""

from __future__ import annotations

import json
import math
import os
import platform
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, TypeVar

RESULTS = Path(__file__).parent / "results"
PATIENCE = 60.0
"""Seconds after which a contender that says nothing has failed."""

_SPIN = """\
import os
parent = os.getppid()
while os.getppid() == parent:
    for _ in range(100_000):
        pass
"""

Measured = TypeVar("Measured")


class BenchmarkError(Exception):
    """A contender did not do what it is measured at; the sentence says what is missing."""


@dataclass(frozen=True, slots=True)
class Spread:
    """What was measured, each value one that occurred (nearest rank), in the unit it came in."""

    samples: int
    median: float
    p99: float
    worst: float

    def rounded(self) -> dict[str, float]:
        """As a result file has it."""
        parts = {"median": self.median, "p99": self.p99, "worst": self.worst}
        return {"samples": self.samples, **{name: round(part, 3) for name, part in parts.items()}}


def spread(values: Sequence[float]) -> Spread:
    """The spread of at least one value."""
    ranked = sorted(values)
    median, p99 = (ranked[math.ceil(len(ranked) * part) - 1] for part in (0.5, 0.99))
    return Spread(len(ranked), median, p99, ranked[-1])


def ratios(ours: Spread, floor: Spread) -> dict[str, float]:
    """How many times the floor ours is, at the median and at the 99th percentile."""
    return {
        "median": round(ours.median / floor.median, 2),
        "p99": round(ours.p99 / floor.p99, 2),
    }


def interleaved(
    contenders: Mapping[str, Callable[[], Measured]], *, rounds: int, warm_up: int
) -> dict[str, list[Measured]]:
    """Let each contender be measured once per round; rounds of the warm-up do not count.

    A dot is printed for every tenth of the rounds.
    """
    measured: dict[str, list[Measured]] = {name: [] for name in contenders}
    order = list(contenders)
    for number in range(-warm_up, rounds):
        for name in order:
            value = contenders[name]()
            if number >= 0:
                measured[name].append(value)
        order.reverse()
        if number >= 0 and (number + 1) * 10 // rounds > number * 10 // rounds:
            print(".", end="", flush=True)
    return measured


def environment(now: float) -> dict[str, Any]:
    """Where and when: `now` in seconds since 1970; the load is that of others, before the run."""
    return {
        "date": datetime.fromtimestamp(now, UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
        "kernel": platform.release(),
        "machine": platform.machine(),
        "cpus": os.cpu_count(),
        "python": platform.python_version(),
        "load_before": round(os.getloadavg()[0], 2),
    }


def record(
    name: str, where: Mapping[str, Any], body: Mapping[str, Any], results: Path = RESULTS
) -> Path:
    """Write the result file of a run, DATE-NAME.json; a second run of a day replaces the first."""
    path = results / f"{where['date'][:10]}-{name}.json"
    content = {"benchmark": name, "environment": dict(where), **body}
    path.write_text(json.dumps(content, indent=2) + "\n")
    print(f"written: {path}", flush=True)
    return path


def replace(path: Path, text: str) -> int:
    """Put a file there in one step; the monotonic nanoseconds just before it is to be seen."""
    fresh = path.with_name(f".{path.name}.tmp")
    fresh.write_text(text)
    begun = time.monotonic_ns()
    fresh.replace(path)
    return begun


def until(condition: Callable[[], bool], what: str) -> None:
    """Wait, without hurry, for what is not measured. Raises BenchmarkError if it never comes."""
    end = time.monotonic() + PATIENCE
    while not condition():
        if time.monotonic() > end:
            raise BenchmarkError(f"after {PATIENCE:g} s still not so: {what}")
        time.sleep(0.02)


@contextmanager
def busy_cores() -> Iterator[None]:
    """Keep every core busy with a process that does nothing else, at the usual priority.

    Each in a session of its own, as a contender is: a kernel that shares the cores out by sessions
    (sched(7), autogroup) would otherwise give all of these together the weight of one contender.
    """
    command = [sys.executable, "-S", "-c", _SPIN]
    with ExitStack() as spinning:
        for _ in range(os.cpu_count() or 1):
            process = spinning.enter_context(subprocess.Popen(command, start_new_session=True))
            spinning.callback(process.kill)
        yield
