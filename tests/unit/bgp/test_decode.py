"""The messages but UPDATE: what is checked, in which order, and what the peer is told."""

from __future__ import annotations

from dataclasses import dataclass, replace
from ipaddress import IPv4Address

import pytest

from speaker.bgp.codes import AS_TRANS
from speaker.bgp.decode import Context, decode
from speaker.bgp.messages import AfiSafi, Capabilities, Notification, Open, RouteRefresh
from tests.unit.bgp.octets import BOTH, EXTENDED, MARKER, message, refused


@dataclass(frozen=True)
class Said:
    """An OPEN's fields; those of the defaults are in order."""

    version: int = 4
    asn: int = 65001
    hold_time: int = 90
    router_id: int = 0xC0000201
    parameters: bytes = b""

    def octets(self) -> bytes:
        head = bytes([self.version]) + self.asn.to_bytes(2, "big")
        head += self.hold_time.to_bytes(2, "big") + self.router_id.to_bytes(4, "big")
        return message(1, head + bytes([len(self.parameters)]) + self.parameters)


def with_asn(asn: int) -> bytes:
    """Optional parameters with capability 65."""
    return b"\x02\x06\x41\x04" + asn.to_bytes(4, "big")


def test_an_open_in_order_is_taken() -> None:
    expected = Open(65001, 90, IPv4Address("192.0.2.1"), Capabilities())
    assert decode(Said().octets(), Context()) == expected


@pytest.mark.parametrize(
    ("said", "subcode", "data"),
    [
        (Said(version=3), 1, b"\x00\x04"),
        (Said(version=5), 1, b"\x00\x04"),
        (Said(version=0), 1, b"\x00\x04"),
        (Said(asn=0), 2, b""),
        (Said(asn=0, parameters=with_asn(65001)), 2, b""),
        (Said(parameters=with_asn(0)), 2, b""),
        (Said(hold_time=1), 6, b""),
        (Said(hold_time=2), 6, b""),
        (Said(router_id=0), 3, b""),
        (Said(parameters=b"\x01\x00"), 4, b""),
        (Said(parameters=b"\x02\x01\x02"), 0, b""),
    ],
)
def test_each_thing_that_can_be_wrong_with_an_open_has_its_answer(
    said: Said, subcode: int, data: bytes
) -> None:
    assert refused(said.octets(), Context()) == (2, subcode, data)


def test_what_is_wrong_with_an_open_is_told_in_the_order_of_the_rfc() -> None:
    """RFC 4271, section 6.2: version, AS, hold time, identifier, optional parameters."""
    right = Said()
    wrong = Said(version=3, asn=0, hold_time=1, router_id=0, parameters=b"\x01\x00")
    told = []
    for field in ("version", "asn", "hold_time", "router_id", "parameters"):
        told.append(refused(wrong.octets(), Context())[1])
        wrong = replace(wrong, **{field: getattr(right, field)})
    assert told == [1, 2, 6, 3, 4]
    assert wrong == right


@pytest.mark.parametrize("hold_time", [0, 3, 90, 65535])
def test_any_other_hold_time_is_taken(hold_time: int) -> None:
    said = decode(Said(hold_time=hold_time).octets(), Context())
    assert isinstance(said, Open)
    assert said.hold_time == hold_time


@pytest.mark.parametrize(
    ("asn", "parameters", "real"),
    [
        (65001, b"", 65001),
        (65535, b"", 65535),
        (AS_TRANS, with_asn(4_200_000_000), 4_200_000_000),
        (65001, with_asn(65001), 65001),
        (65001, with_asn(65002), 65002),  # capability 65 is what counts
        (AS_TRANS, b"", AS_TRANS),
    ],
)
def test_the_as_number_is_that_of_capability_65_where_it_is_said(
    asn: int, parameters: bytes, real: int
) -> None:
    said = decode(Said(asn=asn, parameters=parameters).octets(), Context())
    assert isinstance(said, Open)
    assert said.asn == real


@pytest.mark.parametrize("size", range(18))
def test_octets_too_few_for_a_header_are_no_message(size: int) -> None:
    octets = (MARKER + b"\x00\x13\x04")[:size]
    assert refused(octets) == (1, 2, octets[16:18])


def test_a_message_is_as_long_as_it_says() -> None:
    keepalive = MARKER + b"\x00\x13\x04"
    assert refused(keepalive + b"\x00") == (1, 2, b"\x00\x13")
    assert refused(MARKER + b"\x00\x18\x02" + bytes(4)) == (1, 2, b"\x00\x18")


@pytest.mark.parametrize("size", [0, 1, 3, 5, 4000])
def test_a_route_refresh_of_another_length_is_shown_to_the_peer(size: int) -> None:
    """RFC 7313, section 5."""
    octets = message(5, b"\x00\x01\x01\x01".ljust(size, b"\x00")[:size])
    assert refused(octets) == (7, 1, octets)


def test_a_route_refresh_that_fits_no_notification_is_shown_as_far_as_one_goes() -> None:
    for context, size in ((BOTH, 4096), (EXTENDED, 65535)):
        octets = message(5, bytes(size - 19))
        code, subcode, data = refused(octets, context)
        assert (code, subcode, data) == (7, 1, octets[:4075])
        assert 19 + 2 + len(data) == 4096


def test_a_route_refresh_of_any_family_and_subtype_is_taken() -> None:
    octets = message(5, bytes.fromhex("4004 fe 47"))
    assert decode(octets, BOTH) == RouteRefresh(AfiSafi(0x4004, 71), 254)


@pytest.mark.parametrize("size", [0, 1, 2, 255, 4075, 65514])
def test_a_notification_keeps_all_of_its_data(size: int) -> None:
    octets = message(3, bytes([200, 201]) + bytes(size))
    assert decode(octets, EXTENDED) == Notification(200, 201, bytes(size))
