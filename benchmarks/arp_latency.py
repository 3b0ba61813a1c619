"""How long does an ARP answer take, beside the kernel's own?

    client ──send(2)──▶ veth, bridge, veth ──▶ whoever answers ──▶ back the same way ──▶ recv(2)

Who answers is in racks.py; who asks, and what its times mean, in asker.py. Every case is measured
idle and with every core busy, with one request under way and with 32. Contenders take turns of
some milliseconds in an order that is drawn with a fixed seed. Every request has to be answered; one
that is not ends the run.

What must hold: at the median and at the 99th percentile, in every case, our answer takes at most
1.1 times what the kernel's own does in the same run.
"""

from __future__ import annotations

import random
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import nullcontext
from typing import Any

from benchmarks import picture
from benchmarks.harness import Body, busy_cores, interleaved, publish, run
from benchmarks.racks import KERNEL, OURS, RAW, Contender, racks
from benchmarks.spread import compared, pooled, spread

LINE = 1.1
"""What our answer may take, in the kernel's own time at the same percentile."""

PERCENTILES = {"median": 0.5, "p99": 0.99}
ROUNDS = {1: 200, 32: 400}
"""By window; more where one delay meets 32 requests and so counts as 32."""
WARM_UP = 3
REQUESTS = 4_000
"""Of one turn."""

SLOW = 10
"""A process that answers is asked this many times less: else a run would wait for it alone."""

_FIRST = 20
"""One in so many requests more goes before each turn and does not count: caches are another's."""


def main() -> int:
    """Measure every case, print it, and write the result file and its pictures."""
    return publish(
        "arp-latency",
        _body,
        lambda body: picture.text(body["cases"], LINE),
        lambda body, where: picture.svg(body["cases"], LINE, where),
    )


def _body() -> Body:
    print("racks, controllers, speakers", flush=True)
    with racks("bench") as contenders:
        cases = list(measure(contenders, ROUNDS, WARM_UP, REQUESTS))
    return {"line": LINE, "unit": "us", "cases": cases}


def measure(
    contenders: Mapping[str, Contender], rounds: Mapping[int, int], warm_up: int, requests: int
) -> Iterator[dict[str, Any]]:
    """The cases, as the result file has them; `rounds` are by window."""
    shuffle = random.Random(1)
    for cores in ("idle", "busy"):
        with busy_cores() if cores == "busy" else nullcontext():
            for window, times in rounds.items():
                print(f"cores {cores}, window {window:2} ", end="", flush=True)
                turns = {
                    name: _turn(one, window, requests // SLOW if name == RAW else requests)
                    for name, one in contenders.items()
                }
                told = interleaved(turns, rounds=times, warm_up=warm_up, shuffle=shuffle)
                print(flush=True)
                yield {
                    "cores": cores,
                    "window": window,
                    "rounds": times,
                    "contenders": judged(told),
                }


def _turn(one: Contender, window: int, requests: int) -> Callable[[], Sequence[int]]:
    def turn() -> Sequence[int]:
        one.ask(one.address, count=max(requests // _FIRST, window), window=window)
        return one.ask(one.address, count=requests, window=window)

    return turn


def judged(told: Mapping[str, Sequence[Sequence[int]]]) -> dict[str, dict[str, Any]]:
    """By contender: its spread in microseconds, and what it is beside the kernel.

    `told` has, by contender and round, nanoseconds. Only ours are judged by the line.
    """
    found: dict[str, dict[str, Any]] = {}
    for name, rounds in told.items():
        found[name] = {"us": spread(one / 1000 for one in pooled(rounds)).rounded()}
        if name == KERNEL:
            continue
        beside = compared(rounds, told[KERNEL], PERCENTILES, seed=1)
        found[name]["beside_kernel"] = {part: ratio.rounded() for part, ratio in beside.items()}
        if name in OURS:
            found[name]["line_met"] = {part: one.ratio <= LINE for part, one in beside.items()}
    return found


if __name__ == "__main__":
    sys.exit(run(main, __doc__))
