"""The order of changes, and keys and entries as bytes."""

from __future__ import annotations

from ipaddress import IPv4Address, IPv6Address

from hypothesis import given
from hypothesis import strategies as st

from speaker.layer2.packing import pack_entry, pack_key, unpack_entry, unpack_key
from speaker.layer2.table import Change, Entry, EntryKey, EntryState, Put, Remove, in_order

MAC = bytes.fromhex("0200c0000201")
A, B, C = (EntryKey(2, IPv4Address(f"192.0.2.{number}")) for number in (1, 2, 3))
A_ELSEWHERE = EntryKey(3, A.address)


def entry(state: EntryState) -> Entry:
    return Entry(state, slot=1, term=1, epoch=1, counter=1, mac=MAC)


ANSWER, ELSEWHERE, LEAVING = (
    entry(state) for state in (EntryState.ANSWER, EntryState.ELSEWHERE, EntryState.LEAVING)
)


def test_what_goes_makes_room_and_what_falls_silent_comes_before_what_answers() -> None:
    assert in_order([Put(C, ANSWER), Put(B, ELSEWHERE), Put(A, ANSWER), Remove(A_ELSEWHERE)]) == (
        Remove(A_ELSEWHERE),
        Put(B, ELSEWHERE),
        Put(A, ANSWER),
        Put(C, ANSWER),
    )


def test_of_two_changes_to_one_key_the_last_one_counts() -> None:
    assert in_order([Put(A, ANSWER), Put(A, ELSEWHERE)]) == (Put(A, ELSEWHERE),)
    assert in_order([Put(A, ELSEWHERE), Remove(B), Put(A, ANSWER)]) == (Remove(B), Put(A, ANSWER))
    assert in_order([]) == ()


changes = st.lists(
    st.one_of(
        st.builds(Remove, st.sampled_from([A, B, C, A_ELSEWHERE])),
        st.builds(
            Put,
            st.sampled_from([A, B, C, A_ELSEWHERE]),
            st.sampled_from([ANSWER, ELSEWHERE, LEAVING]),
        ),
    )
)


@given(changes, st.sets(st.sampled_from([A, B, C, A_ELSEWHERE])))
def test_at_no_moment_does_a_key_answer_that_did_not_before_and_will_not_after(
    wanted: list[Change], answering: set[EntryKey]
) -> None:
    before, now = frozenset(answering), set(answering)
    apply(wanted, after := set(answering))
    for change in in_order(wanted):
        apply([change], now)
        assert now <= before | after
    assert now == after


def apply(items: list[Change], answering: set[EntryKey]) -> None:
    for item in items:
        answering.discard(item.key)
        if isinstance(item, Put) and item.entry.state is EntryState.ANSWER:
            answering.add(item.key)


numbers = st.integers(0, 2**32 - 1)
long_numbers = st.integers(0, 2**64 - 1)
addresses = st.one_of(numbers.map(IPv4Address), st.integers(0, 2**128 - 1).map(IPv6Address))


@given(st.builds(EntryKey, numbers, addresses))
def test_a_key_comes_back_from_its_bytes(key: EntryKey) -> None:
    data = pack_key(key)
    assert (len(data), unpack_key(data)) == (24, key)


@given(
    st.builds(
        Entry,
        st.sampled_from(EntryState),
        numbers,
        long_numbers,
        long_numbers,
        numbers,
        st.binary(min_size=6, max_size=6),
    )
)
def test_an_entry_comes_back_from_its_bytes(one: Entry) -> None:
    data = pack_entry(one)
    assert (len(data), unpack_entry(data)) == (40, one)
