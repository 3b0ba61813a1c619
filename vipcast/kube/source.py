"""KubeSource: an API server as a Source.

    Watch, one for each kind ──deltas──▶ changes()
    write_status ──▶ a patch of what this writer owns ──▶ the API server ──answer──▶ Watch
    put, create, delete ──▶ own objects
    record ──▶ Notes ──▶ Events

The snapshot is complete when every kind has been listed. After that, nothing that fails takes an
object away. A server older than OLDEST is refused when it answers: `changes` raises HostError.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import random
import time
from collections.abc import AsyncIterator, Callable, Collection, Iterable, Mapping
from types import MappingProxyType, TracebackType
from typing import Any, Final, Self

from vipcast.kube.api import JSON, MERGE, OPERATIONS, STRATEGIC, Access, Api
from vipcast.kube.notes import REPEAT, Notes
from vipcast.kube.patches import NOTHING, Part, merging, strategic
from vipcast.kube.paths import collection, plural, single
from vipcast.kube.queue import pause
from vipcast.kube.watch import LATE, LIFE, Scope, Watch
from vipcast.model.errors import ConflictError, Finding, HostError, RefusedError, SourceError
from vipcast.model.raw import (
    CLUSTER_WIDE,
    ENDPOINT_SLICE,
    EVENT,
    SERVICE,
    Batch,
    Delta,
    EventNote,
    Kind,
    Raw,
    Ref,
)
from vipcast.ports import SourceHealth

OLDEST: Final = (1, 21)
"""The oldest Kubernetes: the first one that serves EndpointSlices as they are read here."""

LAST_EVENTS: Final = 5.0
"""Seconds that the last Events may take when the source is closed."""

_EVERYWHERE = CLUSTER_WIDE | {SERVICE, ENDPOINT_SLICE, EVENT}
_NOT_FOUND: Final = 404
_INVALID: Final = 422

_log = logging.getLogger(__name__)
_NO_ANNOTATIONS: Mapping[str, str] = MappingProxyType({})
_NO_PARTS: Mapping[Kind, Part] = MappingProxyType({})
_ALL: Mapping[Kind, str] = MappingProxyType({})


class KubeSource:
    """Follows the `kinds`, and writes as `writer`.

    Nodes, Namespaces, Services, EndpointSlices and Events are followed everywhere, all other kinds
    in `namespace`; of a kind in `names` only that one object, of one in `labels` those that have
    them. `owns` is what of a status this writer takes away though it may not have written it in
    this run: its own before a restart, or that of the program that did the work before. At most
    `event_budget` Events are kept, and each is counted up every `event_repeat` seconds at most.
    `clock` gives seconds since 1970, `monotonic` seconds that never jump, `draw` is evenly spread
    over 0 to 1; a watch is renewed after `life` seconds, or up to twice as many.
    """

    def __init__(
        self,
        access: Access,
        writer: str,
        kinds: Collection[Kind],
        *,
        namespace: str,
        names: Mapping[Kind, str] = _ALL,
        labels: Mapping[Kind, str] = _ALL,
        owns: Mapping[Kind, Part] = _NO_PARTS,
        clock: Callable[[], float] = time.time,
        monotonic: Callable[[], float] = time.monotonic,
        draw: Callable[[], float] = random.random,
        event_budget: int = 1000,
        event_repeat: float = REPEAT,
        life: float = LIFE,
    ) -> None:
        manager = f"vipcast-{writer}"[:128]
        self._api = Api(access, agent=manager)
        self._query: dict[str, str | int] = {"fieldManager": manager}
        self._owns = owns
        self._extra: dict[Ref, Part] = {}
        self._monotonic = monotonic
        self._draw = draw
        self._watches = {
            kind: Watch(
                self._api,
                Scope(
                    kind,
                    "" if kind in _EVERYWHERE else namespace,
                    names.get(kind, ""),
                    labels.get(kind, ""),
                ),
                self._tell,
                monotonic=monotonic,
                draw=draw,
                life=life,
            )
            for kind in kinds
        }
        self._notes = Notes(
            self._api,
            writer,
            self._query,
            budget=event_budget,
            repeat=event_repeat,
            clock=clock,
            monotonic=monotonic,
            uid=self._uid,
        )
        self._pending: dict[Ref, Delta] = {}
        self._problems: tuple[Finding, ...] = ()
        self._news = asyncio.Event()
        self._task: asyncio.Task[None] | None = None
        self._writing: asyncio.Task[None] | None = None
        self._began = monotonic()
        self._trouble = ""
        self._fresh = self._synced = self._closed = False

    async def __aenter__(self) -> Self:
        """Begin to follow. Raises HostError if it cannot be known which API server, or as whom."""
        await self._api.__aenter__()
        self._task = asyncio.create_task(self._follow(), name="follow the API server")
        self._task.add_done_callback(lambda _: self._news.set())
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Write the last Events, end the connections."""
        if self._writing is not None:
            self._notes.end()
            await asyncio.wait((self._writing,), timeout=LAST_EVENTS)
            if self._notes.trouble:
                _log.warning("the last Events were not written: %s", self._notes.trouble)
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)  # `changes` has raised it
        self._closed = True
        self._news.set()
        await self._api.__aexit__(kind, error, trace)

    async def changes(self) -> AsyncIterator[Batch]:
        """The snapshot, then every change; ends when the source is closed."""
        while not self._closed:
            await self._news.wait()
            self._news.clear()
            if self._task is not None and self._task.done() and not self._task.cancelled():
                self._task.result()
            if not self._fresh:
                continue
            deltas = tuple(self._pending.values())
            self._pending.clear()
            self._fresh = False
            if not self._closed:
                yield Batch(deltas, True, self._problems)

    async def write_status(
        self, ref: Ref, status: Raw, annotations: Mapping[str, str] = _NO_ANNOTATIONS
    ) -> None:
        """Patch what this writer owns of an object's status; an empty status takes it back."""
        given = Part.of(status, annotations)
        always = self._owns.get(ref.kind, NOTHING)
        owned = always | self._extra.get(ref, NOTHING)
        uid = self._uid(ref)
        if ref.kind == SERVICE:
            content, body = STRATEGIC, strategic(owned, status, annotations, uid)
        else:
            known = self._known(ref)
            before = {} if known is None else known.get("status") or {}
            content, body = MERGE, merging(owned, status, annotations, before, uid)
        self._remember(ref, (owned | given) - always)  # it may be written though the answer is lost
        try:
            await self._write("PATCH", ref, single(ref, "status"), body, content)
        except RefusedError as error:
            # A successor's uid is no conflict to the server, but a field that may not change.
            if error.code == _INVALID and "metadata.uid" in str(error):
                raise ConflictError(f"{ref} is another one now, by the same name.") from error
            if error.code != _NOT_FOUND:
                raise
            self._remember(ref, NOTHING)
            raise SourceError(f"{ref} is gone, so its status cannot be written.") from error
        self._remember(ref, given - always)

    async def put(self, ref: Ref, raw: Raw) -> None:
        """Create or replace an own object: all of its status; labels and owner if they differ."""
        known = self._known(ref)
        if known is not None:
            try:
                # The status first: under our name nobody is to read what somebody else has said.
                await self._put_status(ref, raw)
                if not _says(known["metadata"], raw["metadata"]):
                    metadata = {"metadata": raw["metadata"]}
                    await self._write("PATCH", ref, single(ref), metadata, MERGE)
            except RefusedError as error:
                if error.code != _NOT_FOUND:
                    raise
            else:
                return
        with contextlib.suppress(ConflictError):
            await self.create(ref, raw)
        await self._put_status(ref, raw)

    async def create(self, ref: Ref, raw: Raw) -> None:
        """Create an object; raises ConflictError if it exists."""
        body = {key: value for key, value in raw.items() if key != "status"}
        await self._write("POST", ref, collection(ref.kind, ref.key.namespace), body)

    async def delete(self, ref: Ref) -> None:
        """Delete an own object."""
        try:
            await self._api.call("DELETE", single(ref))
        except RefusedError as error:
            if error.code != _NOT_FOUND:
                raise

    async def record(self, note: EventNote) -> None:
        """Count an Event; it is written soon, and until that succeeds."""
        self._notes.note(note)

    def health(self) -> SourceHealth:
        """Not alive while a watch is late; the message says which, and why."""
        following = self._task is not None and not self._task.done()
        late = self._late()
        said = [*late, self._notes.trouble]
        if not late and not self._synced:
            missing = [plural(kind) for kind, watch in self._watches.items() if not watch.listed]
            said.insert(0, f"Not listed yet: {', '.join(sorted(missing))}.")
        message = " ".join(said).strip()
        return SourceHealth(following and not late, self._synced, message, self._problems)

    def _late(self) -> list[str]:
        """A sentence for each reason for which kinds are not followed."""
        if self._trouble:
            silent = self._monotonic() - self._began
            return [f"Nothing is followed for {silent:.0f} s. {self._trouble}"] * (silent > LATE)
        reasons: dict[str, dict[str, float]] = {}
        for kind, watch in self._watches.items():
            if (found := watch.late()) is not None:
                silent, why = found
                reasons.setdefault(why, {})[plural(kind)] = silent
        return [
            f"Not followed for {max(kinds.values()):.0f} s: {', '.join(sorted(kinds))}. {why}"
            for why, kinds in reasons.items()
        ]

    async def _follow(self) -> None:
        await self._check_version()
        async with asyncio.TaskGroup() as tasks:
            for kind, watch in self._watches.items():
                tasks.create_task(watch.run(), name=f"watch {kind}")
            self._writing = tasks.create_task(self._notes.run(), name="write Events")

    async def _check_version(self) -> None:
        """Wait for the server. Raises HostError if it is too old."""
        for failures in range(1, 2**31):
            try:
                major, minor, text = await self._api.version()
            except SourceError as error:
                self._trouble = str(error)
                await asyncio.sleep(pause(min(failures, 6), self._draw()))
            else:
                self._trouble = ""
                if (major, minor) < OLDEST:
                    raise HostError(
                        f"The API server {self._api.url} is Kubernetes {text}, which is too old:"
                        " Vipcast needs 1.21 or newer. Upgrade the cluster."
                    )
                return

    def _tell(self, deltas: Iterable[Delta]) -> None:
        """Take in what a watch has heard; hand on all of it once every kind has been listed."""
        news = False
        for delta in deltas:
            news = True
            self._pending[delta.ref] = delta
            if delta.raw is None:
                self._extra.pop(delta.ref, None)
        problems = tuple(one for each in self._watches.values() for one in each.mirror.problems)
        listed = self._synced or all(watch.listed for watch in self._watches.values())
        if listed and (news or problems != self._problems or not self._synced):
            self._problems, self._synced, self._fresh = problems, True, True
            self._news.set()

    def _known(self, ref: Ref) -> Raw | None:
        watch = self._watches.get(ref.kind)
        return None if watch is None else watch.mirror.get(ref)

    def _uid(self, ref: Ref) -> str:
        known = self._known(ref)
        return "" if known is None else str(known["metadata"].get("uid", ""))

    def _remember(self, ref: Ref, extra: Part) -> None:
        if extra:
            self._extra[ref] = extra
        else:
            self._extra.pop(ref, None)

    async def _put_status(self, ref: Ref, raw: Raw) -> None:
        if "status" in raw:
            body = [{"op": "add", "path": "/status", "value": raw["status"]}]
            await self._write("PATCH", ref, single(ref, "status"), body, OPERATIONS)

    async def _write(
        self, method: str, ref: Ref, path: str, body: Any, content: str = JSON
    ) -> None:
        """Make a call that changes an object; what is answered is known from then on."""
        watch = self._watches.get(ref.kind)
        if watch is None:
            await self._api.call(method, path, self._query, body, content=content)
            return
        with watch.writing(ref) as answered:
            answered(await self._api.call(method, path, self._query, body, content=content))


def _says(stands: Any, wanted: Any) -> bool:
    """Whether a mapping has all that is wanted of it, however deep."""
    if isinstance(wanted, Mapping):
        return isinstance(stands, Mapping) and all(
            _says(stands.get(key), value) for key, value in wanted.items()
        )
    return bool(stands == wanted)
