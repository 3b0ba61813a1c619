"""A directory as a Source that counts what is written to it."""

from __future__ import annotations

import asyncio
import time
from collections import Counter
from collections.abc import Callable, Mapping
from pathlib import Path
from types import MappingProxyType

from controller.main import KINDS, WRITER
from vipcast.files import DirectorySource
from vipcast.ports import EventNote, Raw, Ref

NOTHING: Mapping[str, str] = MappingProxyType({})


class Counted(DirectorySource):
    """`writes` names each object that was written, in order; `notes` are the Events noted.

    `times` has the loop's time of each write.
    """

    def __init__(self, path: Path, clock: Callable[[], float] = time.time) -> None:
        super().__init__(path, WRITER, KINDS, clock=clock)
        self.writes: list[Ref] = []
        self.times: list[float] = []
        self.notes: list[EventNote] = []

    async def write_status(
        self, ref: Ref, status: Raw, annotations: Mapping[str, str] = NOTHING
    ) -> None:
        """Count, and write."""
        self._count(ref)
        await super().write_status(ref, status, annotations)

    async def put(self, ref: Ref, raw: Raw) -> None:
        """Count, and write."""
        self._count(ref)
        await super().put(ref, raw)

    async def create(self, ref: Ref, raw: Raw) -> None:
        """Count, and write."""
        self._count(ref)
        await super().create(ref, raw)

    async def record(self, note: EventNote) -> None:
        """Count, and write."""
        self.notes.append(note)
        await super().record(note)

    def _count(self, ref: Ref) -> None:
        self.writes.append(ref)
        self.times.append(asyncio.get_running_loop().time())

    def kinds(self) -> Counter[str]:
        """How often an object of each kind was written."""
        return Counter(ref.kind.name for ref in self.writes)
