"""The accounts of the benchmarks on a cluster. That they run: tests/cluster/test_benchmarks.py."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest

from benchmarks import bars, contenders, footprint, service_latency
from benchmarks.audited import tally, writes
from benchmarks.metallb import programs
from benchmarks.service_latency import LINE
from lab.errors import CommandFailed
from lab.kubernetes.audit import Audit

WHERE = {"date": "2026-11-21T06:00:00Z", "kernel": "6.18", "cpus": 2}


@pytest.mark.parametrize(("times", "met"), [(1.0, True), (LINE, True), (LINE * 1.1, False)])
def test_the_line_is_judged_by_our_median_from_creation_beside_the_floor(
    times: float, met: bool
) -> None:
    floor = [(10_000_000, 5_000_000)] * 3
    ours = [(round(10_000_000 * times), 50_000_000)] * 3
    found = service_latency.judged({"floor": floor, "Vipcast": ours, "MetalLB": ours})
    assert found["created"]["Vipcast"]["line_met"] is met
    assert found["created"]["Vipcast"]["ms"]["median"] == pytest.approx(10 * times)
    assert not any("line_met" in found["created"][who] for who in ("floor", "MetalLB"))
    assert not any("line_met" in each for each in found["deleted"].values())
    assert found["deleted"]["Vipcast"]["beside_floor"]["ratio"] == 10


def step(mib: int, cpu: float, calls: dict[str, int]) -> dict[str, Any]:
    """What footprint finds, the same for both programs."""
    return {
        "memory_kib": {one: {"rss": mib * 1024} for one in footprint.LINES_MIB},
        "idle_cpu": dict.fromkeys(footprint.LINES_MIB, cpu),
        "idle_calls": dict.fromkeys(footprint.LINES_MIB, calls),
    }


def test_memory_idle_cpu_and_idle_writes_are_judged_each_by_its_line() -> None:
    fine = footprint.judged(step(69, 0.009, {"watch services": 5}))
    assert all(all(each.values()) for each in fine.values())
    between = footprint.judged(step(72, 0.0, {}))
    assert (between["controller"]["memory"], between["speaker"]["memory"]) == (False, True)
    poor = footprint.judged(step(80, 0.01, {"patch services/status": 1}))
    assert not any(any(each.values()) for each in poor.values())


def test_calls_are_told_by_program_verb_and_kind_and_each_once(tmp_path: Path) -> None:
    audit = Audit(tmp_path)
    log = tmp_path / "audit.log"

    def line(program: str, verb: str, **about: str) -> str:
        user = {"username": f"system:serviceaccount:metallb-system:{program}"}
        told = {"user": user, "verb": verb, "objectRef": about, "requestURI": "/"}
        return json.dumps(told) + "\n"

    assert audit.new() == []
    status = line("controller", "patch", resource="services", subresource="status")
    begun = line("speaker", "create", resource="events")
    log.write_text(status + status + line("speaker", "watch", resource="nodes") + begun[:20])
    first = tally(audit.new())
    assert first == {"controller": {"patch services/status": 2}, "speaker": {"watch nodes": 1}}
    assert [writes(each) for each in first.values()] == [2, 0]
    with log.open("a") as more:
        more.write(begun[20:])
    assert tally(audit.new()) == {"speaker": {"create events": 1}}
    assert audit.new() == []
    assert len(audit.calls()) == 4


def test_where_metallb_cannot_be_built_its_column_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    def refused(_say: object) -> Path:
        raise CommandFailed("go install: exit status 1:\nno route to host")

    monkeypatch.setattr(programs, "provide", refused)
    made, missing = contenders.contenders(lambda _sentence: None)
    assert made.keys() == {"Vipcast"}
    assert missing == {"MetalLB": "cannot be built here: no route to host"}
    told = service_latency.judged({"floor": [(1, 1)], "Vipcast": [(1, 1)]})
    text = service_latency.shown({**told, "line": LINE, "missing": missing})
    assert text.count("no route to host") == 2


def test_bars_share_a_scale_and_say_their_figures() -> None:
    panel = bars.Panel("A & B", [bars.Bar("Vipcast", 2.0, "worst 3"), bars.Bar("MetalLB", 4.0)])
    drawn = ElementTree.fromstring(bars.svg("Title", [panel], WHERE))
    tag = "{http://www.w3.org/2000/svg}"
    lengths = {
        each.get("class"): float(each.get("width") or 0)
        for each in drawn.iter(f"{tag}rect")
        if each.get("class") != "ground"
    }
    assert lengths["other"] == pytest.approx(2 * lengths["ours"], abs=0.1)
    words = [each.text for each in drawn.iter(f"{tag}text")]
    assert {"Title", "A & B", "Vipcast", "MetalLB", "2", "4", "worst 3"} <= set(words)
