"""DirectorySource: a directory of YAML objects as a Source, read and written off the event loop.

Two threads of its own do what may block: one waits for changes, the other reads and writes files,
one thing at a time, so what they share needs no locks. The loop only moves results.

    watch ──paths──▶ Tree.scan (thread) ──deltas──▶ changes()
    write_status, put, create, delete ──▶ Writer (thread) ──file──▶ watch
    record ──▶ EventTable ──at most every FLUSH──▶ Writer
"""

from __future__ import annotations

import asyncio
import functools
import logging
import time
from collections.abc import AsyncIterator, Callable, Collection, Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from types import MappingProxyType, TracebackType
from typing import Any, ParamSpec, Self, TypeVar

from vipcast.files.events import EventTable
from vipcast.files.reading import read
from vipcast.files.tree import Scan, Tree
from vipcast.files.view import WRITTEN_WHOLE
from vipcast.files.watch import POLL, Watcher
from vipcast.files.writer import Writer
from vipcast.kube.render import timestamp
from vipcast.model.errors import ConflictError, Finding, HostError, SourceError
from vipcast.model.raw import Batch, Delta, EventNote, Kind, Raw, Ref, api_version
from vipcast.ports import SourceHealth

RESCAN = 1.0
"""Seconds between two looks at everything: a link out of the directory is seen by no watch."""

BUSY = 20
"""A look at everything waits at least this many times as long as the last one took."""

FLUSH = 0.25
"""Seconds between two writes of the Events' file."""

RETRY = 1.0
"""Seconds until a refused write of the Events' file is tried again."""

_log = logging.getLogger(__name__)
_Args = ParamSpec("_Args")
_Result = TypeVar("_Result")
_NO_ANNOTATIONS: Mapping[str, str] = MappingProxyType({})


class DirectorySource:
    """Follows `directory` and writes below its sub-directory status/`writer`.

    `kinds` are those that `changes` reports; of those in `own` only what this writer has written.
    `clock` gives seconds since 1970, for the times of Events; `monotonic` gives seconds that never
    jump. At most `event_budget` Events are kept.
    """

    def __init__(
        self,
        directory: Path,
        writer: str,
        kinds: Collection[Kind],
        *,
        own: Collection[Kind] = (),
        clock: Callable[[], float] = time.time,
        monotonic: Callable[[], float] = time.monotonic,
        event_budget: int = 1000,
    ) -> None:
        self._root = directory.absolute()
        self._clock = clock
        self._monotonic = monotonic
        self._tree = Tree(self._root, kinds, writer, own)
        self._writer = Writer(self._root, writer)
        self._events = EventTable(writer, event_budget)
        self._disk = ThreadPoolExecutor(1, "vipcast-files")
        self._waiting = ThreadPoolExecutor(1, "vipcast-watch")
        self._watcher = Watcher(self._root, self._waiting)
        self._pending: dict[Ref, Delta] = {}
        self._problems: tuple[Finding, ...] = ()
        self._unclaimed: tuple[Delta, ...] = ()
        self._partial = False
        self._news = asyncio.Event()
        self._noted = asyncio.Event()
        self._tasks: list[asyncio.Task[None]] = []
        self._synced = self._closed = False
        self._lost = self._unwritten = self._unremoved = ""

    async def __aenter__(self) -> Self:
        """Begin to follow. Raises HostError if the directory cannot be read."""
        try:
            first = await self._run(self._open)
        except BaseException:
            self._shut()
            raise
        self._take(first)
        self._tasks = [
            asyncio.create_task(self._follow(first.again), name="follow the directory"),
            asyncio.create_task(self._flush(), name="write Events"),
        ]
        for task in self._tasks:
            task.add_done_callback(lambda _: self._news.set())
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Write the last Events, end the threads."""
        self._watcher.stop()
        for task in self._tasks[1:]:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        if self._noted.is_set():
            try:
                await self._write_events()
            except SourceError as refused:
                _log.warning("the last Events were not written: %s", refused)
        self._closed = True
        self._news.set()
        self._shut()

    async def changes(self) -> AsyncIterator[Batch]:
        """The snapshot, then every change; ends when the source is closed."""
        while not self._closed:
            await self._news.wait()
            self._news.clear()
            for task in self._tasks:
                if task.done() and not task.cancelled():
                    task.result()
            deltas = tuple(self._pending.values())
            self._pending.clear()
            if not self._closed:
                yield Batch(deltas, self._synced, self._problems, self._unclaimed, self._partial)

    async def write_status(
        self, ref: Ref, status: Raw, annotations: Mapping[str, str] = _NO_ANNOTATIONS
    ) -> None:
        """Lay a status and annotations over a user's object; an empty status takes them back."""
        await self._run(self._write_status, ref, status, annotations)

    async def put(self, ref: Ref, raw: Raw) -> None:
        """Create or replace an own object."""
        await self._run(self._put, ref, raw)

    async def create(self, ref: Ref, raw: Raw) -> None:
        """Create an object; raises ConflictError if one of that name stands anywhere."""
        self._take(await self._run(lambda: self._tree.scan(self._monotonic())))
        await self._run(self._create, ref, raw)

    async def delete(self, ref: Ref) -> None:
        """Delete an own object."""
        await self._run(lambda: self._writable().remove(self._writer.path_of(ref)))

    async def record(self, note: EventNote) -> None:
        """Count an Event; it is written soon, together with others, and until that succeeds."""
        self._events.note(note, timestamp(self._clock()))
        self._noted.set()

    def health(self) -> SourceHealth:
        """Not alive while the directory is gone; what could not be written is in the message."""
        following = bool(self._tasks) and not any(task.done() for task in self._tasks)
        said = (self._lost, self._watcher.trouble, self._unwritten, self._unremoved)
        message = " ".join(part for part in said if part)
        return SourceHealth(following and not self._lost, self._synced, message, self._problems)

    async def _run(
        self, call: Callable[_Args, _Result], *args: _Args.args, **kwargs: _Args.kwargs
    ) -> _Result:
        """Call something that may block, in the thread of the files."""
        if self._closed:
            raise SourceError("The source is closed.")
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(self._disk, functools.partial(call, *args, **kwargs))

    def _shut(self) -> None:
        self._watcher.close()
        self._waiting.shutdown()
        self._disk.shutdown()

    async def _follow(self, again: float | None) -> None:
        """Look whenever something has changed, is in doubt or may have been missed."""
        last, cost = self._monotonic(), 0.0
        while True:
            period = RESCAN if self._watcher.watching else POLL
            whole = last + max(period, BUSY * cost)
            due = whole if again is None else min(whole, again)
            changed = await self._watcher.wait(max(0.001, due - self._monotonic()))
            if self._watcher.stopped:
                return
            begun = self._monotonic()
            everything = changed is None and begun >= whole
            found = await self._run(self._look, None if everything else changed or frozenset())
            self._take(found)
            again = found.again
            if everything:
                last = self._monotonic()
                cost = last - begun

    async def _flush(self) -> None:
        """Write the Events that were noted, together, and again if that is refused."""
        while True:
            await self._noted.wait()
            try:
                await self._write_events()
            except SourceError as error:
                self._unwritten = f"Events cannot be written: {error}"
                await asyncio.sleep(RETRY)
            else:
                self._unwritten = ""
                await asyncio.sleep(FLUSH)

    async def _write_events(self) -> None:
        """Events that were refused, or given up by a close before their turn came, stay noted."""
        self._noted.clear()
        events = self._events.all()
        try:
            await self._run(lambda: self._write_text("".join(event.text() for event in events)))
        except BaseException:
            self._noted.set()
            raise

    def _take(self, found: Scan) -> None:
        """Hand on what a look has shown."""
        self._lost = found.lost
        if found.lost:
            return
        self._pending.update((delta.ref, delta) for delta in found.deltas)
        if found.deltas or found.problems != self._problems or not self._synced:
            self._news.set()
        self._problems, self._synced = found.problems, True

    # What follows runs in the thread of the files.

    def _open(self) -> Scan:
        try:
            next(self._root.iterdir(), None)
        except OSError as error:
            raise HostError(
                f"The directory {self._root} cannot be read: {error.strerror}. Create it, or name"
                " another one with --directory."
            ) from error
        found = self._look(None)
        try:
            text = self._writer.read(self._writer.events_path)
        except SourceError as error:
            self._unwritten = f"Events cannot be read: {error}"
            return found
        known = read(self._writer.events_path, text)
        self._events.restore((found.ref, found.raw) for found in known.objects)
        return found

    def _look(self, changed: Collection[str] | None) -> Scan:
        moved = changed is not None and str(self._root) in changed
        if self._watcher.aim(anew=moved) and not moved:
            changed = None  # whatever happened before this watch began has woken nobody
        before = self._tree.view.problems()
        found = self._tree.scan(self._monotonic(), changed)
        self._partial = self._tree.unreadable()
        vanished = any(delta.raw is None for delta in found.deltas)
        if not found.lost and (vanished or not self._synced or found.problems != before):
            self._remove_orphans()
        return found

    def _remove_orphans(self) -> None:
        """Remove own statuses of objects that are gone, once it is certain that they are."""
        if self._tree.unreadable():
            self._unclaimed = self._tree.view.unclaimed(self._writer.prefix)
            return
        self._unclaimed = ()
        self._unremoved = ""
        for path in self._tree.view.orphans(self._writer.prefix):
            try:
                self._writer.remove(path)
            except SourceError as error:
                self._unremoved = str(error)
            else:
                self._tree.forget(path)

    def _writable(self) -> Writer:
        if self._tree.lost:
            raise SourceError(self._tree.lost)
        return self._writer

    def _write_text(self, text: str) -> None:
        self._writable().write(self._writer.events_path, text)

    def _write_status(self, ref: Ref, status: Raw, annotations: Mapping[str, str]) -> None:
        if ref.kind in WRITTEN_WHOLE:
            raise ValueError(f"a {ref.kind.name} is written as a whole, by put")
        if self._tree.view.get(ref) is None:
            raise SourceError(f"{ref} is gone, so its status cannot be written.")
        path = self._writer.path_of(ref)
        if not status:
            self._writable().remove(path)
            return
        metadata: dict[str, Any] = {"name": ref.key.name}
        if ref.key.namespace:
            metadata["namespace"] = ref.key.namespace
        if annotations:
            metadata["annotations"] = dict(annotations)
        part = {
            "apiVersion": api_version(ref.kind),
            "kind": ref.kind.name,
            "metadata": metadata,
            "status": status,
        }
        self._writable().write(path, part)

    def _put(self, ref: Ref, raw: Raw) -> None:
        if ref.kind not in WRITTEN_WHOLE:
            raise ValueError(
                f"a {ref.kind.name} belongs to the users; write_status is for its status"
            )
        self._writable().write(self._writer.path_of(ref), raw)

    def _create(self, ref: Ref, raw: Raw) -> None:
        if ref.kind not in WRITTEN_WHOLE:
            raise ValueError(f"a {ref.kind.name} belongs to the users, who create it")
        if self._tree.view.get(ref) is not None:
            raise ConflictError(f"{ref} exists already.")
        self._writable().create(self._writer.path_of(ref), raw)
