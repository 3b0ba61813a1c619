"""One message of every kind, written by hand from the RFCs, and what it says."""

from __future__ import annotations

from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network

from speaker.bgp.decode import Context, attributes_of, decode, prefixes_of
from speaker.bgp.messages import (
    IPV4_UNICAST,
    IPV6_UNICAST,
    AfiSafi,
    Attributes,
    Capabilities,
    GracefulRestart,
    Keepalive,
    Notification,
    Ok,
    Open,
    RouteRefresh,
    Update,
)
from tests.unit.bgp.octets import BOTH, OLD, spelled

ONES = "ffffffff ffffffff ffffffff ffffffff  # marker\n"


def test_an_open_with_every_capability_that_has_a_meaning() -> None:
    octets = spelled(
        ONES
        + """
        0050            # 80 octets
        01              # OPEN
        04              # version 4
        5ba0            # AS_TRANS
        00b4            # 180 s
        c6336401        # 198.51.100.1
        33              # 51 octets of optional parameters
        02 31           # capabilities, 49 octets
          01 04 0001 00 01            # IPv4 unicast
          01 04 0002 00 01            # IPv6 unicast
          02 00                       # route refresh
          05 06 0001 0001 0002        # IPv4 unicast with a next hop of IPv6
          06 00                       # extended messages
          09 01 03                    # role: not ours
          40 0a c078 0001 01 80 0002 01 00  # restarting, N bit, 120 s; IPv4 kept, IPv6 not
          41 04 fa56ea00              # AS 4200000000
          46 00                       # enhanced route refresh
          80 00                       # Cisco's own route refresh: not ours
        """
    )
    assert decode(octets, Context()) == Open(
        asn=4_200_000_000,
        hold_time=180,
        router_id=IPv4Address("198.51.100.1"),
        capabilities=Capabilities(
            families=(IPV4_UNICAST, IPV6_UNICAST),
            four_octet_asn=4_200_000_000,
            route_refresh=True,
            enhanced_refresh=True,
            extended_message=True,
            extended_next_hop=((IPV4_UNICAST, 2),),
            graceful_restart=GracefulRestart(
                restarting=True,
                notification=True,
                restart_time=120,
                families=((IPV4_UNICAST, True), (IPV6_UNICAST, False)),
            ),
            others=((9, b"\x03"), (128, b"")),
        ),
        version=4,
    )


def test_an_open_without_optional_parameters() -> None:
    octets = spelled(
        ONES
        + """
        001d            # 29 octets, the least
        01              # OPEN
        04              # version 4
        fde9            # AS 65001
        0000            # no hold time
        00000001        # 0.0.0.1: any number but 0 will do (RFC 6286)
        00              # no optional parameters
        """
    )
    expected = Open(65001, 0, IPv4Address("0.0.0.1"), Capabilities())
    assert decode(octets, Context()) == expected


def test_a_keepalive() -> None:
    assert decode(spelled(ONES + "0013 04"), BOTH) == Keepalive()


def test_an_update_that_announces_and_withdraws_ipv4_routes() -> None:
    octets = spelled(
        ONES
        + """
        0043            # 67 octets
        02              # UPDATE
        0004            # 4 octets of withdrawn routes
          18 0a0102                   # 10.1.2.0/24
        001f            # 31 octets of attributes
          40 01 01 00                 # ORIGIN IGP
          40 02 0a 02 02 0000fde9 fa56ea00  # AS_PATH 65001 4200000000
          40 03 04 c0000201           # NEXT_HOP 192.0.2.1
          c0 08 04 ffff0000           # COMMUNITIES graceful shutdown
        00              # 0.0.0.0/0
        20 cb007107     # 203.0.113.7/32
        09 0aff         # 10.128.0.0/9 with bits set behind its end
        """
    )
    said = decode(octets, BOTH)
    assert said == Update(withdrawn=((IPV4_UNICAST, 1),), announced=((IPV4_UNICAST, 3),))
    assert isinstance(said, Update)
    assert said.outcome == Ok()
    assert list(prefixes_of(octets, BOTH)) == [
        (IPV4_UNICAST, IPv4Network("10.1.2.0/24"), False),
        (IPV4_UNICAST, IPv4Network("0.0.0.0/0"), True),
        (IPV4_UNICAST, IPv4Network("203.0.113.7/32"), True),
        (IPV4_UNICAST, IPv4Network("10.128.0.0/9"), True),
    ]
    assert attributes_of(octets, BOTH) == Attributes(
        as_path=(65001, 4_200_000_000),
        next_hop=IPv4Address("192.0.2.1"),
        communities=(0xFFFF0000,),
    )


def test_an_update_of_an_old_speaker_with_its_path_in_two_attributes() -> None:
    octets = spelled(
        ONES
        + """
        0039            # 57 octets
        02              # UPDATE
        0000            # nothing withdrawn
        001d            # 29 octets of attributes
          40 01 01 00                 # ORIGIN IGP
          40 02 06 02 02 fde9 5ba0    # AS_PATH 65001 AS_TRANS
          40 03 04 c0000201           # NEXT_HOP 192.0.2.1
          c0 11 06 02 01 fa56ea00     # AS4_PATH 4200000000
        20 cb007107     # 203.0.113.7/32
        """
    )
    assert decode(octets, OLD) == Update(announced=((IPV4_UNICAST, 1),))
    found = attributes_of(octets, OLD)
    assert found is not None
    assert found.as_path == (65001, 4_200_000_000)


def test_an_update_that_announces_ipv6_routes() -> None:
    octets = spelled(
        ONES
        + """
        0075            # 117 octets
        02              # UPDATE
        0000            # nothing withdrawn
        005e            # 94 octets of attributes
          90 0e 003d                  # MP_REACH_NLRI, two octets of length: 61
            0002 01                   # IPv6 unicast
            20                        # 32 octets of next hop
            20010db8000000000000000000000001  # 2001:db8::1
            fe800000000000000000000000000001  # fe80::1
            00                        # reserved
            80 20010db8000000000000000000000007  # 2001:db8::7/128
            30 20010db80005           # 2001:db8:5::/48
          40 01 01 00                 # ORIGIN IGP
          40 02 00                    # AS_PATH empty
          40 05 04 00000064           # LOCAL_PREF 100
          e0 20 0c 0000fde9 00000001 00000002  # LARGE_COMMUNITIES, partial
        """
    )
    context = Context(families=(IPV6_UNICAST,), ibgp=True)
    assert decode(octets, context) == Update(announced=((IPV6_UNICAST, 2),))
    assert list(prefixes_of(octets, context)) == [
        (IPV6_UNICAST, IPv6Network("2001:db8::7/128"), True),
        (IPV6_UNICAST, IPv6Network("2001:db8:5::/48"), True),
    ]
    assert attributes_of(octets, context) == Attributes(
        as_path=(),
        next_hop=IPv6Address("2001:db8::1"),
        link_local=IPv6Address("fe80::1"),
        local_pref=100,
        large_communities=((65001, 1, 2),),
    )


def test_an_update_that_withdraws_ipv6_routes() -> None:
    octets = spelled(
        ONES
        + """
        0022            # 34 octets
        02              # UPDATE
        0000            # nothing of IPv4 withdrawn
        000b            # 11 octets of attributes
          80 0f 08                    # MP_UNREACH_NLRI, 8 octets
            0002 01                   # IPv6 unicast
            20 20010db8               # 2001:db8::/32
        """
    )
    assert decode(octets, BOTH) == Update(withdrawn=((IPV6_UNICAST, 1),))
    assert list(prefixes_of(octets, BOTH)) == [(IPV6_UNICAST, IPv6Network("2001:db8::/32"), False)]


def test_an_update_of_ipv4_routes_with_a_next_hop_of_ipv6() -> None:
    octets = spelled(
        ONES
        + """
        0041            # 65 octets
        02              # UPDATE
        0000            # nothing withdrawn
        002a            # 42 octets of attributes
          80 0e 1a                    # MP_REACH_NLRI, 26 octets
            0001 01                   # IPv4 unicast
            10                        # 16 octets of next hop (RFC 8950)
            20010db8000000000000000000000001
            00                        # reserved
            20 cb007107               # 203.0.113.7/32
          40 01 01 00                 # ORIGIN IGP
          40 02 06 02 01 0000fde9     # AS_PATH 65001
        """
    )
    context = Context(families=(IPV4_UNICAST,), extended_next_hop=((IPV4_UNICAST, 2),))
    assert decode(octets, context) == Update(announced=((IPV4_UNICAST, 1),))
    assert list(prefixes_of(octets, context)) == [
        (IPV4_UNICAST, IPv4Network("203.0.113.7/32"), True)
    ]


def test_the_end_of_the_routes_of_each_family() -> None:
    ipv4 = spelled(ONES + "0017 02 0000 0000")
    ipv6 = spelled(ONES + "001d 02 0000 0006 80 0f 03 0002 01")
    assert decode(ipv4, BOTH) == Update(end_of_rib=IPV4_UNICAST)
    assert decode(ipv6, BOTH) == Update(end_of_rib=IPV6_UNICAST)


def test_a_notification_with_the_administrators_words() -> None:
    octets = spelled(
        ONES
        + """
        0021            # 33 octets
        03              # NOTIFICATION
        06 02           # Cease, administrative shutdown
        0b              # 11 octets of text
        72 61 63 6b 20 31 20 f0 9f 94 a7  # "rack 1" and a wrench in UTF-8
        """
    )
    said = decode(octets, BOTH)
    assert said == Notification(6, 2, b"\x0brack 1 \xf0\x9f\x94\xa7")
    assert isinstance(said, Notification)
    assert (said.words, said.text) == ("Cease, administrative shutdown", "rack 1 🔧")


def test_a_route_refresh_of_every_kind() -> None:
    def of(subtype: str) -> bytes:
        return spelled(ONES + f"0017 05 0002 {subtype} 01")

    kinds = {"00": 0, "01": 1, "02": 2, "ff": 255}
    for subtype, number in kinds.items():
        assert decode(of(subtype), BOTH) == RouteRefresh(AfiSafi(2, 1), number)
