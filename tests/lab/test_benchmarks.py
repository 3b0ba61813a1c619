"""That the benchmarks which need a lab run, and find what they look for.

No time is judged here; `make bench` does that.
"""

from __future__ import annotations

from benchmarks import bgp_convergence
from benchmarks.arp_latency import measure
from benchmarks.bgp import shown
from benchmarks.filled_rack import fill
from benchmarks.racks import GENERIC, KERNEL, KERNEL_NATIVE, NATIVE, RAW, racks
from tests.support.labs import unique_name


def test_every_contender_answers_every_question_in_every_case() -> None:
    with racks(unique_name()) as contenders:
        cases = list(measure(contenders, rounds={1: 2, 32: 2}, warm_up=0, requests=100))
    assert [(case["cores"], case["window"]) for case in cases] == [
        ("idle", 1),
        ("idle", 32),
        ("busy", 1),
        ("busy", 32),
    ]
    for case in cases:
        samples = {name: found["us"]["samples"] for name, found in case["contenders"].items()}
        assert samples == {KERNEL: 200, GENERIC: 200, NATIVE: 200, KERNEL_NATIVE: 200, RAW: 20}


def test_services_on_a_rack_are_all_answered_for_and_gone_when_they_are_deleted() -> None:
    none, some = fill(unique_name(), [12])["steps"]
    assert none.keys() == {"services", "memory_kib"}
    assert some.keys() == {
        *("services", "addressed", "answered", "gone", "memory_kib", "memory_kib_after"),
    }
    assert (none["services"], some["services"]) == (0, 12)
    assert some["addressed"] <= some["answered"]
    assert some["memory_kib"].keys() == {"controller", "speaker"}


def test_routes_come_to_every_router_by_every_contender_and_go_again() -> None:
    found = bgp_convergence.body(unique_name(), 20, 1000, (2, 1, 1), warm_up=0)
    samples = {who: told["us"]["samples"] for who, told in found["change"]["contenders"].items()}
    assert samples == {"Vipcast": 4, "asyncio": 4, "seen": 4}
    contenders = found["appearing"]["contenders"]
    assert contenders.keys() == {"Vipcast", "ExaBGP, a line each", "ExaBGP, one line"}
    assert all(
        told[step]["worst"] > 0
        for told in contenders.values()
        for step in ("announced", "withdrawn")
    )
    (round_,) = found["pouring"]["rounds"]
    assert round_["seconds"] > 0
    assert found["pouring"]["line_met"].keys() == {"memory", "keepalives"}
    assert "20 routes at once, until 4 routers have all, or none" in shown.text(found)
