"""How the fuzzer is built and called.

Clang's flags and ASAN_OPTIONS: https://releases.llvm.org/14.0.0/tools/clang/docs/AddressSanitizer.html;
the fuzzer's own options: https://releases.llvm.org/14.0.0/docs/LibFuzzer.html.
"""

from __future__ import annotations

import subprocess
from pathlib import Path

from bpf import SOURCES, Sources
from tests.bpf.fuzz.seeds import SEEDS, Seed
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
    directory.mkdir(parents=True, exist_ok=True)
    for name, seed in seeds.items():
        (directory / name.replace(" ", "-")).write_bytes(seed.packed())
    return directory


def command(fuzzer: Path, corpus: Path, *options: str) -> list[str]:
    """The command line; new inputs go to the corpus, a finding to a file beside the fuzzer."""
    fixed = [f"-max_len={MAX_INPUT}", f"-artifact_prefix={fuzzer.parent}/finding-"]
    return [str(fuzzer), *fixed, *options, str(corpus)]
