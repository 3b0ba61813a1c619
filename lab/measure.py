"""Asking and measuring from a client: the tools of lab.tools, started, stopped and understood.

    asked = measure.ask(lab.client, vip, count=10_000)
    with measure.watch(lab.client, vip) as watch:
        lab.switch.pull(leader)
        moved = watch.moved(vip, away_from=leader.mac, seconds=5)
    print(watch.seen[vip].lost)

Times are those of time.monotonic_ns() in any process of the machine.
"""

from __future__ import annotations

import itertools
import json
import time
from dataclasses import dataclass
from typing import Any

from lab.errors import LabError
from lab.host import Host
from lab.processes import Process

_numbers = itertools.count(1)
_PAUSE = 0.01


@dataclass(frozen=True, slots=True)
class Asked:
    """A closed loop: `macs` counts answers by MAC, `ns` has min, p50, p90, p99, p999 and max."""

    sent: int
    answered: int
    lost: int
    doubled: int
    macs: dict[str, int]
    ns: dict[str, int]
    seconds: float


@dataclass(frozen=True, slots=True)
class Span:
    """A time that something lasted; `last_ns` is None while it has no end yet."""

    first_ns: int
    last_ns: int | None

    @property
    def seconds(self) -> float:
        """How long, infinite without an end."""
        return float("inf") if self.last_ns is None else (self.last_ns - self.first_ns) / 1e9


@dataclass(frozen=True, slots=True)
class Seen:
    """What a watch saw of one VIP; the words are those of lab.tools.tally.

    `runs` are (mac, time, answers); `silences` are (time, requests lost); `two_macs` are
    periods in which two MACs answered; `doubled` are the times of requests that two answered;
    `greetings` are (time, mac) of gratuitous packets.
    """

    sent: int
    answered: int
    lost: int
    doubled: tuple[int, ...]
    runs: tuple[tuple[str, Span, int], ...]
    silences: tuple[tuple[Span, int], ...]
    two_macs: tuple[Span, ...]
    greetings: tuple[tuple[int, str], ...]

    @property
    def macs(self) -> tuple[str, ...]:
        """The MACs that answered, in the order of their first answers."""
        return tuple(dict.fromkeys(mac for mac, _, _ in self.runs))

    @property
    def longest_silence(self) -> float:
        """Seconds; 0 when every request was answered, infinite when it has not ended."""
        return max((span.seconds for span, _ in self.silences), default=0.0)

    @property
    def longest_two_macs(self) -> float:
        """Seconds; 0 also for a single stray answer, which `two_macs` lists all the same."""
        return max((span.seconds for span in self.two_macs), default=0.0)


@dataclass(frozen=True, slots=True)
class Loaded:
    """What an HTTP load came to; `answers` counts bodies, `errors` reasons of loss."""

    sent: int
    answered: int
    lost: int
    late: int
    errors: dict[str, int]
    answers: dict[str, int]
    ns: dict[str, int]
    seconds: float


def ask(
    host: Host, vip: str, *, count: int = 10_000, segment: int = 0, timeout: float = 1.0
) -> Asked:
    """Ask `count` times, one after the other; one without answer after `timeout` s is lost."""
    process = host.python(
        "lab.tools.arpask", "--interface", f"lan{segment}",
        "ask", vip, "--count", count, "--timeout-ms", timeout * 1000,
        name=f"ask{next(_numbers)}",
    )  # fmt: skip
    process.wait(150.0)
    told = _summary(process)
    return Asked(**{name: told[name] for name in Asked.__slots__})


class _Running:
    """A tool that runs until it is stopped, as a context manager."""

    def __init__(self, process: Process) -> None:
        self.process = process
        self._told: dict[str, Any] = {}
        process.await_ready()

    def stop(self) -> None:
        """Let it finish what is under way and sum up; twice is fine."""
        if not self._told:
            self.process.stop(patience=15.0)
            self._told = _summary(self.process)

    def events(self) -> list[dict[str, Any]]:
        """The lines that it has written so far."""
        return _lines(self.process)


class Watch(_Running):
    """A watch that runs; `seen` is there once it is stopped."""

    def __enter__(self) -> Watch:
        return self

    def __exit__(self, *_error: object) -> None:
        self.stop()

    def moved(self, vip: str, *, away_from: str = "", seconds: float = 20.0) -> tuple[str, int]:
        """Wait until a MAC other than `away_from` answers; the MAC and the time of that answer.

        Only answers after the last one of `away_from` count. Raises LabError after `seconds`.
        """
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            moves = [e for e in self.events() if e["event"] == "moved" and e["vip"] == vip]
            if moves and moves[-1]["mac"] != away_from:
                return moves[-1]["mac"], moves[-1]["at_ns"]
            time.sleep(_PAUSE)
        raise LabError(f"no MAC other than {away_from!r} answered for {vip} in {seconds:g} s")

    @property
    def seen(self) -> dict[str, Seen]:
        """By VIP, what was seen; stops the watch."""
        self.stop()
        return {vip: _seen(told) for vip, told in self._told["vips"].items()}


class Load(_Running):
    """An HTTP load that runs; `loaded` is there once it is stopped."""

    def __enter__(self) -> Load:
        return self

    def __exit__(self, *_error: object) -> None:
        self.stop()

    @property
    def loaded(self) -> Loaded:
        """What it came to; stops the load."""
        self.stop()
        return Loaded(**{name: self._told[name] for name in Loaded.__slots__})


def watch(host: Host, *vips: str, every_ms: float = 5.0, segment: int = 0) -> Watch:
    """Ask for each VIP every `every_ms`, until stopped (10 minutes at most)."""
    return Watch(
        host.python(
            "lab.tools.arpask", "--interface", f"lan{segment}", "--seconds", 600,
            "watch", *vips, "--interval-ms", every_ms,
            name=f"watch{next(_numbers)}", notify=True,
        )
    )  # fmt: skip


def load(host: Host, url: str, *, rate: float = 1000.0, keep_alive: bool = False) -> Load:
    """Send HTTP requests at `rate` per second, until stopped (10 minutes at most)."""
    flags = ["--keep-alive"] if keep_alive else []
    return Load(
        host.python(
            "lab.tools.httpload", url, "--rate", rate, "--seconds", 600, *flags,
            name=f"load{next(_numbers)}", notify=True,
        )
    )  # fmt: skip


def _lines(process: Process) -> list[dict[str, Any]]:
    whole, _, _ = process.output.rpartition("\n")
    return [json.loads(line) for line in whole.splitlines() if line.startswith("{")]


def _summary(process: Process) -> dict[str, Any]:
    lines = _lines(process)
    if not lines or lines[-1]["event"] != "summary":
        raise LabError(f"{process.name} ended without a summary; its log says:\n{process.output}")
    return lines[-1]


def _seen(told: dict[str, Any]) -> Seen:
    def span(each: dict[str, Any]) -> Span:
        return Span(each["first_ns"], each["last_ns"])

    return Seen(
        sent=told["sent"],
        answered=told["answered"],
        lost=told["lost"],
        doubled=tuple(told["doubled_ns"]),
        runs=tuple((run["mac"], span(run), run["answers"]) for run in told["runs"]),
        silences=tuple((span(each), each["lost"]) for each in told["silences"]),
        two_macs=tuple(span(each) for each in told["two_macs"]),
        greetings=tuple((each["at_ns"], each["mac"]) for each in told["greetings"]),
    )
