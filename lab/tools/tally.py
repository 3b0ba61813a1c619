"""What a watch makes of requests and answers: who answered when, silences, and two MACs at once.

PURE. Times are monotonic nanoseconds. ARP answers carry no number, so an answer belongs to the
newest request that its MAC has not answered yet: normally the last one sent, and an older one when
a busy machine delivers late. Requests are judged in the order of sending, at the age of `patience`.

    run       answers of one MAC with no pause longer than `pause`
    silence   requests in a row that nobody answered, from the last answer before to the first after
    two_macs  the time in which runs of two MACs overlap: what a client must never see
"""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from typing import Any


@dataclass(slots=True)
class Run:
    """Answers of one MAC without a pause."""

    mac: str
    first_ns: int
    last_ns: int
    answers: int


@dataclass(slots=True)
class Request:
    """A request that is not judged yet: when it was sent, and when which MAC answered."""

    sent_ns: int
    answers: dict[str, int] = field(default_factory=dict)


class Tally:
    """The account of one VIP."""

    def __init__(self, *, pause: int, patience: int) -> None:
        self._pause = pause
        self._patience = patience
        self._open: deque[Request] = deque()
        self._runs: list[Run] = []
        self._current: dict[str, Run] = {}
        self._silences: list[dict[str, int | None]] = []
        self._doubled: list[int] = []
        self._greetings: list[dict[str, Any]] = []
        self._sent = self._lost = self._surplus = 0
        self._silent = 0
        self._last_answer: int | None = None
        self._first_sent: int | None = None

    def sent(self, now: int) -> None:
        """A request went out."""
        self._sent += 1
        if self._first_sent is None:
            self._first_sent = now
        self._open.append(Request(now))
        while self._open[0].sent_ns + self._patience < now:
            self._judge(self._open.popleft())

    def answered(self, now: int, mac: str) -> None:
        """An answer arrived."""
        request = next((each for each in reversed(self._open) if mac not in each.answers), None)
        if request is None:
            self._surplus += 1
        else:
            request.answers[mac] = now
        run = self._current.get(mac)
        if run is None or now - run.last_ns > self._pause:
            run = self._current[mac] = Run(mac, now, now, 0)
            self._runs.append(run)
        run.last_ns = max(run.last_ns, now)
        run.answers += 1

    def greeted(self, now: int, mac: str, operation: int) -> None:
        """A gratuitous packet arrived."""
        self._greetings.append({"at_ns": now, "mac": mac, "operation": operation})

    def finish(self, now: int) -> dict[str, Any]:
        """Judge what is open, and tell everything."""
        while self._open:
            self._judge(self._open.popleft())
        if self._silent:
            self._silences.append(self._silence(None))
        return {
            "sent": self._sent,
            "answered": self._sent - self._lost,
            "lost": self._lost,
            "surplus": self._surplus,
            "doubled_ns": self._doubled,
            "until_ns": now,
            "runs": [asdict(run) for run in self._runs],
            "silences": self._silences,
            "two_macs": two_macs(self._runs),
            "greetings": self._greetings,
        }

    def _judge(self, request: Request) -> None:
        if not request.answers:
            self._lost += 1
            self._silent += 1
            return
        if len(request.answers) > 1:
            self._doubled.append(request.sent_ns)
        if self._silent:
            self._silences.append(self._silence(min(request.answers.values())))
            self._silent = 0
        self._last_answer = max(request.answers.values())

    def _silence(self, end: int | None) -> dict[str, int | None]:
        start = self._first_sent if self._last_answer is None else self._last_answer
        return {"first_ns": start, "last_ns": end, "lost": self._silent}


def two_macs(runs: Sequence[Run]) -> list[dict[str, Any]]:
    """Periods in which two MACs answered, in order of time; a stray answer makes one of 0 ns."""
    found = []
    before: list[Run] = []
    for run in sorted(runs, key=lambda run: (run.first_ns, run.mac)):
        before = [other for other in before if other.last_ns >= run.first_ns]
        found += [
            {
                "first_ns": run.first_ns,
                "last_ns": min(run.last_ns, other.last_ns),
                "macs": sorted([run.mac, other.mac]),
            }
            for other in before
            if other.mac != run.mac
        ]
        before.append(run)
    return found


def percentiles(values: Sequence[int]) -> dict[str, int]:
    """Nearest-rank percentiles of some numbers; nothing for none."""
    if not values:
        return {}
    ranked = sorted(values)
    ranks = {"p50": 0.5, "p90": 0.9, "p99": 0.99, "p999": 0.999}
    at = {name: ranked[max(0, -int(-len(ranked) * part // 1) - 1)] for name, part in ranks.items()}
    return {"min": ranked[0], **at, "max": ranked[-1]}
