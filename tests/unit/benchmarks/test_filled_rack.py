"""What filled_rack reads out of metrics and files. That it runs: tests/lab/test_benchmarks.py."""

from __future__ import annotations

import os
from pathlib import Path

from benchmarks import filled_rack
from benchmarks.many_services import statuses
from vipcast.files.dump import dump

METRICS = """\
# HELP metallb_allocator_addresses_in_use_total Addresses of the pool that Services have.
metallb_allocator_addresses_in_use_total{pool="a"} 3.0
metallb_allocator_addresses_in_use_total{pool="b"} 4.0
vipcast_layer2_lease_gaps_total 0.0
"""


def test_a_metric_is_the_sum_of_its_samples_and_one_that_is_not_there_is_below_zero() -> None:
    assert filled_rack.metric(METRICS, "metallb_allocator_addresses_in_use_total") == 7
    assert filled_rack.metric(METRICS, "vipcast_layer2_lease_gaps_total") == 0
    assert filled_rack.metric(METRICS, "metallb_allocator") == -1


def test_addresses_are_those_of_the_statuses(tmp_path: Path) -> None:
    assert filled_rack.addresses(tmp_path / "none") == []
    for name, status in statuses(["a", "b"]):
        (tmp_path / f"{name}.yaml").write_text(dump(status))
    assert sorted(filled_rack.addresses(tmp_path)) == ["10.0.0.2", "10.0.0.3"]


def test_memory_is_what_the_kernel_says_of_a_process() -> None:
    found = filled_rack.memory(os.getpid())
    assert 0 < found["anonymous"] <= found["rss"]
    assert 0 < found["pss"] <= found["rss"]
