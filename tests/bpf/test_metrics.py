"""Metrics of ARP requests: whole frames through the program, and what the speaker's page says."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from speaker.adapters.maps import PinnedResponder
from speaker.layer2.table import EntryKey, Remove
from speaker.reports import Picture
from speaker.sampling import sample
from tests.bpf.test_responder import LO, ask, opened, put
from tests.support.bpf import VIP
from tests.support.parity import shows
from vipcast.ops.metrics import SpeakerMetrics
from vipcast.ports import SourceHealth

NOTHING = Picture(7, 1, (), (), (), {}, (), ())


@pytest.fixture
def responder(loaded_pins: Path) -> Iterator[PinnedResponder]:
    with closing(opened(loaded_pins)) as one:
        one.segment(LO, {LO})
        one.set_lease(LO, time.monotonic())  # just over: questions are dropped
        put(one, VIP)
        yield one


def page(responder: PinnedResponder) -> dict[str, float]:
    """What the page says of requests that were received and answered."""
    metrics = SpeakerMetrics(
        node="node1",
        source=lambda: SourceHealth(alive=True, synced=True),
        lag=lambda: 0.0,
        read=lambda: sample(NOTHING, responder.counts(), {}),
    )
    lines = metrics.take().text().decode().splitlines()
    rows = (line.split() for line in lines if not line.startswith("#"))
    return {name: float(number) for name, number in rows if name.startswith("metallb_layer2_re")}


def counts(received: float, answered: float) -> dict[str, float]:
    return {
        f'metallb_layer2_requests_received{{ip="{VIP}"}}': received,
        f'metallb_layer2_responses_sent{{ip="{VIP}"}}': answered,
    }


@shows("metallb_layer2_requests_received", "metallb_layer2_responses_sent")
def test_requests_are_counted_whoever_answers_and_answers_where_they_are_given(
    responder: PinnedResponder, loaded_pins: Path
) -> None:
    assert page(responder) == counts(0, 0)
    for _ in range(3):
        assert ask(loaded_pins)[0] == "DROP"
    assert page(responder) == counts(3, 0)
    responder.set_lease(LO, time.monotonic() + 60)
    for _ in range(4):
        assert ask(loaded_pins)[0] == "TX"
    assert page(responder) == counts(7, 4)


@shows("metallb_layer2_responses_sent")
def test_counts_go_on_over_a_restart_of_the_speaker_and_end_with_the_address(
    responder: PinnedResponder, loaded_pins: Path
) -> None:
    responder.set_lease(LO, time.monotonic() + 60)
    ask(loaded_pins)
    responder.close()
    ask(loaded_pins)
    with closing(opened(loaded_pins)) as again:
        assert page(again) == counts(2, 2)
        again.apply([Remove(EntryKey(LO, VIP))])
        assert page(again) == {}
