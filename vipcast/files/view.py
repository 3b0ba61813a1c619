"""Objects of many files as one object per name.

Of an object that stands in two files the first path counts, and a finding names both. What a writer
has put in its sub-directory about a user's object (its part: status and annotations) is merged over
it. Kinds that only programs write stand there as whole objects.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from vipcast.files.reading import NOTHING, Found, Reading
from vipcast.model.errors import Finding
from vipcast.model.raw import (
    CONFIGURATION_STATE,
    EVENT,
    SECRET,
    SERVICE_BGP_STATUS,
    SERVICE_L2_STATUS,
    SPEAKER_STATUS,
    Delta,
    Kind,
    Raw,
    Ref,
)

STATUS = "status"
WRITTEN_WHOLE = frozenset(
    {
        SECRET,
        EVENT,
        SERVICE_L2_STATUS,
        SERVICE_BGP_STATUS,
        CONFIGURATION_STATE,
        SPEAKER_STATUS,
    }
)


@dataclass(frozen=True, slots=True, order=True)
class _Place:
    """Where an object stands; the least one counts. `leaving`: the file is about to be gone."""

    leaving: bool
    path: str
    line: int

    def __str__(self) -> str:
        return f"{self.path} line {self.line}"


class View:
    """One object per name, kept up to date file by file."""

    def __init__(self, kinds: Collection[Kind]) -> None:
        self._kinds = frozenset(kinds)
        self._files: dict[str, tuple[Reading, bool]] = {}
        self._bad: dict[str, tuple[Finding, ...]] = {}
        self._idle: dict[str, tuple[Finding, ...]] = {}
        self._places: dict[Ref, dict[_Place, Raw]] = {}
        self._objects: dict[Ref, Raw] = {}
        self._twice: dict[Ref, Finding] = {}
        self._touched: set[Ref] = set()

    def reading(self, path: str) -> Reading:
        """What a file was taken to hold."""
        return self._files.get(path, (NOTHING, False))[0]

    def paths(self) -> Collection[str]:
        """The files that hold something or cannot be read."""
        return self._files.keys()

    def get(self, ref: Ref) -> Raw | None:
        """An object as it is now."""
        return self._objects.get(ref)

    def problems(self) -> tuple[Finding, ...]:
        """What cannot be read or has no effect, file by file, and objects that stand in two."""
        said = (
            finding
            for path in sorted(self._bad.keys() | self._idle.keys())
            for finding in (*self._bad.get(path, ()), *self._idle.get(path, ()))
        )
        twice = (self._twice[ref] for ref in sorted(self._twice))
        return (*said, *twice)

    def unreadable(self) -> bool:
        """Whether any file cannot be read, so that nobody knows all objects."""
        return bool(self._bad)

    def put(self, path: str, reading: Reading | None, *, leaving: bool = False) -> None:
        """Take in what a file holds now; None: it is gone."""
        old, was_leaving = self._files.get(path, (NOTHING, False))
        for found in old.objects:
            self._remove(found, path, leaving=was_leaving)
        self._bad.pop(path, None)
        self._idle.pop(path, None)
        if reading is None:
            self._files.pop(path, None)
            return
        if reading.problems:
            self._bad[path] = reading.problems
        if reading.remarks:
            self._idle[path] = reading.remarks
        self._files[path] = (reading, leaving)
        for found in reading.objects:
            place = _Place(leaving, path, found.line)
            self._places.setdefault(found.ref, {})[place] = found.raw
            self._touched.add(found.ref)

    def take(self) -> tuple[Delta, ...]:
        """What has changed since it was last asked, of the kinds that are followed."""
        touched, self._touched = self._touched, set()
        deltas = []
        for ref in sorted(touched):
            new = self._compute(ref)
            if new == self._objects.get(ref):
                continue
            if new is None:
                del self._objects[ref]
            else:
                self._objects[ref] = new
            if ref.kind in self._kinds:
                deltas.append(Delta(ref, new))
        return tuple(deltas)

    def orphans(self, prefix: str) -> tuple[str, ...]:
        """Files below a prefix that hold parts of objects that are gone."""
        return tuple(
            path
            for path, (reading, _) in sorted(self._files.items())
            if path.startswith(prefix)
            and reading.objects
            and not any(found.ref in self._objects for found in reading.objects)
        )

    def unclaimed(self, prefix: str) -> tuple[Delta, ...]:
        """What these files hold, of the kinds that are followed."""
        return tuple(
            Delta(found.ref, found.raw)
            for path in self.orphans(prefix)
            for found in self._files[path][0].objects
            if found.ref.kind in self._kinds
        )

    def _remove(self, found: Found, path: str, *, leaving: bool) -> None:
        places = self._places[found.ref]
        places.pop(_Place(leaving, path, found.line), None)
        if not places:
            del self._places[found.ref]
        self._touched.add(found.ref)

    def _compute(self, ref: Ref) -> Raw | None:
        """The object that its places make up, and the finding if there are too many of them."""
        places = self._places.get(ref, {})
        whole = sorted(place for place in places if not _is_part(place.path, ref.kind))
        self._twice.pop(ref, None)
        if not whole:
            return None
        here = [place for place in whole if not place.leaving]
        if len(here) > 1:
            others = " and ".join(str(place) for place in here[1:])
            self._twice[ref] = Finding(
                str(ref),
                "",
                "",
                f"It stands in {here[0]} and again in {others}; the first counts.",
                "Remove all but one.",
            )
        parts = sorted(place for place in places if _is_part(place.path, ref.kind))
        return merged(places[whole[0]], (places[place] for place in parts))


def _is_part(path: str, kind: Kind) -> bool:
    return path.startswith(f"{STATUS}/") and kind not in WRITTEN_WHOLE


def merged(base: Raw, parts: Iterable[Raw]) -> Raw:
    """An object with the writers' parts over it, in their order.

    Of annotations and of the status each key is replaced, but conditions, which are joined by type.
    """
    result: dict[str, Any] | None = None
    for part in parts:
        result = dict(base) if result is None else result
        annotations = _mapping(_mapping(part.get("metadata")).get("annotations"))
        if annotations:
            metadata = _mapping(result.get("metadata"))
            joined = {**_mapping(metadata.get("annotations")), **annotations}
            result["metadata"] = {**metadata, "annotations": joined}
        old, new = _mapping(result.get("status")), _mapping(part.get("status"))
        status = {**old, **new}
        if "conditions" in old and "conditions" in new:
            status["conditions"] = _joined(old["conditions"], new["conditions"])
        result["status"] = status
    return base if result is None else result


def _joined(old: Any, new: Any) -> Any:
    """Conditions of both, the newer ones of the same type instead of the older."""
    if not isinstance(old, list) or not isinstance(new, list):
        return new
    types = {_mapping(condition).get("type") for condition in new}
    return [one for one in old if _mapping(one).get("type") not in types] + new


def _mapping(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, Mapping) else {}
