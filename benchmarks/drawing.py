"""What every picture of a benchmark has: a ground, a title, words, and where it was measured.

PURE. Pictures are SVG and bring their own ground; each has a style of its own, with which it
follows the reader's choice of light or dark.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any
from xml.sax.saxutils import escape

WIDTH = 840
LEFT, RIGHT = 210, 600
"""Between which a picture has its scale."""
MARGIN = 16


def page(
    title: str, height: int, style: str, parts: Iterable[str], where: Mapping[str, Any], over: str
) -> str:
    """The picture of `parts`; `where` (as of harness.environment) stands below them.

    `over` says of what the machine's network is made.
    """
    size = f'width="{WIDTH}" height="{height}"'
    box = f'viewBox="0 0 {WIDTH} {height}"'
    machine = f"Linux {where['kernel']}, {where['cpus']} cores, {over}"
    return "\n".join(
        [
            f'<svg xmlns="http://www.w3.org/2000/svg" {box} {size} role="img">',
            f"  <title>{escape(title)}</title>",
            f"  <style>\n{style}\n  </style>",
            f'  <rect class="ground" {size} rx="8"/>',
            *parts,
            say(MARGIN, height - 14, f"{where['date'][:10]}, {machine}", "quiet"),
            "</svg>",
            "",
        ]
    )


def say(x: float, y: float, words: str, kind: str) -> str:
    """Words at a place; `kind` are the classes of the style that they have."""
    return f'  <text class="{kind}" x="{x:.1f}" y="{y}">{escape(words)}</text>'
