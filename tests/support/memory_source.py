"""A Source without files: objects in memory, shared by any number of sources.

It is for tests of what stands above the port, and honest: it passes the port's own suite.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Collection, Mapping
from types import MappingProxyType, TracebackType
from typing import Any, Self

from vipcast.files.view import merged
from vipcast.kube.defaults import with_defaults
from vipcast.kube.render import event, event_ref, timestamp
from vipcast.model.errors import ConflictError, Finding, SourceError
from vipcast.model.objects import Key
from vipcast.model.raw import CLUSTER_WIDE, VERSIONS, Batch, Delta, EventNote, Kind, Raw, Ref
from vipcast.ports import SourceHealth

_KINDS = {kind.name: kind for kind in VERSIONS}
_NO_ANNOTATIONS: Mapping[str, str] = MappingProxyType({})


class MemoryCluster:
    """The objects, and who is told of changes."""

    def __init__(self) -> None:
        self.refuses = False
        self.reachable = True
        self.whole = True
        self.problems: dict[Ref, Finding] = {}
        self.parts: dict[tuple[Ref, str], Raw] = {}
        self._objects: dict[Ref, Raw] = {}
        self._readers: list[Callable[[], None]] = []

    def apply(self, raw: Raw) -> None:
        """Create or replace an object."""
        kind = _KINDS[raw["kind"]]
        filled = with_defaults(kind, raw)
        metadata = filled["metadata"]
        namespace = "" if kind in CLUSTER_WIDE else metadata["namespace"]
        ref = Ref(kind, Key(namespace, metadata["name"]))
        self._objects[ref] = filled
        self.problems.pop(ref, None)
        self.tell()

    def remove(self, ref: Ref) -> None:
        """Delete an object, with all that was written about it."""
        self._objects.pop(ref, None)
        self.problems.pop(ref, None)
        self.parts = {key: part for key, part in self.parts.items() if key[0] != ref}
        self.tell()

    def spoil(self, ref: Ref) -> None:
        """From now on the object cannot be read; what was read of it last stays."""
        message = "This is not YAML."
        self.problems[ref] = Finding(str(ref), "line 1", "", message, "Correct this line.")
        self.tell()

    def set_reachable(self, reachable: bool) -> None:
        """Cut all sources off, or connect them again."""
        self.reachable = reachable
        self.tell()

    def set_whole(self, whole: bool) -> None:
        """Whether what there is completes the first snapshot of who begins to read."""
        self.whole = whole
        self.tell()

    def now(self) -> dict[Ref, Raw]:
        """Every object with what was written about it."""
        return {
            ref: merged(base, [self.parts[key] for key in sorted(self.parts) if key[0] == ref])
            for ref, base in self._objects.items()
        }

    def join(self, reader: Callable[[], None]) -> None:
        """Tell a reader of every change from now on."""
        self._readers.append(reader)

    def leave(self, reader: Callable[[], None]) -> None:
        """Tell it no more."""
        self._readers.remove(reader)

    def check(self) -> None:
        """Raise SourceError if nothing can be written now."""
        if self.refuses or not self.reachable:
            raise SourceError("Nothing can be written now.")

    def tell(self) -> None:
        """Wake every reader."""
        for reader in self._readers:
            reader()


class MemorySource:
    """One source on a cluster in memory."""

    def __init__(
        self,
        cluster: MemoryCluster,
        writer: str,
        kinds: Collection[Kind],
        *,
        clock: Callable[[], float],
        event_budget: int = 1000,
    ) -> None:
        self._cluster = cluster
        self._writer = writer
        self._kinds = frozenset(kinds)
        self._clock = clock
        self._budget = event_budget
        self._news = asyncio.Event()
        self._seen: dict[Ref, Raw] = {}
        self._events: dict[Ref, tuple[int, str]] = {}
        self._closed = False

    async def __aenter__(self) -> Self:
        self._cluster.join(self._news.set)
        self._news.set()
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._cluster.leave(self._news.set)
        self._closed = True
        self._news.set()

    async def changes(self) -> AsyncIterator[Batch]:
        """The snapshot, then every change."""
        told: tuple[Finding, ...] | None = None
        synced = False
        while True:
            await self._news.wait()
            self._news.clear()
            if self._closed:
                return
            if not self._cluster.reachable:
                continue
            deltas = tuple(self._differences())
            problems = self._problems()
            if deltas or problems != told or self._cluster.whole > synced:
                told, synced = problems, synced or self._cluster.whole
                yield Batch(deltas, synced, problems)

    async def write_status(
        self, ref: Ref, status: Raw, annotations: Mapping[str, str] = _NO_ANNOTATIONS
    ) -> None:
        """Lay a status and annotations over an object."""
        self._cluster.check()
        if ref not in self._cluster.now():
            raise SourceError(f"{ref} is gone, so its status cannot be written.")
        part = {"metadata": {"annotations": dict(annotations)}, "status": status}
        if status:
            self._cluster.parts[ref, self._writer] = part
        else:
            self._cluster.parts.pop((ref, self._writer), None)
        self._cluster.tell()

    async def put(self, ref: Ref, raw: Raw) -> None:  # noqa: ARG002 - the port's signature
        """Create or replace an object."""
        self._cluster.check()
        self._cluster.apply(raw)

    async def create(self, ref: Ref, raw: Raw) -> None:
        """Create an object."""
        self._cluster.check()
        if ref in self._cluster.now():
            raise ConflictError(f"{ref} exists already.")
        self._cluster.apply(raw)

    async def delete(self, ref: Ref) -> None:
        """Delete an object."""
        self._cluster.check()
        self._cluster.remove(ref)

    async def record(self, note: EventNote) -> None:
        """Count an Event."""
        now = timestamp(self._clock())
        ref = event_ref(note, self._writer)
        count, first = self._events.pop(ref, (0, now))
        self._events[ref] = (count + 1, first)
        self._cluster.apply(event(note, self._writer, count + 1, first, now))
        while len(self._events) > self._budget:
            oldest = next(iter(self._events))
            del self._events[oldest]
            self._cluster.remove(oldest)

    def health(self) -> SourceHealth:
        """Not alive while it is cut off."""
        message = "" if self._cluster.reachable else "The cluster cannot be reached."
        return SourceHealth(self._cluster.reachable, True, message, self._problems())

    def _problems(self) -> tuple[Finding, ...]:
        return tuple(self._cluster.problems[ref] for ref in sorted(self._cluster.problems))

    def _differences(self) -> list[Delta]:
        """What has changed since the last look."""
        now: dict[Ref, Any] = {
            ref: raw for ref, raw in self._cluster.now().items() if ref.kind in self._kinds
        }
        changed = [ref for ref in now if self._seen.get(ref) != now[ref]]
        gone = self._seen.keys() - now.keys()
        self._seen = now
        return [Delta(ref, now[ref]) for ref in changed] + [Delta(ref, None) for ref in gone]
