"""`make fuzz`: builds the fuzzer and becomes it, for a minute or as its options in ARGS say.

What it learns stays in build/fuzz-bgpwire/corpus, so each call goes on where the last one ended; a
finding is a file build/fuzz-bgpwire/finding-…, and `build/fuzz-bgpwire/fuzzer FILE` shows it again.
"""

from __future__ import annotations

from tests.native.fuzz.building import MAX_INPUT, built
from tests.native.fuzz.seeds import SEEDS
from tests.support.fuzzing import BUILD, become, planted

DIRECTORY = BUILD / "fuzz-bgpwire"


def main() -> None:
    """Does not return."""
    inputs = {name: seed.packed() for name, seed in SEEDS.items()}
    corpus = planted(DIRECTORY / "corpus", inputs)
    become(built(DIRECTORY), corpus, MAX_INPUT)


if __name__ == "__main__":
    main()
