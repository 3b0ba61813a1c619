"""Thousands of routes at once: how soon do four routers have them all, and none of them again?

    a file of Services ──▶ vipcast-speaker ──────┐
    a line for each, in its pipe ──▶ ExaBGP ─────┼──▶ four times FRR: paths by neighbour, counted
    all in one line, in its pipe ──▶ ExaBGP ─────┘

Of ours the clock starts when the batch with the Services is handed to the speaker's loop: nothing
of it is decided then. Of ExaBGP it starts when the whole order is in its pipe, before it has read
any of it. It ends, for both, with the answer of the last router that has all, or none. Both have
sessions with all routers all the time, take turns, and wait for each other's rest.

The routers tell what they learn to nobody else, and do not put it into their kernels, since they
share the machine's cores with those that are measured.
"""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from typing import Any, Final

from benchmarks.bgp.objects import OURS, ROUTERS, configuration, place, prefixes, services
from benchmarks.bgp.speaker import hurry, speaker
from benchmarks.bgp.tables import Table, complete, tables
from benchmarks.filled_rack import rest
from benchmarks.harness import BenchmarkError, interleaved
from benchmarks.spread import ratios, spread
from lab.cluster import Lab
from lab.host import Host
from lab.routers.exabgp import ExaBgp, Peer
from lab.routers.frr import Frr
from lab.routers.port import Neighbour, Settings
from lab.vipcast import Vipcast

VIPCAST: Final = "Vipcast"
LINES, ONE_LINE = "ExaBGP, a line each", "ExaBGP, one line"
STEPS: Final = ("announced", "withdrawn")

_THEIRS: Final = 64501
_HOLD_TIME: Final = 90

Figures = Mapping[str, float]
"""Milliseconds of each step."""
Turn = Callable[[], Figures]
Act = Callable[[], int]
"""Gives the order; monotonic nanoseconds when the contender has all of it at hand."""


def measure(name: str, number: int, rounds: int, warm_up: int, routers: int = 4) -> dict[str, Any]:
    """Rounds of all in turn, as the result file has them."""
    with (
        Lab(name, nodes=2, routers=routers, pods=False) as lab,
        _routers(lab) as theirs,
        _stage(lab, theirs, number) as turns,
    ):
        print(f"{number:,} routes at once, to {routers} routers ", end="", flush=True)
        told = interleaved(turns, rounds=rounds, warm_up=warm_up, shuffle=random.Random(1))
    print()
    contenders = judged(told)
    return {
        "routes": number,
        "routers": routers,
        "rounds": rounds,
        "line_met": contenders[VIPCAST]["line_met"],
        "contenders": contenders,
    }


def judged(told: Mapping[str, Sequence[Figures]]) -> dict[str, Any]:
    """By contender and step its spread in milliseconds; ours beside each of the others.

    The line is met where ours is not slower than the quicker of ExaBGP's two, at the median.
    """
    spreads = {
        who: {step: spread(figures[step] for figures in rounds) for step in STEPS}
        for who, rounds in told.items()
    }
    found: dict[str, Any] = {
        who: {step: one.rounded() for step, one in steps.items()} for who, steps in spreads.items()
    }
    ours = spreads[VIPCAST]
    for who in (LINES, ONE_LINE):
        found[VIPCAST][f"beside {who}"] = {
            step: ratios(ours[step], spreads[who][step]) for step in STEPS
        }
    found[VIPCAST]["line_met"] = {
        step: all(ours[step].median <= spreads[who][step].median for who in (LINES, ONE_LINE))
        for step in STEPS
    }
    return found


@contextmanager
def _routers(lab: Lab) -> Iterator[list[Frr]]:
    """FRR on each router's host, with both nodes as neighbours."""
    neighbours = tuple(
        Neighbour(str(node.address), asn)
        for node, asn in zip(lab.nodes, (OURS, _THEIRS), strict=True)
    )
    # A route map that there is not lets nothing through.
    extra = (
        "address-family ipv4 unicast",
        *(f"neighbor {each.address} route-map none out" for each in neighbours),
        "table-map none",
        "exit-address-family",
    )
    settings = Settings(ROUTERS, neighbours, hold_time=_HOLD_TIME, extra=extra)
    with ExitStack() as running:
        yield [running.enter_context(Frr(host, settings)) for host in lab.routers]


@contextmanager
def _stage(lab: Lab, routers: Sequence[Frr], number: int) -> Iterator[dict[str, Turn]]:
    """All contenders, with sessions to all routers."""
    node, other = lab.nodes
    product = Vipcast(lab)
    product.prepare()
    product.apply("config", configuration(lab.routers, _HOLD_TIME))
    exabgp = ExaBgp(
        other,
        [Peer(str(each.address), ROUTERS, str(other.address), _THEIRS) for each in lab.routers],
    )
    text, routes = services(number), prefixes(number)

    def handed(content: str | None) -> int:
        place(product.directory, "many", content)
        return ours.handed(number).at

    def ordered(*commands: str) -> int:
        exabgp.order(*commands)
        return time.monotonic_ns()

    def lines(word: str) -> int:
        return ordered(*(f"{word} route {each} next-hop self" for each in routes))

    def one_line(word: str) -> int:
        return ordered(f"{word} attributes next-hop self nlri {' '.join(routes)}")

    with tables(routers) as asked, speaker(node, product.directory) as ours, exabgp:
        hurry(exabgp.pid)
        for each in lab.nodes:
            complete(asked, str(each.address), 0)
        of_routers = [process.pid for each in routers for process in each.processes]
        judge = _Judge(asked, routers[0], routes, [ours.pid, exabgp.pid, *of_routers])
        yield {
            VIPCAST: judge.turn(node, lambda: handed(text), lambda: handed(None)),
            LINES: judge.turn(other, lambda: lines("announce"), lambda: lines("withdraw")),
            ONE_LINE: judge.turn(other, lambda: one_line("announce"), lambda: one_line("withdraw")),
        }


@dataclass(frozen=True, slots=True)
class _Judge:
    """Watches the routers' tables; `router` is the one whose routes are looked at one by one."""

    tables: Sequence[Table]
    router: Frr
    routes: Sequence[str]
    processes: Sequence[int]

    def turn(self, node: Host, announce: Act, withdraw: Act) -> Turn:
        """A contender's part in a round: what it announces in the first one is looked at."""
        address = str(node.address)
        looked = False

        def one() -> Figures:
            nonlocal looked
            announced = self._step(address, announce, len(self.routes))
            if not looked and self.router.routes().keys() != set(self.routes):
                raise BenchmarkError(f"{node.name} has announced other routes than it was to")
            looked = True
            withdrawn = self._step(address, withdraw, 0)
            return dict(zip(STEPS, (announced, withdrawn), strict=True))

        return one

    def _step(self, address: str, act: Act, number: int) -> float:
        """Milliseconds from when the contender has all at hand until the tables are right."""
        rest(self.processes)
        begun = act()
        return (complete(self.tables, address, number) - begun) / 1e6
