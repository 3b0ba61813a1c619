"""That benchmarks/arp_latency.py runs: every contender answers, in racks that are gone afterwards.

No time is judged here; `make bench` does that.
"""

from __future__ import annotations

from benchmarks.arp_latency import measure
from benchmarks.racks import GENERIC, KERNEL, KERNEL_NATIVE, NATIVE, RAW, racks
from tests.support.labs import unique_name


def test_every_contender_is_measured_in_every_case() -> None:
    with racks(unique_name()) as contenders:
        cases = list(measure(contenders, rounds=2, warm_up=0, requests=100))
    assert [(case["cores"], case["window"]) for case in cases] == [
        ("idle", 1),
        ("idle", 32),
        ("busy", 1),
        ("busy", 32),
    ]
    for case in cases:
        samples = {name: found["us"]["samples"] for name, found in case["contenders"].items()}
        assert samples == {KERNEL: 200, GENERIC: 200, NATIVE: 200, KERNEL_NATIVE: 200, RAW: 20}
