"""How long after a Service was created is its address answered for, and after it was deleted not?

    POST ──▶ API server ──▶ controller ──▶ API server ──▶ speaker ──▶ first ARP answer    "Vipcast"
    the same with MetalLB's programs, where they can be had                             "MetalLB"
    POST ──▶ API server ──watch──▶ patch ──▶ API server ──watch──▶ seen        (api_floor) "floor"

Each has a cluster of its own, alike to the others (a real API server, kube-proxy on three nodes),
and they take turns. A client asks for the one address of the pool every half millisecond; `created`
runs from just before the request until the first answer, `deleted` from just before the request
until the last one. The floor has no answers: it counts when its watch has told, while a client asks
there as well, so that all have the same to carry.
"""

from __future__ import annotations

import random
import select
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from ipaddress import IPv4Address
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

from benchmarks import bars
from benchmarks.administrator import Administrator, administrator, endpoints
from benchmarks.api_floor import ADDRESS
from benchmarks.child import child, hear
from benchmarks.contenders import VIPCAST, Make, contenders, standing
from benchmarks.harness import PATIENCE, BenchmarkError, Body, interleaved, publish, run, say
from benchmarks.spread import compared, spread
from lab.kubernetes.programs import provide
from lab.tools import arp

ROUNDS = 100
WARM_UP = 3
LINE = 1.5
"""What our median from creation to answer may be, in times the floor's."""

FLOOR = "floor"
PARTS = ("created", "deleted")
PAUSE = 0.1
"""Seconds, and at random as much again, before each request: nothing of the last one goes on."""

_EVERY = 500_000
"""Nanoseconds between two questions."""
_SILENCE = 300_000_000
"""Nanoseconds without an answer that count as silence."""
_SERVICE = "web"

Took = tuple[int, int]
"""Nanoseconds until created and until deleted."""
Turn = Callable[[], Took]


def main() -> int:
    """Measure, print, and write the result file and its pictures."""
    return publish("service-latency", _body, shown, picture)


def _body() -> Body:
    kubernetes = provide(say)
    made, missing = contenders(say)
    with turns("benchservice", kubernetes, made) as takers:
        print(f"{', '.join(takers)}: {ROUNDS} rounds ", end="", flush=True)
        told = interleaved(takers, rounds=ROUNDS, warm_up=WARM_UP, shuffle=random.Random(1))
    print()
    return {"line": LINE, "unit": "ms", "rounds": ROUNDS, **judged(told), "missing": missing}


@contextmanager
def turns(name: str, kubernetes: Path, made: Mapping[str, Make]) -> Iterator[dict[str, Turn]]:
    """Who takes turns, all ready; `name` begins the names of their labs."""
    with ExitStack() as stack:
        takers: dict[str, Turn] = {}
        for number, who in enumerate((FLOOR, *made)):
            cluster = stack.enter_context(standing(f"{name}{number}", kubernetes))
            admin = stack.enter_context(administrator(cluster))
            client = cluster.lab.client.namespace
            asker = stack.enter_context(child("benchmarks.service_latency:ask", namespace=client))
            if who == FLOOR:
                follower = child(
                    "benchmarks.api_floor:follow",
                    cluster.kubeconfig,
                    namespace=cluster.lab.cp.namespace,
                )
                told = stack.enter_context(follower)
                hear(told)
                takers[who] = Bare(admin, told, asker).turn
                continue
            made[who](cluster).begin([f"{ADDRESS}/32"])
            endpoints(cluster, _SERVICE)
            takers[who] = Answered(admin, asker).turn
        yield takers


@dataclass(frozen=True, slots=True)
class Bare:
    """The floor: who creates, who follows, and who asks in vain."""

    admin: Administrator
    told: Connection[Any, Any]
    asker: Connection[Any, Any]

    def turn(self) -> Took:
        """One Service created and deleted again."""
        rest()
        created = self._act("address", self.admin.create)
        rest()
        return created, self._act("gone", self.admin.delete)

    def _act(self, what: str, act: Callable[[str], int]) -> int:
        self.asker.send("until told")
        hear(self.asker)
        took = self._until(what, act(_SERVICE))
        self.asker.send("enough")
        hear(self.asker)
        return took

    def _until(self, what: str, begun: int) -> int:
        while True:
            name, told, at = hear(self.told)
            if (name, told) == (_SERVICE, what):
                return int(at - begun)


@dataclass(frozen=True, slots=True)
class Answered:
    """A contender: who creates, and who asks."""

    admin: Administrator
    told: Connection[Any, Any]

    def turn(self) -> Took:
        """One Service created and deleted again."""
        rest()
        created = self._act("first", self.admin.create)
        rest()
        return created, self._act("last", self.admin.delete)

    def _act(self, what: str, act: Callable[[str], int]) -> int:
        self.told.send(what)
        hear(self.told)
        begun = act(_SERVICE)
        return int(hear(self.told) - begun)


_chance = random.Random(2)


def rest() -> None:
    """Let what the last request has set going come to its end."""
    time.sleep(PAUSE * (1 + _chance.random()))


def ask(told: Connection[Any, Any]) -> None:
    """In the client: say when the `first` answer came, or the `last` one before silence.

    What it is to do `until told` otherwise is just to ask.
    """
    wire = arp.Wire("lan0")
    wire.stamp()
    question = wire.request(IPv4Address(ADDRESS))
    while True:
        what = told.recv()
        answers = _answers(wire, question)
        if what == "first" and next(answers) is not None:
            raise BenchmarkError(f"{ADDRESS} was answered for before its Service was created")
        if what == "last":
            _first(answers)
        told.send(None)
        if what == "until told":
            told.send(_until(told, answers))
        else:
            told.send(_first(answers) if what == "first" else _last(answers))


def _answers(wire: arp.Wire, question: bytes) -> Iterator[int | None]:
    """When each answer came, None where one turn of asking brought none."""
    wire.arrived()
    while True:
        wire.socket.send(question)
        until = time.monotonic_ns() + _EVERY
        came = None
        while (left := until - time.monotonic_ns()) > 0:
            select.select([wire.socket], [], [], left / 1e9)
            for at, packet in wire.arrived():
                if packet.operation == arp.REPLY and not packet.gratuitous:
                    came = at
        yield came


def _until(told: Connection[Any, Any], answers: Iterator[int | None]) -> int:
    for _ in answers:
        if told.poll():
            told.recv()
            break
    return time.monotonic_ns()


def _first(answers: Iterator[int | None]) -> int:
    end = time.monotonic() + PATIENCE / 2
    for at in answers:
        if at is not None:
            return at
        if time.monotonic() > end:
            break
    raise BenchmarkError(f"{ADDRESS} was never answered for")


def _last(answers: Iterator[int | None]) -> int:
    end = time.monotonic() + PATIENCE / 2
    last = time.monotonic_ns()
    for at in answers:
        last = last if at is None else at
        if time.monotonic_ns() - last > _SILENCE:
            return last
        if time.monotonic() > end:
            break
    raise BenchmarkError(f"{ADDRESS} is still answered for")


def judged(told: Mapping[str, list[Took]]) -> dict[str, Any]:
    """By part and contender: the spread in milliseconds, and the median beside the floor's.

    `told` has, by contender, nanoseconds. Only our `created` is judged by the line.
    """
    found: dict[str, Any] = {}
    for index, part in enumerate(PARTS):
        taken = {who: [[took[index]] for took in rounds] for who, rounds in told.items()}
        found[part] = {}
        for who, rounds in taken.items():
            entry: dict[str, Any] = {"ms": spread(each[0] / 1e6 for each in rounds).rounded()}
            if who != FLOOR:
                beside = compared(rounds, taken[FLOOR], {"median": 0.5}, seed=1)["median"]
                entry["beside_floor"] = beside.rounded()
                if who == VIPCAST and part == "created":
                    entry["line_met"] = beside.ratio <= LINE
            found[part][who] = entry
    return found


def shown(body: Mapping[str, Any]) -> str:
    """Every figure, in lines of at most 100 columns."""
    lines = []
    for part in PARTS:
        lines += [f"{_HEADINGS[part]:36}{'median':>8}{'p90':>8}{'worst':>8}  ms   beside the floor"]
        for who, entry in body[part].items():
            ms = entry["ms"]
            line = f"  {who:34}{ms['median']:8.1f}{ms['p90']:8.1f}{ms['worst']:8.1f}"
            if beside := entry.get("beside_floor"):
                interval = f"({beside['low']:.2f} to {beside['high']:.2f})"
                line += f"       {beside['ratio']:.2f}x {interval}"
            if (met := entry.get("line_met")) is not None:
                line += f" ≤{body['line']:g} {'yes' if met else 'NO'}"
            lines.append(line)
        lines += [f"  {who:34}{why}" for who, why in body["missing"].items()]
        lines.append("")
    return "\n".join(lines)


_HEADINGS = {
    "created": "Created until the first ARP answer",
    "deleted": "Deleted until the last ARP answer",
}


def picture(body: Mapping[str, Any], where: Mapping[str, Any]) -> str:
    """The medians as bars, with the worst beside them."""
    panels = [
        bars.Panel(
            f"{_HEADINGS[part]}, median in ms",
            [
                bars.Bar(who, each["ms"]["median"], f"worst {each['ms']['worst']:.1f}")
                for who, each in body[part].items()
            ],
        )
        for part in PARTS
    ]
    return bars.svg("How soon a Service of a real cluster is answered for", panels, where)


if __name__ == "__main__":
    sys.exit(run(main, __doc__))
