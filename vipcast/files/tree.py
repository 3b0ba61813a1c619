"""Which files there are below a directory, which of them changed, and what they hold now.

`scan` looks at the paths that a watcher names, or at everything, and answers what has changed. It
is called from one thread at a time and does no more than read.

Nobody writes files in one go. A file that has vanished, lost an object or become unreadable is
looked at again after SETTLE and counts only if it is still the same: an editor that renames its way
to a new file, or a copy that is half done, takes nothing away. What is new counts at once.

A directory that has gone, or has been replaced by an empty one (an unmounted volume), takes nothing
away either: the scan says why, and everything stays.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from vipcast.files.reading import Reading, read, unreadable
from vipcast.files.view import STATUS, WRITTEN_WHOLE, View
from vipcast.model.errors import Finding
from vipcast.model.raw import Delta, Kind

SETTLE = 0.03
"""Seconds until a loss is believed."""

MAX_BYTES = 32 * 2**20

SUFFIXES = (".yaml", ".yml", ".json")
_Signature = tuple[int, int, int] | None


@dataclass(frozen=True, slots=True)
class Scan:
    """What a look at the files has shown. `again` is the monotonic time of the next look, if any.

    `lost` says why nothing could be seen; then nothing has changed.
    """

    deltas: tuple[Delta, ...] = ()
    problems: tuple[Finding, ...] = ()
    again: float | None = None
    lost: str = ""


class Tree:
    """The files below one directory; `view` has what they hold."""

    def __init__(
        self,
        root: Path,
        kinds: Collection[Kind],
        writer: str = "",
        own: Collection[Kind] = (),
    ) -> None:
        """Of the kinds in `own`, only what `writer` has written counts."""
        self.root = root
        self._writer = writer
        self._own = {kind.name for kind in own}
        self.view = View(kinds)
        self.identity: tuple[int, int] | None = None
        self.lost = ""
        followed = {kind.name for kind in kinds}
        self._unasked = {kind.name for kind in WRITTEN_WHOLE} - followed
        self._signatures: dict[str, _Signature] = {}
        self._doubted: dict[str, tuple[_Signature, float]] = {}
        self._blocked: dict[str, Finding] = {}

    def scan(self, now: float, changed: Collection[str] | None = None) -> Scan:
        """Look at the changed paths (as a watcher names them); None: at everything.

        The root among them means that it is perhaps another directory now.
        """
        found = self._scan(now, changed)
        self.lost = found.lost
        if found.lost:
            self.identity = None  # what comes next may have the same number
        return found

    def forget(self, name: str) -> None:
        """A file that held nothing that counts was removed by its owner."""
        self._signatures.pop(name, None)
        self._doubted.pop(name, None)
        self.view.put(name, None)

    def _scan(self, now: float, changed: Collection[str] | None) -> Scan:
        try:
            found = self.root.stat()
        except OSError as error:
            return Scan(lost=f"The directory {self.root} cannot be read: {error.strerror}.")
        if not stat.S_ISDIR(found.st_mode):
            return Scan(lost=f"{self.root} is not a directory any more.")
        identity = (found.st_dev, found.st_ino)
        if changed is not None and str(self.root) in changed:
            self.identity = None
        names = None if changed is None or identity != self.identity else self._names(changed)
        if names is None:
            self._blocked = {}
            present = dict(self._walk("", frozenset({identity})))
            if identity != self.identity and _users(self._signatures) and not _users(present):
                return Scan(lost=f"The directory {self.root} was replaced by an empty one.")
            names = self._differing(present)
        self.identity = identity
        for name in sorted(names | self._doubted.keys()):
            self._look(name, now)
        again = min((since for _, since in self._doubted.values()), default=None)
        problems = (*self._blocked.values(), *self.view.problems())
        again = None if again is None else again + SETTLE
        return Scan(self.view.take(), problems, again)

    def unreadable(self) -> bool:
        """Whether anything cannot be read, so that nobody knows all objects."""
        return bool(self._blocked) or self.view.unreadable()

    def _names(self, changed: Collection[str]) -> set[str] | None:
        """The files that changed, if nothing but plain files did; None: look at everything."""
        names = set()
        for path in changed:
            name = os.path.relpath(path, self.root)
            parts = Path(name).parts
            if any(part.startswith("..") for part in parts) or name == ".":
                return None
            if any(is_hidden(part) for part in parts) or self._is_unasked(parts):
                continue
            plain_file = name in self._signatures or Path(path).is_file()
            if not plain_file or Path(path).is_symlink():
                return None
            if name.endswith(SUFFIXES):
                names.add(name)
        return names

    def _walk(
        self, below: str, above: frozenset[tuple[int, int]]
    ) -> Iterator[tuple[str, _Signature]]:
        """Every file that counts, by its path; `above` are the directories that it lies in."""
        try:
            with os.scandir(self.root / below) as entries:
                found = sorted(entries, key=lambda entry: entry.name)
        except FileNotFoundError:
            return
        except OSError as error:
            self._blocked[below] = Finding(
                f"directory {_shown(below)}",
                "",
                "",
                f"It cannot be read: {error.strerror}.",
                "Give the program the right to read it.",
                kept=any(
                    name.startswith(f"{below}/" if below else "") for name in self._signatures
                ),
            )
            return
        for entry in found:
            name = f"{below}/{entry.name}" if below else entry.name
            if is_hidden(entry.name) or self._is_unasked(name.split("/")):
                continue
            try:
                status = entry.stat()
            except OSError:
                status = None
            if status is not None and stat.S_ISDIR(status.st_mode):
                identity = (status.st_dev, status.st_ino)
                if identity not in above:
                    yield from self._walk(name, above | {identity})
            elif name.endswith(SUFFIXES):
                yield name, _signature(status)

    def _is_unasked(self, parts: Sequence[str]) -> bool:
        """Whether a path lies where writers put a kind that is not followed here, or not theirs."""
        if len(parts) < 3 or parts[0] != STATUS:
            return False
        return parts[2] in self._unasked or (parts[2] in self._own and parts[1] != self._writer)

    def _differing(self, present: dict[str, _Signature]) -> set[str]:
        """Files that are new, gone or not as they were; where no look was possible, nothing is."""
        gone = {
            name
            for name in self._signatures.keys() - present.keys()
            if not any(name.startswith(f"{below}/" if below else "") for below in self._blocked)
        }
        missing = object()
        return gone | {
            name
            for name, signature in present.items()
            if self._signatures.get(name, missing) != signature
        }

    def _look(self, name: str, now: float) -> None:
        """Read one file and take in what it holds, or put that off until it is certain."""
        before = self.view.reading(name)
        signature, reading = self._read(name, before)
        loses = bool(before.objects) and (
            reading is None
            or bool(reading.problems and not before.problems)
            or not before.refs() <= reading.refs()
        )
        if loses:
            doubted, since = self._doubted.get(name, (signature, now))
            if doubted != signature or name not in self._doubted:
                doubted, since = signature, now
            if now - since < SETTLE:
                self._doubted[name] = (signature, since)
                self.view.put(name, before, leaving=reading is None)
                return
        self._doubted.pop(name, None)
        if reading is None:
            self._signatures.pop(name, None)
        else:
            self._signatures[name] = signature
        self.view.put(name, reading)

    def _read(self, name: str, before: Reading) -> tuple[_Signature, Reading | None]:
        """What a file holds, None if it is gone; never waits for what is no plain file."""
        shown, path = _shown(name), self.root / name
        signature: _Signature = None
        try:
            found = path.stat()
            signature = _signature(found)
            if not stat.S_ISREG(found.st_mode):
                return signature, unreadable(shown, "It is no file.", "Remove it.", before)
            if found.st_size > MAX_BYTES:
                message = f"It is larger than {MAX_BYTES // 2**20} MiB."
                return signature, unreadable(shown, message, "Split it.", before)
            data = path.read_bytes()
        except FileNotFoundError:
            if not path.is_symlink():
                return None, None
            return None, unreadable(shown, "The link leads nowhere.", "Correct the link.", before)
        except OSError as error:
            message = f"It cannot be read: {error.strerror}."
            return signature, unreadable(shown, message, "Give the right to read it.", before)
        try:
            text = data.decode()
        except UnicodeDecodeError as error:
            line = data.count(b"\n", 0, error.start) + 1
            message = f"Line {line} is not text in UTF-8."
            return signature, unreadable(shown, message, "Save the file as UTF-8.", before)
        return signature, read(shown, text, before)


def _users(names: Iterable[str]) -> bool:
    """Whether any of the files is a user's."""
    return any(not name.startswith(f"{STATUS}/") for name in names)


def is_hidden(part: str) -> bool:
    """Hidden files, and what editors leave lying about."""
    return part.startswith((".", "#")) or part.endswith(("~", ".swp", ".tmp"))


def _signature(found: os.stat_result | None) -> _Signature:
    return None if found is None else (found.st_mtime_ns, found.st_size, found.st_ino)


def _shown(name: str) -> str:
    """A path as text, whatever bytes its name has."""
    return os.fsencode(name).decode(errors="replace")
