"""Who claims a free address, and when."""

from __future__ import annotations

import itertools

import pytest

from speaker.leadership import (
    Changed,
    Condition,
    Greet,
    RemoveEntry,
    Send,
    SetEntry,
    SetLease,
    State,
)
from speaker.leadership.hello import unpack_holdings
from tests.unit.leadership.talking import (
    SIXTEEN,
    SLACK,
    TEN,
    TURN,
    TWELVE,
    Other,
    Talk,
    everyone,
    settled,
    those,
)
from vipcast.model.addresses import Address
from vipcast.model.reasons import Reason


def test_a_node_alone_listens_for_1_3_seconds_and_then_answers() -> None:
    talk = Talk(wanted=everyone(TEN))
    talk.until(101.29)
    assert talk.entries == {TEN: (State.ELSEWHERE, 0)}
    assert talk.view().vips[TEN].reason is Reason.LEARNING
    talk.until(101.31)
    assert talk.answers(TEN)
    assert talk.changes() == [(None, "node1", Reason.FIRST_CLAIM)]
    assert talk.view().vips[TEN].reason is Reason.HOLDER


def test_the_claim_leaves_before_the_entry_answers_and_the_greeting_comes_last() -> None:
    talk = Talk(wanted=everyone(TEN))
    talk.until(101.29)
    talk.log.clear()
    talk.until(101.31)
    (learnt, claim, lease, entry, greeting, change) = [effect for _, effect in talk.log]
    assert learnt == Condition(Reason.LEARNING, begins=False)
    assert isinstance(claim, Send)
    assert dict(unpack_holdings(talk.said[-1].holdings)) == {TEN: 1}
    assert isinstance(lease, SetLease)
    assert entry == SetEntry(TEN, State.ANSWER, 1, Reason.HOLDER)
    assert greeting == Greet(TEN)
    assert change == Changed(TEN, None, "node1", Reason.FIRST_CLAIM, None)


def test_a_claim_is_said_twice_so_that_one_lost_datagram_makes_nobody_else_claim() -> None:
    talk = Talk(wanted=everyone(TEN))
    talk.until(101.31)
    assert [dict(unpack_holdings(hello.holdings)) for hello in talk.said[-3:]] == [
        {},
        {TEN: 1},
        {TEN: 1},
    ]
    talk.wait(1.0)
    sends = [effect for _, effect in talk.log if isinstance(effect, Send)]
    assert len(sends[-1].datagrams) == 1


def test_the_best_ranked_claims_at_once_and_each_further_one_waits_its_steps() -> None:
    for vip, steps in ((SIXTEEN, 0), (TEN, 1), (TWELVE, 2)):
        talk = Talk(Other("node2"), Other("node3"), wanted=everyone(vip))
        talk.wait(3.0)
        at = talk.answered_at(vip) - 101.3
        assert TURN[steps] - 1e-9 <= at <= TURN[steps] + SLACK, (vip, at)


def test_a_better_ranked_node_that_is_not_on_the_segment_is_not_waited_for() -> None:
    talk = Talk(wanted={TEN: those("node1", "node2", "a-node-elsewhere")})
    talk.until(101.3 + SLACK)
    assert talk.answers(TEN)


def test_an_address_that_is_wanted_later_is_claimed_at_once_by_the_best_ranked() -> None:
    for vip, steps in ((SIXTEEN, 0), (TEN, 1)):
        talk = settled(Other("node2"), vips=())
        talk.want(everyone(vip))
        began = talk.now
        talk.wait(1.5)
        assert talk.answered_at(vip) - began <= TURN[steps] + SLACK


def test_what_another_node_holds_when_it_becomes_wanted_is_left_to_it() -> None:
    talk = settled(Other("node2", {SIXTEEN: 4}), vips=())
    talk.want(everyone(SIXTEEN))
    talk.wait(5.0)
    assert talk.entries == {SIXTEEN: (State.ELSEWHERE, 4)}
    view = talk.view().vips[SIXTEEN]
    assert (view.holder, view.counter, view.reason) == ("node2", 4, Reason.NOT_OWNER)


def test_a_holder_that_falls_silent_is_followed_1_3_seconds_after_its_last_hello() -> None:
    node2 = Other("node2", {SIXTEEN: 4})
    talk = settled(node2, vips=(SIXTEEN,))
    node2.present = False
    last = max(talk.now - m.heard_ago for m in talk.view().members)
    talk.wait(2.0)
    assert 1.3 - 1e-9 <= talk.answered_at(SIXTEEN) - last <= 1.3 + SLACK
    assert talk.entries[SIXTEEN] == (State.ANSWER, 5)
    change = [e for _, e in talk.log if isinstance(e, Changed)][-1]
    assert (change.old, change.new, change.reason) == ("node2", "node1", Reason.HOLDER_LOST)
    assert change.took == pytest.approx(1.3, abs=SLACK)


def test_nobody_follows_a_holder_that_is_away_before_ten_seconds_are_over() -> None:
    node2 = Other("node2", {SIXTEEN: 4})
    talk = settled(node2, vips=(SIXTEEN,))
    node2.away = 10.0
    talk.says("node2")
    left = talk.now
    node2.present = False
    talk.until(left + 9.99)
    assert talk.entries[SIXTEEN] == (State.ELSEWHERE, 4)
    talk.until(left + 10.0 + SLACK)
    assert talk.answers(SIXTEEN)


def test_an_absence_is_believed_for_ten_seconds_at_most() -> None:
    node2 = Other("node2", {SIXTEEN: 4}, away=4000.0)
    talk = settled(node2, vips=(SIXTEEN,))
    node2.present = False
    talk.wait(10.1)
    assert talk.answers(SIXTEEN)


def test_a_node_that_is_away_is_not_waited_for() -> None:
    node2, node3 = Other("node2"), Other("node3", {TEN: 3})
    talk = settled(node2, node3)
    node2.away, node2.present = 10.0, False
    talk.says("node2")
    node3.holds = {}
    talk.says("node3")
    talk.wait(SLACK)
    assert talk.answers(TEN)


def test_a_holder_that_stops_naming_an_address_has_released_it() -> None:
    node2 = Other("node2", {SIXTEEN: 4})
    talk = settled(node2, vips=(SIXTEEN,))
    node2.holds = {}
    talk.says("node2")
    talk.wait(SLACK)
    assert talk.answers(SIXTEEN)
    assert talk.changes()[-1] == ("node2", "node1", Reason.HOLDER_RELEASED)


def test_a_holder_that_booted_anew_holds_nothing_more() -> None:
    node2 = Other("node2", {SIXTEEN: 4})
    talk = settled(node2, vips=(SIXTEEN,))
    node2.boot, node2.holds, node2.offset, node2.clock = 99, {}, -95.0, 0
    talk.says("node2")
    talk.wait(SLACK)
    assert talk.answers(SIXTEEN)
    assert talk.changes()[-1] == ("node2", "node1", Reason.HOLDER_REBOOTED)


def test_a_better_ranked_node_that_dies_in_its_turn_is_followed() -> None:
    node2, node3 = Other("node2"), Other("node3", {TEN: 3})
    talk = settled(node2, node3)
    node2.present = node3.present = False
    talk.wait(1.3 + 0.25 + SLACK)
    assert talk.answers(TEN)


def test_a_live_holder_keeps_its_address_whatever_its_rank() -> None:
    node3 = Other("node3", {SIXTEEN: 1})
    talk = settled(node3, vips=(SIXTEEN,))
    talk.wait(20.0)
    assert not any(isinstance(e, SetEntry) and e.state is State.ANSWER for _, e in talk.log)
    assert talk.view().vips[SIXTEEN].holder == "node3"


def test_a_node_that_is_no_candidate_any_more_releases_at_once() -> None:
    talk = settled(Other("node2"), vips=(SIXTEEN,))
    assert talk.answers(SIXTEEN)
    effects = talk.want({SIXTEEN: those("node2")})
    assert effects[0] == SetEntry(SIXTEEN, State.ELSEWHERE, 0, Reason.NOT_CANDIDATE)
    talk.wait(SLACK)
    assert not list(unpack_holdings(talk.said[-1].holdings))
    assert talk.view().vips[SIXTEEN].reason is Reason.NOT_CANDIDATE


def test_an_address_that_nobody_claims_and_we_may_not_is_passed_to_the_host_after_a_while() -> None:
    talk = settled(Other("node2"), vips=())
    talk.want({TEN: those("node2")})
    began = talk.now
    talk.until(began + 2.99)
    assert talk.entries == {TEN: (State.ELSEWHERE, 0)}
    talk.until(began + 3.01)
    assert talk.entries == {}
    assert talk.view().vips[TEN].holder is None


def test_an_address_passed_to_the_host_is_silent_again_when_somebody_holds_it() -> None:
    node2 = Other("node2")
    talk = settled(node2, vips=())
    talk.want({TEN: those("node2")})
    talk.wait(4.0)
    node2.holds = {TEN: 9}
    talk.says("node2")
    assert talk.entries == {TEN: (State.ELSEWHERE, 9)}


def test_a_node_that_becomes_candidate_claims_what_nobody_holds() -> None:
    talk = settled(Other("node2"), vips=())
    talk.want({TEN: those("node2")})
    talk.wait(4.0)
    talk.want(everyone(TEN))
    talk.wait(TURN[1] + SLACK)
    assert talk.answers(TEN)


def test_a_node_that_becomes_candidate_waits_its_steps_from_then_on() -> None:
    talk = settled(Other("node2"), Other("node3"), vips=())
    talk.want({TWELVE: those("a-node-elsewhere")})
    talk.wait(5.0)
    talk.want(everyone(TWELVE))
    began = talk.now
    talk.wait(1.5)
    assert TURN[2] - 1e-9 <= talk.answered_at(TWELVE) - began <= TURN[2] + SLACK


def test_an_address_that_is_not_wanted_any_more_is_removed_and_not_named_again() -> None:
    talk = settled(vips=(TEN, SIXTEEN))
    effects = talk.want(everyone(SIXTEEN))
    assert effects[0] == RemoveEntry(TEN, Reason.NOT_WANTED)
    talk.wait(SLACK)
    assert [vip for vip, _ in unpack_holdings(talk.said[-1].holdings)] == [SIXTEEN]
    assert TEN not in talk.view().vips


def test_a_claim_tops_every_counter_that_was_heard() -> None:
    node2 = Other("node2", {SIXTEEN: 41})
    talk = settled(node2, vips=(SIXTEEN,))
    node2.holds = {}
    talk.says("node2")
    talk.wait(SLACK)
    assert talk.entries[SIXTEEN] == (State.ANSWER, 42)


def test_the_highest_counter_of_all_is_not_exceeded() -> None:
    node2 = Other("node2", {SIXTEEN: 2**64 - 1})
    talk = settled(node2, vips=(SIXTEEN,))
    node2.holds = {}
    talk.says("node2")
    talk.wait(1.0)
    assert talk.entries[SIXTEEN] == (State.ANSWER, 2**64 - 1)


def test_a_thousand_addresses_are_claimed_in_one_hello_and_then_cost_nothing() -> None:
    vips: tuple[Address, ...] = tuple(SIXTEEN + 1 + i for i in range(1000))
    talk = Talk(wanted={vip: those("node1") for vip in vips})
    talk.until(101.4)
    assert all(talk.answers(vip) for vip in vips)
    answers = [time for time, effect in talk.log if isinstance(effect, SetEntry)][-1000:]
    assert len(set(answers)) == 1
    talk.log.clear()
    talk.wait(10.0)
    assert {type(effect) for _, effect in talk.log} == {Send, SetLease}
    assert sum(isinstance(effect, Send) for _, effect in talk.log) <= 51


def test_hellos_are_never_closer_than_their_spacing_however_much_changes() -> None:
    talk = settled(vips=())
    talk.log.clear()
    began = talk.now
    for number in range(100):
        talk.want(everyone(*(SIXTEEN + i for i in range(number))))
        talk.until(began + number * 0.002)
    times = [time for time, effect in talk.log if isinstance(effect, Send)]
    assert min(b - a for a, b in itertools.pairwise(times)) >= 0.02 - 1e-9
