"""Play many schedules of each kind of fault and print the worst of each.

python -m tests.unit.leadership.campaign 1000            a thousand of each kind
python -m tests.unit.leadership.campaign 1000 freeze     … of one kind
python -m tests.unit.leadership.campaign 1000 all 5000   … beginning with seed 5000
"""

from __future__ import annotations

import functools
import sys
import time
from unittest import mock

from speaker.leadership.hello import decode
from tests.unit.leadership.faults import KINDS, Figures, run


def main(number: int, which: str = "all", first: int = 0) -> int:
    """Returns the number of schedules that cost more than their kind may."""
    worse = 0
    for name, kind in KINDS.items():
        if which not in ("all", name):
            continue
        began = time.perf_counter()
        figures = {seed: run(kind, seed) for seed in range(first, first + number)}
        spent = time.perf_counter() - began
        bad = [seed for seed, f in figures.items() if not allowed(name, f)]
        worse += len(bad)
        silence = sorted(f.silence for f in figures.values())
        double = sorted(f.double for f in figures.values())
        sys.stdout.write(
            f"{name:17} {number:6} in {spent:5.0f} s; silence: median {silence[number // 2]:.3f}"
            f" p99 {silence[number * 99 // 100]:.3f} longest {silence[-1]:.3f};"
            f" two answers: {sum(d > 0 for d in double)} times, longest {double[-1]:.4f};"
            f" moved {sum(f.moved for f in figures.values())};"
            f" not settled {sum(not f.settled for f in figures.values())};"
            f" beyond what is allowed {len(bad)} {bad[:5]}\n"
        )
        sys.stdout.flush()
    return worse


def allowed(name: str, figures: Figures) -> bool:
    """Whether a schedule cost no more than its kind may."""
    kind = KINDS[name]
    return (
        figures.settled
        and figures.silence <= kind.silence
        and figures.double <= kind.double
        and (kind.moves or not figures.moved)
    )


if __name__ == "__main__":
    # Every receiver decodes the same bytes to the same thing: once is enough.
    once = functools.lru_cache(maxsize=64)(decode)
    with mock.patch("speaker.leadership.core.decode", once):
        number, which, first = (*sys.argv[1:], *("100", "all", "0")[len(sys.argv) - 1 :])
        sys.exit(bool(main(int(number), which, int(first))))
