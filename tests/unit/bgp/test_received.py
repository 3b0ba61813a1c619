"""An UPDATE as a whole: its lengths, its routes, and what a fault in it comes to."""

from __future__ import annotations

import pytest

from speaker.bgp.decode import Context, decode
from speaker.bgp.messages import (
    IPV4_UNICAST,
    IPV6_UNICAST,
    AfiSafi,
    DiscardAttribute,
    Ok,
    TreatAsWithdraw,
    Update,
)
from tests.unit.bgp.octets import (
    AS_PATH,
    BOTH,
    EXTENDED,
    GOOD,
    HOP6,
    INTERNAL,
    NEXT_HOP,
    ORIGIN,
    ROUTE,
    ROUTE6,
    attribute,
    faults,
    reach,
    read,
    refused,
    spelled,
    unreach,
    update,
)


def test_a_good_route_has_no_fault() -> None:
    expected = Update(announced=((IPV4_UNICAST, 1),))
    for context in (BOTH, EXTENDED, INTERNAL):
        assert decode(update(GOOD, ROUTE), context) == expected
    assert expected.outcome == Ok()


def test_the_order_of_attributes_does_not_matter() -> None:
    assert faults(update(NEXT_HOP + AS_PATH + ORIGIN, ROUTE)) == []


@pytest.mark.parametrize("missing", [1, 2, 3])
def test_a_route_without_what_is_mandatory_is_withdrawn(missing: int) -> None:
    """RFC 7606, section 3, (d)."""
    own = {1: ORIGIN, 2: AS_PATH, 3: NEXT_HOP}
    octets = b"".join(good for kind, good in own.items() if kind != missing)
    assert faults(update(octets, ROUTE)) == [(TreatAsWithdraw, missing, 3)]


def test_routes_without_any_attribute_lack_three() -> None:
    expected = [(TreatAsWithdraw, kind, 3) for kind in (1, 2, 3)]
    assert faults(update(b"", ROUTE)) == expected


def test_routes_of_mp_reach_need_no_next_hop_besides() -> None:
    octets = reach(IPV6_UNICAST, HOP6, ROUTE6)
    assert faults(update(octets + ORIGIN + AS_PATH)) == []
    expected = [(TreatAsWithdraw, kind, 3) for kind in (1, 2)]
    assert faults(update(octets)) == expected


def test_withdrawals_need_no_attribute() -> None:
    said = read(update(unreach(IPV6_UNICAST, ROUTE6), withdrawn=ROUTE))
    assert said == Update(withdrawn=((IPV4_UNICAST, 1), (IPV6_UNICAST, 1)))


def test_of_an_attribute_that_is_there_more_than_once_the_first_counts() -> None:
    """RFC 7606, section 3, (g)."""
    wrong = attribute(0x40, 1, b"\x09")
    assert faults(update(GOOD + wrong + wrong, ROUTE)) == [(DiscardAttribute, 1, 1)]
    expected = [(TreatAsWithdraw, 1, 6), (DiscardAttribute, 1, 1)]
    assert faults(update(wrong + GOOD, ROUTE)) == expected
    unknown = attribute(0xC0, 99, b"") * 3
    assert faults(update(GOOD + unknown, ROUTE)) == [(DiscardAttribute, 99, 1)]


def test_thousands_of_attributes_make_no_more_faults_than_there_are_types() -> None:
    many = b"".join(bytes([0, kind, 0]) for kind in range(256) if kind not in (14, 15)) * 84
    said = read(update(many, ROUTE), EXTENDED)
    assert 254 <= len(said.faults) <= 512


@pytest.mark.parametrize(
    "twice",
    [
        reach(IPV6_UNICAST, HOP6, ROUTE6) + reach(IPV4_UNICAST, HOP6[:4], ROUTE),
        unreach(IPV6_UNICAST, ROUTE6) + unreach(IPV4_UNICAST, ROUTE),
    ],
    ids=["MP_REACH_NLRI", "MP_UNREACH_NLRI"],
)
def test_two_of_one_of_those_that_hold_routes_end_the_session(twice: bytes) -> None:
    assert refused(update(ORIGIN + AS_PATH + twice)) == (3, 1, b"")


@pytest.mark.parametrize("flags", [0x00, 0x40, 0xC0, 0xE0])
def test_wrong_flags_of_those_that_hold_routes_end_the_session(flags: int) -> None:
    """RFC 7606, section 5.3: inconsistent with RFC 4760, which has them optional, and no more."""
    for octets in (
        reach(IPV6_UNICAST, HOP6, ROUTE6, flags),
        unreach(IPV6_UNICAST, ROUTE6, flags),
    ):
        assert refused(update(octets + ORIGIN + AS_PATH)) == (3, 4, octets)


def test_flags_that_mean_nothing_there_are_no_fault() -> None:
    octets = reach(IPV6_UNICAST, HOP6, ROUTE6, 0xBF)
    assert faults(update(octets + ORIGIN + AS_PATH)) == []


@pytest.mark.parametrize("size", range(5))
def test_routes_of_a_family_need_the_octets_before_them(size: int) -> None:
    """RFC 7606, section 5.3: at least 5 octets in MP_REACH_NLRI, 3 in MP_UNREACH_NLRI."""
    octets = attribute(0x80, 14, b"\x00\x02\x01\x00\x00"[:size])
    assert refused(update(octets)) == (3, 9, octets)
    octets = attribute(0x80, 15, b"\x00\x02\x01"[:size])
    if size < 3:
        assert refused(update(octets)) == (3, 9, octets)
    else:
        assert decode(update(octets), BOTH) == Update(end_of_rib=IPV6_UNICAST)


@pytest.mark.parametrize("size", range(65))
def test_a_next_hop_is_as_long_as_its_family_has_it(size: int) -> None:
    """RFC 7606, section 7.11; RFC 2545; RFC 8950."""
    both = Context(families=BOTH.families, extended_next_hop=((IPV4_UNICAST, 2),))
    allowed = {
        (IPV4_UNICAST, BOTH): {4},
        (IPV6_UNICAST, BOTH): {16, 32},
        (IPV4_UNICAST, both): {4, 16, 32},
        (IPV6_UNICAST, both): {16, 32},
    }
    for (family, context), sizes in allowed.items():
        octets = reach(family, bytes(size), ROUTE)
        whole = update(octets + ORIGIN + AS_PATH)
        if size in sizes:
            assert faults(whole, context) == []
            assert read(whole, context).announced == ((family, 1),)
        elif family == IPV4_UNICAST and size in (16, 32):
            assert faults(whole, context) == [(TreatAsWithdraw, 14, 9)]
        else:
            assert refused(whole, context) == (3, 9, octets)


def test_routes_behind_a_next_hop_that_was_not_agreed_on_are_found_or_end_the_session() -> None:
    good, bad = (reach(IPV4_UNICAST, HOP6, routes) for routes in (ROUTE, b"\x21" + ROUTE))
    assert read(update(good + ORIGIN + AS_PATH)).announced == ((IPV4_UNICAST, 1),)
    assert refused(update(bad + ORIGIN + AS_PATH)) == (3, 9, bad)


def test_a_next_hop_longer_than_its_attribute_ends_the_session() -> None:
    value = b"\x00\x02\x01\x10" + HOP6  # the reserved octet is missing
    octets = attribute(0x80, 14, value)
    assert refused(update(octets)) == (3, 9, octets)
    octets = attribute(0x80, 14, value + b"\x00")
    assert read(update(octets)) == Update()
    unknown = attribute(0x80, 14, b"\x00\x19\x46\x10" + HOP6)
    assert refused(update(unknown)) == (3, 9, unknown)


@pytest.mark.parametrize(("family", "bits"), [(IPV4_UNICAST, 32), (IPV6_UNICAST, 128)])
def test_every_length_of_a_prefix_is_taken_up_to_the_familys_and_none_beyond(
    family: AfiSafi, bits: int
) -> None:
    hop = {32: HOP6[:4], 128: HOP6}[bits]
    for length in range(256):
        prefix = bytes([length]) + bytes((length + 7) // 8)
        for octets in (reach(family, hop, ROUTE + prefix), unreach(family, ROUTE + prefix)):
            whole = update(octets + ORIGIN + AS_PATH)
            if length <= bits:
                said = read(whole)
                assert said.announced + said.withdrawn == ((family, 2),)
                assert said.faults == ()
            else:
                assert refused(whole) == (3, 9, octets)
        if bits == 32:
            for whole in (update(GOOD, ROUTE + prefix), update(withdrawn=ROUTE + prefix)):
                if length <= bits:
                    said = read(whole)
                    assert said.announced + said.withdrawn == ((family, 2),)
                else:
                    assert refused(whole) == (3, 10, b"")


@pytest.mark.parametrize("length", [1, 8, 9, 24, 25, 32])
def test_a_prefix_that_is_cut_off_ends_the_session(length: int) -> None:
    """RFC 7606, section 5.3."""
    whole = bytes([length]) + bytes((length + 7) // 8)
    for size in range(1, len(whole)):
        cut = ROUTE + whole[:size]
        assert refused(update(GOOD, cut)) == (3, 10, b"")
        assert refused(update(withdrawn=cut)) == (3, 10, b"")
        octets = unreach(IPV4_UNICAST, cut)
        assert refused(update(octets)) == (3, 9, octets)


@pytest.mark.parametrize(
    "family", [AfiSafi(1, 2), AfiSafi(2, 2), AfiSafi(1, 128), AfiSafi(25, 70), AfiSafi(16388, 71)]
)
def test_a_family_that_was_not_agreed_on_is_passed_over_unread(family: AfiSafi) -> None:
    for octets in (reach(family, b"any", b"\xff\xff"), unreach(family, b"\xff\xff")):
        said = read(update(octets + GOOD, ROUTE))
        assert said.announced == ((IPV4_UNICAST, 1),)
        expected = [(DiscardAttribute, octets[1], 9)]
        assert faults(update(octets + GOOD, ROUTE)) == expected
    said = read(update(unreach(family, b"")))
    assert (said.end_of_rib, len(said.faults)) == (None, 1)


def test_a_family_is_counted_once_wherever_its_routes_stand() -> None:
    octets = reach(IPV4_UNICAST, HOP6[:4], ROUTE * 3) + unreach(IPV4_UNICAST, ROUTE * 4)
    said = read(update(octets + GOOD, ROUTE * 5, ROUTE * 6))
    assert said == Update(withdrawn=((IPV4_UNICAST, 10),), announced=((IPV4_UNICAST, 8),))


@pytest.mark.parametrize(
    ("body", "taken"),
    [
        ("0000 0000", True),
        ("0001 0000", False),  # the withdrawn routes reach into the attributes' length
        ("0002 0000", False),
        ("ffff 0000", False),
        ("0000 0001", False),  # the attributes reach beyond the end
        ("0000 ffff", False),
        ("0004 18c63364 0000", True),
        ("0005 18c63364 0000", False),
        ("0004 18c63364 0001", False),
    ],
)
def test_lengths_beyond_the_end_of_the_message_end_the_session(body: str, taken: bool) -> None:
    """RFC 7606, section 3, (b)."""
    octets = spelled(body)
    octets = update()[:16] + (19 + len(octets)).to_bytes(2, "big") + b"\x02" + octets
    if taken:
        assert read(octets).faults == ()
    else:
        assert refused(octets) == (3, 1, b"")


@pytest.mark.parametrize(
    ("rest", "kind"),
    [
        ("c0", None),
        ("c0 08", 8),
        ("d0 08 00", 8),
        ("c0 08 04 ffff00", 8),
        ("d0 08 0004 ffff00", 8),
        ("c0 08 01", 8),
        ("d0 63 ffff", 99),
    ],
)
def test_attributes_that_break_off_withdraw_the_routes(rest: str, kind: int | None) -> None:
    """RFC 7606, section 4; the length of them all is relied upon to find the routes."""
    said = read(update(GOOD + spelled(rest), ROUTE * 2))
    assert said.announced == ((IPV4_UNICAST, 2),)
    assert faults(update(GOOD + spelled(rest), ROUTE)) == [(TreatAsWithdraw, kind, 1)]


@pytest.mark.parametrize("kind", [14, 15])
@pytest.mark.parametrize("rest", ["80 {}", "80 {} 05 0002", "90 {} 00", "90 {} 0100 0002 01"])
def test_routes_of_a_family_that_break_off_end_the_session(rest: str, kind: int) -> None:
    """RFC 7606, section 3, (j): nobody knows which routes they are."""
    octets = spelled(rest.format(f"{kind:02x}"))
    assert refused(update(GOOD + octets, ROUTE)) == (3, 1, b"")


@pytest.mark.parametrize(
    ("octets", "subcode", "data"),
    [
        ("40 01 01 09", 6, "40 01 01 09"),
        ("40 01 02 0000", 5, "40 01 02 0000"),
        ("80 01 01 00", 4, "80 01 01 00"),
        ("40 02 02 0200", 11, ""),
        ("40 63 01 00", 2, "40 63 01 00"),
        ("c0 08 03 000000", 5, "c0 08 03 000000"),
        ("c0", 1, ""),
        ("c0 08 09 00", 1, ""),
    ],
)
def test_a_fault_where_no_routes_are_found_ends_the_session(
    octets: str, subcode: int, data: str
) -> None:
    """RFC 7606, section 5.2: there may have been routes that nobody recognized."""
    wrong = spelled(octets)
    for whole in (
        update(wrong),
        update(wrong, withdrawn=ROUTE),
        update(unreach(IPV6_UNICAST, ROUTE6) + wrong),
        update(reach(IPV6_UNICAST, HOP6, b"") + wrong),
    ):
        assert refused(whole) == (3, subcode, spelled(data))


def test_an_attribute_that_is_only_discarded_ends_nothing() -> None:
    octets = attribute(0x40, 6, b"\x00") + attribute(0x40, 5, b"") + ORIGIN + ORIGIN
    assert [kind for kind, *_ in faults(update(octets))] == [DiscardAttribute] * 3


def test_of_several_faults_without_routes_the_first_of_the_routes_is_told() -> None:
    octets = attribute(0x40, 6, b"\x00") + attribute(0x40, 1, b"\x09") + attribute(0x40, 3, b"")
    assert refused(update(octets)) == (3, 6, spelled("40 01 01 09"))


def test_an_attribute_that_fits_no_notification_is_shown_as_far_as_one_goes() -> None:
    octets = reach(IPV6_UNICAST, HOP6, ROUTE6 * 2000 + b"\xff", 0x90)
    code, subcode, data = refused(update(octets), EXTENDED)
    assert (code, subcode, data) == (3, 9, octets[:4075])


def test_attributes_without_routes_and_without_fault_are_an_update_of_nothing() -> None:
    """RFC 4271, section 6.3; it is no End-of-RIB, which has none (RFC 4724, section 2)."""
    assert read(update(GOOD)) == Update()
    assert read(update(reach(IPV6_UNICAST, HOP6, b"") + GOOD)) == Update()


def test_only_the_mark_alone_is_the_end_of_the_routes() -> None:
    mark = unreach(IPV6_UNICAST, b"")
    assert read(update(mark)).end_of_rib == IPV6_UNICAST
    assert read(update(unreach(IPV4_UNICAST, b""))).end_of_rib == IPV4_UNICAST
    assert read(update()).end_of_rib == IPV4_UNICAST
    for octets in (
        update(mark + ORIGIN),
        update(ORIGIN + mark),
        update(mark + GOOD, ROUTE),
        update(mark, withdrawn=ROUTE),
        update(unreach(IPV6_UNICAST, ROUTE6)),
        update(mark + reach(IPV6_UNICAST, HOP6, b"")),
        update(withdrawn=ROUTE),
    ):
        assert read(octets).end_of_rib is None


@pytest.mark.parametrize("size", [4094, 4095, 4096, 4097, 65534, 65535])
def test_updates_up_to_the_greatest_length_are_read_to_their_end(size: int) -> None:
    routes = ROUTE * ((size - len(update(GOOD))) // 4)
    rest = size - len(update(GOOD, routes))
    routes += {0: b"", 1: b"\x00", 2: b"\x08\x0a", 3: b"\x10\x0a\x01"}[rest]
    octets = update(GOOD, routes)
    assert len(octets) == size
    number = (len(routes) - rest) // 4 + (1 if rest else 0)
    if size <= 4096:
        assert read(octets).announced == ((IPV4_UNICAST, number),)
    else:
        assert refused(octets) == (1, 2, size.to_bytes(2, "big"))
    assert read(octets, EXTENDED).announced == ((IPV4_UNICAST, number),)
