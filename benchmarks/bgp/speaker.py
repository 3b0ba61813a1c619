"""vipcast-speaker as its main() runs it, and when it is handed what.

    with speaker(node, directory) as ours:
        place(directory, "web", …)
        handed = ours.handed(1)                 # when the Service was handed to the speaker's loop

It follows a directory, as the program does. A batch counts as handed when the source gives it to
the loop, after files were read and parsed; nothing of it is decided then. Its process is the
program's, at the program's priority, and has nothing else to do but tell this clock, after the
batch's effects.
"""

from __future__ import annotations

import asyncio
import os
import time
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from multiprocessing.connection import Connection
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from benchmarks.child import child, hear
from benchmarks.harness import BenchmarkError
from lab.host import Host
from speaker.main import NICENESS, source_of, speak
from vipcast.model.raw import SERVICE
from vipcast.ops import flags, log
from vipcast.ops.flags import SpeakerOptions
from vipcast.ops.values import LogFormat, LogLevel
from vipcast.ports import Batch, Source


@dataclass(frozen=True, slots=True)
class Handed:
    """A batch with so many Services. `at` is when it was handed over, `taken` when the loop asked
    for the next one, both in monotonic nanoseconds."""

    services: int
    at: int
    taken: int


class Speaker:
    """The program in its process."""

    def __init__(self, told: Connection[Any, Any]) -> None:
        self._told = told
        self.pid: int = hear(told)

    def handed(self, services: int) -> Handed:
        """Wait until so many Services were handed over; the batch with the last of them."""
        left = services
        while True:
            handed: Handed = hear(self._told)
            left -= handed.services
            if left < 0:
                raise BenchmarkError(f"{-left} Services more than expected were handed over")
            if not left:
                return handed


def hurry(process: int) -> None:
    """Give another contender the share of the processor that the speaker asks for."""
    os.setpriority(os.PRIO_PROCESS, process, NICENESS)
    group = Path(f"/proc/{process}/autogroup")  # sched(7): where sessions share evenly
    if group.exists():
        group.write_text(str(NICENESS))


@contextmanager
def speaker(node: Host, objects: Path) -> Iterator[Speaker]:
    """The speaker of a node, which follows a directory, until the block ends."""
    where = (objects, node.run_dir, node.pin_path)
    with child("benchmarks.bgp.speaker:serve", *where, namespace=node.namespace) as told:
        yield Speaker(told)


def serve(objects: Path, run_dir: Path, pin_path: Path, told: Connection[Any, Any]) -> None:
    """The process's side; the run directory has the node's name."""
    words = ["--directory", str(objects), "--node-name", run_dir.name, "--run-dir", str(run_dir)]
    options = flags.speaker([*words, "--pin-path", str(pin_path)])
    if not isinstance(options, SpeakerOptions):
        raise TypeError(f"these are no options of a speaker: {options}")
    told.send(os.getpid())
    with (run_dir / "log").open("a") as lines, log.start(LogLevel.INFO, LogFormat.JSON, lines):
        asyncio.run(_speak(options, told))


async def _speak(options: SpeakerOptions, told: Connection[Any, Any]) -> None:
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()

    def ended() -> None:
        loop.remove_reader(told.fileno())
        stop.set()

    loop.add_reader(told.fileno(), ended)
    await speak(options, stop, Watched(source_of(options), told.send))


class Watched:
    """A Source, and a clock where it hands Services over."""

    def __init__(self, source: Source, tell: Callable[[Handed], None]) -> None:
        self._source = source
        self._tell = tell
        self.write_status, self.put, self.create = source.write_status, source.put, source.create
        self.delete, self.record, self.health = source.delete, source.record, source.health

    async def __aenter__(self) -> Self:
        await self._source.__aenter__()
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        await self._source.__aexit__(kind, error, trace)

    async def changes(self) -> AsyncIterator[Batch]:
        """What the source has, as it comes."""
        async for batch in self._source.changes():
            at = time.monotonic_ns()
            yield batch
            taken = time.monotonic_ns()
            if services := sum(delta.ref.kind == SERVICE for delta in batch.deltas):
                self._tell(Handed(services, at, taken))
