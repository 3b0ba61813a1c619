"""C under the address and undefined-behaviour sanitizers: how it is compiled, run and judged."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Sequence
from pathlib import Path

STRICT = (
    "-std=gnu11",
    "-O1",
    "-g",
    "-Wall",
    "-Wextra",
    "-Werror",
    "-fno-omit-frame-pointer",
    "-fsanitize=address,undefined",
    "-fno-sanitize-recover=all",
)
"""For gcc and clang: warnings are errors, and so is the first thing that a sanitizer finds."""


def environment(*, symbols: bool = True) -> dict[str, str]:
    """This process's, with the sanitizers' options; without symbols a finding is told faster.

    Leaks are not looked for: nothing is allocated, and the search needs ptrace, which a container
    may forbid.
    """
    options = {"ASAN_OPTIONS": f"detect_leaks=0:symbolize={symbols:d}"}
    return {**os.environ, **options, "UBSAN_OPTIONS": "print_stacktrace=1"}


def fixed_addresses(command: Sequence[str | Path]) -> list[str]:
    """The command without random addresses: each run is like the last, and none of them lies where
    the sanitizers keep their books (they stumble where a kernel randomizes more than 28 bits)."""
    return ["setarch", "--addr-no-randomize", *map(str, command)]


def run_sanitized(
    command: Sequence[str | Path], *, symbols: bool = True
) -> subprocess.CompletedProcess[str]:
    """What a sanitized program printed, all of it in `stdout`; status 0 if nothing was found."""
    return subprocess.run(
        fixed_addresses(command),
        env=environment(symbols=symbols),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=120,
        check=False,
    )
