"""The harness of the benchmarks, and that each benchmark still runs. No time is judged here."""

from __future__ import annotations

import json
import platform
import subprocess
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

import pytest

from benchmarks import directory_latency, many_services
from benchmarks.child import child, hear
from benchmarks.harness import (
    BenchmarkError,
    Spread,
    busy_cores,
    environment,
    interleaved,
    ratios,
    record,
    replace,
    spread,
)
from benchmarks.inotify import Inotify

PARTS = {"samples", "median", "p99", "worst"}


def echo(path: Path, told: Connection[Any, Any]) -> None:
    told.send(path)


def test_contenders_take_turns_and_the_warm_up_does_not_count() -> None:
    order: list[str] = []

    def measured(name: str) -> int:
        order.append(name)
        return order.count(name)

    told = interleaved(
        {"a": lambda: measured("a"), "b": lambda: measured("b")}, rounds=3, warm_up=1
    )
    assert "".join(order) == "abbaabba"
    assert told == {"a": [2, 3, 4], "b": [2, 3, 4]}


def test_a_spread_is_of_values_that_occurred() -> None:
    assert spread(range(200, 0, -1)) == Spread(200, 100, 198, 200)
    assert spread([7.0]) == Spread(1, 7.0, 7.0, 7.0)
    assert spread([1.23456]).rounded() == {
        "samples": 1,
        "median": 1.235,
        "p99": 1.235,
        "worst": 1.235,
    }


def test_a_ratio_is_of_median_to_median_and_p99_to_p99() -> None:
    assert ratios(Spread(9, 30.0, 60.0, 90.0), Spread(9, 2.0, 3.0, 90.0)) == {
        "median": 15.0,
        "p99": 20.0,
    }


def test_a_result_file_has_its_date_in_its_name_and_the_machine_in_it(tmp_path: Path) -> None:
    path = record("question", environment(1_790_000_000.0), {"answer": 42}, tmp_path)
    assert path == tmp_path / "2026-09-21-question.json"
    found = json.loads(path.read_text())
    where = found.pop("environment")
    assert found == {"benchmark": "question", "answer": 42}
    assert where["date"] == "2026-09-21T14:13:20Z"
    assert where["kernel"] == platform.release()
    assert where.keys() == {"date", "kernel", "machine", "cpus", "python", "load_before"}


def test_a_child_speaks_and_one_that_has_ended_is_an_error(tmp_path: Path) -> None:
    with child(f"{__name__}:echo", tmp_path) as told:
        assert hear(told) == tmp_path
        with pytest.raises(BenchmarkError, match="has ended"):
            hear(told)


def test_busy_cores_are_free_again_afterwards(monkeypatch: pytest.MonkeyPatch) -> None:
    started: list[subprocess.Popen[bytes]] = []
    original = subprocess.Popen.__init__

    def noting(self: subprocess.Popen[bytes], *args: Any, **kwargs: Any) -> None:
        started.append(self)
        original(self, *args, **kwargs)

    monkeypatch.setattr(subprocess.Popen, "__init__", noting)
    with busy_cores():
        assert started
        assert all(process.poll() is None for process in started)
    assert {process.returncode for process in started} == {-9}


def test_inotify_tells_what_was_renamed_into_the_directory_or_deleted(tmp_path: Path) -> None:
    with Inotify(tmp_path) as watch:
        replace(tmp_path / "a.yaml", "a")
        (tmp_path / "a.yaml").unlink()
        assert watch.names(20.0) == ["a.yaml", "a.yaml"]
        with pytest.raises(TimeoutError, match="nothing has happened for 0 s"):
            watch.names(0.0)
    with pytest.raises(FileNotFoundError):
        Inotify(tmp_path / "gone")


def test_directory_latency_measures_each_case(tmp_path: Path) -> None:
    cases = list(directory_latency.measure(tmp_path, 3, {"replaced": 2, "deleted": 1}))
    assert [(case["objects"], case["cores"], case["what"]) for case in cases] == [
        (3, "idle", "replaced"),
        (3, "idle", "deleted"),
        (3, "busy", "replaced"),
        (3, "busy", "deleted"),
    ]
    for case in cases:
        assert case["source"].keys() == case["floor"].keys() == PARTS
        assert case["line_met"].keys() == {"median", "p99", "worst"}
        assert case["within_line"] <= case["source"]["samples"]


def test_many_services_are_the_same_statuses_on_both_sides() -> None:
    told = many_services.measure(5, rounds=1, warm_up=0)
    assert told["controller"].keys() == {"addressed", "cpu", "late"}
    assert told["floor"].keys() == told["ratio"].keys() == {"addressed", "cpu"}


def test_a_status_that_is_not_what_it_has_to_be_ends_the_run(tmp_path: Path) -> None:
    (tmp_path / "s0000.yaml").write_text("status: {}\n")
    with pytest.raises(BenchmarkError, match="s0000 has another status"):
        many_services.compare(tmp_path, ["s0000"])
