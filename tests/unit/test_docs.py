"""The pages name only what exists: tests, files, make targets, and figures that were measured."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

PROJECT = Path(__file__).parents[2]
TESTING = (PROJECT / "docs" / "testing.md").read_text()
TESTS = {
    name
    for path in (PROJECT / "tests").rglob("test_*.py")
    for name in re.findall(r"^ *(?:async def |def |class )?(\w+)", path.read_text(), re.MULTILINE)
}
PROMISES = re.findall(r"^\| (.+?) \| (.+) \|$", TESTING.partition("| Must hold |")[2], re.MULTILINE)


@pytest.mark.parametrize("shown_by", [test for _, test in PROMISES], ids=[it for it, _ in PROMISES])
def test_a_promise_names_tests_that_exist(shown_by: str) -> None:
    assert "in progress" not in shown_by
    for name in re.findall(r"`([^`]+)`", shown_by):
        if name.startswith(("tests/", "benchmarks/")):
            assert (PROJECT / name).exists(), name
        else:
            assert name in TESTS


def numbers(value: Any) -> Iterator[float]:
    """Every number in a result file."""
    if isinstance(value, dict | list):
        for inner in value.values() if isinstance(value, dict) else value:
            yield from numbers(inner)
    elif isinstance(value, int | float):
        yield value


def test_a_figure_stands_in_the_result_file_that_is_named_beside_it() -> None:
    shown = {text: re.findall(r"benchmarks/results/[\w.-]+\.json", text) for _, text in PROMISES}
    assert any(shown.values())
    for text, files in shown.items():
        measured = {
            f"{number:.0f}"
            for name in files
            for number in numbers(json.loads((PROJECT / name).read_text()))
        }
        assert not files or set(re.findall(r"(\d+) (?:ms|times)", text)) <= measured


@pytest.mark.parametrize(
    "page",
    [
        "README.md",
        "CONTRIBUTING.md",
        *sorted(f"docs/{p.name}" for p in (PROJECT / "docs").glob("*.md")),
    ],
)
def test_a_page_names_files_and_targets_that_exist(page: str) -> None:
    text = (PROJECT / page).read_text()
    targets = re.findall(r"^([a-z]+):", (PROJECT / "Makefile").read_text(), re.MULTILINE)
    assert set(re.findall(r"(?:`|^\s+)make ([a-z]+)", text, re.MULTILINE)) <= set(targets)
    rooms = "benchmarks|bpf|controller|docs|lab|native|scripts|speaker|tests|vipcast"
    files = re.findall(rf"(?:{rooms})/[\w./-]+\.(?:py|md|json|c|h|sh)\b", text)
    assert not [name for name in files if "NNNN" not in name and not (PROJECT / name).exists()]


def test_the_demo_s_output_in_the_readme_is_that_of_the_result_file_it_names() -> None:
    text = (PROJECT / "README.md").read_text()
    named = re.search(r"`(benchmarks/results/[\w.-]+-demo\.txt)`", text)
    assert named is not None
    shown = text.partition("```\n")[2].partition("\n```")[0].splitlines()
    told = [line.rstrip() for line in (PROJECT / named[1]).read_text().splitlines()]
    assert len(shown) > 50
    assert "\n".join(shown) in "\n".join(told)
