"""What a controller and a speaker cost on a real cluster, with 0, 100 and 1,000 Services.

Vipcast, and MetalLB where it can be had, one after the other, each on a cluster of three nodes. For
each number of Services, created one after the other by one connection and each with a pod on every
node: the memory of the programs once nothing is under way, their processor time and API calls until
then, and both again over a while in which nothing changes. `answered` is seconds from just before
the first request until a client has had an answer for each. Of the speakers, that one counts that
has most to itself.

Memory is in KiB as /proc/PID/smaps_rollup has it (proc(5)): `rss` counts pages shared with other
programs in full, `pss` in part, `anonymous` only what belongs to it alone. Calls are counted by the
API server's audit log, for all three speakers together.
"""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any

from benchmarks import bars
from benchmarks.administrator import Administrator, administrator
from benchmarks.audited import Tally, tally, writes
from benchmarks.child import child, hear
from benchmarks.contenders import VIPCAST, Contender, Make, one_by_one, standing
from benchmarks.filled_rack import POOL, SEGMENT, memory_of, processor_seconds, rested
from benchmarks.harness import BenchmarkError, Body, publish, run, until
from lab.cluster import Lab
from lab.kubernetes.audit import Audit, Call
from lab.kubernetes.cluster import Cluster

SIZES = (0, 100, 1_000)
IDLE = 30.0
"""Seconds in which nothing changes, over which what the programs use all the same is counted."""

LINES_MIB = {"controller": 70, "speaker": 75}
"""What our programs may have resident with the most Services."""
LINE_IDLE = 0.01
"""Part of a core that each may use when nothing changes."""

_APP = "many"
_WIDTHS = (9, 10, 8, 8, 8, 8, 10, 8)
_QUIET = 5.0
"""Seconds without a write after which all is written."""
_LONGEST = 300.0
_BATCH = 100
"""Services that the administrator is told of at once."""


def main() -> int:
    """Measure, print, and write the result file and its pictures."""
    return publish("footprint", _body, shown, picture)


def _body() -> Body:
    found, missing = one_by_one("benchfoot", partial(measure, sizes=SIZES, idle=IDLE))
    return {
        "idle_seconds": IDLE,
        "lines": {"rss_mib": LINES_MIB, "idle_cpu": LINE_IDLE, "idle_writes": 0},
        "contenders": found,
        "lines_met": judged(found[VIPCAST][-1]),
        "missing": missing,
    }


def measure(
    name: str, kubernetes: Path, make: Make, sizes: Sequence[int], idle: float
) -> list[dict[str, Any]]:
    """The steps of one contender, as the result file has them."""
    with (
        standing(name, kubernetes, segment=SEGMENT, flags=_audited) as cluster,
        administrator(cluster) as admin,
    ):
        product = make(cluster)
        product.begin([POOL])
        cluster.serve(_APP)
        rested(product)
        audit = Audit(cluster.lab.run.path)
        audit.new()
        steps = []
        for size in sizes:
            print(f"  {name}: {size:,} Services ", end="", flush=True)
            steps.append({"services": size, **_step(product, admin, audit, size, idle)})
            print(json.dumps(steps[-1]), flush=True)
        return steps


def _audited(lab: Lab) -> Sequence[str]:
    return Audit(lab.run.path).flags


def _step(
    product: Contender, admin: Administrator, audit: Audit, size: int, idle: float
) -> dict[str, Any]:
    """One number of Services: created, left alone, deleted again."""
    names = [f"s{number:04}" for number in range(size)]
    before = _processor(product)
    step: dict[str, Any] = {}
    if names:
        begun = min([admin.create(*batch, app=_APP) for batch in _batches(names)]) / 1e9
        vips = _addressed(product.cluster, size)
        client = product.lab.client.namespace
        with child("benchmarks.filled_rack:ask_all", namespace=client) as told:
            told.send(vips)
            step["answered"] = round(hear(told) - begun, 2)
        written = quiet(audit)
        rested(product)
        step["cpu_seconds"] = _used(before, _processor(product), 1.0)
        step["calls"] = written
    step["memory_kib"] = memory_of(product)
    audit.new()
    before, since = _processor(product), time.monotonic()
    time.sleep(idle)
    step["idle_cpu"] = _used(before, _processor(product), time.monotonic() - since)
    step["idle_calls"] = tally(audit.new())
    if names:
        for batch in _batches(names):
            admin.delete(*batch)
        until(partial(_gone, product.cluster), "all Services are gone", _LONGEST)
        rested(product)
        audit.new()
    return step


def _batches(names: Sequence[str]) -> Iterator[Sequence[str]]:
    return (names[start : start + _BATCH] for start in range(0, len(names), _BATCH))


def _addressed(cluster: Cluster, size: int) -> list[str]:
    """The addresses of all Services, once each has one; all of them different."""
    path = "jsonpath={.items[*].status.loadBalancer.ingress[0].ip}"

    def addresses() -> list[str]:
        return cluster.kubectl("get", "services", "-o", path).split()

    until(lambda: len(addresses()) == size, f"{size} Services have an address", _LONGEST)
    found = addresses()
    if len(set(found)) != size:
        raise BenchmarkError(f"{size} Services have only {len(set(found))} different addresses")
    return found


def quiet(audit: Audit) -> Tally:
    """Wait until nothing is written any more; all calls until then."""
    found: list[Call] = []

    def nothing() -> bool:
        time.sleep(_QUIET)
        new = audit.new()
        found.extend(new)
        return not any(call.writes for call in new)

    until(nothing, "the programs have written all that they have to", _LONGEST)
    return tally(found)


def _gone(cluster: Cluster) -> bool:
    return len(cluster.kubectl("get", "services", "-o", "name").split()) == 1


def _processor(product: Contender) -> dict[str, list[float]]:
    """Processor seconds that the programs have used."""
    speakers = [processor_seconds(product.speaker(node).pid) for node in product.lab.nodes]
    return {"controller": [processor_seconds(product.controller.pid)], "speaker": speakers}


def _used(
    before: Mapping[str, Sequence[float]], after: Mapping[str, Sequence[float]], over: float
) -> dict[str, float]:
    """What they have used since, divided by `over`; of the speakers, the most."""
    return {
        program: round(
            max(now - then for then, now in zip(before[program], used, strict=True)) / over, 4
        )
        for program, used in after.items()
    }


def judged(step: Mapping[str, Any]) -> dict[str, dict[str, bool]]:
    """Our programs and the lines, with the most Services."""
    return {
        program: {
            "memory": step["memory_kib"][program]["rss"] < mib * 1024,
            "idle_cpu": step["idle_cpu"][program] < LINE_IDLE,
            "idle_writes": writes(step["idle_calls"].get(program, {})) == 0,
        }
        for program, mib in LINES_MIB.items()
    }


def shown(body: Mapping[str, Any]) -> str:
    """Every figure, in lines of at most 100 columns."""
    columns = ("Services", "MiB", "MiB", "CPU s", "calls", "writes", "CPU %", "writes")
    lines = [
        f"{'':31}{'resident':>10}{'own':>8}{'':24}{'idle:':>10}",
        f"{'':22}"
        + "".join(f"{one:>{width}}" for one, width in zip(columns, _WIDTHS, strict=True)),
    ]
    for program in LINES_MIB:
        for who, steps in body["contenders"].items():
            lines += [_line(f"{who} {program}", program, step) for step in steps]
    for who, steps in body["contenders"].items():
        taken = ", ".join(
            f"{s['services']:,} in {s['answered']} s" for s in steps if "answered" in s
        )
        lines.append(f"{who}: all answered for, of {taken}")
    lines += [f"{who}: {why}" for who, why in body["missing"].items()]
    missed = [
        f"{program} {what}"
        for program, lines_met in body["lines_met"].items()
        for what, met in lines_met.items()
        if not met
    ]
    lines.append(f"lines missed: {', '.join(missed) or 'none'}")
    return "\n".join(lines) + "\n"


def _line(label: str, program: str, step: Mapping[str, Any]) -> str:
    kib = step["memory_kib"][program]
    calls = step.get("calls", {}).get(program, {})
    idle = step["idle_calls"].get(program, {})
    values = (
        f"{step['services']:,}",
        f"{kib['rss'] / 1024:.1f}",
        f"{kib['anonymous'] / 1024:.1f}",
        f"{step.get('cpu_seconds', {}).get(program, 0.0):.2f}",
        str(sum(calls.values())),
        str(writes(calls)),
        f"{step['idle_cpu'][program] * 100:.2f}",
        str(writes(idle)),
    )
    return f"{label:22}" + "".join(f"{one:>{w}}" for one, w in zip(values, _WIDTHS, strict=True))


def picture(body: Mapping[str, Any], where: Mapping[str, Any]) -> str:
    """Resident memory as bars."""
    panels = [
        bars.Panel(
            f"A {program}, MiB resident",
            [
                bars.Bar(
                    f"{who}, {step['services']:,} Services",
                    step["memory_kib"][program]["rss"] / 1024,
                    f"idle {step['idle_cpu'][program] * 100:.2f} % of a core",
                )
                for who, steps in body["contenders"].items()
                for step in steps
            ],
        )
        for program in LINES_MIB
    ]
    return bars.svg("What the programs cost on a real cluster", panels, where)


if __name__ == "__main__":
    sys.exit(run(main, __doc__))
