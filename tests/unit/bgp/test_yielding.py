"""The routes of a cordoned node, one by one: told on, handed over, left to others."""

from __future__ import annotations

from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from speaker.bgp.routes import Rules, Standing
from speaker.bgp.yielding import HANDED, LATER, NEEDED, Stage, Yielding, staged
from tests.unit.bgp.making import NODE, SOME, VIP, WEB, config, service
from vipcast.model.objects import Key
from vipcast.model.reasons import Reason, sentence

WAIT = 10.0
ROUTE, OTHER = (WEB, VIP), (Key("default", "mail"), "192.0.2.241")
SOONER, LATER_ON = 100.0, 103.0


def look(
    one: Yielding,
    now: float,
    *,
    told: bool = True,
    others: bool = True,
    route: tuple[Key, str] = ROUTE,
) -> Stage:
    return one.look(route, told=told, others=others, now=now)


def test_a_route_that_nobody_else_can_tell_is_told_for_as_long_as_that_is_so() -> None:
    one = Yielding(WAIT)
    for told in (True, False):
        assert look(one, 0.0, told=told, others=False) is Stage.NEEDED
        assert look(one, 1e6, told=told, others=False) is Stage.NEEDED
    assert one.deadline is None


def test_a_route_that_others_can_tell_is_handed_over_and_left_when_the_wait_is_over() -> None:
    one = Yielding(WAIT)
    assert look(one, 100.0) is Stage.HANDED
    assert (one.deadline, ROUTE in one) == (110.0, True)
    assert look(one, 109.9) is Stage.HANDED
    assert (one.due(109.9), one.due(110.0)) == (frozenset(), frozenset({WEB}))
    assert look(one, 110.0) is Stage.LEFT
    assert (one.deadline, ROUTE in one) == (None, False)
    assert look(one, 111.0, told=False) is Stage.LEFT


def test_a_route_that_was_not_told_is_left_to_others_at_once() -> None:
    one = Yielding(WAIT)
    assert look(one, 0.0, told=False) is Stage.LEFT
    assert one.deadline is None


def test_the_wait_begins_anew_where_the_other_was_gone_meanwhile() -> None:
    one = Yielding(WAIT)
    look(one, 100.0)
    assert look(one, 105.0, others=False) is Stage.NEEDED
    assert one.deadline is None
    assert look(one, 108.0) is Stage.HANDED
    assert one.deadline == 118.0


def test_the_first_wait_that_is_over_is_the_deadline_and_routes_that_are_gone_have_none() -> None:
    one = Yielding(WAIT)
    look(one, SOONER)
    look(one, LATER_ON, route=OTHER)
    assert one.deadline == SOONER + WAIT
    one.drop([ROUTE, ROUTE])
    assert (one.deadline, one.due(SOONER + WAIT)) == (LATER_ON + WAIT, frozenset())
    one.clear()
    assert one.deadline is None


def test_each_stage_says_why() -> None:
    rules = Rules(config(), NODE, Standing.YIELDS)
    (answer,) = rules.decide(service(), SOME).answers
    needed, handed, left = (staged(answer, each) for each in Stage)
    assert (needed.offers, needed.reason, needed.message) == (
        answer.offers,
        Reason.ADVERTISED,
        NEEDED,
    )
    assert (handed.offers, handed.message) == (answer.offers, HANDED)
    assert (left.offers, left.reason, left.message, left.pool) == (
        (),
        Reason.NODE_CORDONED,
        sentence(Reason.NODE_CORDONED),
        "lan",
    )
    assert {NEEDED, HANDED} == LATER


STEPS = st.lists(
    st.tuples(st.sampled_from(["first", "second", "third"]), st.booleans(), st.floats(0.0, 12.0))
)


@given(STEPS)
def test_waits_end_in_their_order_and_none_is_kept_that_is_over(
    steps: list[tuple[str, bool, float]],
) -> None:
    one, now, told = Yielding(WAIT), 0.0, dict.fromkeys(["first", "second", "third"], True)
    for name, others, passed in steps:
        now += passed
        for key in one.due(now):
            told[key.name] = look(one, now, told=told[key.name], route=(key, VIP)) is not Stage.LEFT
        route = (Key("", name), VIP)
        stage = look(one, now, told=told[name], others=others, route=route)
        told[name] = stage is not Stage.LEFT
        assert (stage is Stage.NEEDED) is not others
        assert (route in one) is (stage is Stage.HANDED)
        untils = list(one._until.values())
        assert all(first <= second for first, second in pairwise(untils))
        assert one.deadline is None or now < one.deadline <= now + WAIT
