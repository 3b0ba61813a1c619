"""How the fuzzer is built and called.

Clang's flags: https://releases.llvm.org/14.0.0/tools/clang/docs/AddressSanitizer.html.
"""

from __future__ import annotations

import subprocess
from pathlib import Path

from bpf import SOURCES, Sources
from tests.bpf.fuzz.seeds import SEEDS, Seed
from tests.support import fuzzing
from tests.support.sanitizers import STRICT

HERE = Path(__file__).parent
MAX_INPUT = 256
"""Bytes: the situation, and a frame of some more bytes than the program ever reads."""


def built(directory: Path, sources: Sources = SOURCES) -> Path:
    """The fuzzer for a program, made in a directory that exists."""
    fuzzer = directory / "fuzzer"
    flags = [*STRICT, "-fsanitize=fuzzer", f"-I{HERE}", f"-I{sources.directory}"]
    texts = [sources.main, *sorted(HERE.glob("*.c"))]
    subprocess.run(["clang", *flags, *texts, "-o", fuzzer], check=True)
    return fuzzer


def planted(directory: Path, seeds: dict[str, Seed] = SEEDS) -> Path:
    """A corpus: a directory, made if need be, with one file per seed beside what is there."""
    return fuzzing.planted(directory, {name: seed.packed() for name, seed in seeds.items()})


def command(fuzzer: Path, corpus: Path, *options: str) -> list[str]:
    """The command line; new inputs go to the corpus, a finding to a file beside the fuzzer."""
    return fuzzing.command(fuzzer, corpus, MAX_INPUT, *options)
