"""ARP as the measuring tools need it: a request, what a reply says, and a socket with kernel times.

Packets are those of RFC 826 on Ethernet, 42 bytes; all fields are in network byte order.
"""

from __future__ import annotations

import fcntl
import socket
import struct
import time
from dataclasses import dataclass
from ipaddress import IPv4Address

ETH_P_ARP = 0x0806
REQUEST = 1
REPLY = 2
LENGTH = 42

_BROADCAST = b"\xff" * 6
_ETHERNET_IPV4 = struct.pack("!HHBB", 1, 0x0800, 6, 4)
_SIOCGIFADDR = 0x8915  # linux/sockios.h
_SO_TIMESTAMPNS = 35  # asm-generic/socket.h; ancillary data is a struct timespec of two longs
_TIMESPEC = struct.Struct("@ll")


@dataclass(frozen=True, slots=True)
class Packet:
    """What an ARP packet says; MACs in lower case with colons."""

    operation: int
    sender_mac: str
    sender: IPv4Address
    target_mac: str
    target: IPv4Address

    @property
    def gratuitous(self) -> bool:
        """Whether it announces its own sender (RFC 5227, section 3) rather than answers."""
        return self.sender == self.target


def request(mac: bytes, address: IPv4Address, wanted: IPv4Address) -> bytes:
    """The Ethernet frame that asks everybody who has `wanted`."""
    return b"".join(
        (
            *(_BROADCAST, mac, ETH_P_ARP.to_bytes(2, "big")),
            *(_ETHERNET_IPV4, REQUEST.to_bytes(2, "big")),
            *(mac, address.packed, bytes(6), wanted.packed),
        )
    )


def parse(frame: bytes) -> Packet | None:
    """What an Ethernet frame says, or None when it is no ARP for IPv4 on Ethernet."""
    if len(frame) < LENGTH or frame[14:20] != _ETHERNET_IPV4:
        return None
    return Packet(
        operation=int.from_bytes(frame[20:22], "big"),
        sender_mac=frame[22:28].hex(":"),
        sender=IPv4Address(frame[28:32]),
        target_mac=frame[32:38].hex(":"),
        target=IPv4Address(frame[38:42]),
    )


class Wire:
    """A packet socket on one interface that sees every ARP packet that arrives there.

    Raises OSError when there is no such interface, or it has no IPv4 address.
    """

    def __init__(self, interface: str) -> None:
        self.socket = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(ETH_P_ARP))
        self.socket.bind((interface, ETH_P_ARP))
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 8 << 20)
        self.mac: bytes = self.socket.getsockname()[4]
        name = struct.pack("256s", interface.encode())
        self.address = IPv4Address(fcntl.ioctl(self.socket, _SIOCGIFADDR, name)[20:24])

    def request(self, wanted: IPv4Address) -> bytes:
        """The frame that asks, in this interface's name, who has `wanted`."""
        return request(self.mac, self.address, wanted)

    def stamp(self) -> None:
        """Have the kernel note when each packet arrives; `arrived` then tells."""
        self.socket.setsockopt(socket.SOL_SOCKET, _SO_TIMESTAMPNS, 1)

    def arrived(self) -> list[tuple[int, Packet]]:
        """What has arrived since the last call: time (monotonic ns) and packet. Never waits."""
        found: list[tuple[int, Packet]] = []
        offset = time.time_ns() - time.monotonic_ns()
        while True:
            try:
                frame, notes, _, _ = self.socket.recvmsg(128, 64, socket.MSG_DONTWAIT)
            except BlockingIOError:
                return found
            packet = parse(frame)
            if packet is not None:
                found.append((_time(notes) - offset, packet))


def _time(notes: list[tuple[int, int, bytes]]) -> int:
    """Arrival in ns of the real-time clock, from a message's ancillary data."""
    for level, kind, data in notes:
        if level == socket.SOL_SOCKET and kind == _SO_TIMESTAMPNS:
            seconds, nanoseconds = _TIMESPEC.unpack_from(data)
            return int(seconds * 1_000_000_000 + nanoseconds)
    return time.time_ns()
