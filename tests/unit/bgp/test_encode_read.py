"""Whatever is encoded reads back as what was said: by our decoder, and by a second reader."""

from __future__ import annotations

from collections.abc import Iterator
from ipaddress import IPv4Address, IPv6Address, ip_network

import pytest
from hypothesis import given
from hypothesis import strategies as st

from speaker.bgp import encode
from speaker.bgp.codes import AS_TRANS
from speaker.bgp.decode import Context, attributes_of, decode, prefixes_of
from speaker.bgp.messages import (
    IPV4_UNICAST,
    IPV6_UNICAST,
    AfiSafi,
    Attributes,
    Capabilities,
    GracefulRestart,
    Keepalive,
    Message,
    Notification,
    Ok,
    Open,
    RouteRefresh,
    Update,
)
from speaker.bgp.prefixes import network, pack, record
from tests.support.bgp_readers import Told, by_exabgp
from tests.unit.bgp import second_reader

FAMILIES = st.sampled_from((IPV4_UNICAST, IPV6_UNICAST))
ANY_FAMILY = st.builds(AfiSafi, st.integers(0, 65535), st.integers(0, 255))
NUMBERS = st.integers(0, 2**32 - 1)
ASNS = st.integers(1, 65535) | st.integers(1, 2**32 - 1)
HOPS = st.integers(1, 254).map(lambda last: IPv4Address(f"192.0.2.{last}"))
HOPS6 = st.integers(1, 65535).map(lambda last: IPv6Address(f"2001:db8::{last:x}"))
LINK_LOCAL = st.integers(1, 65535).map(lambda last: IPv6Address(f"fe80::{last:x}"))
RECORDS = {
    IPV4_UNICAST: st.builds(record, st.builds(IPv4Address, NUMBERS), st.integers(0, 32)),
    IPV6_UNICAST: st.builds(
        record, st.builds(IPv6Address, st.integers(0, 2**128 - 1)), st.integers(0, 128)
    ),
}
KNOWN = {1, 2, 5, 6, 64, 65, 70}
"""The capabilities that have a field of their own."""


def several(items: st.SearchStrategy[int], most: int) -> st.SearchStrategy[tuple[int, ...]]:
    """So many different numbers at most, sorted."""
    return st.lists(items, max_size=most, unique=True).map(lambda some: tuple(sorted(some)))


def distinct(items: st.SearchStrategy[AfiSafi]) -> st.SearchStrategy[tuple[AfiSafi, ...]]:
    return st.lists(items, max_size=5, unique=True).map(tuple)


@st.composite
def all_capabilities(draw: st.DrawFn) -> Capabilities:
    """Capabilities of any size that one OPEN holds; those that fit into a parameter, often."""
    restart = st.builds(
        GracefulRestart,
        st.booleans(),
        st.booleans(),
        st.integers(0, 4095),
        distinct(ANY_FAMILY).map(lambda some: tuple((one, one.safi % 2 == 0) for one in some)),
    )
    other = st.tuples(
        st.integers(0, 255).filter(lambda code: code not in KNOWN), st.binary(max_size=255)
    )
    return Capabilities(
        families=draw(distinct(ANY_FAMILY)),
        four_octet_asn=draw(st.none() | ASNS),
        route_refresh=draw(st.booleans()),
        enhanced_refresh=draw(st.booleans()),
        extended_message=draw(st.booleans()),
        extended_next_hop=tuple((one, 2) for one in draw(distinct(ANY_FAMILY))),
        graceful_restart=draw(st.none() | restart),
        others=tuple(draw(st.lists(other, max_size=draw(st.sampled_from((2, 12))), unique=True))),
    )


@st.composite
def opens(draw: st.DrawFn) -> Open:
    said = draw(all_capabilities())
    return Open(
        asn=draw(st.integers(1, 65535)) if said.four_octet_asn is None else said.four_octet_asn,
        hold_time=draw(st.just(0) | st.integers(3, 65535)),
        router_id=IPv4Address(draw(st.integers(1, 2**32 - 1))),
        capabilities=said,
    )


@st.composite
def all_attributes(draw: st.DrawFn, family: AfiSafi) -> Attributes:
    """Attributes of routes of a family; within the AS if there is a LOCAL_PREF."""
    wide = family == IPV6_UNICAST or draw(st.booleans())
    hops: st.SearchStrategy[IPv4Address | IPv6Address] = HOPS6 if wide else HOPS
    inside = draw(st.booleans())
    large = st.tuples(NUMBERS, NUMBERS, NUMBERS)
    return Attributes(
        as_path=tuple(draw(st.lists(ASNS, min_size=0 if inside else 1, max_size=300))),
        next_hop=draw(hops),
        link_local=draw(st.none() | LINK_LOCAL) if wide else None,
        local_pref=draw(NUMBERS) if inside else None,
        communities=draw(several(NUMBERS, 100)),
        large_communities=tuple(sorted(draw(st.lists(large, max_size=30, unique=True)))),
    )


@st.composite
def announcements(draw: st.DrawFn) -> tuple[AfiSafi, Attributes, bytes]:
    """A family, attributes, and enough prefixes for several messages now and then."""
    family = draw(FAMILIES)
    some = draw(st.lists(RECORDS[family], min_size=1, max_size=40, unique=True))
    row = draw(st.sampled_from((0, 900)))
    hosts = (record(network(some[0])[0] + number, 32) for number in range(row))
    many = set(some) | (set(hosts) if family == IPV4_UNICAST and some[0] < b"\x09" else set())
    return family, draw(all_attributes(family)), pack(many)


def records_of(family: AfiSafi, prefixes: bytes) -> list[bytes]:
    size = 5 if family == IPV4_UNICAST else 17
    return [prefixes[start : start + size] for start in range(0, len(prefixes), size)]


def messages_of(octets: bytes) -> Iterator[bytes]:
    start = 0
    while start < len(octets):
        size = int.from_bytes(octets[start + 16 : start + 18], "big")
        yield octets[start : start + size]
        start += size


def context_for(attributes: Attributes, *, four_octet: bool) -> Context:
    return Context(
        four_octet=four_octet,
        families=(IPV4_UNICAST, IPV6_UNICAST),
        ibgp=attributes.local_pref is not None,
        extended_next_hop=((IPV4_UNICAST, 2),),
    )


@given(opens())
def test_an_open_reads_back(message: Open) -> None:
    assert decode(encode.open_message(message), Context()) == message


@given(st.integers(1, 8), st.integers(0, 255), st.binary(max_size=300))
def test_a_notification_reads_back(code: int, subcode: int, data: bytes) -> None:
    message = Notification(code, subcode, data)
    assert decode(encode.notification(message), Context()) == message


@given(st.text(max_size=300))
def test_an_administrator_s_reason_reads_back_as_far_as_it_fits(text: str) -> None:
    data = encode.shutdown(text)
    told = data[1:].decode()
    assert (len(data) == data[0] + 1, text.startswith(told)) == (True, True)
    assert told == text or len(told.encode()) > 255 - 4


@given(FAMILIES, st.integers(0, 2))
def test_a_route_refresh_and_the_end_of_a_family_read_back(family: AfiSafi, subtype: int) -> None:
    context = Context(families=(family,))
    refresh = RouteRefresh(family, subtype)
    assert decode(encode.route_refresh(refresh), context) == refresh
    assert decode(encode.end_of_rib(family), context) == Update(end_of_rib=family)
    assert decode(encode.keepalive(), context) == Keepalive()


@given(announcements(), st.booleans())
def test_announced_routes_read_back_with_their_attributes_in_order(
    said: tuple[AfiSafi, Attributes, bytes], four_octet: bool
) -> None:
    family, attributes, prefixes = said
    context = context_for(attributes, four_octet=four_octet)
    found = []
    for octets in messages_of(encode.announce(family, attributes, prefixes, four_octet=four_octet)):
        message: Message = decode(octets, context)
        assert isinstance(message, Update)
        assert (message.outcome, message.withdrawn) == (Ok(), ())
        assert attributes_of(octets, context) == attributes
        found += list(prefixes_of(octets, context))
    expected = [(family, network(one), True) for one in records_of(family, prefixes)]
    assert found == expected


@given(announcements())
def test_withdrawn_routes_read_back_in_order(said: tuple[AfiSafi, Attributes, bytes]) -> None:
    family, attributes, prefixes = said
    context = context_for(attributes, four_octet=True)
    found = []
    for octets in messages_of(encode.withdraw(family, prefixes)):
        assert isinstance(decode(octets, context), Update)
        found += list(prefixes_of(octets, context))
    assert found == [(family, network(one), False) for one in records_of(family, prefixes)]


def plain(attributes: Attributes, *, four_octet: bool) -> list[tuple[str, object]]:
    """The attributes of an UPDATE as second_reader names them."""
    path = list(attributes.as_path)
    short = [asn if asn < 65536 else AS_TRANS for asn in path]
    hop = str(attributes.next_hop)
    hops = (hop,) if attributes.link_local is None else (hop, str(attributes.link_local))
    wide = attributes.next_hop.version == 6
    found: list[tuple[str, object]] = [("MP_REACH_NLRI", hops)] if wide else []
    found += [("ORIGIN", "IGP"), ("AS_PATH", path if four_octet else short)]
    found += [] if wide else [("NEXT_HOP", hop)]
    if attributes.local_pref is not None:
        found.append(("LOCAL_PREF", attributes.local_pref))
    if attributes.communities:
        found.append(("COMMUNITY", list(attributes.communities)))
    if not four_octet and short != path:
        found.append(("AS4_PATH", path))
    if attributes.large_communities:
        found.append(("LARGE_COMMUNITY", list(attributes.large_communities)))
    return found


SPOKEN = (
    (IPV4_UNICAST, Attributes((65001,), IPv4Address("192.0.2.1"))),
    (IPV4_UNICAST, Attributes((65001, 4_200_000_000), IPv4Address("192.0.2.1"))),
    (
        IPV4_UNICAST,
        Attributes(
            (),
            IPv4Address("192.0.2.1"),
            local_pref=100,
            communities=(65001 << 16 | 1, 0xFFFF0000),
            large_communities=((65001, 1, 2), (4_200_000_000, 3, 4)),
        ),
    ),
    (IPV6_UNICAST, Attributes((65001,), IPv6Address("2001:db8::1"))),
    (IPV6_UNICAST, Attributes((), IPv6Address("2001:db8::1"), IPv6Address("fe80::1"), 200)),
)
ROUTES = {
    IPV4_UNICAST: [f"198.18.{number // 256}.{number % 256}/32" for number in range(1000)]
    + ["0.0.0.0/0", "192.0.2.128/25", "198.51.100.0/24", "10.0.0.0/8"],
    IPV6_UNICAST: [f"2001:db8::{number:x}/128" for number in range(1, 300)]
    + ["::/0", "2001:db8:5::/48", "2001:db8:0:1::/64", "2001:db8::1:0/127"],
}


def packed(family: AfiSafi) -> bytes:
    blocks = map(ip_network, ROUTES[family])
    return b"".join(record(block.network_address, block.prefixlen) for block in blocks)


@pytest.mark.parametrize("four_octet", [True, False])
@pytest.mark.parametrize(("family", "attributes"), SPOKEN)
def test_a_second_reader_reads_the_same_routes_and_attributes(
    family: AfiSafi, attributes: Attributes, four_octet: bool
) -> None:
    sent = encode.announce(family, attributes, packed(family), four_octet=four_octet)
    read = second_reader.updates(sent, four_octet=four_octet)
    assert len(read) == 2
    assert [prefix for update in read for prefix in update.announced] == ROUTES[family]
    for update in read:
        assert update.withdrawn == []
        assert update.attributes == plain(attributes, four_octet=four_octet)


@pytest.mark.parametrize("family", [IPV4_UNICAST, IPV6_UNICAST])
def test_a_second_reader_reads_the_same_withdrawals(family: AfiSafi) -> None:
    read = second_reader.updates(encode.withdraw(family, packed(family)), four_octet=True)
    assert [prefix for update in read for prefix in update.withdrawn] == ROUTES[family]
    assert [(update.announced, update.attributes) for update in read] == [([], [])] * 2


def test_a_second_reader_reads_the_other_messages() -> None:
    sent = (
        encode.keepalive()
        + encode.route_refresh(RouteRefresh(IPV6_UNICAST, 1))
        + encode.notification(Notification(6, 2, encode.shutdown("bye")))
    )
    alive, refresh, last = (
        packet.lastlayer() for packet in second_reader.packets(sent, four_octet=True)
    )
    assert alive.name == "KEEPALIVE"
    assert (refresh.name, refresh.afi, refresh.subtype, refresh.safi) == ("ROUTE-REFRESH", 2, 1, 1)
    assert last.sprintf("%error_code%, %error_subcode%") == "Cease, Administrative Shutdown"
    assert last.data == b"\x03bye"


@pytest.mark.parametrize("family", [IPV4_UNICAST, IPV6_UNICAST])
def test_a_second_reader_finds_nothing_in_the_end_of_a_family(family: AfiSafi) -> None:
    read = second_reader.updates(encode.end_of_rib(family), four_octet=True)
    assert read == [second_reader.Read()]


def test_a_second_reader_reads_the_same_open() -> None:
    said = Capabilities(
        families=(IPV4_UNICAST, IPV6_UNICAST),
        four_octet_asn=4_200_000_000,
        route_refresh=True,
        enhanced_refresh=True,
        extended_message=True,
        extended_next_hop=((IPV4_UNICAST, 2),),
        graceful_restart=GracefulRestart(True, True, 120, ((IPV4_UNICAST, True),)),
    )
    sent = encode.open_message(Open(4_200_000_000, 90, IPv4Address("192.0.2.1"), said))
    (packet,) = second_reader.packets(sent, four_octet=True)
    assert packet.sprintf("%BGPOpen.my_as% %BGPOpen.hold_time% %BGPOpen.bgp_id%") == (
        f"{AS_TRANS} 90 192.0.2.1"
    )
    ipv4, ipv6, refresh, hops, extended, restart, asn, enhanced = second_reader.capabilities(sent)
    assert [(one.code, one.afi, one.safi) for one in (ipv4, ipv6)] == [(1, 1, 1), (1, 2, 1)]
    assert [(one.code, one.length) for one in (refresh, extended, enhanced)] == [
        (2, 0),
        (6, 0),
        (70, 0),
    ]
    assert (hops.code, hops.cap_data) == (5, bytes.fromhex("000100010002"))
    assert (restart.code, restart.restart_flags, restart.restart_time) == (64, 0xC, 120)
    assert [(one.afi, one.safi, one.flags) for one in restart.entries] == [(1, 1, 0x80)]
    assert (asn.code, asn.asn) == (65, 4_200_000_000)


def told_by_exabgp(family: AfiSafi, attributes: Attributes) -> Told:
    """What ExaBGP should say of the routes above, of all messages together."""
    return {
        "announced": sorted(ROUTES[family]),
        "withdrawn": [],
        "next_hops": sorted(
            str(hop) for hop in (attributes.next_hop, attributes.link_local) if hop is not None
        ),
        "origin": "igp",
        "as_path": list(attributes.as_path) or None,
        "local_pref": attributes.local_pref,
        "communities": [[number >> 16, number & 0xFFFF] for number in attributes.communities],
        "large_communities": [list(numbers) for numbers in attributes.large_communities],
    }


@pytest.mark.parametrize(
    ("family", "attributes"),
    [*SPOKEN, (IPV4_UNICAST, Attributes((65001,), IPv6Address("2001:db8::1")))],
)
def test_exabgp_reads_the_same_routes_and_attributes(
    family: AfiSafi, attributes: Attributes
) -> None:
    sent = encode.announce(family, attributes, packed(family), four_octet=True)
    first, second = by_exabgp(list(messages_of(sent)))
    expected = told_by_exabgp(family, attributes)
    assert sorted(first["announced"] + second["announced"]) == expected["announced"]
    for told in (first, second):
        assert told.pop("type") == "update"
        assert told | {"announced": expected["announced"]} == expected


def test_exabgp_reads_every_other_message() -> None:
    said = Capabilities((IPV4_UNICAST, IPV6_UNICAST), 4_200_000_000, route_refresh=True)
    sent = [
        encode.open_message(Open(4_200_000_000, 90, IPv4Address("192.0.2.1"), said)),
        encode.keepalive(),
        encode.end_of_rib(IPV4_UNICAST),
        encode.end_of_rib(IPV6_UNICAST),
        encode.withdraw(IPV4_UNICAST, packed(IPV4_UNICAST)[-20:]),
        encode.withdraw(IPV6_UNICAST, packed(IPV6_UNICAST)[-68:]),
        encode.notification(Notification(6, 2, encode.shutdown("bye"))),
        encode.route_refresh(RouteRefresh(IPV6_UNICAST, 1)),
    ]
    opened, alive, ipv4, ipv6, gone, gone6, last, refresh = by_exabgp(sent)
    assert opened == {
        "type": "open",
        "asn": AS_TRANS,
        "hold_time": 90,
        "router_id": "192.0.2.1",
        "capabilities": [1, 2, 65],
    }
    assert (alive["type"], ipv4, ipv6) == (
        "keepalive",
        {"type": "end of rib", "afi": 1},
        {"type": "end of rib", "afi": 2},
    )
    assert (gone["withdrawn"], gone["announced"]) == (sorted(ROUTES[IPV4_UNICAST][-4:]), [])
    assert (gone6["withdrawn"], gone6["announced"]) == (sorted(ROUTES[IPV6_UNICAST][-4:]), [])
    assert last == {"type": "notification", "code": 6, "subcode": 2}
    assert refresh == {"type": "refresh", "afi": 2, "subtype": 1}
