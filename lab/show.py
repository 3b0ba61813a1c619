"""What the demo prints: headings, facts, tables, in colour on a terminal and plain elsewhere.

NO_COLOR (any value) turns colour off, as its users expect, and so does TERM=dumb.
"""

from __future__ import annotations

import os
import shutil
import sys
import textwrap
import time
from collections.abc import Sequence
from typing import TextIO

_CODES = {"bold": "1", "dim": "2", "red": "31", "green": "32", "cyan": "36"}
_INDENT = " " * 9
_WIDEST = 100
"""Columns; sentences over longer lines are hard to read."""

_PIPE = 80
"""Columns where nothing is known about who reads."""


class Screen:
    """Prints as things happen; every line is flushed at once."""

    def __init__(
        self, out: TextIO = sys.stdout, colour: bool | None = None, width: int | None = None
    ) -> None:
        self._out = out
        self._colour = _likes_colour(out) if colour is None else colour
        columns = width or (shutil.get_terminal_size().columns if out.isatty() else _PIPE)
        self._room = min(columns, _WIDEST) - len(_INDENT)
        self._start = time.monotonic()

    def paint(self, text: str, *styles: str) -> str:
        """The text in the styles named (bold, dim, red, green, cyan)."""
        if not self._colour:
            return text
        codes = ";".join(_CODES[style] for style in styles)
        return f"\x1b[{codes}m{text}\x1b[0m"

    def line(self, text: str = "") -> None:
        """One line as it is."""
        print(text, file=self._out, flush=True)

    def heading(self, text: str) -> None:
        """A new chapter, with the seconds since the start."""
        elapsed = self.paint(f"{time.monotonic() - self._start:5.1f} s", "dim")
        self.line()
        self.line(f"{elapsed}  {self.paint(text, 'bold', 'cyan')}")

    def fact(self, text: str) -> None:
        """Something to know."""
        self.line(f"{_INDENT}{text}")

    def check(self, text: str, well: bool = True) -> None:
        """Something that came true, or that should have and did not."""
        mark = self.paint("✓", "green") if well else self.paint("✗", "red", "bold")
        self.line(f"{_INDENT[2:]}{mark} {text}")

    def block(self, text: str) -> None:
        """Output of a command, indented; a sentence too long for the line goes on below."""
        for row in text.rstrip("\n").splitlines():
            if not row.strip():
                self.line()
            elif len(row) <= self._room:
                self.fact(row)
            else:
                self._wrapped(row)

    def _wrapped(self, row: str) -> None:
        lines = textwrap.wrap(
            row, self._room, subsequent_indent="  ", break_long_words=False, break_on_hyphens=False
        )
        for each in lines:
            self.fact(each)

    def table(
        self,
        head: Sequence[str],
        rows: Sequence[Sequence[str]],
        well: Sequence[bool] | None = None,
    ) -> None:
        """Columns as wide as their widest cell; `well`, if given, says which rows came true."""
        widths = [max(len(row[i]) for row in (head, *rows)) for i in range(len(head))]

        def joined(row: Sequence[str]) -> str:
            cells = [cell.ljust(width) for cell, width in zip(row, widths, strict=True)]
            return "  ".join(cells).rstrip()

        self.fact(self.paint(joined(head), "bold"))
        for i, row in enumerate(rows):
            if well is None:
                self.fact(joined(row))
            else:
                self.check(joined(row), well[i])


def _likes_colour(out: TextIO) -> bool:
    return out.isatty() and "NO_COLOR" not in os.environ and os.environ.get("TERM") != "dumb"
