"""Gratuitous ARP: the two frames that tell a segment where a VIP is now.

Both are broadcast and carry the VIP as sender and as target. Hosts differ in which they heed: most
update an entry they have on either, some only on a request, some only on a reply. So both are sent.

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
    """Request and reply, 42 bytes each, saying that an IPv4 address is at a MAC of 6 bytes."""
    if address.version != 4 or len(mac) != 6:
        raise ValueError(f"no gratuitous ARP for {address} at {mac.hex(':')}")
    sender = mac + address.packed
    return (
        _header(mac, _REQUEST) + sender + bytes(6) + address.packed,
        _header(mac, _REPLY) + sender + sender,
    )


def _header(mac: bytes, operation: int) -> bytes:
    return _HEADER.pack(BROADCAST, mac, _ETHERTYPE_ARP, _ETHERNET, _IPV4, 6, 4, operation)
