"""Every message that we send, compared with one written by hand from the RFCs."""

from __future__ import annotations

from dataclasses import replace
from ipaddress import IPv4Address, IPv6Address

import pytest

from speaker.bgp import encode
from speaker.bgp.codes import Cease, ErrorCode, RefreshSubtype
from speaker.bgp.facets import GRACEFUL_SHUTDOWN
from speaker.bgp.messages import (
    IPV4_UNICAST,
    IPV6_UNICAST,
    AfiSafi,
    Attributes,
    Capabilities,
    GracefulRestart,
    Notification,
    Open,
    RouteRefresh,
)
from tests.unit.bgp.octets import spelled
from vipcast.config.communities import ROOM
from vipcast.model.errors import EncodeError

ONES = "ffffffff ffffffff ffffffff ffffffff  # marker\n"
HOP = IPv4Address("192.0.2.1")
HOP6 = IPv6Address("2001:db8::1")
OUTSIDE = Attributes((65001,), HOP)
OPEN = Open(65001, 90, HOP, Capabilities())

TWO = spelled("20 cb007107  18 c6336400")  # 203.0.113.7/32, 198.51.100.0/24
TWO6 = spelled("""
    80 20010db8 00000000 00000000 00000007
    30 20010db8 00050000 00000000 00000000
    """)


def test_an_open_with_every_capability() -> None:
    capabilities = Capabilities(
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
    )
    message = Open(4_200_000_000, 180, IPv4Address("198.51.100.1"), capabilities)
    assert encode.open_message(message) == spelled(
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
          40 0a c078 0001 01 80 0002 01 00  # restarting, N bit, 120 s; IPv4 kept, IPv6 not
          41 04 fa56ea00              # AS 4200000000
          46 00                       # enhanced route refresh
          09 01 03                    # role
          80 00                       # Cisco's own route refresh
        """
    )


def test_an_open_without_capabilities() -> None:
    assert encode.open_message(replace(OPEN, hold_time=0, version=3)) == spelled(
        ONES + "001d 01 03 fde9 0000 c0000201 00"
    )


@pytest.mark.parametrize(
    ("restart", "value"),
    [
        (GracefulRestart(False, False, 0, ()), "40 02 0000"),
        (GracefulRestart(True, False, 1, ()), "40 02 8001"),
        (GracefulRestart(False, True, 4095, ()), "40 02 4fff"),
        (GracefulRestart(False, False, 30, ((IPV6_UNICAST, True),)), "40 06 001e 0002 01 80"),
    ],
)
def test_graceful_restart_has_its_flags_its_time_and_its_families(
    restart: GracefulRestart, value: str
) -> None:
    sent = encode.open_message(replace(OPEN, capabilities=Capabilities(graceful_restart=restart)))
    assert sent[31:] == bytes.fromhex(value)


def test_an_as_number_of_two_octets_stands_in_both_places() -> None:
    sent = encode.open_message(replace(OPEN, capabilities=Capabilities(four_octet_asn=65001)))
    assert (sent[20:22], sent[31:]) == (bytes.fromhex("fde9"), bytes.fromhex("41 04 0000fde9"))


def padded(octets: int) -> Open:
    """An OPEN whose capabilities have so many octets, up to 257 * 256."""
    others: list[tuple[int, bytes]] = []
    while octets > 0:
        size = min(octets, 257) if octets != 258 else 256
        others.append((200, bytes(size - 2)))
        octets -= size
    return replace(OPEN, capabilities=Capabilities(others=tuple(others)))


def test_parameters_have_one_octet_of_length_as_long_as_they_fit_and_two_beyond() -> None:
    assert encode.open_message(padded(253))[28:33] == spelled("ff 02 fd c8 fb")
    assert encode.open_message(padded(254))[28:38] == spelled("ff ff 0101 02 00fe c8 fc 00")


@pytest.mark.parametrize("octets", [*range(240, 262), 4059, 4060, 4061])
def test_an_open_is_as_long_as_it_says_whatever_its_capabilities_take(octets: int) -> None:
    sent = encode.open_message(padded(octets))
    heads = 31 if octets <= 253 else 35
    assert len(sent) == int.from_bytes(sent[16:18], "big") == heads + octets


def test_an_open_that_would_exceed_4096_octets_is_refused() -> None:
    assert len(encode.open_message(padded(4061))) == 4096
    with pytest.raises(EncodeError, match=r"^OPEN: what belongs into one message .* not fit"):
        encode.open_message(padded(4062))


@pytest.mark.parametrize(
    ("message", "sentence"),
    [
        (replace(OPEN, asn=70000), "an AS number of four octets needs the capability"),
        (replace(OPEN, hold_time=65536), "65536"),
        (replace(OPEN, asn=-1), "negative number"),
        (
            replace(
                OPEN,
                capabilities=Capabilities(graceful_restart=GracefulRestart(False, True, 4096, ())),
            ),
            "at most 4095 seconds",
        ),
        (replace(OPEN, capabilities=Capabilities(others=((9, bytes(256)),))), "256"),
        (replace(OPEN, capabilities=Capabilities(families=(AfiSafi(1, 256),))), "256"),
        (
            replace(OPEN, capabilities=Capabilities(extended_next_hop=((IPV4_UNICAST, 2),) * 43)),
            "does not fit",
        ),
    ],
)
def test_what_an_open_cannot_say_is_refused(message: Open, sentence: str) -> None:
    with pytest.raises(EncodeError, match=rf"^OPEN: .*{sentence}"):
        encode.open_message(message)


def test_a_keepalive() -> None:
    assert encode.keepalive() == spelled(ONES + "0013 04")


def test_a_notification() -> None:
    message = Notification(ErrorCode.OPEN_MESSAGE, 6, b"\x00\x02")
    assert encode.notification(message) == spelled(ONES + "0017 03 02 06 0002")


def test_of_a_notification_s_data_as_much_is_sent_as_fits() -> None:
    data = bytes(range(256)) * 16
    for size in (4074, 4075, 4076, 4096):
        sent = encode.notification(Notification(3, 5, data[:size]))
        assert sent[:21] == spelled(ONES + f"{min(4096, 21 + size):04x} 03 03 05")
        assert sent[21:] == data[: min(size, 4075)]


def test_a_notification_with_an_administrator_s_reason() -> None:
    data = encode.shutdown("Grüße")
    message = Notification(ErrorCode.CEASE, Cease.ADMINISTRATIVE_SHUTDOWN, data)
    assert encode.notification(message) == spelled(ONES + "001d 03 06 02 07 4772c3bcc39f65")
    assert message.text == "Grüße"


@pytest.mark.parametrize("wide", ["a", "ü", "€", "😀"])
@pytest.mark.parametrize("before", range(5))
def test_a_reason_is_cut_between_characters_at_255_octets(wide: str, before: int) -> None:
    text = "x" * before + wide * 256
    data = encode.shutdown(text)
    told = data[1:].decode()
    assert (data[0], text.startswith(told)) == (len(data) - 1, True)
    assert len(data) <= 256 < len(data) + len(wide.encode())


def test_a_reason_that_just_fits_is_whole_and_none_is_one_octet() -> None:
    assert encode.shutdown("a" * 255) == b"\xff" + b"a" * 255
    assert encode.shutdown("") == b"\0"
    assert encode.shutdown("a\ud800b") == b"\x03a?b"


@pytest.mark.parametrize("subtype", RefreshSubtype)
def test_a_route_refresh_of_each_subtype(subtype: RefreshSubtype) -> None:
    sent = encode.route_refresh(RouteRefresh(IPV6_UNICAST, subtype))
    assert sent == spelled(ONES + f"0017 05 0002 {subtype:02x} 01")


def test_the_end_of_the_routes_of_each_family() -> None:
    assert encode.end_of_rib(IPV4_UNICAST) == spelled(ONES + "0017 02 0000 0000")
    assert encode.end_of_rib(IPV6_UNICAST) == spelled(ONES + "001d 02 0000 0006 80 0f 03 0002 01")
    assert encode.end_of_rib(AfiSafi(1, 2)) == spelled(ONES + "001d 02 0000 0006 80 0f 03 0001 02")


def test_ipv4_routes_to_another_as() -> None:
    attributes = Attributes(
        (65001, 4_200_000_000),
        HOP,
        communities=(0xFDE90001, 0xFFFF0000),
        large_communities=((65001, 1, 2), (4_200_000_000, 3, 4)),
    )
    sent = encode.announce(IPV4_UNICAST, attributes, TWO, four_octet=True)
    assert sent == spelled(
        ONES
        + """
        005e            # 94 octets
        02              # UPDATE
        0000            # nothing withdrawn
        003e            # 62 octets of attributes
          40 01 01 00                 # ORIGIN IGP
          40 02 0a 02 02 0000fde9 fa56ea00  # AS_PATH 65001 4200000000
          40 03 04 c0000201           # NEXT_HOP 192.0.2.1
          c0 08 08 fde90001 ffff0000  # COMMUNITIES
          c0 20 18 0000fde9 00000001 00000002 fa56ea00 00000003 00000004
        20 cb007107     # 203.0.113.7/32
        18 c63364       # 198.51.100.0/24
        """
    )


def test_ipv4_routes_within_the_as() -> None:
    sent = encode.announce(
        IPV4_UNICAST, Attributes((), HOP, local_pref=100), TWO[:5], four_octet=True
    )
    assert sent == spelled(
        ONES
        + """
        0031            # 49 octets
        02              # UPDATE
        0000            # nothing withdrawn
        0015            # 21 octets of attributes
          40 01 01 00                 # ORIGIN IGP
          40 02 00                    # AS_PATH empty
          40 03 04 c0000201           # NEXT_HOP 192.0.2.1
          40 05 04 00000064           # LOCAL_PREF 100
        20 cb007107     # 203.0.113.7/32
        """
    )


def test_a_path_to_a_peer_that_knows_as_numbers_of_two_octets_only() -> None:
    wide = Attributes((65001, 4_200_000_000), HOP, large_communities=((65001, 1, 2),))
    sent = encode.announce(IPV4_UNICAST, wide, TWO[:5], four_octet=False)
    assert sent == spelled(
        ONES
        + """
        004c            # 76 octets
        02              # UPDATE
        0000            # nothing withdrawn
        0030            # 48 octets of attributes
          40 01 01 00                 # ORIGIN IGP
          40 02 06 02 02 fde9 5ba0    # AS_PATH 65001 AS_TRANS
          40 03 04 c0000201           # NEXT_HOP 192.0.2.1
          c0 11 0a 02 02 0000fde9 fa56ea00  # AS4_PATH 65001 4200000000
          c0 20 0c 0000fde9 00000001 00000002
        20 cb007107     # 203.0.113.7/32
        """
    )


def test_no_as4_path_where_every_as_number_fits() -> None:
    sent = encode.announce(IPV4_UNICAST, Attributes((65535, 1), HOP), TWO[:5], four_octet=False)
    assert sent[23:] == spelled(
        "40 01 01 00  40 02 06 02 02 ffff 0001  40 03 04 c0000201  20 cb007107"
    )


def test_a_path_of_more_than_255_goes_into_two_segments() -> None:
    path = tuple(range(1, 258))
    sent = encode.announce(IPV4_UNICAST, Attributes(path, HOP), TWO[:5], four_octet=False)
    start = 23 + 4
    assert sent[start : start + 6] == spelled("50 02 0206 02 ff")
    assert sent[start + 6 + 510 : start + 4 + 0x206] == spelled("02 02 0100 0101")


def test_ipv6_routes() -> None:
    attributes = Attributes((), HOP6, IPv6Address("fe80::1"), local_pref=100)
    sent = encode.announce(IPV6_UNICAST, attributes, TWO6, four_octet=True)
    assert sent == spelled(
        ONES
        + """
        0065            # 101 octets
        02              # UPDATE
        0000            # nothing withdrawn
        004e            # 78 octets of attributes
          80 0e 3d                    # MP_REACH_NLRI, 61 octets
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
        """
    )


def test_ipv4_routes_with_a_next_hop_of_ipv6() -> None:
    sent = encode.announce(IPV4_UNICAST, Attributes((65001,), HOP6), TWO[:5], four_octet=True)
    assert sent == spelled(
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


@pytest.mark.parametrize("large", [False, True])
def test_whatever_communities_an_advertisement_may_have_fit(large: bool) -> None:
    numbers = range(ROOM // (12 if large else 4))
    about = Attributes(
        (4200000000,),
        HOP6,
        link_local=IPv6Address("fe80::1"),
        communities=(GRACEFUL_SHUTDOWN,) if large else (*numbers, GRACEFUL_SHUTDOWN),
        large_communities=tuple((1, 2, number) for number in numbers) if large else (),
    )
    record = bytes((128, *range(16)))
    for told in (about, replace(about, as_path=(), local_pref=0)):
        sent = encode.announce(IPV6_UNICAST, told, record, four_octet=False)
        assert int.from_bytes(sent[16:18], "big") == len(sent) <= 4096


def test_withdrawals_of_ipv4() -> None:
    assert encode.withdraw(IPV4_UNICAST, TWO) == spelled(
        ONES + "0020 02 0009 20 cb007107 18 c63364 0000"
    )


def test_withdrawals_of_ipv6() -> None:
    assert encode.withdraw(IPV6_UNICAST, TWO6) == spelled(
        ONES
        + """
        0035            # 53 octets
        02              # UPDATE
        0000            # nothing of IPv4 withdrawn
        001e            # 30 octets of attributes
          80 0f 1b                    # MP_UNREACH_NLRI, 27 octets
            0002 01                   # IPv6 unicast
            80 20010db8000000000000000000000007  # 2001:db8::7/128
            30 20010db80005           # 2001:db8:5::/48
        """
    )


def test_every_default_route_is_one_octet() -> None:
    assert encode.withdraw(IPV4_UNICAST, bytes(5))[19:] == spelled("0001 00 0000")
    assert encode.withdraw(IPV6_UNICAST, bytes(17))[23:] == spelled("80 0f 04 0002 01 00")


def test_no_prefixes_are_no_message() -> None:
    assert encode.announce(IPV4_UNICAST, OUTSIDE, b"", four_octet=True) == b""
    assert encode.withdraw(IPV6_UNICAST, b"") == b""


@pytest.mark.parametrize(
    ("family", "attributes", "prefixes", "sentence"),
    [
        (IPV4_UNICAST, OUTSIDE, TWO[:-1], "the prefixes end within one"),
        (IPV4_UNICAST, OUTSIDE, spelled("21 cb007107"), "longer than its family's addresses"),
        (IPV6_UNICAST, Attributes((), HOP6), b"\x81" + bytes(16), "longer than its family's"),
        (IPV4_UNICAST, OUTSIDE, spelled("1f cb007107"), "bits beyond its prefix's length"),
        (IPV4_UNICAST, OUTSIDE, spelled("18 cb007101"), "bits beyond its prefix's length"),
        (IPV4_UNICAST, OUTSIDE, spelled("00 80000000"), "bits beyond its prefix's length"),
        (IPV6_UNICAST, OUTSIDE, TWO6, "no next hop for the family"),
        (IPV4_UNICAST, Attributes((), HOP, IPv6Address("fe80::1")), TWO, "no next hop"),
        (AfiSafi(25, 1), OUTSIDE, TWO, "neither IPv4 nor IPv6"),
        (AfiSafi(1, 2), OUTSIDE, TWO, "IPv4 multicast: only unicast"),
        (IPV4_UNICAST, replace(OUTSIDE, communities=tuple(range(1100))), TWO, "does not fit"),
        (IPV4_UNICAST, replace(OUTSIDE, communities=(1 << 32,)), TWO, "4294967296"),
        (IPV4_UNICAST, replace(OUTSIDE, local_pref=-1), TWO, "negative number"),
    ],
)
def test_what_an_update_cannot_say_is_refused(
    family: AfiSafi, attributes: Attributes, prefixes: bytes, sentence: str
) -> None:
    with pytest.raises(EncodeError, match=rf"^UPDATE: .*{sentence}"):
        encode.announce(family, attributes, prefixes, four_octet=True)


def test_ten_thousand_addresses_are_thirteen_messages_of_50_6_kilobytes() -> None:
    addresses = b"".join(
        b"\x20" + (0x0A000000 + number).to_bytes(4, "big") for number in range(10000)
    )
    sent = encode.announce(IPV4_UNICAST, OUTSIDE, addresses, four_octet=True)
    sizes, start = [], 0
    while start < len(sent):
        sizes.append(int.from_bytes(sent[start + 16 : start + 18], "big"))
        start += sizes[-1]
    assert (sizes, len(sent)) == ([4093] * 12 + [43 + 280 * 5], 50_559)
