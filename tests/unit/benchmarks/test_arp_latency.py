"""The account of arp_latency and its pictures. That it runs: tests/lab/test_benchmarks.py."""

from __future__ import annotations

from typing import Any
from xml.etree import ElementTree

import pytest

from benchmarks import picture
from benchmarks.arp_latency import LINE, judged
from benchmarks.racks import GENERIC, KERNEL, KERNEL_NATIVE, NATIVE, RAW

FAST, SLOW = [1800] * 99 + [2200], [2000] * 98 + [2600] * 2
TOLD = {
    KERNEL: [[2000] * 98 + [2200] * 2] * 3,
    GENERIC: [FAST] * 3,
    NATIVE: [SLOW] * 3,
    KERNEL_NATIVE: [SLOW] * 3,
    RAW: [[50_000] * 10] * 3,
}
WHERE = {"date": "2026-11-21T04:00:00Z", "kernel": "6.18", "cpus": 2}


@pytest.fixture(name="cases")
def _cases() -> list[dict[str, Any]]:
    return [
        {"cores": cores, "window": window, "contenders": judged(TOLD)}
        for cores in ("idle", "busy")
        for window in (1, 32)
    ]


def once(ratio: float) -> dict[str, float]:
    return {"ratio": ratio, "low": ratio, "high": ratio}


def test_ours_alone_are_judged_by_the_line_and_at_both_percentiles() -> None:
    found = judged(TOLD)
    assert found[KERNEL].keys() == {"us"}
    assert found[GENERIC]["beside_kernel"] == {"median": once(0.9), "p99": once(0.818)}
    assert found[GENERIC]["line_met"] == {"median": True, "p99": True}
    assert found[NATIVE]["beside_kernel"] == {"median": once(1.0), "p99": once(1.182)}
    assert found[NATIVE]["line_met"] == {"median": True, "p99": False}
    assert found[KERNEL_NATIVE].keys() == found[RAW].keys() == {"us", "beside_kernel"}
    assert found[RAW]["us"]["median"] == 50.0
    assert found[RAW]["us"]["samples"] == 30


def test_the_line_belongs_to_what_meets_it() -> None:
    found = judged({KERNEL: [[1000]], GENERIC: [[1100]], NATIVE: [[1101]]})
    assert LINE == 1.1
    assert found[GENERIC]["line_met"] == {"median": True, "p99": True}
    assert found[NATIVE]["line_met"] == {"median": False, "p99": False}


def test_the_text_says_every_figure_and_which_of_ours_miss_the_line(
    cases: list[dict[str, Any]],
) -> None:
    lines = picture.text(cases, LINE).splitlines()
    assert max(map(len, lines)) <= 100
    assert lines[:13] == [
        "Idle, one request under way",
        "                            median     p90     p99    p99.9    worst  µs",
        "the kernel's own answer       2.00    2.00    2.20      2.2      2.2",
        "Vipcast, generic XDP          1.80    1.80    1.80      2.2      2.2",
        "Vipcast, native XDP           2.00    2.00    2.60      2.6      2.6",
        "kernel, behind native XDP     2.00    2.00    2.60      2.6      2.6",
        "raw socket, in Python        50.00   50.00   50.00     50.0     50.0",
        "",
        "in the kernel's own time    median       p99  0.8       1    1.1            1.4",
        "Vipcast, generic XDP         0.90x     0.82x  ·○···●····│····┊··············· ≤1.1 yes",
        "Vipcast, native XDP          1.00x     1.18x  ··········●····┊···○··········· ≤1.1 NO",
        "kernel, behind native XDP    1.00x     1.18x  ··········●····┊···○···········",
        "raw socket, in Python       25.00x    22.73x  ··········│····┊··············▸",
    ]
    assert [line for line in lines if line.endswith("under way")] == [
        "Idle, one request under way",
        "Idle, 32 requests under way",
        "Every core busy, one request under way",
        "Every core busy, 32 requests under way",
    ]


def test_the_picture_shows_every_contender_and_has_colours_for_light_and_dark(
    cases: list[dict[str, Any]],
) -> None:
    drawn = picture.svg(cases, LINE, WHERE)
    root = ElementTree.fromstring(drawn)
    texts = [element.text for element in root.iter("{http://www.w3.org/2000/svg}text")]
    assert set(picture.LABELS.values()) <= set(texts)
    assert texts.count("1.80 / 1.80 µs") == 4
    # What lies beyond the window is told as a number, what lies in it is a dot and a ring.
    assert texts.count("● 25.0\u00d7, ○ 22.7\u00d7") == 4
    circles = list(root.iter("{http://www.w3.org/2000/svg}circle"))
    assert len(circles) == 4 * 3 * 2
    assert "prefers-color-scheme: dark" in drawn
    assert texts[-1] == "2026-11-21, Linux 6.18, 2 cores, over veth and a bridge"


def test_marks_stand_where_their_numbers_are(cases: list[dict[str, Any]]) -> None:
    root = ElementTree.fromstring(picture.svg(cases[:1], LINE, WHERE))
    space = "{http://www.w3.org/2000/svg}"
    ticks = {
        element.text: float(element.attrib["x"])
        for element in root.iter(f"{space}text")
        if element.attrib["class"] == "quiet mid"
    }
    dots = [float(element.attrib["cx"]) for element in root.iter(f"{space}circle")]
    assert dots[0] == ticks["0.9\u00d7"]
    assert dots[2] == ticks["1.0\u00d7"]
    within = next(one for one in root.iter(f"{space}rect") if one.attrib["class"] == "within")
    end = float(within.attrib["x"]) + float(within.attrib["width"])
    assert end == pytest.approx(ticks["1.1\u00d7"], abs=0.1)
