"""Two holders: the higher epoch keeps the address, the other yields at once."""

from __future__ import annotations

from speaker.leadership import Send, SetEntry, State
from speaker.leadership.hello import unpack_holdings
from tests.unit.leadership.talking import SIXTEEN, TEN, Other, Talk, everyone, holding, settled
from vipcast.model.reasons import Reason


def test_the_lower_epoch_yields_at_once_and_says_so() -> None:
    node2 = Other("node2")
    talk = holding(node2)
    node2.holds = {SIXTEEN: 2}
    effects = talk.says("node2")
    assert effects[0] == SetEntry(SIXTEEN, State.ELSEWHERE, 2, Reason.NOT_OWNER)
    talk.wait(0.03)
    assert not list(unpack_holdings(talk.said[-1].holdings))
    assert talk.changes()[-1] == ("node1", "node2", Reason.HIGHER_EPOCH)


def test_of_equal_counters_the_higher_name_keeps_the_address() -> None:
    node2, node0 = Other("node2"), Other("node0")
    talk = holding(node2)
    node2.holds = {SIXTEEN: 1}
    talk.says("node2")
    assert not talk.answers(SIXTEEN)
    talk = holding(node0)
    node0.holds = {SIXTEEN: 1}
    talk.says("node0")
    assert talk.answers(SIXTEEN)


def test_the_higher_epoch_keeps_the_address_says_so_at_once_and_greets_again() -> None:
    node0 = Other("node0")
    talk = holding(node0)
    talk.want(everyone(SIXTEEN, TEN))
    talk.until(round(talk.now, 1) + 0.03)
    node0.holds = {SIXTEEN: 1}
    talk.log.clear()
    contested = talk.now
    talk.says("node0")
    talk.wait(0.03)
    assert talk.answers(SIXTEEN)
    assert talk.greeted(SIXTEEN) == [contested]
    assert any(isinstance(effect, Send) for _, effect in talk.log)


def test_the_winner_greets_once_more_when_the_loser_has_fallen_silent() -> None:
    node0 = Other("node0")
    talk = holding(node0)
    node0.holds = {SIXTEEN: 1}
    talk.says("node0")
    talk.wait(0.1)
    talk.log.clear()
    node0.holds = {}
    talk.says("node0")
    assert talk.greeted(SIXTEEN) == [talk.now]


def test_the_holder_greets_again_when_a_node_comes_back_that_was_not_heard() -> None:
    node2 = Other("node2")
    talk = holding(node2)
    node2.present = False
    talk.wait(5.0)
    talk.log.clear()
    talk.says("node2")
    assert talk.greeted(SIXTEEN) == [talk.now]


def test_of_two_others_that_name_an_address_the_higher_epoch_is_the_holder() -> None:
    node2, node3 = Other("node2", {TEN: 5}), Other("node3", {TEN: 4})
    talk = settled(node2, node3)
    assert talk.view().vips[TEN].holder == "node2"
    node2.holds = {}
    talk.says("node2")
    assert talk.view().vips[TEN].holder == "node3"
    assert talk.entries[TEN] == (State.ELSEWHERE, 4)


def test_what_was_adopted_is_yielded_to_a_higher_epoch_while_learning() -> None:
    talk = Talk(Other("node2", {TEN: 8}))
    talk.adopt({TEN: 7}, {}, 9.0)
    talk.want(everyone(TEN))
    talk.tick()
    assert talk.answers(TEN)
    talk.until(101.0)
    assert talk.entries[TEN] == (State.ELSEWHERE, 8)


def test_what_was_adopted_is_defended_against_a_lower_epoch_while_learning() -> None:
    talk = Talk(Other("node2", {TEN: 6}))
    talk.adopt({TEN: 7}, {}, 9.0)
    talk.want(everyone(TEN))
    talk.until(101.0)
    assert talk.answers(TEN)
    assert dict(unpack_holdings(talk.said[-1].holdings)) == {TEN: 7}


def test_a_greeting_is_allowed_only_while_the_node_may_answer() -> None:
    node2 = Other("node2")
    talk = holding(node2)
    assert talk.core.may_greet(talk.now, SIXTEEN)
    assert not talk.core.may_greet(talk.lease, SIXTEEN)
    assert not talk.core.may_greet(talk.now, TEN)
    node2.holds = {SIXTEEN: 2}
    talk.says("node2")
    assert not talk.core.may_greet(talk.now, SIXTEEN)
