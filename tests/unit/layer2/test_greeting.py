"""The schedule of greetings: when, how often, and that it stops."""

from __future__ import annotations

import itertools
from ipaddress import IPv4Address, IPv6Address

import pytest
from hypothesis import given
from hypothesis import strategies as st

from speaker.layer2.greeting import PAUSES, STRETCH, Greetings
from vipcast.model.addresses import Address

A, B = IPv4Address("192.0.2.1"), IPv4Address("192.0.2.2")


def rounds(greetings: Greetings, start: float) -> list[float]:
    """The times of all rounds for A when each is asked for exactly when it is due."""
    greetings.start(A, start)
    times = []
    while (deadline := greetings.next_deadline()) is not None:
        assert greetings.due(deadline) == (A,)
        times.append(deadline - start)
    return times


def test_without_jitter_five_rounds_come_with_doubling_pauses() -> None:
    assert rounds(Greetings(lambda: 0.0), 0.0) == pytest.approx([0.0, 0.2, 0.6, 1.4, 3.0])


@given(st.lists(st.floats(0, 1, exclude_max=True), min_size=len(PAUSES), max_size=len(PAUSES)))
def test_with_any_jitter_the_first_is_at_once_and_the_last_within_five_seconds(
    numbers: list[float],
) -> None:
    drawn = iter(numbers)
    times = rounds(Greetings(lambda: next(drawn)), 1000.0)
    assert (len(times), times[0]) == (5, 0.0)
    assert times[-1] < 5
    pauses = [later - earlier for earlier, later in itertools.pairwise(times)]
    for pause, least in zip(pauses, PAUSES, strict=True):
        assert least - 1e-6 <= pause <= least * (1 + STRETCH) + 1e-6


def test_a_vip_that_is_no_longer_held_is_greeted_for_no_more() -> None:
    greetings = Greetings(lambda: 0.0)
    greetings.start(A, 0.0)
    greetings.start(B, 0.0)
    assert greetings.due(0.0) == (A, B)
    greetings.stop(A)
    greetings.stop(A)
    assert greetings.due(10.0) == (B,)
    greetings.stop(B)
    assert (greetings.due(100.0), greetings.next_deadline()) == ((), None)


def test_a_late_call_makes_up_for_nothing() -> None:
    greetings = Greetings(lambda: 0.0)
    greetings.start(A, 0.0)
    assert greetings.due(50.0) == (A,)
    assert greetings.due(50.0) == ()
    assert greetings.next_deadline() == pytest.approx(50.2)


def test_a_new_start_begins_again_from_the_first_round() -> None:
    greetings = Greetings(lambda: 0.0)
    greetings.start(A, 0.0)
    assert greetings.due(0.0) == (A,)
    assert greetings.due(0.2) == (A,)
    assert rounds(greetings, 0.3) == pytest.approx([0.0, 0.2, 0.6, 1.4, 3.0])


def test_a_thousand_vips_of_both_families_can_be_due_at_once() -> None:
    greetings = Greetings(lambda: 0.0)
    addresses: list[Address] = [IPv4Address(number) for number in range(1, 501)]
    addresses += [IPv6Address(number) for number in range(1, 501)]
    for address in addresses:
        greetings.start(address, 0.0)
    assert greetings.due(0.0) == tuple(addresses)
    assert greetings.due(0.1) == ()


@given(
    st.lists(
        st.tuples(
            st.sampled_from(["start", "stop", "due"]), st.sampled_from([A, B]), st.floats(0, 3)
        )
    )
)
def test_whatever_happens_no_more_than_five_rounds_follow_a_start_and_none_a_stop(
    steps: list[tuple[str, Address, float]],
) -> None:
    greetings = Greetings(lambda: 0.5)
    left: dict[Address, int] = {A: 0, B: 0}
    now = 0.0
    for step, address, pause in steps:
        now += pause
        if step == "start":
            greetings.start(address, now)
            left[address] = 5
        elif step == "stop":
            greetings.stop(address)
            left[address] = 0
        else:
            due = greetings.due(now)
            assert len(set(due)) == len(due)
            for one in due:
                left[one] -= 1
        assert min(left.values()) >= 0
        assert (greetings.next_deadline() is None) == (max(left.values()) == 0)
