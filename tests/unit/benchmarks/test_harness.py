"""The harness of the benchmarks, and that each benchmark still runs. No time is judged here."""

from __future__ import annotations

import importlib
import json
import os
import platform
import random
import subprocess
import sys
from functools import partial
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

import pytest

from benchmarks import directory_latency, many_services
from benchmarks.child import child, hear
from benchmarks.harness import (
    BenchmarkError,
    Body,
    busy_cores,
    environment,
    interleaved,
    publish,
    record,
    replace,
)
from benchmarks.inotify import Inotify
from lab.errors import NotReady

PROJECT = Path(__file__).parents[3]
PARTS = {"samples", "median", "p90", "p99", "p999", "worst"}


def echo(path: Path, told: Connection[Any, Any]) -> None:
    told.send(path)


def echo_for_ever(told: Connection[Any, Any]) -> None:
    while True:
        told.send(told.recv())


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


def test_the_order_of_contenders_is_drawn_where_somebody_draws_it() -> None:
    order: list[str] = []
    contenders = {name: partial(order.append, name) for name in "abc"}
    told = interleaved(contenders, rounds=50, warm_up=0, shuffle=random.Random(1))
    rounds = {"".join(order[at : at + 3]) for at in range(0, 150, 3)}
    assert rounds == {"abc", "acb", "bac", "bca", "cab", "cba"}
    assert [len(one) for one in told.values()] == [50, 50, 50]


def test_a_result_file_has_its_date_in_its_name_and_the_machine_in_it(tmp_path: Path) -> None:
    where = environment(1_790_000_000.0)
    path = record("question", where, {"answer": 42}, tmp_path, svg="<svg/>")
    assert path == tmp_path / "2026-09-21-question.json"
    assert (tmp_path / "2026-09-21-question.svg").read_text() == "<svg/>"
    found = json.loads(path.read_text())
    where = found.pop("environment")
    assert found == {"benchmark": "question", "answer": 42}
    assert where["date"] == "2026-09-21T14:13:20Z"
    assert where["kernel"] == platform.release()
    assert where["cpus"] == os.cpu_count()
    assert where["governor"] is None or where["governor"]
    versions = {"commit", "kernel", "python", "bcc", "gcc", "iproute2"}
    assert where.keys() == versions | {
        *("date", "machine", "cpu", "cpus", "governor", "load_before"),
    }
    assert all(isinstance(where[name], str) for name in versions)


def test_what_a_benchmark_finds_is_printed_and_written(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    def both(body: Body, where: Body) -> str:
        return f"{body} {where}"

    told = publish("the-question", lambda: {"a": 42}, str, both, tmp_path)
    (path,) = tmp_path.glob("*-the-question.json")
    assert (told, json.loads(path.read_text())["a"]) == (0, 42)
    assert path.with_suffix(".txt").read_text() == "{'a': 42}"
    assert path.with_suffix(".svg").read_text().startswith("{'a': 42} {'date': ")
    assert capsys.readouterr().out.startswith("{'a': 42}\nwritten: ")


@pytest.mark.parametrize("error", [BenchmarkError, NotReady])
def test_a_benchmark_that_cannot_be_done_says_why_and_writes_nothing(
    error: type[Exception], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    def failing() -> Body:
        raise error("nobody answers")

    assert publish("the-question", failing, str, lambda *_: "", tmp_path) == 1
    assert capsys.readouterr() == ("", "the_question: nobody answers\n")
    assert list(tmp_path.iterdir()) == []


def test_a_child_speaks_and_one_that_has_ended_is_an_error(tmp_path: Path) -> None:
    with child(f"{__name__}:echo", tmp_path) as told:
        assert hear(told) == tmp_path
        with pytest.raises(BenchmarkError, match="has ended"):
            hear(told)


def test_a_child_that_falls_over_the_end_of_its_connection_says_nothing(
    capfd: pytest.CaptureFixture[str],
) -> None:
    with child(f"{__name__}:echo_for_ever") as told:
        told.send("question")
        assert hear(told) == "question"
    assert capfd.readouterr() == ("", "")


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


@pytest.mark.parametrize(
    "name",
    [
        path.stem
        for path in sorted((PROJECT / "benchmarks").glob("*.py"))
        if "run(main, __doc__)" in path.read_text()
    ],
)
def test_help_tells_what_is_measured_and_measures_nothing(name: str) -> None:
    words = [sys.executable, "-m", f"benchmarks.{name}", "--help"]
    told = subprocess.run(words, cwd=PROJECT, capture_output=True, text=True, check=True).stdout
    story = importlib.import_module(f"benchmarks.{name}").__doc__
    assert story is not None
    assert story.strip() in told
