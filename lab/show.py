"""What the demo prints: headings, facts, tables, in colour on a terminal and plain elsewhere.

NO_COLOR (any value) turns colour off, as its users expect.
"""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Sequence
from typing import TextIO

_CODES = {"bold": "1", "dim": "2", "red": "31", "green": "32", "yellow": "33", "cyan": "36"}


class Screen:
    """Prints as things happen; every line is flushed at once."""

    def __init__(self, out: TextIO = sys.stdout, colour: bool | None = None) -> None:
        self._out = out
        self._colour = out.isatty() and "NO_COLOR" not in os.environ if colour is None else colour
        self._start = time.monotonic()

    def paint(self, text: str, *styles: str) -> str:
        """The text in the styles named (bold, dim, red, green, yellow, cyan)."""
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
        self.line(f"         {text}")

    def done(self, text: str) -> None:
        """Something that came true."""
        self.line(f"       {self.paint('✓', 'green')} {text}")

    def failed(self, text: str) -> None:
        """Something that should have come true and did not."""
        self.line(f"       {self.paint('✗', 'red', 'bold')} {text}")

    def block(self, text: str) -> None:
        """Output of a command, indented."""
        for row in text.rstrip("\n").splitlines():
            self.fact(self.paint(row, "dim") if not row.strip() else row)

    def table(self, head: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
        """Columns as wide as their widest cell; the last one is not padded."""
        widths = [max(len(row[i]) for row in (head, *rows)) for i in range(len(head))]

        def joined(row: Sequence[str]) -> str:
            cells = [cell.ljust(width) for cell, width in zip(row, widths, strict=True)]
            return "  ".join(cells).rstrip()

        self.fact(self.paint(joined(head), "bold"))
        for row in rows:
            self.fact(joined(row))
