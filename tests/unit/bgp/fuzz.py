"""`make fuzz-decoder`: a million messages gone wrong; ARGS="5000 --seed 3" for others.

Runs in rounds of ten thousand, each with a seed of its own. Ends with status 0 if every one of them
kept the rules (mutating.check); a finding is printed as small as it can be made, with its round.
"""

from __future__ import annotations

import argparse
import sys

from hypothesis import HealthCheck, given, seed, settings

from tests.unit.bgp.mutating import CONTEXTS, changed, changes, check, contexts, seeds, told

ROUND = 10_000


def main() -> None:
    """Raises what was found."""
    parser = argparse.ArgumentParser(prog="make fuzz-decoder")
    parser.add_argument("cases", nargs="?", type=int, default=1_000_000)
    parser.add_argument("--seed", type=int, default=0, help="that of the first round")
    asked = parser.parse_args()
    rounds = -(-asked.cases // ROUND)
    for number in range(asked.seed, asked.seed + rounds):
        left = asked.cases - (number - asked.seed) * ROUND
        try:
            _round(number, min(left, ROUND))
        except Exception as finding:
            finding.add_note(f"Found in the round of seed {number}.")
            raise
    sys.stdout.write(f"{asked.cases} cases, seeds {asked.seed} to {asked.seed + rounds - 1}: ok\n")


def _round(number: int, cases: int) -> None:
    """Raises what the decoder or the rules raise, of the smallest case that does."""

    @seed(number)
    @settings(
        max_examples=cases,
        database=None,
        deadline=None,
        suppress_health_check=list(HealthCheck),
    )
    @given(seed=seeds, how=changes, told=told, context=contexts)
    def run(seed: int, how: bytes, told: str, context: int) -> None:
        check(changed(seed, how, told), CONTEXTS[context])

    run()


if __name__ == "__main__":
    main()
