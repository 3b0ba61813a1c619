"""C for the kernel, shipped as source: where it lies, and the names that its pins have.

    <pin path>/<layout>/entries slots counters     maps; layout = hash of shared.h
    <pin path>/<layout>/prog_<source>              the program; source = hash of all its files
    <pin path>/lock                                a directory, locked by whoever works on the pins

A change of shared.h makes a new directory beside the old one, any other change a new program beside
the old one: nothing that runs is ever taken for something else. A BPF file system refuses names
with a dot.
"""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass
from pathlib import Path

_LAYOUT = re.compile(r"[0-9a-f]{16}")
_PROGRAM_PREFIX = "prog_"
_LOCK = "lock"


@dataclass(frozen=True, slots=True)
class Sources:
    """The C files of one version, in one directory."""

    directory: Path

    @property
    def main(self) -> Path:
        """The file to compile."""
        return self.directory / "l2_responder.c"

    @property
    def layout(self) -> str:
        """The first 16 hex digits of the SHA-256 of shared.h."""
        return hashlib.sha256((self.directory / "shared.h").read_bytes()).hexdigest()[:16]

    @property
    def source(self) -> str:
        """The first 16 hex digits of a SHA-256 over names and texts of the program's files."""
        digest = hashlib.sha256()
        for path in (self.main, *sorted(self.directory.glob("*.h"))):
            digest.update(path.name.encode() + b"\0" + path.read_bytes() + b"\0")
        return digest.hexdigest()[:16]

    def pins(self, pin_path: Path) -> Path:
        """The directory of the pins."""
        return pin_path / self.layout

    def program_pin(self, pin_path: Path) -> Path:
        """The pin of the program."""
        return self.pins(pin_path) / f"{_PROGRAM_PREFIX}{self.source}"


SOURCES = Sources(Path(__file__).parent)


def layouts(pin_path: Path) -> list[Path]:
    """Every directory of pins below a path, of whatever layout."""
    if not pin_path.is_dir():
        return []
    return sorted(path for path in pin_path.iterdir() if _LAYOUT.fullmatch(path.name))


def lock_of(pin_path: Path) -> Path:
    """The directory whose lock is that of all pins below a path."""
    return pin_path / _LOCK


def program_pins(directory: Path) -> list[Path]:
    """The pins of programs in one directory of pins."""
    return sorted(directory.glob(f"{_PROGRAM_PREFIX}*"))
