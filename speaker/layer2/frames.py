"""ARP frames as bytes: greetings, and the question and answer of the self-test. 42 bytes each.

A greeting tells a segment where a VIP is now. It is broadcast twice, carrying the VIP as sender and
as target, because hosts differ in which form they heed:

    request   RFC 5227 section 2.3 (ARP Announcement): target MAC zero
    reply     RFC 5944 section 4.6: target MAC the sender's
"""

from __future__ import annotations

import struct

from vipcast.model.addresses import Address

BROADCAST = b"\xff" * 6
_ETHERTYPE_ARP = 0x0806
_HEADER = struct.Struct("!6s6sHHHBBH")  # Ethernet, then RFC 826: htype, ptype, hlen, plen, op
_ETHERNET, _IPV4, _REQUEST, _REPLY = 1, 0x0800, 1, 2


def gratuitous(address: Address, mac: bytes) -> tuple[bytes, bytes]:
    """Request and reply that say that an IPv4 address is at a MAC of 6 bytes; else ValueError."""
    return (
        _frame(BROADCAST, mac, _REQUEST, (mac, address), (bytes(6), address)),
        _frame(BROADCAST, mac, _REPLY, (mac, address), (mac, address)),
    )


def request(target: Address, sender: Address, mac: bytes) -> bytes:
    """The question, from `sender` at `mac`, who has `target`."""
    return _frame(BROADCAST, mac, _REQUEST, (mac, sender), (bytes(6), target))


def reply(address: Address, mac: bytes, asker: Address, asker_mac: bytes) -> bytes:
    """The answer to the asker alone, that `address` is at `mac`."""
    return _frame(asker_mac, mac, _REPLY, (mac, address), (asker_mac, asker))


def _frame(
    to: bytes,
    source: bytes,
    operation: int,
    sender: tuple[bytes, Address],
    target: tuple[bytes, Address],
) -> bytes:
    for mac, address in (sender, target):
        if len(mac) != 6 or address.version != 4:
            raise ValueError(f"no ARP for {address} at MAC {mac.hex(':')!r}")
    head = _HEADER.pack(to, source, _ETHERTYPE_ARP, _ETHERNET, _IPV4, 6, 4, operation)
    return head + sender[0] + sender[1].packed + target[0] + target[1].packed
