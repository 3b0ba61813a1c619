"""That the benchmarks which need a lab run, and find what they look for.

No time is judged here; `make bench` does that.
"""

from __future__ import annotations

from benchmarks.arp_latency import measure
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
