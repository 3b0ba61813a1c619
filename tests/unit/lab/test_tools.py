"""Frames and responses as the lab's tools make and read them; scapy is the second opinion."""

from __future__ import annotations

import warnings
from ipaddress import IPv4Address

from hypothesis import given
from hypothesis import strategies as st

from lab.tools import arp
from lab.tools.httpload import whole_body
from lab.tools.httpserver import response

with warnings.catch_warnings():
    warnings.simplefilter("ignore")  # scapy's own deprecations
    from scapy.layers.l2 import ARP, Ether

MAC = bytes.fromhex("027669700065")


def test_a_request_is_the_one_that_scapy_would_send() -> None:
    frame = arp.request(MAC, IPv4Address("192.0.2.101"), IPv4Address("192.0.2.240"))

    assert frame == bytes(
        Ether(dst="ff:ff:ff:ff:ff:ff", src=MAC.hex(":"))
        / ARP(
            op="who-has",
            hwsrc=MAC.hex(":"),
            psrc="192.0.2.101",
            hwdst="00:00:00:00:00:00",
            pdst="192.0.2.240",
        )
    )


def test_a_reply_of_scapys_is_read_whole() -> None:
    reply = Ether() / ARP(
        op="is-at",
        hwsrc="02:76:69:70:00:0B",
        psrc="192.0.2.240",
        hwdst=MAC.hex(":"),
        pdst="192.0.2.101",
    )

    assert arp.parse(bytes(reply)) == arp.Packet(
        operation=arp.REPLY,
        sender_mac="02:76:69:70:00:0b",
        sender=IPv4Address("192.0.2.240"),
        target_mac=MAC.hex(":"),
        target=IPv4Address("192.0.2.101"),
    )


def test_a_packet_that_speaks_of_its_own_sender_is_gratuitous() -> None:
    said = {
        pdst: arp.parse(bytes(Ether() / ARP(op="is-at", psrc="192.0.2.240", pdst=pdst)))
        for pdst in ("192.0.2.240", "192.0.2.101")
    }

    assert {pdst: packet and packet.gratuitous for pdst, packet in said.items()} == {
        "192.0.2.240": True,
        "192.0.2.101": False,
    }


@given(st.binary(max_size=64))
def test_anything_else_is_no_packet_and_no_error(frame: bytes) -> None:
    packet = arp.parse(frame)

    assert packet is None or frame[14:20] == bytes.fromhex("000108000604")


@given(st.text(), st.integers(min_value=0))
def test_a_response_has_its_body_once_the_last_byte_is_there(text: str, cut: int) -> None:
    whole = response(text, "close")

    assert whole_body(whole) == text.strip()
    assert whole_body(whole[: cut % len(whole)]) is None
