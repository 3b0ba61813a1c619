"""What the values say of themselves."""

from __future__ import annotations

from ipaddress import IPv4Address, IPv6Address
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from speaker.bgp.messages import (
    IPV4_UNICAST,
    IPV6_UNICAST,
    AfiSafi,
    Attributes,
    DiscardAttribute,
    Notification,
    Ok,
    TreatAsWithdraw,
    Update,
)


def test_a_family_reads_as_people_say_it() -> None:
    families = [IPV4_UNICAST, IPV6_UNICAST, AfiSafi(1, 2), AfiSafi(25, 70)]
    names = ["IPv4 unicast", "IPv6 unicast", "IPv4 multicast", "AFI 25 SAFI 70"]
    assert [str(family) for family in families] == names


@pytest.mark.parametrize(
    ("data", "text"),
    [
        (b"", ""),
        (b"\x00", ""),
        (b"\x05hello", "hello"),
        (b"\x03hello", "hel"),  # what stands behind the text is none of it
        (b"\x80hello", "hello"),  # a length beyond the data
        (b"\xff" + b"x" * 255, "x" * 255),  # RFC 9003; RFC 8203 knew 128
        (b"\x08line\nend", "line end"),
        (b"\x06a\tb\r\nc", "a b c"),
        (b"\x07\x1b[31mhi", "\ufffd[31mhi"),  # no colours for the terminal
        (b"\x05\xe2\x80\xaehi", "\ufffdhi"),  # nor any other direction
        (b"\x05\xe2\x80\xa8hi", "hi"),
        (b"\x03\xff\xfeh", "\ufffd\ufffdh"),  # no UTF-8
        (b"\x05  hi ", "hi"),
    ],
)
def test_the_administrators_text_is_made_fit_to_be_shown(data: bytes, text: str) -> None:
    assert Notification(6, 2, data).text == text
    assert Notification(6, 4, data).text == text


def test_only_the_administrators_reasons_have_a_text() -> None:
    for code, subcode in ((6, 1), (6, 3), (6, 6), (2, 2), (3, 2), (3, 4)):
        assert Notification(code, subcode, b"\x05hello").text == ""


def test_a_hard_reset_tells_what_it_wraps() -> None:
    wrapped = Notification(6, 9, bytes([6, 2, 4]) + b"bye!")
    assert wrapped.words == "Cease, hard reset: Cease, administrative shutdown"
    assert wrapped.text == "bye!"


@pytest.mark.parametrize("data", [b"", b"\x06", b"\x06\x09", b"\x06\x09\x06\x09\x06\x02\x01a"])
def test_a_hard_reset_around_nothing_is_only_that(data: bytes) -> None:
    notification = Notification(6, 9, data)
    assert (notification.words, notification.text) == ("Cease, hard reset", "")


@given(st.binary(max_size=300), st.integers(0, 255), st.integers(0, 255))
def test_the_text_of_anything_can_be_printed_on_one_line(
    data: bytes, code: int, subcode: int
) -> None:
    for notification in (Notification(6, 2, data), Notification(code, subcode, data)):
        assert notification.words
        assert notification.text.isprintable()


def test_the_gravest_fault_of_an_update_is_its_outcome() -> None:
    discarded = DiscardAttribute(5, 0, "LOCAL_PREF came from another AS.")
    withdrawn = TreatAsWithdraw(1, 6, "ORIGIN is 7, not 0, 1 or 2.")
    assert Update().outcome == Ok()
    assert Update(faults=(discarded,)).outcome == discarded
    assert Update(faults=(discarded, withdrawn)).outcome == withdrawn


def test_any_two_sets_of_attributes_have_an_order() -> None:
    hop4, hop6 = IPv4Address("192.0.2.1"), IPv6Address("2001:db8::1")
    ordered = [
        Attributes((), hop4),
        Attributes((), hop4, local_pref=0),
        Attributes((), hop4, local_pref=100, communities=(5,)),
        Attributes((), hop4, local_pref=100, communities=(5,), large_communities=((1, 2, 3),)),
        Attributes((), hop6),
        Attributes((), hop6, IPv6Address("fe80::1")),
        Attributes((65001,), hop4),
    ]
    assert sorted(set(ordered)) == ordered
    assert all(left < right and right > left for left, right in pairwise(ordered))
