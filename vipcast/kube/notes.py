"""One writer's Events on an API server: equal notes are counted up, and the newest ones are kept.

An Event is created when it is first noted; from then on its count and time are patched, at most
every REPEAT seconds, so that something that flaps costs little. Beyond the budget the oldest Event
is deleted. What the server cannot be told now is told later; what it refuses for good (its
namespace is going, the role lacks the right) is dropped with a word in the log.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from vipcast.kube.api import MERGE, Api
from vipcast.kube.paths import collection, single
from vipcast.kube.render import event, event_ref, timestamp
from vipcast.model.errors import ConflictError, RefusedError, SourceError
from vipcast.model.raw import EVENT, EventNote, Ref

REPEAT: Final = 10.0
"""Seconds between two updates of one Event's count."""

RETRY: Final = 2.0
"""Seconds until Events are written again that could not be."""

_NOT_FOUND: Final = 404
_SERVER_FAILED: Final = 500
_TOO_MANY: Final = 429

_log = logging.getLogger(__name__)


@dataclass(slots=True)
class _Tally:
    """One Event: how often it was noted, when first and last, and how much of that is written.

    `begun`: the server may have it; `created`: it has. `due`: not to be written again before.
    """

    note: EventNote
    uid: str
    count: int
    first: str
    last: str
    written: int = 0
    begun: bool = False
    created: bool = False
    due: float = float("-inf")


class Notes:
    """At most `budget` Events of one writer, in the order in which they were last noted.

    `clock` gives seconds since 1970, `uid` the uid of an object, "" if it is not known; `query`
    goes with every write.
    """

    def __init__(
        self,
        api: Api,
        writer: str,
        query: dict[str, str | int],
        *,
        budget: int,
        repeat: float,
        clock: Callable[[], float],
        monotonic: Callable[[], float],
        uid: Callable[[Ref], str],
    ) -> None:
        self._api = api
        self._writer = writer
        self._query = query
        self._budget = budget
        self._repeat = repeat
        self._clock = clock
        self._monotonic = monotonic
        self._uid = uid
        self._tallies: OrderedDict[Ref, _Tally] = OrderedDict()
        self._surplus: list[Ref] = []
        self._noted = asyncio.Event()
        self._ending = False
        self.trouble = ""

    def note(self, note: EventNote) -> None:
        """Count a note; it is written soon."""
        now = timestamp(self._clock())
        uid = self._uid(note.about)
        ref = event_ref(note, self._writer, uid)
        tally = self._tallies.pop(ref, None) or _Tally(note, uid, 0, now, now)
        tally.count, tally.last = tally.count + 1, now
        self._tallies[ref] = tally
        while len(self._tallies) > self._budget:
            oldest, dropped = self._tallies.popitem(last=False)
            if dropped.begun:
                self._surplus.append(oldest)
        self._noted.set()

    async def run(self) -> None:
        """Write what was noted, and at the end all that is left."""
        while not self._ending:
            seconds = await self._write_due(self._monotonic())
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(seconds):
                    await self._noted.wait()
        await self._write_due(float("inf"))

    def end(self) -> None:
        """Let `run` come to its end."""
        self._ending = True
        self._noted.set()

    async def _write_due(self, now: float) -> float | None:
        """Write all that is due at `now`; gives the seconds until more is, None: there is none."""
        self._noted.clear()
        try:
            await self._remove_surplus()
            for ref, tally in tuple(self._tallies.items()):
                # While others are written, more are noted: what is beyond the budget by then
                # would stay on the server, for nobody knows of it any more.
                dropped = self._tallies.get(ref) is not tally
                if not dropped and tally.written != tally.count and tally.due <= now:
                    await self._write(ref, tally)
        except SourceError as error:
            self.trouble = f"Events cannot be written: {error}"
            return RETRY
        self.trouble = ""
        waiting = [one.due for one in self._tallies.values() if one.written != one.count]
        return max(0.0, min(waiting) - now) if waiting else None

    async def _remove_surplus(self) -> None:
        while self._surplus:
            try:
                await self._api.call("DELETE", single(self._surplus[0]))
            except RefusedError as error:
                if not _for_good(error):
                    raise
                if error.code != _NOT_FOUND:
                    _log.warning("an Event stays until it expires: %s", error)
            del self._surplus[0]

    async def _write(self, ref: Ref, tally: _Tally) -> None:
        """Bring the server's count to ours; what it refuses for good is forgotten."""
        count = tally.count
        tally.begun = True
        try:
            if not tally.created or not await self._patched(ref, tally):
                count = await self._create(ref, tally)
                tally.created = True
        except RefusedError as error:
            if not _for_good(error):
                raise
            _log.warning("an Event was dropped: %s", error)
            self._tallies.pop(ref, None)
        tally.written = count
        tally.due = self._monotonic() + self._repeat

    async def _create(self, ref: Ref, tally: _Tally) -> int:
        """Create the Event, or go on counting where a run before this one has ended; the count."""
        count = tally.count
        raw = event(tally.note, self._writer, count, tally.first, tally.last, uid=tally.uid)
        path = collection(EVENT, ref.key.namespace)
        try:
            await self._api.call("POST", path, self._query, raw)
        except ConflictError:
            found = await self._api.call("GET", single(ref))
            if found.get("firstTimestamp") == tally.first:
                return 0  # our own, whose answer was lost: patch it
            before = int(found.get("count") or 0)
            tally.first = found.get("firstTimestamp") or tally.first
            tally.count, count = tally.count + before, count + before
            await self._patched(ref, tally)
        return count

    async def _patched(self, ref: Ref, tally: _Tally) -> bool:
        """Whether the Event was still there, to be counted up: they expire after an hour."""
        body = {"count": tally.count, "lastTimestamp": tally.last}
        try:
            await self._api.call("PATCH", single(ref), self._query, body, content=MERGE)
        except RefusedError as error:
            if error.code != _NOT_FOUND:
                raise
            return False
        return True


def _for_good(error: RefusedError) -> bool:
    """Whether asking again would be answered the same."""
    return error.code < _SERVER_FAILED and error.code != _TOO_MANY
