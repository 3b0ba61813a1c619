"""native/bgpwire at its bounds: every length around 4,096, and every room."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace

import pytest

from native._bgpwire import lib
from tests.native.calling import UNTOUCHED, Call
from tests.native.packing import (
    CARRIED,
    CLASSIC,
    GONE,
    GONE6,
    HOP6,
    IPV6,
    IPV6_TWO,
    LONGEST,
    Said,
    message,
    messages,
    routes_of,
)


def proved(said: Said, records: Sequence[bytes], routes: Sequence[bytes]) -> list[int]:
    """Both forms of the array come to the same messages, and need exactly their room.

    Returns how long the messages are.
    """
    expected = messages(said, routes)
    whole = b"".join(expected)
    for call in (
        Call(said, b"".join(records)),
        Call(said, b"".join(routes), wire_form=True),
    ):
        assert call.measured() == len(whole)
        assert call.within(len(whole)) == (len(whole), whole)
        result, memory = call.within(len(whole) + 1)
        assert (result, memory) == (len(whole), whole + UNTOUCHED)
        assert call.within(len(whole) - 1)[0] == lib.BGPWIRE_NO_ROOM
    return [len(one) for one in expected]


LENGTHS = {1: (0, 1, 8, 9, 16, 20, 24, 25, 32), 2: (0, 48, 56, 64, 65, 127, 128)}


def around(said: Said, length: int) -> Iterator[int]:
    """Numbers of prefixes about the one that fills a message, and that which fills two."""
    size = 1 + (length + 7) // 8
    most = (LONGEST - len(message(said, b""))) // size
    for number in (most, 2 * most):
        yield from range(max(1, number - 2), number + 4)


@pytest.mark.parametrize("said", [CLASSIC, CARRIED, IPV6, IPV6_TWO, GONE, GONE6])
def test_any_number_of_prefixes_about_a_full_message_is_packed_as_tightly_as_can_be(
    said: Said,
) -> None:
    longest = set()
    for length in LENGTHS[said.afi]:
        for number in around(said, length):
            longest.add(max(proved(said, *routes_of(length, number, said.afi))))
    assert max(longest) == LONGEST


def test_every_total_length_about_4096_is_met_with_attributes_of_every_size() -> None:
    met = {
        length
        for said in sizes()
        for number in around(said, 32)
        for length in proved(said, *routes_of(32, number, 1))
    }
    assert met >= set(range(LONGEST - 14, LONGEST + 1))


def sizes() -> Iterator[Said]:
    """Attributes of sizes that leave every remainder: an AS number of two octets, and five more."""
    for hops in range(12):
        for local_pref in (None, 100):
            yield Said(path=(1,) * hops, four_octet=False, local_pref=local_pref)


def filling(room: int) -> Said:
    """What leaves exactly so much room in the attributes beside MP_REACH_NLRI with IPv6 next hop.

    ORIGIN has 4 bytes; AS_PATH 3, or 5 and 2 for each hop; COMMUNITIES 4 and 4 each; LOCAL_PREF 7.
    """
    left = LONGEST - 23 - room - 4
    for local_pref, of_it in ((None, 0), (100, 7)):
        for hops in range(3):
            rest = left - of_it - (5 + 2 * hops if hops else 3) - 4
            if rest > 256 and rest % 4 == 0:
                many = tuple(range(rest // 4))
                path = (1,) * hops
                return Said(1, HOP6, path, local_pref, many, four_octet=False)
    raise AssertionError(f"nothing leaves {room} bytes")


def test_where_attributes_leave_little_room_the_carrier_takes_all_of_it() -> None:
    for room in range(25, 300):
        said = filling(room)
        assert LONGEST - len(message(said, b"")) == room - 24
        # Routes of one byte fill what there is; a carrier of more than 255 needs a byte more.
        lengths = proved(said, *routes_of(0, 2 * room - 47, 1))
        assert lengths[:2] == [LONGEST - 1 if room == 259 else LONGEST] * 2


def test_where_attributes_leave_no_room_for_a_prefix_they_are_refused() -> None:
    for room in range(24, 4, -1):
        said = filling(room)
        records, _ = routes_of(0, 3, 1)
        for prefixes in (b"".join(records), b""):
            assert Call(said, prefixes).measured() == lib.BGPWIRE_TOO_LONG
            assert Call(said, prefixes).within(9000) == (lib.BGPWIRE_TOO_LONG, UNTOUCHED * 9000)


def test_attributes_are_taken_as_long_as_one_prefix_fits_beside_them() -> None:
    for communities in range(1005, 1020):
        said = replace(CLASSIC, communities=tuple(range(communities)))
        records, routes = routes_of(32, 3, 1)
        if len(message(said, routes[0])) <= LONGEST:
            proved(said, records, routes)
        else:
            assert Call(said, b"".join(records)).within(9000)[0] == lib.BGPWIRE_TOO_LONG


def test_a_room_that_is_too_small_is_told_whatever_it_is() -> None:
    for said in (CLASSIC, CARRIED, GONE):
        records, routes = routes_of(32, 850, 1)
        expected = messages(said, routes)
        whole = b"".join(expected)
        call = Call(said, b"".join(records))
        for room in range(len(whole)):
            result, memory = call.within(room)
            assert result == lib.BGPWIRE_NO_ROOM
            # What is there is whole messages, and nothing of the one that did not fit.
            written = len(expected[0]) if room >= len(expected[0]) else 0
            assert memory[written:] == UNTOUCHED * (room - written)


def test_a_mixed_array_is_packed_in_its_order() -> None:
    records, routes = [], []
    for length in LENGTHS[1]:
        more, wired = routes_of(length, 150, 1)
        records += more
        routes += wired
    for said in (CLASSIC, CARRIED, GONE):
        assert len(proved(said, records, routes)) == 2
        assert len(proved(said, records[::-1], routes[::-1])) == 2
        alternately = [one for pair in zip(records, records[::-1], strict=True) for one in pair]
        wired = [one for pair in zip(routes, routes[::-1], strict=True) for one in pair]
        assert len(proved(said, alternately, wired)) == 3
