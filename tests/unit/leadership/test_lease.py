"""The right to answer: pushed by hellos alone, lost by silence, without a key and beside a twin."""

from __future__ import annotations

from dataclasses import replace

import pytest

from speaker.leadership import (
    Condition,
    Greet,
    Identity,
    Port,
    Rejection,
    SegmentCore,
    Send,
    SetEntry,
    SetLease,
    State,
    agent_key,
    twins,
)
from speaker.leadership.hello import Hello, decode, unpack_holdings
from speaker.leadership.keys import Keys
from tests.unit.leadership.talking import (
    BOOT,
    KEY,
    SIXTEEN,
    TEN,
    TWELVE,
    Other,
    Talk,
    everyone,
    holding,
    settled,
    those,
)
from vipcast.model.reasons import Reason


def prepared(talk: Talk) -> Send:
    """A hello that the core has made and the shell has not sent yet."""
    talk.now = max(talk.now, talk.core.next_deadline() or 0.0)
    send = talk.core.tick(talk.now)[-1]
    assert isinstance(send, Send)
    return send


def test_a_hello_that_left_pushes_the_lease_by_0_8_seconds_from_its_sending() -> None:
    talk = holding()
    prepared(talk)
    assert talk.core.sent(talk.now + 0.06, talk.now + 0.05) == (SetLease(talk.now + 0.05 + 0.8),)


def test_hellos_that_do_not_leave_push_nothing_and_the_address_is_given_up() -> None:
    talk = holding()
    talk.sending = False
    end = talk.lease
    talk.log.clear()
    talk.until(end - 0.001)
    assert {type(effect) for _, effect in talk.log} == {Send}
    assert talk.lease == end
    talk.log.clear()
    talk.until(end)
    first, change, learning = (effect for _, effect in talk.log[:3])
    assert first == SetEntry(SIXTEEN, State.ELSEWHERE, 0, Reason.LEASE_OVER)
    assert talk.changes()[-1] == ("node1", None, Reason.LEASE_OVER)
    assert change != learning == Condition(Reason.LEARNING, begins=True)
    assert talk.view().lapses == 1
    talk.wait(20.0)
    assert not talk.answers(SIXTEEN)
    talk.sending = True
    began = talk.now
    talk.wait(3.0)
    assert talk.answered_at(SIXTEEN) >= began + 1.3


@pytest.mark.parametrize("call", ["tick", "receive", "want", "carrier", "leave", "key", "port"])
def test_after_a_freeze_the_first_effect_of_any_call_silences_what_was_held(call: str) -> None:
    talk = holding(Other("node2"))
    talk.now += 5.0
    now, core = talk.now, talk.core
    effects = {
        "tick": lambda: core.tick(now),
        "receive": lambda: core.receive(now, b""),
        "want": lambda: core.want(now, everyone(SIXTEEN)),
        "carrier": lambda: core.carrier(now, up=True),
        "leave": lambda: core.leave_for_restart(now),
        "key": lambda: core.set_key(now, KEY),
        "port": lambda: core.set_port(now, talk.port),
    }[call]()
    assert effects[0] == SetEntry(SIXTEEN, State.ELSEWHERE, 0, Reason.LEASE_OVER)
    assert not any(isinstance(effect, SetLease | Greet) for effect in effects)


def test_what_was_passed_to_the_host_is_silent_again_when_learning_begins_anew() -> None:
    talk = settled(Other("node2"), vips=())
    talk.want({TEN: those("node2")})
    talk.wait(4.0)
    assert talk.entries == {}
    talk.now += 5.0
    talk.tick()
    assert talk.entries == {TEN: (State.ELSEWHERE, 0)}


def test_a_hello_prepared_before_a_freeze_and_sent_after_it_pushes_nothing() -> None:
    talk = holding()
    prepared(talk)
    talk.now += 5.0
    effects = talk.do(talk.core.sent(talk.now, talk.now))
    assert effects[0] == SetEntry(SIXTEEN, State.ELSEWHERE, 0, Reason.LEASE_OVER)
    assert not any(isinstance(effect, SetLease) for effect in effects)
    talk.tick()
    assert not list(unpack_holdings(talk.said[-1].holdings))
    assert talk.lease > talk.now
    assert not talk.answers(SIXTEEN)


def test_a_claim_whose_hello_was_sent_too_late_never_answers() -> None:
    talk = settled(vips=())
    talk.core.want(talk.now, everyone(SIXTEEN))
    prepared(talk)
    talk.now += 5.0
    effects = talk.do(talk.core.sent(talk.now, talk.now))
    assert not any(isinstance(e, SetEntry) and e.state is State.ANSWER for e in effects)


def test_a_claim_that_was_held_up_is_said_again_before_it_is_answered_for() -> None:
    node2 = Other("node2", present=False)
    talk = settled(node2, vips=())
    talk.says("node2")
    talk.core.want(talk.now, everyone(SIXTEEN))
    prepared(talk)
    talk.now += 0.3
    late = talk.do(talk.core.sent(talk.now, talk.now - 0.2))
    assert late == (SetLease(talk.now - 0.2 + 0.8),)
    assert talk.tick() == ()
    talk.wait(0.02)
    assert talk.answers(SIXTEEN)


def test_a_claim_that_was_held_up_yields_to_a_higher_one_and_never_answers() -> None:
    node2 = Other("node2", present=False)
    talk = settled(node2, vips=())
    talk.says("node2")
    talk.core.want(talk.now, everyone(SIXTEEN))
    prepared(talk)
    talk.now += 0.3
    talk.do(talk.core.sent(talk.now, talk.now - 0.2))
    node2.holds = {SIXTEEN: 1}
    talk.says("node2")
    talk.wait(0.5)
    assert talk.entries[SIXTEEN] == (State.ELSEWHERE, 1)
    assert talk.greeted(SIXTEEN) == []


def test_a_pause_shorter_than_the_lease_changes_nothing() -> None:
    talk = holding(Other("node2"))
    talk.log.clear()
    talk.now = talk.lease - 0.001
    talk.tick()
    talk.wait(2.0)
    assert talk.answers(SIXTEEN)
    assert {type(effect) for _, effect in talk.log} == {Send, SetLease}


def test_an_agent_that_wakes_judges_nobody_before_it_has_read_what_arrived_meanwhile() -> None:
    node2 = Other("node2", {SIXTEEN: 4})
    talk = settled(node2, vips=(SIXTEEN,))
    node2.present = False
    talk.wait(0.6)
    missed = node2.hello(talk.now, talk.echo())
    talk.now += 0.75  # the lease still runs, node2 was heard 1.35 s ago
    talk.log.clear()
    talk.tick()
    talk.hear(missed[0])
    talk.wait(1.0)
    assert talk.changes() == []
    assert talk.view().vips[SIXTEEN].holder == "node2"


def test_an_agent_that_wakes_claims_nothing_before_it_has_heard_who_did_meanwhile() -> None:
    node2 = Other("node2", {TWELVE: 3})
    node3 = Other("node3")
    talk = settled(node2, node3, vips=(TWELVE,))
    node2.present = node3.present = False
    node2.holds = {}
    talk.says("node2")
    talk.now += 0.55  # our turn has come, and that of node3 came before
    assert not [e for e in talk.tick() if isinstance(e, Send) and len(e.datagrams) > 1]
    node3.holds = {TWELVE: 4}
    talk.says("node3")
    talk.wait(1.0)
    assert talk.greeted(TWELVE) == []
    assert talk.view().vips[TWELVE].holder == "node3"


def test_without_carrier_nothing_is_said_and_the_lease_runs_out() -> None:
    talk = holding()
    talk.do(talk.core.carrier(talk.now, up=False))
    talk.log.clear()
    talk.wait(20.0)
    assert not any(isinstance(effect, Send | SetLease) for _, effect in talk.log)
    assert talk.entries == {SIXTEEN: (State.ELSEWHERE, 0)}
    assert talk.view().vips[SIXTEEN].reason is Reason.LINK_DOWN
    talk.do(talk.core.carrier(talk.now, up=True))
    began = talk.now
    talk.wait(3.0)
    assert 1.3 - 1e-9 <= talk.answered_at(SIXTEEN) - began <= 1.33


def test_a_short_loss_of_carrier_changes_nothing_but_is_followed_by_a_greeting() -> None:
    talk = holding(Other("node2"))
    talk.do(talk.core.carrier(talk.now, up=False))
    talk.wait(0.3)
    talk.log.clear()
    talk.do(talk.core.carrier(talk.now, up=True))
    assert [effect for _, effect in talk.log] == [
        Condition(Reason.LINK_DOWN, begins=False),
        Greet(SIXTEEN),
    ]
    talk.wait(2.0)
    assert talk.answers(SIXTEEN)


def test_without_a_key_nothing_is_said_believed_or_claimed() -> None:
    talk = Talk(Other("node2"), key=None, wanted=everyone(SIXTEEN))
    talk.wait(20.0)
    assert talk.said == []
    assert talk.rejected() == {"no_key": 100}
    assert talk.entries == {}  # in doubt the host's own stack may answer
    assert talk.view().vips[SIXTEEN].reason is Reason.NO_KEY
    talk.do(talk.core.set_key(talk.now, KEY))
    assert talk.entries == {SIXTEEN: (State.ELSEWHERE, 0)}
    talk.wait(1.4)
    assert talk.answers(SIXTEEN)


def test_a_key_that_is_taken_away_lets_entries_end_with_their_lease() -> None:
    talk = holding()
    talk.do(talk.core.set_key(talk.now, None))
    end = talk.lease
    talk.until(end - 0.001)
    assert talk.answers(SIXTEEN)
    talk.until(end)
    assert talk.changes()[-1] == ("node1", None, Reason.NO_KEY)
    talk.until(end + 3.0)
    assert talk.entries == {}


def test_while_keys_change_nobody_is_lost_whoever_changes_first() -> None:
    new = agent_key(b"a new secret")
    node2 = Other("node2", {TEN: 3})
    talk = settled(node2, vips=(SIXTEEN, TEN))
    talk.do(talk.core.set_key(talk.now, new))
    talk.wait(3.0)
    node2.keys = Keys(new, KEY)
    talk.wait(3.0)
    node2.keys = Keys(new)
    talk.wait(3.0)
    assert talk.view().vips[TEN].holder == "node2"
    assert talk.rejected() == {}
    send = prepared(talk)
    assert isinstance(decode(send.datagrams[0], Keys(new)), Hello)
    assert isinstance(decode(send.datagrams[0], Keys(KEY)), Hello)


def test_a_minute_after_a_change_the_key_before_is_worth_nothing() -> None:
    new = agent_key(b"a new secret")
    node2 = Other("node2")
    talk = settled(node2)
    talk.do(talk.core.set_key(talk.now, new))
    node2.keys = Keys(new)
    talk.wait(60.0)
    node2.keys = Keys(KEY)
    talk.says("node2")
    assert talk.rejected() == {"tag": 1}
    assert decode(prepared(talk).datagrams[0], Keys(KEY)) is Rejection.TAG


def test_another_mac_is_written_and_greeted_at_once() -> None:
    talk = holding()
    mac = bytes.fromhex("02aabbccddee")
    effects = talk.do(talk.core.set_port(talk.now, replace(talk.port, mac=mac, address=None)))
    assert effects == (SetEntry(SIXTEEN, State.ANSWER, 1, Reason.HOLDER), Greet(SIXTEEN))
    talk.wait(0.03)
    assert talk.said[-1].mac == mac
    assert talk.said[-1].address is None


def test_of_two_interfaces_on_one_segment_the_one_of_higher_ifindex_stands_down() -> None:
    twin = SegmentCore(Identity("node1", BOOT, 1), Port(2, "lan0", bytes(6), None), KEY)
    talk = settled(vips=(SIXTEEN,), link=9)
    (send,) = [e for e in twin.tick(talk.now) if isinstance(e, Send)]
    effects = talk.hear(send.datagrams[0])
    assert effects[0] == SetEntry(SIXTEEN, State.ELSEWHERE, 0, Reason.SAME_SEGMENT)
    assert talk.view().vips[SIXTEEN].reason is Reason.SAME_SEGMENT
    talk.log.clear()
    talk.wait(1.29)
    assert talk.log == []
    began = talk.now
    talk.wait(1.4)
    assert talk.answered_at(SIXTEEN) >= began + 1.3
    assert (Reason.SAME_SEGMENT, False) in talk.conditions()


def test_the_interface_of_lower_ifindex_goes_on() -> None:
    twin = SegmentCore(Identity("node1", BOOT, 1), Port(9, "lan1", bytes(6), None), KEY)
    talk = settled(vips=(SIXTEEN,), link=2)
    (send,) = [e for e in twin.tick(talk.now) if isinstance(e, Send)]
    assert talk.hear(send.datagrams[0]) == ()
    assert talk.rejected() == {"own": 1}
    assert talk.answers(SIXTEEN)


def test_interfaces_that_hear_the_same_link_of_a_node_are_on_one_segment() -> None:
    low, high = settled(Other("node2"), link=2), settled(Other("node2"), link=9)
    elsewhere = settled(Other("node2", link=77), link=12)
    assert twins([high.core, elsewhere.core, low.core]) == (high.core,)
    high.do(high.core.twin_heard(high.now))
    assert high.view().conditions == {Reason.SAME_SEGMENT, Reason.LEARNING}


def test_a_freeze_of_a_second_core_is_its_own_affair() -> None:
    """Two segments share nothing: each has its own holder and its own lease."""
    first, second = holding(), settled(vips=(SIXTEEN,), link=3)
    second.now += 2.0
    second.tick()
    first.wait(2.0)
    assert first.answers(SIXTEEN)
    assert not second.answers(SIXTEEN)
