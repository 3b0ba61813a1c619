"""docs/parity.md as values, and the mark of a test that shows one of its lines.

@shows("metallb_speaker_announced")
def test_…
"""

from __future__ import annotations

import ast
import re
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Final, TypeVar

TESTS: Final = Path(__file__).parents[1]
PAGE: Final = TESTS.parent / "docs" / "parity.md"
SAME, BETTER, NOT_YET = VERDICTS = ("same", "better", "not yet")

Test = TypeVar("Test", bound=Callable[..., object])


@dataclass(frozen=True, slots=True)
class Line:
    """One row of a table, below its heading; `cells` between MetalLB's and the verdict."""

    section: str
    metallb: str
    cells: tuple[str, ...]
    verdict: str

    @property
    def names(self) -> tuple[str, ...]:
        """What MetalLB calls it: the words in code style, or the text where there are none."""
        return words(self.metallb) or (self.metallb,)

    @property
    def here(self) -> bool:
        """Whether it is there at all."""
        return self.verdict != NOT_YET


def words(cell: str) -> tuple[str, ...]:
    """The words of a cell in code style."""
    return tuple(re.findall(r"`([^`]+)`", cell))


def lines(*sections: str) -> list[Line]:
    """The rows of the tables below these headings, or of all; ValueError if one has none."""
    found = list(_lines())
    if missing := set(sections) - {line.section for line in found}:
        raise ValueError(f"docs/parity.md has no table below {', '.join(sorted(missing))}")
    return [line for line in found if not sections or line.section in sections]


def _lines() -> Iterator[Line]:
    for section in PAGE.read_text().split("\n## ")[1:]:
        heading, _, text = section.partition("\n")
        rows = [row for row in text.splitlines() if row.startswith("|")]
        for row in rows[2:]:
            first, *middle, verdict = (cell.strip() for cell in row.strip("|").split("|"))
            yield Line(heading, first, tuple(middle), verdict)


def shows(*_: str) -> Callable[[Test], Test]:
    """Mark a test that shows the line about something that MetalLB calls so."""

    def mark(test: Test) -> Test:
        return test

    return mark


@cache
def shown() -> Mapping[str, list[str]]:
    """Every name that a test is marked with, and the names of these tests."""
    found: defaultdict[str, list[str]] = defaultdict(list)
    for path in sorted(TESTS.rglob("test_*.py")):
        text = path.read_text()
        if "@shows" not in text:
            continue
        for node in ast.walk(ast.parse(text)):
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                for name in _marks(node):
                    found[name].append(node.name)
    return found


def _marks(test: ast.FunctionDef | ast.AsyncFunctionDef) -> Iterator[str]:
    for mark in test.decorator_list:
        if isinstance(mark, ast.Call) and ast.unparse(mark.func) == "shows":
            for name in mark.args:
                yield str(ast.literal_eval(name))
