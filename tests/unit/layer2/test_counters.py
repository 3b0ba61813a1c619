"""Indexes of counters: each VIP its own, kept while it has an entry, over restarts too."""

from __future__ import annotations

from ipaddress import IPv4Address

from hypothesis import given
from hypothesis import strategies as st

from bpf.abi import COUNTER_OTHER
from speaker.layer2.counters import CounterIndexes

A, B, C = (IPv4Address(f"192.0.2.{number}") for number in (1, 2, 3))


def test_the_lowest_free_index_is_given_and_it_is_fresh_once() -> None:
    indexes = CounterIndexes([])
    assert [indexes.of(one) for one in (A, B, A)] == [(1, True), (2, True), (1, False)]


def test_an_index_is_free_again_when_the_last_entry_is_gone() -> None:
    indexes = CounterIndexes([])
    for one in (A, A, B):
        indexes.of(one)
        indexes.entered(one)
    indexes.removed(A)
    assert indexes.of(A) == (1, False)
    indexes.removed(A)
    assert indexes.own() == [(B, 2)]
    assert indexes.of(C) == (1, True)


def test_indexes_are_known_from_entries_after_a_restart() -> None:
    indexes = CounterIndexes([(A, 2), (A, 2), (B, 1)])
    assert [indexes.of(one) for one in (A, B, C)] == [(2, False), (1, False), (3, True)]
    indexes.removed(A)
    indexes.removed(A)
    assert indexes.of(A) == (2, True)


def test_what_finds_no_index_shares_the_one_of_nobody() -> None:
    indexes = CounterIndexes([], size=2)
    assert [indexes.of(one) for one in (A, B, C)] == [
        (1, True),
        (COUNTER_OTHER, False),
        (COUNTER_OTHER, False),
    ]
    for one in (A, B):
        indexes.entered(one)
        indexes.removed(one)
    assert indexes.own() == []
    assert indexes.of(B) == (1, True)


@given(st.lists(st.tuples(st.sampled_from(["enter", "remove", "restart"]), st.integers(1, 6))))
def test_no_two_vips_share_an_index_and_none_changes_while_it_has_an_entry(
    steps: list[tuple[str, int]],
) -> None:
    indexes = CounterIndexes([], size=5)
    entries: dict[IPv4Address, list[int]] = {}
    for step, number in steps:
        address = IPv4Address(number)
        if step == "enter":
            index, fresh = indexes.of(address)
            assert fresh == (address not in entries and index != COUNTER_OTHER)
            entries.setdefault(address, []).append(index)
            indexes.entered(address)
        elif step == "remove" and address in entries:
            entries[address].pop()
            if not entries[address]:
                del entries[address]
            indexes.removed(address)
        elif step == "restart":
            used = [(one, index) for one, several in entries.items() for index in several]
            indexes = CounterIndexes(used, size=5)
        own = {one: several[0] for one, several in entries.items() if several[0] != COUNTER_OTHER}
        assert all(len(set(several)) == 1 for several in entries.values())
        assert len(set(own.values())) == len(own)
        assert dict(indexes.own()) == own
