"""Whatever is encoded reads back as what was said: by our decoder, by scapy and by ExaBGP."""

from __future__ import annotations

from collections.abc import Callable, Iterator
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
from tests.support.bgp_readers import Told, by_exabgp, by_scapy

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
Reader = Callable[..., list[Told]]
READERS = (by_scapy, by_exabgp)
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
BEHIND = (IPV4_UNICAST, Attributes((65001,), IPv6Address("2001:db8::1")))
"""IPv4 routes with an IPv6 next hop (RFC 8950)."""
ROUTES = {
    IPV4_UNICAST: [f"198.18.{number // 256}.{number % 256}/32" for number in range(1000)]
    + ["0.0.0.0/0", "192.0.2.128/25", "198.51.100.0/24", "10.0.0.0/8"],
    IPV6_UNICAST: [f"2001:db8::{number:x}/128" for number in range(1, 300)]
    + ["::/0", "2001:db8:5::/48", "2001:db8:0:1::/64", "2001:db8::1:0/127"],
}


def packed(family: AfiSafi) -> bytes:
    blocks = map(ip_network, ROUTES[family])
    return b"".join(record(block.network_address, block.prefixlen) for block in blocks)


def spoken(attributes: Attributes, *, four_octet: bool) -> Told:
    """The attributes of an UPDATE, as readers are to tell them."""
    path = list(attributes.as_path)
    short = [asn if asn < 65536 else AS_TRANS for asn in path]
    hops = (attributes.next_hop, attributes.link_local)
    return {
        "type": "update",
        "withdrawn": [],
        "next_hops": sorted(str(hop) for hop in hops if hop is not None),
        "origin": "igp",
        "as_path": (path if four_octet else short) or None,
        "as4_path": None if four_octet or short == path else path,
        "local_pref": attributes.local_pref,
        "communities": [[number >> 16, number & 0xFFFF] for number in attributes.communities],
        "large_communities": [list(numbers) for numbers in attributes.large_communities],
    }


@pytest.mark.parametrize("four_octet", [True, False])
@pytest.mark.parametrize(
    ("read", "family", "attributes"),
    # scapy does not know RFC 8950.
    [(read, *case) for read in READERS for case in SPOKEN] + [(by_exabgp, *BEHIND)],
)
def test_a_second_reader_reads_the_same_routes_and_attributes(
    read: Reader, family: AfiSafi, attributes: Attributes, four_octet: bool
) -> None:
    sent = encode.announce(family, attributes, packed(family), four_octet=four_octet)
    both = read(list(messages_of(sent)), four_octet=four_octet)
    assert len(both) == 2
    found = [prefix for told in both for prefix in told.pop("announced")]
    assert sorted(found) == sorted(ROUTES[family])
    assert both == [spoken(attributes, four_octet=four_octet)] * 2


@pytest.mark.parametrize("family", [IPV4_UNICAST, IPV6_UNICAST])
@pytest.mark.parametrize("read", READERS)
def test_a_second_reader_reads_the_same_withdrawals(read: Reader, family: AfiSafi) -> None:
    both = read(list(messages_of(encode.withdraw(family, packed(family)))))
    assert len(both) == 2
    found = [prefix for told in both for prefix in told.pop("withdrawn")]
    assert sorted(found) == sorted(ROUTES[family])
    nothing: Told = dict.fromkeys(("origin", "as_path", "as4_path", "local_pref"))
    lists: Told = {
        name: [] for name in ("announced", "next_hops", "communities", "large_communities")
    }
    assert both == [{"type": "update", **nothing, **lists}] * 2


@pytest.mark.parametrize("read", READERS)
def test_a_second_reader_reads_the_other_messages(read: Reader) -> None:
    sent = [
        encode.keepalive(),
        encode.end_of_rib(IPV4_UNICAST),
        encode.end_of_rib(IPV6_UNICAST),
        encode.notification(Notification(6, 2, encode.shutdown("bye"))),
        encode.route_refresh(RouteRefresh(IPV6_UNICAST, 1)),
    ]
    assert read(sent) == [
        {"type": "keepalive"},
        {"type": "end of rib", "afi": 1},
        {"type": "end of rib", "afi": 2},
        {"type": "notification", "code": 6, "subcode": 2},
        {"type": "refresh", "afi": 2, "subtype": 1},
    ]


@pytest.mark.parametrize("read", READERS)
def test_a_second_reader_reads_the_same_open(read: Reader) -> None:
    said = Capabilities(
        families=(IPV4_UNICAST, IPV6_UNICAST),
        four_octet_asn=4_200_000_000,
        route_refresh=True,
        enhanced_refresh=True,
        extended_message=True,
        extended_next_hop=((IPV4_UNICAST, 2),),
        graceful_restart=GracefulRestart(
            True, True, 120, ((IPV4_UNICAST, True), (IPV6_UNICAST, False))
        ),
    )
    sent = encode.open_message(Open(4_200_000_000, 90, IPv4Address("192.0.2.1"), said))
    assert read([sent]) == [
        {
            "type": "open",
            "asn": AS_TRANS,
            "hold_time": 90,
            "router_id": "192.0.2.1",
            "capabilities": [1, 2, 5, 6, 64, 65, 70],
            "families": [[1, 1], [2, 1]],
            "asn4": 4_200_000_000,
            "extended_next_hop": [[1, 1, 2]],
            "graceful_restart": {"flags": 0xC, "time": 120, "families": [[1, 1, 0x80], [2, 1, 0]]},
        }
    ]


@pytest.mark.parametrize("read", READERS)
def test_a_second_reader_finds_nothing_in_an_open_that_offers_nothing(read: Reader) -> None:
    sent = encode.open_message(Open(65001, 90, IPv4Address("192.0.2.1"), Capabilities()))
    (told,) = read([sent])
    assert told == {
        "type": "open",
        "asn": 65001,
        "hold_time": 90,
        "router_id": "192.0.2.1",
        "capabilities": [],
        "families": [],
        "asn4": None,
        "extended_next_hop": [],
        "graceful_restart": None,
    }
