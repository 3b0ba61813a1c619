"""Planned restarts: announced, adopted, and left alone by the others."""

from __future__ import annotations

import pytest

from speaker.leadership import RemoveEntry, Send, SetEntry, SetLease, State
from speaker.leadership.hello import unpack_holdings
from tests.unit.leadership.talking import SIXTEEN, TEN, Other, Talk, everyone, holding, settled
from vipcast.model.reasons import Reason


def test_a_planned_restart_is_announced_three_times_over_and_then_nothing_is_due() -> None:
    talk = holding(Other("node2"))
    talk.said.clear()
    send, lease = talk.do(talk.core.leave_for_restart(talk.now))
    assert isinstance(send, Send)
    assert lease == SetLease(talk.now + 9.5)
    assert [(hello.away_ms, dict(unpack_holdings(hello.holdings))) for hello in talk.said] == [
        (10_000, {SIXTEEN: 1})
    ] * 3
    assert len({hello.clock for hello in talk.said}) == 3
    assert talk.core.next_deadline() is None
    assert talk.tick() == ()
    assert talk.says("node2") == ()


def test_the_clocks_of_an_announcement_in_slices_strictly_increase() -> None:
    vips = tuple(SIXTEEN + 1 + number for number in range(200))
    talk = settled(vips=vips)
    talk.said.clear()
    talk.do(talk.core.leave_for_restart(talk.now))
    clocks = [hello.clock for hello in talk.said]
    assert len(clocks) == 3 * 3
    assert clocks == sorted(set(clocks))


def test_who_has_no_right_to_answer_announces_no_absence() -> None:
    talk = Talk(wanted=everyone(SIXTEEN))
    assert talk.do(talk.core.leave_for_restart(talk.now)) == ()


def test_an_announcement_that_was_frozen_on_its_way_pushes_nothing() -> None:
    talk = holding()
    talk.core.leave_for_restart(talk.now)
    effects = talk.core.sent(talk.now + 3.0, talk.now + 3.0)
    assert effects[0] == SetEntry(SIXTEEN, State.ELSEWHERE, 0, Reason.LEASE_OVER)
    assert not any(isinstance(effect, SetLease) for effect in effects)


def test_the_next_agent_adopts_what_answers_and_goes_on_at_once_while_it_learns() -> None:
    talk = Talk(Other("node2"))
    adopted = talk.adopt({SIXTEEN: 6}, {TEN: 2}, 8.0)
    assert adopted[:2] == (
        SetLease(talk.now + 0.8),
        SetEntry(SIXTEEN, State.ANSWER, 6, Reason.ADOPTED),
    )
    talk.want(everyone(SIXTEEN, TEN))
    talk.tick()
    assert talk.said[0].away_ms == 0
    assert talk.said[0].learning
    assert dict(unpack_holdings(talk.said[0].holdings)) == {SIXTEEN: 6}
    for _ in range(100):
        talk.wait(0.1)
        assert talk.answers(SIXTEEN)
    assert talk.entries[SIXTEEN] == (State.ANSWER, 6)


def test_what_was_adopted_is_greeted_when_learning_ends() -> None:
    """While it learns a node cannot tell whether others told clients something else meanwhile."""
    talk = Talk(Other("node2"))
    talk.adopt({SIXTEEN: 6}, {}, 8.0)
    talk.want(everyone(SIXTEEN))
    talk.until(101.29)
    assert talk.greeted(SIXTEEN) == []
    talk.until(101.31)
    assert talk.greeted(SIXTEEN) == [pytest.approx(101.3)]


def test_what_is_found_under_a_lease_that_is_over_is_silenced_before_a_lease_runs_again() -> None:
    talk = Talk()
    effects = talk.adopt({SIXTEEN: 6}, {}, 0.0)
    assert effects == (SetEntry(SIXTEEN, State.ELSEWHERE, 0, Reason.LEASE_OVER),)
    talk.want(everyone(SIXTEEN))
    talk.wait(2.0)
    assert talk.entries[SIXTEEN] == (State.ANSWER, 7)


def test_what_was_adopted_is_kept_as_it_is_until_the_wish_is_known() -> None:
    talk = Talk()
    talk.adopt({SIXTEEN: 6}, {TEN: 2}, 8.0)
    talk.wait(20.0)
    assert talk.answers(SIXTEEN)
    assert talk.entries == {SIXTEEN: (State.ANSWER, 6), TEN: (State.ELSEWHERE, 2)}


def test_what_was_adopted_and_is_not_wanted_is_removed() -> None:
    talk = Talk()
    talk.adopt({SIXTEEN: 6}, {TEN: 2}, 8.0)
    assert talk.want({})[:2] == (
        RemoveEntry(TEN, Reason.NOT_WANTED),
        RemoveEntry(SIXTEEN, Reason.NOT_WANTED),
    )
    assert talk.entries == {}


def test_what_another_held_is_left_to_it_while_our_own_absence_would_have_lasted() -> None:
    talk = Talk()
    talk.adopt({}, {SIXTEEN: 6}, 5.0)
    talk.want(everyone(SIXTEEN))
    talk.until(104.99)
    assert talk.entries == {SIXTEEN: (State.ELSEWHERE, 6)}
    talk.until(105.03)
    assert talk.answers(SIXTEEN)


def test_an_address_found_without_a_holder_is_claimed_after_learning() -> None:
    talk = Talk()
    talk.adopt({}, {SIXTEEN: 0}, 5.0)
    talk.want(everyone(SIXTEEN))
    talk.until(101.33)
    assert talk.answers(SIXTEEN)


def test_once_the_holder_was_heard_after_a_restart_its_loss_is_a_loss_as_any_other() -> None:
    node2 = Other("node2", {SIXTEEN: 6})
    talk = Talk(node2)
    talk.adopt({}, {SIXTEEN: 6}, 9.0)
    talk.want(everyone(SIXTEEN))
    talk.wait(2.0)
    node2.present = False
    talk.wait(1.4)
    assert talk.answers(SIXTEEN)
