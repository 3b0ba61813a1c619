"""Holdings out of slices: heard at once, gone only by a whole round."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from speaker.leadership.hello import pack_holdings, unpack_holdings
from speaker.leadership.listing import MAX_HELD, Listing, News
from tests.unit.leadership.test_hello import simple
from vipcast.model.addresses import Address, Family, make_address


def vip(number: int) -> Address:
    return make_address(Family.IPV4, 0xC0000200 + number)


def part(held: dict[Address, int]) -> bytes:
    (packed,) = pack_holdings(held, "n")
    return packed


def say(listing: Listing, round_: int, index: int, count: int, *held: tuple[int, int]) -> News:
    packed = part({vip(number): counter for number, counter in held})
    hello = simple(round=round_, slice=index, slices=count, holdings=packed)
    return listing.take(hello)


def test_what_a_slice_names_is_held_at_once() -> None:
    assert say(Listing(), 1, 0, 2, (1, 5)) == News({vip(1): 5}, ())


def test_what_a_whole_round_does_not_name_is_gone() -> None:
    listing = Listing()
    say(listing, 1, 0, 2, (1, 5))
    say(listing, 1, 1, 2, (2, 5))
    assert say(listing, 2, 0, 2, (3, 1)) == News({vip(3): 1}, ())
    assert say(listing, 2, 1, 2, (2, 5)) == News({}, (vip(1),))
    assert listing.held == {vip(2): 5, vip(3): 1}


def test_a_lost_slice_takes_nothing_away() -> None:
    listing = Listing()
    say(listing, 1, 0, 2, (1, 5))
    say(listing, 1, 1, 2, (2, 5))
    assert say(listing, 2, 1, 2) == News({}, ())
    assert say(listing, 3, 0, 2) == News({}, ())
    assert listing.held == {vip(1): 5, vip(2): 5}
    assert say(listing, 3, 1, 2) == News({}, (vip(1), vip(2)))


def test_what_only_a_broken_round_named_is_gone_after_the_next_whole_one() -> None:
    listing = Listing()
    say(listing, 1, 0, 2, (1, 5))
    say(listing, 1, 1, 2, (2, 5))
    say(listing, 2, 0, 2, (1, 5), (9, 1))
    say(listing, 3, 0, 2, (1, 5))
    assert say(listing, 3, 1, 2, (2, 5)) == News({}, (vip(9),))


def test_another_counter_is_news() -> None:
    listing = Listing()
    say(listing, 1, 0, 1, (1, 5))
    assert say(listing, 2, 0, 1, (1, 6)) == News({vip(1): 6}, ())
    assert say(listing, 3, 0, 1, (1, 5)) == News({vip(1): 5}, ())


def test_slices_of_rounds_of_different_length_are_not_mixed() -> None:
    listing = Listing()
    say(listing, 1, 2, 3, (1, 5))
    assert say(listing, 1, 0, 2, (2, 5)) == News({vip(2): 5}, ())
    assert listing.held == {vip(1): 5, vip(2): 5}


def test_unchanged_slices_are_compared_and_not_read(monkeypatch: pytest.MonkeyPatch) -> None:
    listing = Listing()
    slices = pack_holdings({vip(number): 1 for number in range(1000)}, "n")
    hellos = [
        simple(slice=index, slices=len(slices), holdings=packed)
        for index, packed in enumerate(slices)
    ]
    for hello in hellos:
        listing.take(hello)
    reads: list[bytes] = []

    def read(packed: bytes) -> Iterator[tuple[Address, int]]:
        reads.append(packed)
        return unpack_holdings(packed)

    monkeypatch.setattr("speaker.leadership.listing.unpack_holdings", read)
    for hello in hellos:
        assert listing.take(replace(hello, round=2)) == News({}, ())
    assert reads == []


def test_a_sender_that_names_ever_new_addresses_fills_no_memory() -> None:
    listing = Listing()
    for round_ in range(1200):
        held = {vip(round_ * 64 + number): 1 for number in range(64)}
        listing.take(simple(round=round_, slice=0, slices=2, holdings=part(held)))
    assert len(listing.held) <= MAX_HELD


@given(
    st.lists(
        st.tuples(
            st.dictionaries(st.integers(0, 8), st.integers(0, 3)),
            st.dictionaries(st.integers(9, 16), st.integers(0, 3)),
            st.sampled_from(["both", "first", "second", "swapped", "twice"]),
        ),
        max_size=12,
    )
)
def test_after_a_whole_round_the_listing_is_what_it_named(
    rounds: list[tuple[dict[int, int], dict[int, int], str]],
) -> None:
    listing = Listing()
    told: dict[Address, int] = {}
    for number, (low, high, arrives) in enumerate(rounds):
        order = {"both": "lh", "first": "l", "second": "h", "swapped": "hl", "twice": "lhlh"}
        for which in order[arrives]:
            news = say(
                listing, number, "lh".index(which), 2, *(low if which == "l" else high).items()
            )
            told.update(news.held)
            for address in news.gone:
                del told[address]
            assert told == listing.held
        if arrives in {"both", "swapped", "twice"}:
            named = {vip(key): counter for key, counter in {**low, **high}.items()}
            assert listing.held == named
