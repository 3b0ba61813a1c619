"""That the benchmarks which need a cluster run, and find what they look for.

No time is judged here; `make bench CLUSTER=1` does that, with MetalLB beside us, which is not built
for a test.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from benchmarks import failover, footprint, service_latency
from benchmarks.contenders import VIPCAST, Ours
from benchmarks.harness import interleaved
from lab.kubernetes.programs import provide
from tests.support.labs import unique_name

MISSING = {"MetalLB": "cannot be built here"}


@pytest.fixture(scope="module")
def kubernetes() -> Path:
    """What a control plane runs; the tests beside these have had it built."""
    return provide(lambda _sentence: None)


def test_a_service_is_answered_for_and_falls_silent_in_turn_with_the_floor(
    kubernetes: Path,
) -> None:
    with service_latency.turns(unique_name(), kubernetes, {VIPCAST: Ours}) as takers:
        told = interleaved(takers, rounds=2, warm_up=0)
    found = service_latency.judged(told)
    assert found.keys() == {"created", "deleted"}
    for part in found.values():
        assert {who: each["ms"]["samples"] for who, each in part.items()} == {
            "floor": 2,
            "Vipcast": 2,
        }
        assert part["Vipcast"]["ms"]["median"] > 0
    text = service_latency.shown({**found, "line": 1.5, "missing": MISSING})
    assert "MetalLB" in text
    assert max(map(len, text.splitlines())) <= 100


def test_what_the_programs_cost_is_counted_with_and_without_services(kubernetes: Path) -> None:
    none, some = footprint.measure(unique_name(), kubernetes, Ours, (0, 3), 0.1)
    assert (none["services"], some["services"]) == (0, 3)
    assert some["calls"]["controller"]["patch services/status"] == 3
    assert some["calls"]["speaker"]["create events"] == 3
    assert none["memory_kib"].keys() == some["idle_cpu"].keys() == {"controller", "speaker"}
    met = footprint.judged(some)
    assert met["controller"]["idle_writes"]
    assert met["speaker"]["idle_writes"]
    body = {"contenders": {VIPCAST: [none, some]}, "lines_met": met, "missing": MISSING}
    assert max(map(len, footprint.shown(body).splitlines())) <= 100


def test_each_fault_is_seen_by_the_client_and_over_in_the_end(kubernetes: Path) -> None:
    told = failover.measured(unique_name(), kubernetes, Ours, 1)
    assert told.keys() == failover.FAULTS.keys()
    for fault in ("pulled", "frozen", "killed"):
        assert told[fault][0]["silence"] > 0
        assert told[fault][0]["lost"] > 0
    assert told["restarted"][0]["silence"] == 0
    body = {"contenders": {VIPCAST: failover.summed(told)}, "missing": MISSING}
    assert max(map(len, failover.shown(body).splitlines())) <= 100
