"""`make demo`: the main job, shown as it happens, with real frames in network namespaces.

This is the program around it: its flags, its exit status, and an end without a trace at any
moment. What it shows is told in lab.story, and with --cluster in lab.kubernetes.story.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from lab import signals

if TYPE_CHECKING:
    from lab.cluster import Lab
    from lab.show import Screen
    from lab.story import Story


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
    parser.add_argument(
        "--cluster", action="store_true", help="on real Kubernetes, which the first time is built"
    )
    given = parser.parse_args(argv)
    screen = Screen()
    try:
        # What takes minutes comes first: whoever gives up then has lost nothing.
        programs = _kubernetes() if given.cluster else None
        with Lab(given.name, control_plane=given.cluster) as lab:
            story = Story(lab, screen) if programs is None else _on_cluster(lab, programs, screen)
            well = story.tell()
    except LabError as error:
        print(f"demo: {error}", file=sys.stderr)
        return 1
    screen.line()
    verdict = "everything came true" if well else "not everything came true"
    screen.check(f"{verdict}; nothing is left behind", well)
    return 0 if well else 1


def _kubernetes() -> Path:
    """What a cluster runs; whoever waits for it is told."""
    from lab.kubernetes.programs import provide

    def say(sentence: str) -> None:
        print(f"demo: {sentence}", file=sys.stderr, flush=True)

    return provide(say)


def _on_cluster(lab: Lab, programs: Path, screen: Screen) -> Story:
    from lab.kubernetes.cluster import Cluster
    from lab.kubernetes.story import ClusterStory

    return ClusterStory(Cluster(lab, programs), screen)


if __name__ == "__main__":
    sys.exit(signals.program(main))
