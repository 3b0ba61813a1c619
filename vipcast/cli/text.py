"""Text for a terminal or a pipe: columns that fit, wrapped lines, colour where it shows."""

from __future__ import annotations

import os
import shutil
import textwrap
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import TextIO

GAP = 2
LEAST = 8
"""What is left of a column that had to be shortened."""


@dataclass(frozen=True, slots=True)
class Screen:
    """How the text will be read. `width` is None where nothing should be cut: in a pipe or file."""

    width: int | None = None
    colours: bool = False

    def bad(self, line: str) -> str:
        """A line about something that lacks."""
        return f"\x1b[31m{line}\x1b[0m" if self.colours else line

    def head(self, line: str) -> str:
        """A line above others."""
        return f"\x1b[1m{line}\x1b[0m" if self.colours else line

    def wrapped(self, text: str, indent: str = "") -> list[str]:
        """Lines of a sentence; all but the first are indented by two more."""
        if self.width is None:
            return [indent + text]
        return textwrap.wrap(
            text,
            max(self.width, 40),
            initial_indent=indent,
            subsequent_indent=f"{indent}  ",
            break_long_words=False,
            break_on_hyphens=False,
        )


def screen_of(stream: TextIO) -> Screen:
    """A terminal's width and colours; a pipe has neither."""
    if not stream.isatty():
        return Screen()
    return Screen(shutil.get_terminal_size().columns, "NO_COLOR" not in os.environ)


def columns(rows: Iterable[Sequence[str]], width: int | None) -> list[str]:
    """Rows in columns, "-" for what there is not; the widest are shortened until they fit."""
    cells = [[cell or "-" for cell in row] for row in rows]
    sizes = [max(map(len, column)) for column in zip(*cells, strict=True)]
    if width is not None:
        _shrink(sizes, width)
    return [
        (" " * GAP)
        .join(_fitted(cell, size).ljust(size) for cell, size in zip(row, sizes, strict=True))
        .rstrip()
        for row in cells
    ]


def _shrink(sizes: list[int], width: int) -> None:
    while sum(sizes) + GAP * (len(sizes) - 1) > width and max(sizes) > LEAST:
        sizes[sizes.index(max(sizes))] -= 1


def _fitted(cell: str, size: int) -> str:
    """Names differ at their ends more often than in between, so that is where one is cut."""
    if len(cell) <= size:
        return cell
    end = (size - 1) // 2
    return f"{cell[: size - 1 - end]}…{cell[-end:]}"
