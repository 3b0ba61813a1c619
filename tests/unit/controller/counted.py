"""A directory as a Source that counts what is written to it."""

from __future__ import annotations

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
    """`writes` names each object that was written, in order; `notes` are the Events noted."""

    def __init__(self, path: Path, clock: Callable[[], float] = time.time) -> None:
        super().__init__(path, WRITER, KINDS, clock=clock)
        self.writes: list[Ref] = []
        self.notes: list[EventNote] = []

    async def write_status(
        self, ref: Ref, status: Raw, annotations: Mapping[str, str] = NOTHING
    ) -> None:
        """Count, and write."""
        self.writes.append(ref)
        await super().write_status(ref, status, annotations)

    async def put(self, ref: Ref, raw: Raw) -> None:
        """Count, and write."""
        self.writes.append(ref)
        await super().put(ref, raw)

    async def create(self, ref: Ref, raw: Raw) -> None:
        """Count, and write."""
        self.writes.append(ref)
        await super().create(ref, raw)

    async def record(self, note: EventNote) -> None:
        """Count, and write."""
        self.notes.append(note)
        await super().record(note)

    def kinds(self) -> Counter[str]:
        """How often an object of each kind was written."""
        return Counter(ref.kind.name for ref in self.writes)
