"""Following one kind on an API server: a list in pages, then what changes, for as long as it takes.

    list ──pages──▶ watch ──end──▶ watch, from where the last one was
      ▲               │
      └───────────────┴── too old (410), unreadable, or failed three times

Every trouble is waited out with a pause that doubles, with jitter. Nothing is taken away because
something failed: what the server does not say is as it was. A kind that the server does not know
(its CustomResourceDefinition is missing) has no objects, if it says so twice; it is asked again.
"""

from __future__ import annotations

import asyncio
import math
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from typing import Any, Final

from vipcast.kube.api import Api, decode
from vipcast.kube.mirror import Mirror
from vipcast.kube.paths import collection
from vipcast.kube.queue import pause
from vipcast.model.errors import RefusedError, SourceError
from vipcast.model.raw import SECRET, Delta, Kind, Raw, Ref

PAGE: Final = 250
"""Objects in one page of a list."""

LATE: Final = 5.0
"""Seconds without a watch until the readiness says so."""

SHORT: Final = 1.0
"""Seconds; a watch that ends sooner, with nothing said, counts as failed."""

LIFE: Final = 60.0
"""Seconds after which the server is to end a watch, at least; twice as many at most. Where nothing
changes it may say nothing until then, and what says nothing for longer does not live any more."""

MISSING: Final = 10.0
"""Seconds until a kind that the server does not know is asked for again."""

BULKY: Final = {SECRET: "type!=helm.sh/release.v1"}
"""What is not brought of a kind of which not one object by its name is wanted: helm keeps each past
release in a Secret of up to a MiB."""

_GONE: Final = 410
_NOT_FOUND: Final = 404
_FAILURES_UNTIL_LIST: Final = 3
_SLOWEST: Final = 6  # failures in a row, after which the pause is 6.4 s and grows no more


@dataclass(frozen=True, slots=True)
class Scope:
    """Which objects are followed: of one kind, in one namespace or in all.

    Of those only the one of this `name`, or those whose `labels` are so ("key=value"), if given;
    never those that `BULKY` leaves out.
    """

    kind: Kind
    namespace: str = ""
    name: str = ""
    labels: str = ""

    @property
    def path(self) -> str:
        """The path of the list."""
        return collection(self.kind, self.namespace)

    @property
    def query(self) -> dict[str, str | int]:
        """What of the list is wanted; a role can allow just this name."""
        query: dict[str, str | int] = {}
        if self.name:
            query["fieldSelector"] = f"metadata.name={self.name}"
        elif self.kind in BULKY:
            query["fieldSelector"] = BULKY[self.kind]
        if self.labels:
            query["labelSelector"] = self.labels
        return query

    def holds(self, ref: Ref, raw: Raw) -> bool:
        """Whether an object is one of them."""
        key, _, value = self.labels.partition("=")
        return (
            self.namespace in ("", ref.key.namespace)
            and self.name in ("", ref.key.name)
            and (not key or (raw["metadata"].get("labels") or {}).get(key) == value)
        )


class _Again(SourceError):
    """What is known is no ground for a watch: list again."""


class Watch:
    """Follows one scope, and gives every change to `tell`.

    `monotonic` gives seconds that never jump; `draw` is evenly spread over 0 to 1. A watch is asked
    for `life` seconds, or for up to twice as many.
    """

    def __init__(
        self,
        api: Api,
        scope: Scope,
        tell: Callable[[Iterable[Delta]], None],
        *,
        monotonic: Callable[[], float],
        draw: Callable[[], float],
        life: float = LIFE,
    ) -> None:
        self.mirror = Mirror(scope.kind)
        self.listed = False
        self._api = api
        self._scope = scope
        self._tell = tell
        self._monotonic = monotonic
        self._draw = draw
        self._life = life
        self._version = ""
        self._watching = False
        self._heard = monotonic()
        self._trouble = ""
        self._failures = 0
        self._unknown = 0

    def late(self) -> tuple[float, str] | None:
        """For how many seconds it has not followed, and why; None: it does, or has just stopped."""
        silent = self._monotonic() - self._heard
        if self._watching or silent <= LATE:
            return None
        return silent, self._trouble or "There is no answer yet."

    @contextmanager
    def writing(self, ref: Ref) -> Iterator[Callable[[Any], None]]:
        """While an object of this kind is written; gives what is to be called with the answer."""
        self.mirror.ahead.begin(ref)
        try:
            yield partial(self._answered, ref)
        finally:
            self.mirror.ahead.end(ref)

    def _answered(self, ref: Ref, raw: Any) -> None:
        if self.mirror.name(raw) != ref or not self._scope.holds(ref, raw):
            return
        delta = self.mirror.answer(ref, raw)
        if delta is not None:
            self._tell((delta,))

    async def run(self) -> None:
        """Follow until cancelled."""
        while True:
            try:
                if not self._version:
                    await self._list()
                if self._version:
                    await self._watch()
            except SourceError as error:
                await self._failed(error)

    async def _failed(self, error: SourceError) -> None:
        self._trouble = str(error)
        self._failures += 1
        if isinstance(error, _Again) or self._failures % _FAILURES_UNTIL_LIST == 0:
            self._version = ""
        await asyncio.sleep(pause(min(self._failures, _SLOWEST), self._draw()))

    async def _list(self) -> None:
        query = {**self._scope.query, "limit": PAGE}
        self.mirror.begin()
        while True:
            try:
                metadata, items = _page(await self._api.call("GET", self._scope.path, query))
            except RefusedError as error:
                if error.code != _NOT_FOUND:
                    raise
                await self._not_known(error)
                return
            self._heard = self._monotonic()
            self._tell(self.mirror.page(items))
            query["continue"] = metadata.get("continue") or ""
            if not query["continue"]:
                break
        version = str(metadata.get("resourceVersion") or "")
        self._complete(version)
        if self.mirror.unreadable:
            raise _Again(str(self.mirror.problems[0]))
        self._version = version
        if not self._version:
            raise SourceError("The API server sent a list without a version.")

    async def _not_known(self, error: RefusedError) -> None:
        """There are no objects of a kind that the server does not know, if it is sure of that."""
        self._unknown += 1
        if self._unknown < 2:
            raise error
        self._complete("")
        seconds = MISSING * (1 - self._draw() / 2)
        self._heard = self._monotonic() + seconds
        await asyncio.sleep(seconds)

    def _complete(self, version: str) -> None:
        self.listed = True
        self._tell(self.mirror.end(version))

    async def _watch(self) -> None:
        life = math.ceil(self._life * (1 + self._draw()))
        query = {
            **self._scope.query,
            "watch": "true",
            "allowWatchBookmarks": "true",
            "resourceVersion": self._version,
            "timeoutSeconds": life,
        }
        said = False
        begun = self._monotonic()
        try:
            async with self._api.stream(self._scope.path, query, silence=1.25 * life) as lines:
                self._watching, self._unknown, self._trouble = True, 0, ""
                async for line in lines:
                    self._event(line)
                    said, self._failures = True, 0
        except RefusedError as error:
            if error.code in (_GONE, _NOT_FOUND):
                raise _Again(str(error)) from error
            raise
        finally:
            if self._watching:
                self._heard = self._monotonic()
            self._watching = False
        if not said and self._monotonic() - begun < SHORT:
            raise SourceError("It ended as soon as it had begun.")
        self._failures = 0

    def _event(self, line: bytes) -> None:
        """Take in one line of a watch."""
        try:
            event = decode(line)
            kind, raw = event["type"], event["object"]
            version = raw["metadata"]["resourceVersion"] if kind != "ERROR" else ""
        except (ValueError, KeyError, TypeError) as error:
            raise _Again(f"The API server sent what is no event: {line[:80]!r}.") from error
        if kind == "ERROR":
            raise _Again(f"The API server ended the watch: {_said(raw)}")
        if kind != "BOOKMARK":
            self._change(kind, raw)
        self._version = str(version)
        self.mirror.ahead.passed(self._version)

    def _change(self, kind: str, raw: Mapping[str, Any]) -> None:
        ref = self.mirror.name(raw)
        if ref is None:
            raise _Again("The API server sent an object without a name.")
        delta = self.mirror.drop(ref, raw) if kind == "DELETED" else self.mirror.put(ref, raw)
        if delta is not None:
            self._tell((delta,))


def _page(page: Any) -> tuple[Mapping[str, Any], list[Any]]:
    """Metadata and items of a list; without objects, items are missing or null."""
    metadata = page.get("metadata") if isinstance(page, Mapping) else None
    if not isinstance(metadata, Mapping):
        raise SourceError("The API server sent what is no list.")
    items = page.get("items") or []
    if not isinstance(items, list):
        raise SourceError("The API server sent a list whose items are none.")
    return metadata, items


def _said(status: Any) -> str:
    said = status.get("message") if isinstance(status, Mapping) else None
    return str(said or "it did not say why.")
