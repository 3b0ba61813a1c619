"""Bars for the eye: what contenders took, side by side, as an SVG.

PURE. Bars of a panel share a scale, which begins at 0.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from benchmarks.drawing import LEFT, MARGIN, RIGHT, WIDTH, page, say

OURS = "Vipcast"

_ROW, _HEAD, _FOOT = 24, 30, 16
_TOP, _BOTTOM = 48, 40
_STYLE = """\
    text { font: 13px system-ui, sans-serif; fill: #1f2328; }
    .head { font-weight: 600; } .title { font-size: 16px; font-weight: 600; }
    .quiet { fill: #59636e; font-size: 12px; } .end { text-anchor: end; }
    .ground { fill: #ffffff; } .ours { fill: #0969da; } .other { fill: #818b98; }
    @media (prefers-color-scheme: dark) {
      text { fill: #f0f6fc; } .quiet { fill: #9198a1; } .ground { fill: #0d1117; }
      .ours { fill: #4493f8; } .other { fill: #9198a1; }
    }"""


@dataclass(frozen=True, slots=True)
class Bar:
    """Whose it is (names that begin with OURS are ours), how long, and what stands behind it."""

    name: str
    value: float
    beside: str = ""


@dataclass(frozen=True, slots=True)
class Panel:
    """Bars that are compared, below a heading that names their unit."""

    heading: str
    bars: Sequence[Bar]


def svg(title: str, panels: Sequence[Panel], where: Mapping[str, Any]) -> str:
    """The picture, `where` (as of harness.environment) below it."""
    height = _TOP + sum(_HEAD + _ROW * len(each.bars) + _FOOT for each in panels) + _BOTTOM
    parts = [say(MARGIN, 28, title, "title")]
    y = _TOP
    for panel in panels:
        parts.append(say(MARGIN, y + 18, panel.heading, "head"))
        longest = max((bar.value for bar in panel.bars), default=0.0) or 1.0
        for number, bar in enumerate(panel.bars):
            parts += _bar(bar, y + _HEAD + _ROW * number, longest)
        y += _HEAD + _ROW * len(panel.bars) + _FOOT
    return page(title, height, _STYLE, parts, where, "in network namespaces")


def _bar(bar: Bar, y: float, longest: float) -> list[str]:
    kind = "ours" if bar.name.startswith(OURS) else "other"
    length = max((RIGHT - LEFT) * bar.value / longest, 1.0)
    figure = f"{bar.value:,.0f}" if bar.value >= 100 else f"{bar.value:.3g}"
    return [
        say(LEFT - 10, y + 14, bar.name, "end" if kind == "ours" else "quiet end"),
        f'  <rect class="{kind}" x="{LEFT}" y="{y + 2}" width="{length:.1f}" height="16" rx="3"/>',
        say(LEFT + length + 8, y + 15, figure, ""),
        say(WIDTH - MARGIN, y + 15, bar.beside, "quiet end"),
    ]
