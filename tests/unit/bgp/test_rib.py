"""What one peer is told: whatever happens, its router has the table that is wanted."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from ipaddress import IPv4Address, IPv6Address, ip_address

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from speaker.bgp import encode
from speaker.bgp.messages import IPV4_UNICAST, IPV6_UNICAST, AfiSafi, Attributes
from speaker.bgp.prefixes import Record, network, record
from speaker.bgp.rib import (
    AdjRibOut,
    Announce,
    BeginRefresh,
    EndOfRib,
    EndRefresh,
    Withdraw,
)
from speaker.bgp.updates import Updates
from tests.unit.bgp.router import BOTH, Router

HOP = IPv4Address("192.0.2.1")
HOP6 = IPv6Address("2001:db8::1")


def prefix(number: int, length: int = 32) -> Record:
    return record(ip_address(f"198.51.100.{number}"), length)


def prefix6(number: int) -> Record:
    return record(ip_address(f"2001:db8:1::{number:x}"), 128)


PLAIN = Attributes((64512,), HOP)
MARKED = replace(PLAIN, communities=(64512 << 16 | 7,))
PLAIN6 = Attributes((64512,), HOP6)
ONE, TWO, THREE = (prefix(number) for number in (1, 2, 3))
END = EndOfRib(IPV4_UNICAST)


def told(*prefixes: Record, attributes: Attributes = PLAIN) -> AdjRibOut:
    """A session that has told these, and that these are all."""
    rib = AdjRibOut((IPV4_UNICAST,), enhanced=True)
    rib.want(dict.fromkeys(prefixes, attributes))
    rib.flush()
    return rib


def new(*prefixes: Record, attributes: Attributes = PLAIN) -> Announce:
    return Announce(IPV4_UNICAST, attributes, prefixes)


def gone(*prefixes: Record) -> Withdraw:
    return Withdraw(IPV4_UNICAST, prefixes)


def test_a_session_that_comes_up_is_told_all_routes_and_that_these_are_all() -> None:
    rib = AdjRibOut(BOTH)
    rib.want({ONE: PLAIN, prefix6(1): PLAIN6, TWO: MARKED, THREE: replace(PLAIN)})
    assert (rib.announced, rib.pending, rib.due) == (0, 4, True)
    assert rib.flush() == (
        new(ONE, THREE),
        new(TWO, attributes=MARKED),
        END,
        Announce(IPV6_UNICAST, PLAIN6, (prefix6(1),)),
        EndOfRib(IPV6_UNICAST),
    )
    assert (rib.announced, rib.pending, rib.due) == (4, 0, False)
    assert rib.flush() == ()


def test_a_table_without_routes_has_an_end_too() -> None:
    rib = AdjRibOut(BOTH)
    assert rib.due
    assert rib.flush() == (END, EndOfRib(IPV6_UNICAST))


def test_a_change_is_told_alone_and_a_withdrawal_before_all_else() -> None:
    rib = told(ONE, TWO)
    rib.want({THREE: PLAIN, TWO: MARKED, ONE: None})
    assert (rib.announced, rib.pending) == (2, 3)
    assert rib.flush() == (gone(ONE), new(THREE), new(TWO, attributes=MARKED))
    assert (rib.announced, rib.pending) == (2, 0)


def test_withdrawals_of_every_family_come_before_announcements_of_any() -> None:
    rib = AdjRibOut(BOTH)
    rib.want({prefix6(1): PLAIN6})
    rib.flush()
    rib.want({ONE: PLAIN, prefix6(1): None})
    assert rib.flush() == (Withdraw(IPV6_UNICAST, (prefix6(1),)), new(ONE))


@pytest.mark.parametrize(
    ("changes", "steps"),
    [
        (({ONE: None}, {ONE: PLAIN}), ()),
        (({ONE: MARKED}, {ONE: PLAIN}), ()),
        (({ONE: None}, {ONE: MARKED}), (new(ONE, attributes=MARKED),)),
        (({ONE: MARKED}, {ONE: None}), (gone(ONE),)),
        (({TWO: PLAIN}, {TWO: None}), ()),
        (({TWO: PLAIN}, {TWO: MARKED}), (new(TWO, attributes=MARKED),)),
        (({TWO: None},), ()),
        (({ONE: replace(PLAIN)},), ()),
    ],
)
def test_of_a_route_that_flaps_nothing_is_told_but_how_it_ends(
    changes: tuple[dict[Record, Attributes | None], ...], steps: tuple[object, ...]
) -> None:
    rib = told(ONE)
    for each in changes:
        rib.want(each)
    assert rib.due == bool(steps)
    assert rib.flush() == steps


def test_a_router_that_asks_again_hears_all_between_two_markers() -> None:
    rib = told(ONE, TWO)
    rib.resync(IPV4_UNICAST)
    assert rib.due
    assert rib.flush() == (BeginRefresh(IPV4_UNICAST), new(ONE, TWO), EndRefresh(IPV4_UNICAST))
    assert not rib.due


def test_a_router_that_knows_no_markers_hears_all_without_them() -> None:
    rib = AdjRibOut((IPV4_UNICAST,))
    rib.want({ONE: PLAIN})
    rib.flush()
    rib.resync()
    assert rib.flush() == (new(ONE),)


def test_a_refresh_of_a_family_that_is_not_spoken_is_passed_over() -> None:
    rib = told(ONE)
    rib.resync(IPV6_UNICAST)
    assert (rib.due, rib.flush()) == (False, ())


def test_a_refresh_that_is_asked_for_early_begins_after_the_end_of_the_first_table() -> None:
    rib = AdjRibOut((IPV4_UNICAST,), enhanced=True)
    rib.want({ONE: PLAIN})
    rib.resync()
    assert rib.flush() == (
        new(ONE),
        END,
        BeginRefresh(IPV4_UNICAST),
        new(ONE),
        EndRefresh(IPV4_UNICAST),
    )


def test_what_changes_with_a_refresh_is_told_within_it_once() -> None:
    rib = told(ONE, TWO, THREE)
    rib.want({ONE: None, TWO: MARKED})
    rib.resync()
    assert rib.pending == 2
    assert rib.flush() == (
        gone(ONE),
        BeginRefresh(IPV4_UNICAST),
        new(THREE),
        new(TWO, attributes=MARKED),
        EndRefresh(IPV4_UNICAST),
    )


def test_a_withdrawal_overtakes_the_announcements_that_are_left_for_later() -> None:
    rib = told(ONE)
    rib.want({prefix(number): PLAIN for number in range(10, 15)})
    assert rib.flush(most=2) == (new(prefix(10), prefix(11)),)
    rib.want({ONE: None, prefix(10): None})
    assert rib.flush(most=2) == (gone(ONE, prefix(10)), new(prefix(12), prefix(13)))
    assert rib.flush(most=2) == (new(prefix(14)),)
    assert not rib.due


def test_all_is_withdrawn_by_naming_what_was_told_and_what_was_to_be() -> None:
    rib = told(ONE, TWO)
    rib.want({THREE: PLAIN, TWO: None})
    named = rib.prefixes
    assert named == (ONE, TWO, THREE)
    rib.want(dict.fromkeys(named))
    assert rib.flush() == (gone(TWO, ONE),)
    assert (rib.prefixes, rib.announced, rib.due) == ((), 0, False)


def test_the_first_table_has_its_end_where_its_last_part_is_told() -> None:
    rib = AdjRibOut(BOTH)
    rib.want({ONE: PLAIN, TWO: PLAIN, prefix6(1): PLAIN6})
    assert rib.flush(most=1) == (new(ONE), EndOfRib(IPV6_UNICAST))[:1]
    assert rib.flush(most=1) == (new(TWO), END)
    assert rib.flush(most=1) == (
        Announce(IPV6_UNICAST, PLAIN6, (prefix6(1),)),
        EndOfRib(IPV6_UNICAST),
    )


def test_a_refresh_in_parts_ends_with_its_last_part_and_a_second_one_waits_for_that() -> None:
    rib = told(ONE, TWO)
    rib.resync()
    assert rib.flush(most=1) == (BeginRefresh(IPV4_UNICAST), new(ONE))
    assert rib.pending == 1
    rib.resync()
    assert rib.flush(most=1) == (new(TWO), EndRefresh(IPV4_UNICAST))
    assert rib.flush() == (BeginRefresh(IPV4_UNICAST), new(ONE, TWO), EndRefresh(IPV4_UNICAST))


@pytest.mark.parametrize("change", [None, MARKED])
def test_a_route_that_changes_while_a_refresh_goes_on_is_not_told_as_it_was(
    change: Attributes | None,
) -> None:
    rib = told(ONE, TWO)
    rib.resync()
    rib.flush(most=1)
    rib.want({TWO: change})
    last = gone(TWO) if change is None else new(TWO, attributes=change)
    assert rib.flush() == (last, EndRefresh(IPV4_UNICAST))
    assert rib.announced == (1 if change is None else 2)


def test_routes_of_a_family_that_is_not_spoken_are_an_error_and_change_nothing() -> None:
    rib = AdjRibOut((IPV4_UNICAST,))
    with pytest.raises(ValueError, match="does not speak"):
        rib.want({ONE: PLAIN, prefix6(1): PLAIN6})
    assert rib.flush() == (END,)


RECORDS = (*(prefix(number) for number in range(3)), *(prefix6(number) for number in range(2)))
CHOICES = {
    5: (None, PLAIN, MARKED, replace(PLAIN, as_path=(4200000001,))),
    17: (None, PLAIN6, replace(PLAIN6, local_pref=None, large_communities=((1, 2, 3),))),
}

changes = st.lists(st.sampled_from(RECORDS), unique=True).flatmap(
    lambda chosen: st.fixed_dictionaries(
        {each: st.sampled_from(CHOICES[len(each)]) for each in chosen}
    )
)
events = st.lists(
    st.one_of(
        st.tuples(st.just("want"), changes),
        st.tuples(st.just("flush"), st.sampled_from([1, 2, None, 0])),
        st.tuples(st.just("refresh"), st.sampled_from([None, IPV4_UNICAST, IPV6_UNICAST])),
        st.tuples(st.just("lose"), st.none()),
    ),
    max_size=30,
)


@dataclass
class World:
    """A speaker, a router, and what the first wants the second to have."""

    enhanced: bool
    wanted: dict[Record, Attributes | None] = field(default_factory=dict)
    updates: Updates = field(default_factory=lambda: Updates(encode))

    def __post_init__(self) -> None:
        self.lose(None)
        self.want({each: CHOICES[len(each)][1] for each in RECORDS})
        self.flush(None)

    def lose(self, _: None) -> None:
        """The session ends, another one comes up."""
        self.rib, self.router = AdjRibOut(BOTH, enhanced=self.enhanced), Router()
        self.rib.want(self.wanted)

    def want(self, changes: dict[Record, Attributes | None]) -> None:
        self.wanted |= changes
        self.rib.want(changes)

    def refresh(self, family: AfiSafi | None) -> None:
        for each in () if self.enhanced else BOTH if family is None else (family,):
            self.router.ask(each)
        self.rib.resync(family)

    def flush(self, most: int | None) -> None:
        self.router.receive(self.updates.encode(self.rib.flush(most), four_octet=True))
        assert self.rib.announced == len(self.router.table)

    def expected(self) -> dict[object, Attributes]:
        return {network(each): route for each, route in self.wanted.items() if route is not None}


@given(events, st.booleans())
@settings(max_examples=200)
def test_whatever_happens_the_router_ends_with_what_is_wanted_and_hears_nothing_in_vain(
    schedule: list[tuple[str, object]], enhanced: bool
) -> None:
    world = World(enhanced=enhanced)
    for name, argument in schedule:
        getattr(world, name)(argument)
    while world.rib.due:
        world.flush(2)
    assert world.router.table == world.expected()
    assert sorted(world.router.complete) == list(BOTH)
    assert not world.router.stale
    assert (world.rib.pending, world.rib.flush()) == (0, ())
