"""One route more among thousands, or one less: how long until the router hears of it?

    a Service's file ──▶ vipcast-speaker, with thousands of routes ──▶ a router     "Vipcast"
    the bytes of that very UPDATE ──▶ a bare asyncio protocol ──────▶ another one   "asyncio"

Of ours the clock starts when the batch with the Service is handed to the speaker's loop, and runs
while that is decided, encoded, written by send(2), and until recv(2) has returned it to the
router's process. Of the floor it starts in the callback that writes. Both ways end alike: they
have the same network, and a router's process that waits for a core. `seen` is the same from just
before the file was put in place: the directory is watched, the file read and parsed in between.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Any, Final

from benchmarks.bgp.bare import Bare, bare
from benchmarks.bgp.objects import ONE, configuration, dumped, place, services
from benchmarks.bgp.router import Router, router
from benchmarks.bgp.speaker import Speaker, speaker
from benchmarks.filled_rack import rest
from benchmarks.harness import BenchmarkError, interleaved
from benchmarks.spread import compared, spread
from lab.cluster import Lab
from lab.vipcast import Vipcast
from speaker.bgp.decode import Context, prefixes_of
from speaker.bgp.messages import IPV4_UNICAST

VIPCAST, FLOOR, SEEN = "Vipcast", "asyncio", "seen"
LINE: Final = 2.0
"""Milliseconds at the median."""

_CONTEXT: Final = Context(families=(IPV4_UNICAST,))
_TEXT: Final = dumped([("one", ONE)])
_PARTS: Final = {"median": 0.5, "p99": 0.99}
_MOMENT: Final = 0.1
"""Seconds of rest between two turns."""

Times = Sequence[int]
"""Nanoseconds of an announcement and of a withdrawal."""


def measure(name: str, number: int, rounds: int, warm_up: int) -> dict[str, Any]:
    """Rounds of both in turn, as the result file has them."""
    with Lab(name, nodes=2, routers=2, pods=False) as lab, ExitStack() as running:
        enter = running.enter_context
        product = Vipcast(lab)
        product.prepare()
        product.apply("config", configuration(lab.routers[:1]))
        first, second = (enter(router(host)) for host in lab.routers)
        ours = enter(speaker(lab.node(1), product.directory))
        floor = enter(bare(lab.node(2), lab.routers[1]))
        first.up()
        second.up()
        place(product.directory, "many", services(number))
        ours.handed(number)
        _routes(first, number)
        rest([ours.pid])
        changes = _Changes(product.directory, ours, first)
        print(f"one change among {number:,} routes ", end="", flush=True)
        told = interleaved(
            {VIPCAST: changes.turn, FLOOR: lambda: _written(floor, second, changes.messages)},
            rounds=rounds,
            warm_up=warm_up,
        )
    print()
    told[SEEN] = changes.seen[warm_up:]
    return {"routes": number, "rounds": rounds, "contenders": judged(told)}


def judged(told: Mapping[str, Sequence[Times]]) -> dict[str, Any]:
    """By contender its spread in microseconds; ours beside the floor, and judged at the median."""
    found: dict[str, Any] = {
        who: {"us": spread(one / 1000 for times in rounds for one in times).rounded()}
        for who, rounds in told.items()
    }
    beside = compared(told[VIPCAST], told[FLOOR], _PARTS, seed=1)
    found[VIPCAST]["beside_asyncio"] = {part: ratio.rounded() for part, ratio in beside.items()}
    found[VIPCAST]["line_met"] = found[VIPCAST]["us"]["median"] <= LINE * 1000
    return found


class _Changes:
    """Our turns; `messages` are the UPDATEs of the last one, `seen` its times from the file on."""

    def __init__(self, directory: Path, ours: Speaker, router: Router) -> None:
        self.messages: list[bytes] = []
        self.seen: list[Times] = []
        self._directory = directory
        self._ours = ours
        self._router = router
        self._reports = directory / "status" / "speaker-node1" / "ServiceBGPStatus"

    def turn(self) -> Times:
        """The Service comes, and goes."""
        self.messages = []
        steps = [self._step(_TEXT), self._step(None)]
        self.seen.append([seen for _, seen in steps])
        return [taken for taken, _ in steps]

    def _step(self, text: str | None) -> tuple[int, int]:
        begun = place(self._directory, "one", text)
        handed = self._ours.handed(1)
        heard = self._router.update()
        if said(heard.message) != [(f"{ONE}/32", text is not None)]:
            raise BenchmarkError(f"another UPDATE was expected than {heard.message.hex()}")
        self.messages.append(heard.message)
        # What the speaker reports of it is written later, and meets nobody's next turn.
        rest([self._ours.pid], over=_MOMENT)
        return heard.at - handed.at, heard.at - begun


def _written(floor: Bare, router: Router, messages: Sequence[bytes]) -> Times:
    """The floor's turn."""
    times = []
    for message in messages:
        begun = floor.write(message)
        heard = router.update()
        if heard.message != message:
            raise BenchmarkError("the floor's router has heard something else")
        times.append(heard.at - begun)
    return times


def _routes(router: Router, number: int) -> None:
    """Wait until the router has heard of so many routes."""
    heard = 0
    while heard < number:
        heard += len(said(router.update().message))


def said(message: bytes) -> list[tuple[str, bool]]:
    """The routes of an UPDATE, and whether each is announced."""
    return [(str(prefix), comes) for _, prefix, comes in prefixes_of(message, _CONTEXT)]
