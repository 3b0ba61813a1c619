"""`make demo`: the main job, shown as it happens, with real frames in network namespaces.

This is the program around it: its flags, its exit status, and an end without a trace at any
moment. What it shows is told in lab.story.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence

from lab import signals


def main(argv: Sequence[str] | None = None) -> int:
    """Exit status 0 if everything came true, 1 if not or with a sentence on standard error."""
    # Most of the first second goes into imports, which are not to be left half way.
    with signals.deferred():
        from argparse import ArgumentParser

        from lab.cluster import Lab
        from lab.errors import LabError
        from lab.show import Screen
        from lab.story import Story
    parser = ArgumentParser(
        prog="python -m lab.demo", description="Show the main job as it happens, with real frames."
    )
    parser.add_argument("--name", default="demo", help="the lab's name; one run at a time has it")
    given = parser.parse_args(argv)
    screen = Screen()
    try:
        with Lab(given.name) as lab:
            well = Story(lab, screen).tell()
    except LabError as error:
        print(f"demo: {error}", file=sys.stderr)
        return 1
    screen.line()
    verdict = "everything came true" if well else "not everything came true"
    screen.check(f"{verdict}; nothing is left behind", well)
    return 0 if well else 1


if __name__ == "__main__":
    sys.exit(signals.program(main))
