"""One writer's sub-directory: a file is there as a whole or not at all, and only the writer's own.

A Secret's file is its owner's alone from the first byte on; the others can be read by everybody.
Every call raises SourceError where the file system refuses; nothing has changed then.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import re
from collections.abc import Iterator, Mapping
from pathlib import Path

from vipcast.files.dump import dump
from vipcast.files.view import STATUS
from vipcast.model.errors import ConflictError, SourceError
from vipcast.model.raw import SECRET, Raw, Ref

_NAME = re.compile(r"[A-Za-z0-9](?:[-A-Za-z0-9._]*[A-Za-z0-9])?")
_LONGEST_FILE = 200
_EVERYBODY, _OWNER = 0o666, 0o600


class Writer:
    """Writes below `root`/status/`name`; creates that directory with the first file.

    Paths are relative to `root`, as the view has them.
    """

    def __init__(self, root: Path, name: str) -> None:
        if not _NAME.fullmatch(name):
            raise ValueError(f"a writer needs a name of letters, digits, dashes and dots: {name!r}")
        self.prefix = f"{STATUS}/{name}/"
        self.events_path = f"{self.prefix}Event/events.yaml"
        self._root = root

    def path_of(self, ref: Ref) -> str:
        """Where this writer keeps what it writes about an object, below the root."""
        namespace = _part(ref.key.namespace) if ref.key.namespace else "_"
        return f"{self.prefix}{ref.kind.name}/{namespace}/{_part(ref.key.name)}.yaml"

    def write(self, path: str, content: Raw | str) -> None:
        """Put a file there, instead of what was there; nothing is done if it says so already."""
        data = _data(content)
        with self._errors(path):
            target = self._root / path
            with contextlib.suppress(FileNotFoundError):
                if target.read_bytes() == data:
                    return
            with self._temporary(target, data) as temporary:
                temporary.replace(target)

    def create(self, path: str, content: Raw) -> None:
        """Put a file there that must not exist yet; raises ConflictError if it does."""
        with self._errors(path):
            target = self._root / path
            with self._temporary(target, _data(content)) as temporary:
                try:
                    os.link(temporary, target)
                except FileExistsError:
                    raise ConflictError(f"{target} exists already.") from None
                temporary.unlink()

    def remove(self, path: str) -> None:
        """Take a file away; gone already is no error."""
        with self._errors(path):
            (self._root / path).unlink(missing_ok=True)

    def read(self, path: str) -> str:
        """The text of an own file, "" if there is none or it is not text."""
        with self._errors(path):
            try:
                return (self._root / path).read_text(encoding="utf-8", errors="replace")
            except FileNotFoundError:
                return ""

    @contextlib.contextmanager
    def _temporary(self, target: Path, data: bytes) -> Iterator[Path]:
        """A hidden file beside the target with that content; gone again if anything fails."""
        if not self._root.is_dir():
            raise SourceError(f"The directory {self._root} is gone; put it back.")
        target.parent.mkdir(parents=True, exist_ok=True)
        temporary = target.with_name(f".{target.name}.{os.getpid()}.tmp")
        try:
            temporary.unlink(missing_ok=True)  # of a process of this number that was killed
            temporary.touch(self._mode_of(target), exist_ok=False)
            temporary.write_bytes(data)
            yield temporary
        except BaseException:
            with contextlib.suppress(OSError):
                temporary.unlink(missing_ok=True)
            raise

    def _mode_of(self, target: Path) -> int:
        """What a file is made with, less the umask."""
        secret = target.is_relative_to(self._root / self.prefix / SECRET.name)
        return _OWNER if secret else _EVERYBODY

    @contextlib.contextmanager
    def _errors(self, path: str) -> Iterator[None]:
        try:
            yield
        except OSError as error:
            raise SourceError(
                f"{self._root / path} cannot be written: {error.strerror}. Make room for it, or"
                " give the program the right to write there; it will try again."
            ) from error


def _part(name: str) -> str:
    """A name as a part of a path; a digest stands for the end of one that is too long."""
    if not _NAME.fullmatch(name):
        raise SourceError(f"{name!r} is no name that an object can have.")
    if len(name) <= _LONGEST_FILE:
        return name
    return f"{name[:_LONGEST_FILE]}-{hashlib.sha256(name.encode()).hexdigest()[:16]}"


def _data(content: Mapping[str, object] | str) -> bytes:
    text = content if isinstance(content, str) else dump(content)
    return text.encode()
