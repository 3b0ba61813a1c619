"""`vipcast status` on a rack whose speakers die: nobody vouches for the dead."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest

from lab.waiting import until
from tests.support.racks import Rack, rack

SOON = 60.0
"""Seconds within which a sign of life is too old: it is given every 10, and missed at 30."""


@pytest.fixture
def standing() -> Iterator[Rack]:
    """Three nodes, one of which answers."""
    with rack() as built:
        yield built


def told(standing: Rack) -> tuple[int, dict[str, Any]]:
    """The exit code and what `status` says."""
    done = standing.vipcast.command("status", "-ojson")
    return done.returncode, json.loads(done.stdout)


def test_speakers_that_die_together_are_not_heard_and_hold_nothing(standing: Rack) -> None:
    def well() -> bool | None:
        return True if told(standing)[0] == 0 else None

    until(well, "a healthy status")
    for node in standing.lab.nodes:
        standing.vipcast.speaker(node).kill()

    def noticed() -> dict[str, Any] | None:
        code, status = told(standing)
        return status if code and all(one["lost"] for one in status["speakers"]) else None

    status = until(noticed, "all speakers not heard", SOON)
    assert [one["holder"] for one in status["addresses"]] == [""]
    assert standing.vipcast.command("explain", "web").returncode == 1
    for node in standing.lab.nodes:
        assert standing.vipcast.command("explain", f"node/{node.name}").returncode == 1
