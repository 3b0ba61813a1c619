"""`make fuzz`: builds the fuzzer and becomes it, for a minute or as its options in ARGS say.

What it learns stays in build/fuzz/corpus, so each call goes on where the last one ended; a finding
is a file build/fuzz/finding-…, and `build/fuzz/fuzzer FILE` shows it again.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path

from tests.bpf.fuzz.building import built, command, planted
from tests.support.sanitizers import environment, fixed_addresses

DIRECTORY = Path(__file__).resolve().parents[3] / "build" / "fuzz"
VALUES = "-use_value_profile=1"
MINUTE = "-max_total_time=60"


def main() -> None:
    """Does not return."""
    corpus = planted(DIRECTORY / "corpus")
    options = sys.argv[1:] or [MINUTE]
    words = fixed_addresses(command(built(DIRECTORY), corpus, VALUES, *options))
    os.execvpe(words[0], words, environment())


if __name__ == "__main__":
    main()
