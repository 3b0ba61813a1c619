"""A thousand Services written at once: how soon does each have its address, and at what cost?

    many.yaml ──rename(2)──▶ vipcast-controller ──▶ a status for each         "controller"
    the answers known beforehand ──render, dump, rename(2)──▶ the same files  "floor"

The controller is the real program in a process of its own. `addressed` runs from just before the
file is to be seen until the last status stands there with its address, `cpu` is the processor time
until then, and `late` how late a timer of the program's loop that should fire every 10 ms was at
worst, until the last Event stands there as well. The floor is a bare loop that reads nothing,
decides nothing and keeps no Events. Its files are compared with the controller's.

Afterwards the whole product has them on a rack (filled_rack.py): when is each answered for, how
much memory do the programs have with none, a hundred and a thousand, and when is all gone again?
"""

from __future__ import annotations

import asyncio
import itertools
import json
import re
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from ipaddress import IPv4Address
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any, Self

from benchmarks.child import child, hear
from benchmarks.filled_rack import fill
from benchmarks.harness import (
    PATIENCE,
    BenchmarkError,
    environment,
    interleaved,
    record,
    replace,
    run,
    until,
)
from benchmarks.inotify import Inotify
from benchmarks.spread import ratios, spread
from controller.main import WRITER, control
from vipcast.files.dump import dump
from vipcast.kube.render import service_status, timestamp, whole
from vipcast.model.objects import Key, Recorded
from vipcast.model.raw import CONFIG_MAP, SERVICE, Raw, Ref
from vipcast.model.reasons import Reason
from vipcast.ops import log
from vipcast.ops.flags import ControllerOptions, Objects
from vipcast.ops.values import LogFormat, LogLevel

SERVICES = 1_000
ROUNDS = 10
WARM_UP = 1
TICK = 0.01
"""Seconds between two turns of the timer whose lateness is measured."""

_CONFIG = Ref(CONFIG_MAP, Key("metallb-system", "config"))
_POOL = {
    "name": "big",
    "protocol": "layer2",
    "addresses": ["10.0.0.0/8"],
    "avoid-buggy-ips": True,
}
_FIRST = "first"
_STATUSES = Path("status", WRITER, "Service", "default")
_EVENTS = Path("status", WRITER, "Event", "events.yaml")
_SINCE = re.compile(r"lastTransitionTime: .*")

Figures = Mapping[str, float]
"""What one round has shown, in milliseconds."""


def main() -> int:
    """Measure, print, and write the result file."""
    where = environment(time.time())
    body = measure(SERVICES, ROUNDS, WARM_UP)
    record("many-services", where, {**body, "rack": fill("benchmany", (100, SERVICES))})
    return 0


def measure(services: int, rounds: int, warm_up: int) -> dict[str, Any]:
    """Rounds of both in turn, as the result file has them."""
    names = [f"s{number:04}" for number in range(services)]
    print(f"{services:,} Services at once ", end="", flush=True)
    told = interleaved(
        {"controller": lambda: controlled(names), "floor": lambda: bare(names)},
        rounds=rounds,
        warm_up=warm_up,
    )
    spreads = {
        who: {part: spread([one[part] for one in figures]) for part in figures[0]}
        for who, figures in told.items()
    }
    print()
    for who, parts in spreads.items():
        shown = ", ".join(f"{part} {one.median:.0f} ms" for part, one in parts.items())
        print(f"  {who:10}  {shown} (medians of {rounds})", flush=True)
    ours, floor = spreads["controller"], spreads["floor"]
    figures = {
        who: {part: one.rounded() for part, one in parts.items()} for who, parts in spreads.items()
    }
    ratio = {part: ratios(ours[part], floor[part]) for part in floor}
    return {"services": services, "unit": "ms", **figures, "ratio": ratio}


def controlled(names: Sequence[str]) -> Figures:
    """One round of the controller, which has started and served one Service before."""
    with tempfile.TemporaryDirectory(prefix="vipcast-bench-") as place:
        root = Path(place, "objects")
        root.mkdir()
        pools = json.dumps({"address-pools": [_POOL]})
        replace(root / "config.yaml", dump(whole(_CONFIG, data={"config": pools})))
        replace(root / "first.yaml", dump(service(_FIRST)))
        many = "".join(dump(service(name)) for name in names)
        missing = {f"{name}.yaml" for name in names}
        with child("benchmarks.many_services:run_controller", root, Path(place, "run")) as told:
            ask(told)  # it runs
            until((root / _EVENTS).exists, "the first Service has its address and its Event")
            with Inotify(root / _STATUSES) as watch:
                before = ask(told)
                begun = replace(root / "many.yaml", many)
                while missing:
                    missing.difference_update(watch.names(PATIENCE))
                ended = time.monotonic_ns()
                after = ask(told)
            last = f"name: {names[-1]}\n"
            until(lambda: last in (root / _EVENTS).read_text(), "the last Service has its Event")
            late = max(after.late, ask(told).late)
        compare(root / _STATUSES, names)
    cpu = after.cpu - before.cpu
    return {"addressed": (ended - begun) / 1e6, "cpu": cpu * 1e3, "late": late * 1e3}


def bare(names: Sequence[str]) -> Figures:
    """One round of the floor."""
    with tempfile.TemporaryDirectory(prefix="vipcast-bench-") as place:
        begun, cpu = time.monotonic_ns(), time.process_time()
        for name, status in statuses(names):
            replace(Path(place, f"{name}.yaml"), dump(status))
        wall, cpu = time.monotonic_ns() - begun, time.process_time() - cpu
        compare(Path(place), names)
    return {"addressed": wall / 1e6, "cpu": cpu * 1e3}


def service(name: str) -> Raw:
    """A Service as a user writes it."""
    spec = {"type": "LoadBalancer", "selector": {"app": "web"}, "ports": [{"port": 80}]}
    return whole(Ref(SERVICE, Key("default", name)), spec=spec)


def statuses(names: Sequence[str]) -> Iterator[tuple[str, Raw]]:
    """What the controller has to write on each: the lowest address that is free, in their order."""
    since = timestamp(time.time())
    addresses = map(IPv4Address, itertools.count(int(IPv4Address("10.0.0.2"))))
    usable = (address for address in addresses if int(address) & 0xFF not in (0, 0xFF))
    for name, address in zip(names, usable, strict=False):
        message = f"{address} from pool big."
        recorded = Recorded("big", True, Reason.ALLOCATED, message, since)
        status, annotations = service_status([str(address)], recorded)
        raw = whole(Ref(SERVICE, Key("default", name)), status=status)
        raw["metadata"]["annotations"] = annotations
        yield name, raw


def compare(written: Path, names: Sequence[str]) -> None:
    """Raises BenchmarkError unless every status is what it has to be, but for its time."""
    for name, status in statuses(names):
        found = (written / f"{name}.yaml").read_text()
        wanted = dump(status)
        if _SINCE.sub("", found) != _SINCE.sub("", wanted):
            raise BenchmarkError(f"{name} has another status than\n{wanted}namely\n{found}")


@dataclass(frozen=True, slots=True)
class Usage:
    """Processor seconds of the process so far, and its loop's worst lateness since last asked."""

    cpu: float
    late: float


def ask(told: Connection[Any, Any]) -> Usage:
    """How the controller is doing."""
    told.send(None)
    usage: Usage = hear(told)
    return usage


def run_controller(root: Path, run_dir: Path, asked: Connection[Any, Any]) -> None:
    """vipcast-controller as its main() runs it, with somebody who looks at it."""
    run_dir.mkdir()
    options = ControllerOptions(
        objects=Objects(root),
        namespace=_CONFIG.key.namespace,
        config=_CONFIG.key.name,
        service_cidr=(),
        ml_secret_name="memberlist",
        port=0,
        run_dir=run_dir,
        log_level=LogLevel.INFO,
        log_format=LogFormat.JSON,
    )
    with (run_dir / "log").open("w") as lines, log.start(LogLevel.INFO, LogFormat.JSON, lines):
        asyncio.run(_control(options, asked))


async def _control(options: ControllerOptions, asked: Connection[Any, Any]) -> None:
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()

    def answer() -> None:
        try:
            asked.recv()
        except EOFError:
            loop.remove_reader(asked.fileno())
            stop.set()
        else:
            asked.send(Usage(time.process_time(), lateness.take()))

    with Lateness() as lateness:
        loop.add_reader(asked.fileno(), answer)
        await control(options, stop)


class Lateness:
    """Follows, while it is entered, how late a timer of the running loop is."""

    def __init__(self) -> None:
        self._worst = 0.0
        self._loop = asyncio.get_running_loop()
        self._timer: asyncio.TimerHandle | None = None

    def __enter__(self) -> Self:
        self._begin()
        return self

    def __exit__(self, *_: object) -> None:
        if self._timer is not None:
            self._timer.cancel()

    def take(self) -> float:
        """Seconds at worst since it was last asked."""
        worst, self._worst = self._worst, 0.0
        return worst

    def _begin(self) -> None:
        self._timer = self._loop.call_later(TICK, self._fire, self._loop.time() + TICK)

    def _fire(self, due: float) -> None:
        self._worst = max(self._worst, self._loop.time() - due)
        self._begin()


if __name__ == "__main__":
    sys.exit(run(main, __doc__))
