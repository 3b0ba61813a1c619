"""A router pours in a million routes: what does it cost the speaker, and is any KEEPALIVE late?

The routes come as in a full table: ten prefixes to an UPDATE, each with a path of its own. Nothing
of it is installed. The session's KEEPALIVEs are due each second; `late` is how much longer than
that the router has waited for one, in milliseconds, by its own clock: while nothing happens
("quiet"), and from before the first route until after all are taken in. That they are, the router
learns by asking for our routes again (RFC 2918): what comes first was read first. `seconds` is
until then.

Memory is what the process has resident, in KiB: `before`, and `peak`, the most that it had at any
time of the rounds so far (proc(5), VmHWM, reset before the first). `cost` is the difference.
"""

from __future__ import annotations

import re
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from ipaddress import IPv4Address
from itertools import pairwise
from pathlib import Path
from typing import Any, Final

from benchmarks.bgp.objects import HOLD_TIME, ONE, ROUTERS, configuration, dumped, place
from benchmarks.bgp.router import Router, router
from benchmarks.bgp.speaker import speaker
from benchmarks.filled_rack import rest
from lab.cluster import Lab
from lab.vipcast import Vipcast
from speaker.bgp import encode
from speaker.bgp.messages import IPV4_UNICAST, Attributes, RouteRefresh

EVERY: Final = HOLD_TIME / 3
"""Seconds between two KEEPALIVEs."""
MOST: Final = 20 * 1024
"""KiB that it may cost."""
LATE: Final = 100.0
"""Milliseconds that a KEEPALIVE may be late: timers and two processes' turns."""

_TOGETHER: Final = 10
_QUIET: Final = 5


def measure(name: str, number: int, rounds: int) -> dict[str, Any]:
    """The same session in all rounds, as the result file has them."""
    flood = b"".join(flood_of(number))
    with Lab(name, nodes=1, routers=1, pods=False) as lab, ExitStack() as running:
        product = Vipcast(lab)
        product.prepare()
        product.apply("config", configuration(lab.routers))
        place(product.directory, "one", dumped([("one", ONE)]))
        theirs = running.enter_context(router(lab.routers[0]))
        ours = running.enter_context(speaker(lab.node(1), product.directory))
        theirs.up()
        rest([ours.pid])
        quiet = [late for _ in range(_QUIET) for late in _late(theirs)]
        status = Path(f"/proc/{ours.pid}/status")
        Path(f"/proc/{ours.pid}/clear_refs").write_text("5")  # VmHWM is to begin anew
        before = _kib(status, "VmRSS")
        print(f"{number:,} routes from a router ", end="", flush=True)
        steps = []
        for _ in range(rounds):
            _late(theirs)
            step = _poured(theirs, flood)
            steps.append({**step, "peak": _kib(status, "VmHWM")})
            print(".", end="", flush=True)
    print()
    return {
        "routes": number,
        "bytes": len(flood),
        "before": before,
        "quiet_late": round(max(quiet), 1),
        "rounds": steps,
        **judged(before, steps),
    }


def judged(before: int, steps: Sequence[dict[str, Any]]) -> dict[str, Any]:
    """The worst of all rounds, and whether it keeps the lines."""
    cost = max(step["peak"] for step in steps) - before
    late = max(step["late"] for step in steps)
    return {
        "cost": cost,
        "late": late,
        "line_met": {"memory": cost < MOST, "keepalives": late <= LATE},
    }


def _poured(theirs: Router, flood: bytes) -> dict[str, Any]:
    begun = time.monotonic_ns()
    theirs.pour(flood + encode.route_refresh(RouteRefresh(IPV4_UNICAST, 0)))
    taken = theirs.update().at
    late = _late(theirs)
    return {"seconds": round((taken - begun) / 1e9, 3), "late": round(max(late), 1)}


def _late(theirs: Router) -> list[float]:
    """How late each KEEPALIVE was, up to the next one that comes, in milliseconds."""
    times = theirs.keepalives()
    return [(after - before) / 1e6 - EVERY * 1000 for before, after in pairwise(times)]


def flood_of(number: int) -> Iterator[bytes]:
    """Routes from 16.0.0.0/24 on, ten to an UPDATE."""
    hop = IPv4Address("192.0.2.1")
    for group in range(0, number, _TOGETHER):
        path = (ROUTERS, 65536 + group % 7919, 65536 + group % 104729)
        nets = range(group, min(group + _TOGETHER, number))
        records = b"".join(b"\x18" + ((0x100000 + net) << 8).to_bytes(4, "big") for net in nets)
        yield encode.announce(IPV4_UNICAST, Attributes(path, hop), records, four_octet=True)


def _kib(status: Path, what: str) -> int:
    found = re.search(rf"^{what}:\s+(\d+) kB$", status.read_text(), re.MULTILINE)
    if found is None:
        raise ValueError(f"{status} has no {what}")
    return int(found[1])
