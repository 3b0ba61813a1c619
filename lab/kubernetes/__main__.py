"""`python -m lab.kubernetes`: build what a control plane runs, if it is not there yet."""

from __future__ import annotations

import sys

from lab import signals
from lab.errors import LabError
from lab.kubernetes.programs import provide


def say(sentence: str) -> None:
    """A line for a person who waits."""
    print(f"cluster: {sentence}", file=sys.stderr, flush=True)


def main() -> int:
    """Exit status: 0 fine, 1 with a sentence on standard error. Prints where the programs are."""
    try:
        print(provide(say))
    except LabError as error:
        say(str(error))
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(signals.program(main))
