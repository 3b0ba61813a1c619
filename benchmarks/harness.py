"""What benchmarks share: rounds in turn, busy cores, where it was, what is printed and written.

    told = interleaved({"ours": ..., "floor": ...}, rounds=100, warm_up=5)
    spread(told["ours"]).median / spread(told["floor"]).median
    record("directory-latency", environment(time.time()), {...})

Contenders take turns within one run, and who goes first changes with every round: whatever else the
machine does meets them alike. What the numbers come to is in benchmarks.spread.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import random
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, TypeVar

from lab import signals, waiting
from lab.errors import LabError

_ROOT = Path(__file__).parents[1]
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
Body = Mapping[str, Any]
"""What a result file says besides where it was measured."""


class BenchmarkError(Exception):
    """A contender did not do what it is measured at; the sentence says what is missing."""


def say(sentence: str) -> None:
    """A line for a person who waits."""
    print(sentence, flush=True)


def run(main: Callable[[], int], story: str | None) -> int:
    """The whole program's exit status. It takes no words: `--help` tells its story instead."""
    parser = argparse.ArgumentParser(
        description=story, formatter_class=argparse.RawDescriptionHelpFormatter
    )

    def measured() -> int:
        parser.parse_args()
        return main()

    return signals.program(measured)


def publish(
    name: str,
    measure: Callable[[], Body],
    shown: Callable[[Body], str],
    picture: Callable[[Body, Mapping[str, Any]], str],
    results: Path = RESULTS,
) -> int:
    """Measure, print, and write the result file and its pictures; the exit code.

    A contender or a lab that fails is a sentence on stderr, and nothing is written.
    """
    where = environment(time.time())
    try:
        body = measure()
    except (BenchmarkError, LabError) as error:
        print(f"{name.replace('-', '_')}: {error}", file=sys.stderr)
        return 1
    text = shown(body)
    print(text)
    record(name, where, body, results, txt=text, svg=picture(body, where))
    return 0


def interleaved(
    contenders: Mapping[str, Callable[[], Measured]],
    *,
    rounds: int,
    warm_up: int,
    shuffle: random.Random | None = None,
) -> dict[str, list[Measured]]:
    """Let each contender be measured once per round; rounds of the warm-up do not count.

    Their order is reversed with each round, or drawn anew by `shuffle`: with more than two, one
    would otherwise keep its neighbours. A dot is printed for every tenth of the rounds.
    """
    measured: dict[str, list[Measured]] = {name: [] for name in contenders}
    order = list(contenders)
    for number in range(-warm_up, rounds):
        for name in order:
            value = contenders[name]()
            if number >= 0:
                measured[name].append(value)
        if shuffle is None:
            order.reverse()
        else:
            shuffle.shuffle(order)
        if number >= 0 and (number + 1) * 10 // rounds > number * 10 // rounds:
            print(".", end="", flush=True)
    return measured


def environment(now: float) -> dict[str, Any]:
    """Where and when: `now` in seconds since 1970; the load is that of others, before the run."""
    return {
        "date": datetime.fromtimestamp(now, UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
        "commit": _said("git", "-C", str(_ROOT), "describe", "--always", "--dirty", "--abbrev=12"),
        "kernel": platform.release(),
        "machine": platform.machine(),
        "cpu": _cpu(),
        "cpus": os.cpu_count(),
        "governor": _governor(),
        "python": platform.python_version(),
        "bcc": _said("dpkg-query", "-W", "-f", "${Version}", "python3-bpfcc"),
        "gcc": _said("gcc", "-dumpfullversion"),
        "iproute2": _said("ip", "-Version"),
        "load_before": round(os.getloadavg()[0], 2),
    }


def _said(*command: str) -> str | None:
    """What a command prints, None where it is not installed or fails."""
    try:
        done = subprocess.run(command, capture_output=True, text=True, check=True)
    except (FileNotFoundError, subprocess.CalledProcessError):
        return None
    return done.stdout.strip()


def _cpu() -> str | None:
    lines = Path("/proc/cpuinfo").read_text().splitlines()
    return next((line.partition(": ")[2] for line in lines if line.startswith("model name")), None)


def _governor() -> str | None:
    """Of the first core; None where the machine, a virtual one for instance, has no say in it."""
    path = Path("/sys/devices/system/cpu/cpu0/cpufreq/scaling_governor")
    return path.read_text().strip() if path.exists() else None


def record(
    name: str,
    where: Mapping[str, Any],
    body: Mapping[str, Any],
    results: Path = RESULTS,
    **pictures: str,
) -> Path:
    """Write the result file of a run, DATE-NAME.json; a second run of a day replaces the first.

    `pictures` are further files by their ending, the same figures for the eye.
    """
    stem = f"{where['date'][:10]}-{name}"
    content = {"benchmark": name, "environment": dict(where), **body}
    texts = {"json": json.dumps(content, indent=2) + "\n", **pictures}
    for ending, text in texts.items():
        path = results / f"{stem}.{ending}"
        path.write_text(text)
        print(f"written: {path}", flush=True)
    return results / f"{stem}.json"


def replace(path: Path, text: str) -> int:
    """Put a file there in one step; the monotonic nanoseconds just before it is to be seen."""
    fresh = path.with_name(f".{path.name}.tmp")
    fresh.write_text(text)
    begun = time.monotonic_ns()
    fresh.replace(path)
    return begun


def until(condition: Callable[[], bool], what: str, seconds: float = PATIENCE) -> None:
    """Wait, without hurry, for what is not measured. Raises BenchmarkError if it never comes."""
    waiting.until(condition, what, seconds, BenchmarkError)


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
