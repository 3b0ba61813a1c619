"""How soon do routers know what the speaker has decided, and what does it cost to hear them out?

change      one route more among 10,000, or one less: from the batch handed to the speaker's loop
            until the UPDATE is with the router; beside the same bytes from a bare asyncio protocol
appearing   10,000 at once: from the batch handed to the loop until the last of four FRR has all
            of them; withdrawn likewise; beside ExaBGP, given the same prefixes by its pipe
pouring     a router tells 1,000,000 routes: memory, and KEEPALIVEs that are late

The speaker is the whole program on a lab's node; it follows a directory, as on any node without an
API server. What is measured from where to where stands in benchmarks/bgp/, part by part.
"""

from __future__ import annotations

import sys
from typing import Final

from benchmarks.bgp import appearing, change, pouring, shown
from benchmarks.harness import Body, publish, run

ROUTES: Final = 10_000
POURED: Final = 1_000_000
CHANGES: Final = 100
APPEARANCES: Final = 5
POURS: Final = 3


def main() -> int:
    """Measure, print, and write the result file and its pictures."""
    return publish("bgp-convergence", _body, shown.text, shown.svg)


def _body() -> Body:
    return body("benchbgp", ROUTES, POURED, (CHANGES, APPEARANCES, POURS), warm_up=1)


def body(name: str, routes: int, poured: int, rounds: tuple[int, int, int], warm_up: int) -> Body:
    """All parts one after the other, each on a rack of its own; `rounds` of each."""
    changes, appearances, pours = rounds
    return {
        "change": change.measure(name, routes, changes, warm_up),
        "appearing": appearing.measure(name, routes, appearances, warm_up),
        "pouring": pouring.measure(name, poured, pours),
    }


if __name__ == "__main__":
    sys.exit(run(main, __doc__))
