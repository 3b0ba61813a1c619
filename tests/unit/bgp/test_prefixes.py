"""Prefixes as records: octets written by hand, and masking that agrees with Python's own."""

from __future__ import annotations

from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network

import pytest
from hypothesis import given
from hypothesis import strategies as st

from speaker.bgp.messages import IPV4_UNICAST, IPV6_UNICAST
from speaker.bgp.prefixes import family_of, network, pack, record
from vipcast.model.addresses import Address


@pytest.mark.parametrize(
    ("address", "length", "octets"),
    [
        ("192.0.2.240", 32, "20 c00002f0"),
        ("192.0.2.240", 25, "19 c0000280"),
        ("192.0.2.240", 24, "18 c0000200"),
        ("255.255.255.255", 1, "01 80000000"),
        ("255.255.255.255", 0, "00 00000000"),
        ("2001:db8::f", 128, "80 20010db8 00000000 00000000 0000000f"),
        ("2001:db8:1:2:3::f", 64, "40 20010db8 00010002 00000000 00000000"),
    ],
)
def test_a_record_is_the_length_and_the_masked_address(
    address: str, length: int, octets: str
) -> None:
    made = record(ip_address(address), length)
    assert made == bytes.fromhex(octets)
    assert network(made) == ip_network(f"{address}/{length}", strict=False)


@pytest.mark.parametrize(
    ("address", "length"), [("192.0.2.1", 33), ("2001:db8::1", 129), ("192.0.2.1", -1)]
)
def test_a_length_that_the_family_does_not_have_is_an_error(address: str, length: int) -> None:
    with pytest.raises(ValueError, match=f"no prefix of length {length}"):
        record(ip_address(address), length)


def test_the_size_of_a_record_is_its_family() -> None:
    assert family_of(record(IPv4Address("192.0.2.1"), 32)) == IPV4_UNICAST
    assert family_of(record(IPv6Address("2001:db8::1"), 128)) == IPV6_UNICAST
    with pytest.raises(ValueError, match="no record"):
        family_of(b"\x20\xc0\x00\x02")


@given(
    st.one_of(
        st.tuples(st.builds(IPv4Address, st.integers(0, 2**32 - 1)), st.integers(0, 32)),
        st.tuples(st.builds(IPv6Address, st.integers(0, 2**128 - 1)), st.integers(0, 128)),
    )
)
def test_masking_is_what_a_network_means(pair: tuple[Address, int]) -> None:
    address, length = pair
    made = record(address, length)
    kind = IPv4Network if address.version == 4 else IPv6Network
    assert network(made) == kind((int(address), length), strict=False)
    assert record(network(made).network_address, length) == made


def test_a_packed_array_is_sorted_whatever_the_order_was() -> None:
    records = [record(IPv4Address(f"192.0.2.{number}"), 32) for number in (7, 3, 5)]
    records.append(record(IPv4Address("192.0.2.0"), 24))
    assert pack(records) == bytes.fromhex("18c0000200 20c0000203 20c0000205 20c0000207")
