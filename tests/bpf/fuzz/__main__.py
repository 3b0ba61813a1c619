"""`make fuzz`: builds the fuzzer and becomes it, for a minute or as its options in ARGS say.

What it learns stays in build/fuzz/corpus, so each call goes on where the last one ended; a finding
is a file build/fuzz/finding-…, and `build/fuzz/fuzzer FILE` shows it again.
"""

from __future__ import annotations

from tests.bpf.fuzz.building import MAX_INPUT, built, planted
from tests.support.fuzzing import BUILD, become

DIRECTORY = BUILD / "fuzz"


def main() -> None:
    """Does not return."""
    corpus = planted(DIRECTORY / "corpus")
    become(built(DIRECTORY), corpus, MAX_INPUT)


if __name__ == "__main__":
    main()
