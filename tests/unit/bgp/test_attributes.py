"""Attributes one by one: what RFC 7606 and those after it make of each that is wrong."""

from __future__ import annotations

import pytest

from speaker.bgp.decode import Context
from speaker.bgp.messages import IPV4_UNICAST, DiscardAttribute, TreatAsWithdraw
from tests.unit.bgp.octets import (
    AS_PATH,
    BOTH,
    INTERNAL,
    NEXT_HOP,
    OLD,
    ORIGIN,
    ROUTE,
    Found,
    attribute,
    faults,
    spelled,
    update,
)


def with_attribute(octets: bytes, context: Context = BOTH) -> list[Found]:
    """The faults of a good route with one attribute more, or another in its own's place."""
    own = {1: ORIGIN, 2: AS_PATH, 3: NEXT_HOP}
    others = b"".join(good for kind, good in own.items() if kind != octets[1])
    return faults(update(others + octets, ROUTE), context)


# Treat as withdraw: type, flags, the length that it must have (RFC 7606, section 7, and others).
LENGTHS = [
    (1, 0x40, {1}),  # ORIGIN, 7.1
    (3, 0x40, {4}),  # NEXT_HOP, 7.3
    (4, 0x80, {4}),  # MULTI_EXIT_DISC, 7.4
    (5, 0x40, {4}),  # LOCAL_PREF, 7.5
    (8, 0xC0, {4, 8, 12, 16, 20, 24}),  # COMMUNITIES, 7.8
    (9, 0x80, {4}),  # ORIGINATOR_ID, 7.9
    (10, 0x80, {4, 8, 12, 16, 20, 24}),  # CLUSTER_LIST, 7.10
    (16, 0xC0, {8, 16, 24}),  # EXTENDED_COMMUNITIES, 7.14
    (25, 0xC0, {20}),  # IPV6_EXTENDED_COMMUNITIES, 7.15
    (32, 0xC0, {12, 24}),  # LARGE_COMMUNITIES, RFC 8092
    (35, 0xC0, {4}),  # ONLY_TO_CUSTOMER, RFC 9234
]


@pytest.mark.parametrize(("kind", "flags", "right"), LENGTHS)
def test_a_wrong_length_of_what_routes_depend_on_withdraws_them(
    kind: int, flags: int, right: set[int]
) -> None:
    for size in range(26):
        expected = [] if size in right else [(TreatAsWithdraw, kind, 5)]
        assert with_attribute(attribute(flags, kind, bytes(size)), INTERNAL) == expected, size


@pytest.mark.parametrize(
    ("kind", "flags", "context", "right"),
    [
        (6, 0x40, BOTH, 0),  # ATOMIC_AGGREGATE, 7.6
        (7, 0xC0, BOTH, 8),  # AGGREGATOR, 7.7
        (7, 0xC0, OLD, 6),
        (18, 0xC0, OLD, 8),  # AS4_AGGREGATOR, RFC 6793, section 6
    ],
)
def test_a_wrong_length_of_what_no_route_depends_on_only_discards_it(
    kind: int, flags: int, context: Context, right: int
) -> None:
    path = b"" if context is BOTH else attribute(0x40, 2, b"\x02\x01\xfd\xe9")
    own = ORIGIN + (path or AS_PATH) + NEXT_HOP
    for size in range(12):
        octets = update(own + attribute(flags, kind, b"\x01" * size), ROUTE)
        expected = [] if size == right else [(DiscardAttribute, kind, 5)]
        assert faults(octets, context) == expected, size


@pytest.mark.parametrize("kind", [5, 9, 10])
@pytest.mark.parametrize("size", [0, 3, 4])
@pytest.mark.parametrize("flags", [0x40, 0x80, 0xC0])
def test_what_only_an_as_itself_says_is_discarded_from_another(
    kind: int, size: int, flags: int
) -> None:
    """LOCAL_PREF, ORIGINATOR_ID, CLUSTER_LIST: RFC 7606, sections 7.5, 7.9, 7.10."""
    octets = attribute(flags, kind, bytes(size))
    assert with_attribute(octets) == [(DiscardAttribute, kind, 0)]


RIGHT_FLAGS = {
    **{kind: flags for kind, flags, _ in LENGTHS},
    2: 0x40,
    6: 0x40,
    7: 0xC0,
    17: 0xC0,
    18: 0xC0,
    40: 0xC0,
}
RIGHT_VALUES = {
    **{kind: bytes(min(right)) for kind, _, right in LENGTHS},
    2: b"\x02\x01\xfd\xe9",
    6: b"",
    7: b"\xfd\xe9" + bytes(4),
    17: b"\x02\x01\x00\x00\xfd\xe9",
    18: b"\x00\x00\xfd\xe9" + bytes(4),
    40: b"\x01\x00\x02\x00\x00",
}


@pytest.mark.parametrize("kind", sorted(RIGHT_FLAGS))
def test_flags_that_conflict_with_the_attribute_withdraw_the_routes(kind: int) -> None:
    """RFC 7606, section 3, (c): the two upper bits; the others are nobody's fault."""
    context = Context(families=(IPV4_UNICAST,), four_octet=False, ibgp=True)
    own = {1: ORIGIN, 2: attribute(0x40, 2, RIGHT_VALUES[2]), 3: NEXT_HOP}
    others = b"".join(good for other, good in own.items() if other != kind)
    for flags in range(256):
        octets = update(others + attribute(flags, kind, RIGHT_VALUES[kind]), ROUTE)
        right = flags & 0xC0 == RIGHT_FLAGS[kind]
        assert faults(octets, context) == ([] if right else [(TreatAsWithdraw, kind, 4)]), flags


@pytest.mark.parametrize("origin", range(256))
def test_an_origin_is_one_of_three(origin: int) -> None:
    expected = [] if origin <= 2 else [(TreatAsWithdraw, 1, 6)]
    assert with_attribute(attribute(0x40, 1, bytes([origin]))) == expected


# AS_PATH with four octets a number: RFC 7606, section 7.2; RFC 7607; RFC 9774; RFC 5065.
PATHS = [
    ("", True),  # we are in the same AS, or the peer hides its own
    ("02 01 0000fde9", True),
    ("02 02 0000fde9 ffffffff", True),
    ("02 01 0000fde9 02 01 0000fdea", True),
    ("02", False),  # one octet left
    ("02 00", False),  # empty segments
    ("02 01 0000fde9 02 00", False),
    ("02 01 0000fd", False),  # overrun
    ("02 01", False),
    ("02 02 0000fde9", False),
    ("02 01 0000fde9 02", False),
    ("00 01 0000fde9", False),  # unknown types
    ("05 01 0000fde9", False),
    ("ff 01 0000fde9", False),
    ("02 01 00000000", False),  # AS 0
    ("02 03 0000fde9 00000000 0000fdea", False),
    ("02 02 00fd0000 0000fd00", True),  # four zero octets, but not of one number
    ("01 01 0000fde9", False),  # AS_SET
    ("02 01 0000fde9 01 02 0000fdea 0000fdeb", False),
    ("04 01 0000fde9", False),  # AS_CONFED_SET
]


@pytest.mark.parametrize(("octets", "right"), PATHS)
def test_a_path_that_is_malformed_withdraws_the_routes(octets: str, right: bool) -> None:
    path = attribute(0x40, 2, spelled(octets))
    expected = [] if right else [(TreatAsWithdraw, 2, 11)]
    assert with_attribute(path, BOTH) == expected
    assert with_attribute(path, INTERNAL) == expected


def test_segments_of_a_confederation_stay_within_an_as() -> None:
    """RFC 5065, section 5."""
    path = attribute(0x40, 2, spelled("03 01 0000fde9"))
    assert with_attribute(path, INTERNAL) == []
    assert with_attribute(path, BOTH) == [(TreatAsWithdraw, 2, 11)]


@pytest.mark.parametrize(
    ("octets", "right"),
    [
        ("02 02 fde9 fdea", True),
        ("02 02 0000 fdea", False),
        ("02 02 fde9", False),
        ("02 01 fde9 00", False),
    ],
)
def test_an_old_speakers_path_has_two_octets_a_number(octets: str, right: bool) -> None:
    path = attribute(0x40, 2, spelled(octets))
    assert with_attribute(path, OLD) == ([] if right else [(TreatAsWithdraw, 2, 11)])


def test_a_path_of_the_other_size_is_malformed() -> None:
    """What a session looks like whose sides do not agree on capability 65."""
    two, four = spelled("02 02 fde9 fdea"), spelled("02 02 0000fde9 0000fdea")
    assert with_attribute(attribute(0x40, 2, two), BOTH) == [(TreatAsWithdraw, 2, 11)]
    assert with_attribute(attribute(0x40, 2, four), OLD) == [(TreatAsWithdraw, 2, 11)]


@pytest.mark.parametrize(
    ("octets", "fault"),
    [
        ("02 01 fa56ea00", None),
        ("03 01 0000fde9 02 01 fa56ea00", None),  # the confederation's part is passed over
        ("", DiscardAttribute),
        ("02", DiscardAttribute),
        ("02 00", DiscardAttribute),
        ("02 01 fa56ea", DiscardAttribute),
        ("02 01 00000000", DiscardAttribute),  # RFC 7607
        ("07 01 fa56ea00", DiscardAttribute),
        ("01 01 fa56ea00", TreatAsWithdraw),  # RFC 9774
        ("04 01 fa56ea00", TreatAsWithdraw),
    ],
)
def test_an_old_speakers_second_path_is_discarded_if_malformed(
    octets: str, fault: type | None
) -> None:
    """RFC 6793, section 6."""
    path = attribute(0x40, 2, b"\x02\x01\xfd\xe9")
    octets4 = attribute(0xC0, 17, spelled(octets))
    expected = [] if fault is None else [(fault, 17, 11)]
    assert faults(update(ORIGIN + path + NEXT_HOP + octets4, ROUTE), OLD) == expected


@pytest.mark.parametrize("value", ["", "02 01 fa56ea00", "01 01 00000000"])
@pytest.mark.parametrize("kind", [17, 18])
def test_a_new_speaker_has_no_use_for_a_second_path(kind: int, value: str) -> None:
    """RFC 6793, section 4.1."""
    octets = attribute(0xC0, kind, spelled(value))
    assert with_attribute(octets, BOTH) == [(DiscardAttribute, kind, 0)]


def test_an_aggregator_of_as_0_is_discarded() -> None:
    """RFC 7607, section 2; RFC 7606, section 7.7."""
    value = bytes(4) + bytes.fromhex("c0000201")
    assert with_attribute(attribute(0xC0, 7, value)) == [(DiscardAttribute, 7, 9)]
    path = attribute(0x40, 2, b"\x02\x01\xfd\xe9")
    for kind, zeros in ((7, 2), (18, 4)):
        octets = attribute(0xC0, kind, value[4 - zeros :])
        octets = update(ORIGIN + path + NEXT_HOP + octets, ROUTE)
        assert faults(octets, OLD) == [(DiscardAttribute, kind, 9)]


@pytest.mark.parametrize(
    ("octets", "right"),
    [
        ("01 0007 00 0000 00000064", True),
        ("01 0000 03 0001 ff", True),
        ("", False),
        ("01", False),
        ("01 00", False),
        ("01 0001", False),
        ("01 0000 03", False),
    ],
)
def test_a_prefix_sid_whose_fields_do_not_fit_is_discarded(octets: str, right: bool) -> None:
    expected = [] if right else [(DiscardAttribute, 40, 5)]
    assert with_attribute(attribute(0xC0, 40, spelled(octets))) == expected


@pytest.mark.parametrize("kind", [0, 11, 22, 26, 29, 33, 128, 255])
def test_an_attribute_that_we_do_not_know_is_nothing_to_us_if_it_is_optional(kind: int) -> None:
    for flags in (0x80, 0xC0, 0xE0, 0x90, 0xFF):
        assert with_attribute(attribute(flags, kind, b"anything")) == []
    for flags in (0x00, 0x40, 0x50):
        octets = attribute(flags, kind, b"anything")
        assert with_attribute(octets) == [(TreatAsWithdraw, kind, 2)]
