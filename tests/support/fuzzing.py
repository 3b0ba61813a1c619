"""What fuzzers share: a corpus of seeds, libFuzzer's command line, and `make fuzz`.

The fuzzer's own options: https://releases.llvm.org/14.0.0/docs/LibFuzzer.html.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import NoReturn

from tests.support.sanitizers import environment, fixed_addresses

BUILD = Path(__file__).resolve().parents[2] / "build"
_VALUES = "-use_value_profile=1"
_MINUTE = "-max_total_time=60"


def planted(directory: Path, inputs: Mapping[str, bytes]) -> Path:
    """A corpus: a directory, made if need be, with one file per seed beside what is there."""
    directory.mkdir(parents=True, exist_ok=True)
    for name, content in inputs.items():
        (directory / name.replace(" ", "-")).write_bytes(content)
    return directory


def command(fuzzer: Path, corpus: Path, longest: int, *options: str) -> list[str]:
    """The command line for inputs of at most so many bytes.

    New ones go to the corpus, a finding to a file beside the fuzzer.
    """
    fixed = [f"-max_len={longest}", f"-artifact_prefix={fuzzer.parent}/finding-"]
    return [str(fuzzer), *fixed, *options, str(corpus)]


def become(fuzzer: Path, corpus: Path, longest: int) -> NoReturn:
    """Turn this process into the fuzzer, for a minute or as its options in our arguments say."""
    options = sys.argv[1:] or [_MINUTE]
    words = fixed_addresses(command(fuzzer, corpus, longest, _VALUES, *options))
    os.execvpe(words[0], words, environment())
