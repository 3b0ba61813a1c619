"""ARP frames, with scapy as second opinion."""

from __future__ import annotations

from ipaddress import IPv4Address, IPv6Address

import pytest
from scapy.layers.l2 import ARP, Ether

from speaker.layer2.frames import gratuitous, reply, request

VIP = IPv4Address("192.0.2.240")
MAC = bytes.fromhex("0200c0000201")
ASKER = IPv4Address("192.0.2.101")
ASKER_MAC = bytes.fromhex("0200c0000265")
ZERO = "00:00:00:00:00:00"
BROADCAST = "ff:ff:ff:ff:ff:ff"


def made_by_scapy(to: str, op: int, sha: bytes, spa: object, tha: str, tpa: object) -> bytes:
    mac = sha.hex(":")
    arp = ARP(op=op, hwsrc=mac, psrc=str(spa), hwdst=tha, pdst=str(tpa))
    return bytes(Ether(dst=to, src=mac) / arp)


def test_a_greeting_is_an_announcement_and_a_broadcast_reply() -> None:
    assert gratuitous(VIP, MAC) == (
        made_by_scapy(BROADCAST, 1, MAC, VIP, ZERO, VIP),
        made_by_scapy(BROADCAST, 2, MAC, VIP, MAC.hex(":"), VIP),
    )


def test_a_request_is_broadcast_with_an_empty_target() -> None:
    assert request(VIP, ASKER, ASKER_MAC) == made_by_scapy(
        BROADCAST, 1, ASKER_MAC, ASKER, ZERO, VIP
    )


def test_a_reply_goes_to_the_asker_alone() -> None:
    asker = ASKER_MAC.hex(":")
    assert reply(VIP, MAC, ASKER, ASKER_MAC) == made_by_scapy(asker, 2, MAC, VIP, asker, ASKER)


@pytest.mark.parametrize(
    ("address", "mac"), [(IPv6Address("2001:db8::1"), MAC), (VIP, b""), (VIP, bytes(8))]
)
def test_what_arp_cannot_say_is_refused(address: IPv4Address, mac: bytes) -> None:
    with pytest.raises(ValueError, match="no ARP for"):
        gratuitous(address, mac)
