"""How the fuzzer is built.

Clang's flags: https://releases.llvm.org/14.0.0/tools/clang/docs/AddressSanitizer.html.
"""

from __future__ import annotations

import subprocess
from collections.abc import Iterable
from pathlib import Path

from native import bgpwire
from tests.support.sanitizers import STRICT

HERE = Path(__file__).parent
NATIVE = Path(bgpwire.__file__).parent
SOURCES = (*sorted(NATIVE.glob("bgpwire*.c")), *sorted(HERE.glob("*.c")))
MAX_INPUT = 400
"""Bytes: the situation, and data of which the arrays are made, over and over."""

_FLAGS = (*STRICT, "-fsanitize=fuzzer", f"-I{HERE}", f"-I{NATIVE}")


def compiled(source: Path, directory: Path) -> Path:
    """The object file of one source."""
    made = directory / f"{source.stem}.o"
    subprocess.run(["clang", *_FLAGS, "-c", source, "-o", made], check=True)
    return made


def linked(objects: Iterable[Path], directory: Path) -> Path:
    """The fuzzer."""
    fuzzer = directory / "fuzzer"
    subprocess.run(["clang", *_FLAGS, *objects, "-o", fuzzer], check=True)
    return fuzzer


def built(directory: Path) -> Path:
    """The fuzzer, made in a directory that exists."""
    return linked([compiled(source, directory) for source in SOURCES], directory)
