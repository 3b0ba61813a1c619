"""What a client sees when the holder goes: cable, process, split; and when it comes back."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from lab import measure
from lab.measure import Watch
from tests.support.racks import Rack, rack

TAKEOVER = 2.0
"""Seconds until another node must answer."""

BOTH = 0.5
"""Seconds for which two MACs may answer once a lost node can be heard again."""


@pytest.fixture(scope="module", params=["generic", "native"])
def standing(request: pytest.FixtureRequest) -> Iterator[Rack]:
    with rack(request.param, native=request.param == "native") as one:
        yield one


@pytest.fixture
def watch(standing: Rack) -> Iterator[Watch]:
    standing.settle()
    with measure.watch(standing.lab.client, standing.vip) as running:
        yield running


def ends_with_one(standing: Rack, taker_mac: str) -> None:
    """Everybody hears everybody again, and one node alone answers: the one that took over."""
    standing.settle()
    asked = measure.ask(standing.lab.client, standing.vip, count=500)
    assert (asked.lost, asked.doubled, list(asked.macs)) == (0, 0, [taker_mac])


def test_a_pulled_port_moves_the_address_and_nothing_moves_back(
    standing: Rack, watch: Watch
) -> None:
    leader = standing.holder()
    standing.lab.switch.pull(leader)
    taker = standing.moved(watch, leader)
    standing.lab.switch.put_back(leader)
    ends_with_one(standing, taker.mac)

    seen = watch.seen[standing.vip]
    assert 0 < seen.longest_silence < TAKEOVER
    assert sum(span.seconds for span in seen.two_macs) <= BOTH
    assert standing.names(seen)[-1] == taker.name


def test_a_node_cut_off_with_its_carrier_up_yields_when_it_is_heard_again(
    standing: Rack, watch: Watch
) -> None:
    leader = standing.holder()
    standing.lab.switch.partition(leader)
    taker = standing.moved(watch, leader)
    standing.lab.switch.heal()
    ends_with_one(standing, taker.mac)

    seen = watch.seen[standing.vip]
    assert 0 < seen.longest_silence < TAKEOVER
    assert sum(span.seconds for span in seen.two_macs) <= BOTH


def test_a_frozen_speaker_falls_silent_before_another_answers_and_stays_silent_when_woken(
    standing: Rack, watch: Watch
) -> None:
    leader = standing.holder()
    standing.vipcast.speaker(leader).freeze()
    taker = standing.moved(watch, leader)
    standing.vipcast.speaker(leader).wake()
    ends_with_one(standing, taker.mac)

    seen = watch.seen[standing.vip]
    assert 0 < seen.longest_silence < TAKEOVER
    assert seen.two_macs == ()
    assert seen.doubled == ()


def test_a_killed_speaker_falls_silent_before_another_answers_and_takes_nothing_back(
    standing: Rack, watch: Watch
) -> None:
    leader = standing.holder()
    standing.vipcast.speaker(leader).kill()
    taker = standing.moved(watch, leader)
    standing.vipcast.start_speaker(leader)
    ends_with_one(standing, taker.mac)

    seen = watch.seen[standing.vip]
    assert 0 < seen.longest_silence < TAKEOVER
    assert seen.two_macs == ()
    assert seen.doubled == ()


def test_with_the_address_on_lo_of_every_node_the_holder_alone_answers(
    standing: Rack, watch: Watch
) -> None:
    for node in standing.lab.nodes:
        node.add_to_lo(standing.vip)
    try:
        leader = standing.holder()
        asked = measure.ask(standing.lab.client, standing.vip, count=1000)
        assert (asked.lost, asked.doubled, list(asked.macs)) == (0, 0, [leader.mac])

        standing.vipcast.speaker(leader).freeze()
        taker = standing.moved(watch, leader)
        asked = measure.ask(standing.lab.client, standing.vip, count=1000)
        assert (asked.lost, asked.doubled, list(asked.macs)) == (0, 0, [taker.mac])

        standing.vipcast.speaker(leader).wake()
        ends_with_one(standing, taker.mac)
        seen = watch.seen[standing.vip]
        assert (seen.two_macs, seen.doubled) == ((), ())
        assert seen.longest_silence < TAKEOVER
    finally:
        for node in standing.lab.nodes:
            node.remove_from_lo(standing.vip)


def test_a_frozen_node_that_never_held_the_address_keeps_its_own_stack_silent(
    standing: Rack,
) -> None:
    standing.settle()
    leader = standing.holder()
    other = next(node for node in standing.lab.nodes if node.name != leader.name)
    other.add_to_lo(standing.vip)
    try:
        standing.vipcast.speaker(other).freeze()
        third = next(n for n in standing.lab.nodes if n.name not in (leader.name, other.name))
        # The others count the frozen node as lost: its own right to speak is over by then.
        standing.vipcast.await_unheard(third, other)
        asked = measure.ask(standing.lab.client, standing.vip, count=1000)
        assert (asked.lost, asked.doubled, list(asked.macs)) == (0, 0, [leader.mac])
    finally:
        standing.vipcast.speaker(other).wake()
        other.remove_from_lo(standing.vip)
