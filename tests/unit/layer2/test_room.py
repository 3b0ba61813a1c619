"""Places in the responder's map: who has one keeps it, newcomers get what is left."""

from __future__ import annotations

from ipaddress import IPv4Address

from hypothesis import given
from hypothesis import strategies as st

from bpf.abi import ENTRIES
from speaker.layer2.room import RESERVE, Room
from speaker.layer2.table import EntryKey

A, B, C, D = (IPv4Address(f"192.0.2.{number}") for number in (1, 2, 3, 4))


def test_the_map_is_used_up_to_a_reserve() -> None:
    assert Room().size == ENTRIES - RESERVE
    many = [A + number for number in range(ENTRIES)]
    assert Room().admit(2, many) == frozenset(many[: ENTRIES - RESERVE])


def test_newcomers_get_places_in_their_order_until_there_is_none_left() -> None:
    room = Room(size=3)
    assert room.admit(2, [B, A]) == {A, B}
    assert room.admit(2, [D, C, B, A]) == {A, B, D}
    assert room.admit(2, [C, D, A, B]) == {A, B, D}


def test_a_place_that_is_given_up_is_free_for_the_next() -> None:
    room = Room(size=2)
    room.admit(2, [A, B])
    assert room.admit(2, [B, C]) == {B, C}
    assert room.free == 0
    assert room.admit(2, [C]) == {C}
    assert room.free == 1
    assert room.admit(2, [C, D]) == {C, D}


def test_all_interfaces_share_the_map() -> None:
    room = Room(size=3)
    assert room.admit(2, [A, B]) == {A, B}
    assert room.admit(3, [A, B]) == {A}
    room.release(2)
    assert room.admit(3, [A, B]) == {A, B}


def test_what_stands_in_the_map_has_its_place() -> None:
    room = Room([EntryKey(2, C), EntryKey(3, A)], size=3)
    assert room.interfaces == {2, 3}
    assert room.admit(2, [A, B, C]) == {A, C}
    assert not room.admit(3, [])
    assert room.interfaces == {2}


wishes = st.lists(
    st.tuples(st.integers(2, 4), st.lists(st.sampled_from([A, B, C, D]), unique=True))
)


@given(wishes, st.integers(0, 8))
def test_never_more_than_fit_and_nobody_loses_a_place_that_is_wanted(
    history: list[tuple[int, list[IPv4Address]]], size: int
) -> None:
    room = Room(size=size)
    placed: dict[int, frozenset[object]] = {}
    for ifindex, wanted in history:
        before = placed.get(ifindex, frozenset())
        placed[ifindex] = frozenset(room.admit(ifindex, wanted))
        assert before.intersection(wanted) <= placed[ifindex] <= frozenset(wanted)
        assert sum(map(len, placed.values())) <= size
