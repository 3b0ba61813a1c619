"""The result of arp_latency for the eye: as text for a terminal, as SVG for the README.

PURE. Both show each contender's median (●) and 99th percentile (○) in the kernel's own time, in a
window around 1, and the line that ours have to keep; what lies beyond it is told as a number.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from benchmarks.drawing import LEFT, MARGIN, RIGHT, WIDTH, page, say

LABELS = {
    "kernel": "the kernel's own answer",
    "generic": "Vipcast, generic XDP",
    "native": "Vipcast, native XDP",
    "kernel, native": "kernel, behind native XDP",
    "raw socket": "raw socket, in Python",
}
PARTS = {"median": "●", "p99": "○"}
LOW, HIGH = 0.8, 1.4
"""Ends of the window, in the kernel's own time."""

_COLUMNS = 31
_UNIT = "in the kernel's own time"
_TIMES = "\u00d7"

_ROW, _HEAD, _FOOT = 22, 30, 30
_TOP, _BOTTOM = 64, 44
_STYLE = """\
    text { font: 13px system-ui, sans-serif; fill: #1f2328; }
    .head { font-weight: 600; } .title { font-size: 16px; font-weight: 600; }
    .quiet { fill: #59636e; font-size: 12px; }
    .end { text-anchor: end; } .mid { text-anchor: middle; }
    .ground { fill: #ffffff; } .within { fill: #dafbe1; } .grid { stroke: #d1d9e0; }
    .one { stroke: #59636e; } .line { stroke: #1a7f37; stroke-dasharray: 4 3; }
    .ours { stroke: #0969da; fill: #0969da; } .other { stroke: #818b98; fill: #818b98; }
    .hollow { fill: #ffffff; } .mark { stroke-width: 2; }
    @media (prefers-color-scheme: dark) {
      text { fill: #f0f6fc; } .quiet { fill: #9198a1; } .ground { fill: #0d1117; }
      .within { fill: #12261e; } .grid { stroke: #3d444d; } .one { stroke: #9198a1; }
      .line { stroke: #3fb950; } .ours { stroke: #4493f8; fill: #4493f8; }
      .other { stroke: #9198a1; fill: #9198a1; } .hollow { fill: #0d1117; }
    }"""

Case = Mapping[str, Any]


def text(cases: Sequence[Case], line: float) -> str:
    """Every figure in lines of at most 100 columns."""
    lines = []
    for case in cases:
        lines += ["", _heading(case)]
        lines.append(f"{'':26}{'median':>8}{'p90':>8}{'p99':>8}{'p99.9':>9}{'worst':>9}  µs")
        for name, found in case["contenders"].items():
            us = found["us"]
            lines.append(
                f"{LABELS[name]:26}{us['median']:8.2f}{us['p90']:8.2f}{us['p99']:8.2f}"
                f"{us['p999']:9.1f}{us['worst']:9.1f}"
            )
        lines += ["", f"{_UNIT:26}{'median':>8}{'p99':>10}  {_scale(line)}"]
        for name, found in case["contenders"].items():
            if beside := found.get("beside_kernel"):
                lines.append(_compared(name, found, beside, line))
    return "\n".join(lines).removeprefix("\n") + "\n"


def _heading(case: Case) -> str:
    window = case["window"]
    under_way = "one request" if window == 1 else f"{window} requests"
    return f"{'Idle' if case['cores'] == 'idle' else 'Every core busy'}, {under_way} under way"


def _compared(name: str, found: Case, beside: Case, line: float) -> str:
    median, p99 = (beside[part]["ratio"] for part in PARTS)
    ratios = f"{median:7.2f}x{p99:9.2f}x"
    met = found.get("line_met")
    verdict = "" if met is None else f" ≤{line:g} {'yes' if all(met.values()) else 'NO'}"
    return f"{LABELS[name]:26}{ratios}  {_bar(beside, line)}{verdict}"


def _column(ratio: float) -> int:
    return round((min(max(ratio, LOW), HIGH) - LOW) / (HIGH - LOW) * (_COLUMNS - 1))


def _bar(beside: Case, line: float) -> str:
    bar = ["·"] * _COLUMNS
    bar[_column(1.0)], bar[_column(line)] = "│", "┊"
    for part, mark in reversed(PARTS.items()):
        ratio = beside[part]["ratio"]
        bar[_column(ratio)] = mark if LOW <= ratio <= HIGH else "▸" if ratio > HIGH else "◂"
    return "".join(bar)


def _scale(line: float) -> str:
    scale = [" "] * (_COLUMNS + 2)
    for value in (LOW, 1.0, line, HIGH):
        at = _column(value)
        word = f"{value:g}"
        scale[at : at + len(word)] = word
    return "".join(scale).rstrip()


def svg(cases: Sequence[Case], line: float, where: Mapping[str, Any]) -> str:
    """The picture, `where` below it."""
    rows = [len(case["contenders"]) for case in cases]
    height = _TOP + sum(_HEAD + _ROW * each + _FOOT for each in rows) + _BOTTOM
    parts = [
        say(MARGIN, 28, "How long an ARP answer takes, in the kernel's own time", "title"),
        say(
            MARGIN,
            48,
            "● median, ○ 99th percentile, each with the interval of 95 % of resampled runs",
            "quiet",
        ),
        say(WIDTH - MARGIN, 48, "median / 99th percentile", "quiet end"),
    ]
    y = _TOP
    for case, each in zip(cases, rows, strict=True):
        parts += _panel(case, y, line)
        y += _HEAD + _ROW * each + _FOOT
    title = "ARP answers beside the kernel's own"
    return page(title, height, _STYLE, parts, where, "over veth and a bridge")


def _panel(case: Case, y: float, line: float) -> Iterator[str]:
    contenders = case["contenders"]
    top, bottom = y + _HEAD - 4, y + _HEAD + _ROW * len(contenders)
    yield say(MARGIN, y + 18, _heading(case), "head")
    yield (
        f'  <rect class="within" x="{LEFT}" y="{top}" '
        f'width="{_x(line) - LEFT:.1f}" height="{bottom - top}"/>'
    )
    for tenth in range(round(LOW * 10), round(HIGH * 10) + 1):
        value = tenth / 10
        kind = "one" if value == 1 else "line" if value == line else "grid"
        yield _stroke(_x(value), top, _x(value), bottom, kind)
        yield say(_x(value), bottom + 15, f"{value:.1f}{_TIMES}", "quiet mid")
    for number, (name, found) in enumerate(contenders.items()):
        yield from _contender(name, found, y + _HEAD + _ROW * number + 11)


def _contender(name: str, found: Case, y: float) -> Iterator[str]:
    us, beside = found["us"], found.get("beside_kernel")
    kind = "ours" if "line_met" in found else "other"
    yield say(MARGIN, y + 4, LABELS[name], "" if kind == "ours" else "quiet")
    yield say(WIDTH - MARGIN, y + 4, f"{us['median']:,.2f} / {us['p99']:,.2f} µs", "end")
    if beside is None:
        return
    beyond = [
        f"{mark} {beside[part]['ratio']:,.1f}{_TIMES}"
        for part, mark in PARTS.items()
        if beside[part]["ratio"] > HIGH
    ]
    if beyond:
        yield f'  <path class="{kind}" d="M{RIGHT - 12} {y - 4}l8 4l-8 4z"/>'
        yield say(RIGHT - 18, y + 4, ", ".join(beyond), "quiet end")
    for part, shift in zip(PARTS, (-4, 4), strict=True):
        at = beside[part]
        if at["ratio"] > HIGH:
            continue
        yield _stroke(_x(at["low"]), y + shift, _x(at["high"]), y + shift, f"{kind} mark")
        hollow = "" if part == "median" else " hollow"
        x = _x(at["ratio"])
        yield f'  <circle class="{kind} mark{hollow}" cx="{x:.1f}" cy="{y + shift}" r="3.5"/>'


def _x(ratio: float) -> float:
    return LEFT + (min(max(ratio, LOW), HIGH) - LOW) / (HIGH - LOW) * (RIGHT - LEFT)


def _stroke(x1: float, y1: float, x2: float, y2: float, kind: str) -> str:
    return f'  <line class="{kind}" x1="{x1:.1f}" y1="{y1}" x2="{x2:.1f}" y2="{y2}"/>'
