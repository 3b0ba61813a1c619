"""Hellos on the wire: one UDP socket per announcing interface, IPv4 link-local multicast.

Group 224.0.0.73 (local network control block, RFC 5771 section 4: never forwarded by a router),
port 7473, TTL 1, own copies off. The socket is bound to its interface, so what is heard there
defines the segment. What a datagram says is judged by `speaker.leadership`; here are only bytes.
"""

from __future__ import annotations

import asyncio
import errno
import logging
import socket
import struct
from collections import Counter
from collections.abc import Callable, Mapping, Sequence

from speaker.layer2.interfaces import Link
from vipcast.model.errors import HostError

GROUP = "224.0.0.73"
PORT = 7473
_CLASS_SELECTOR_6 = 0xC0  # RFC 4594: network control, so that a full queue drops others first
_RECEIVE_BUFFER = 1 << 20
_BURST = 64  # datagrams read at a time, so that a flood cannot keep the loop from its timers
_IP_RECVTTL = 12  # linux/in.h; not in the socket module of Python 3.11
_IP_TTL = 2

log = logging.getLogger(__name__)

Heard = Callable[[int, bytes], None]


class MulticastPulse:
    """Sends and hears hellos; `heard(ifindex, datagram)` is called from the event loop."""

    def __init__(self, heard: Heard, loop: asyncio.AbstractEventLoop | None = None) -> None:
        self._heard = heard
        self._loop = loop or asyncio.get_running_loop()
        self._sockets: dict[int, socket.socket] = {}
        self._failures: Counter[str] = Counter()

    @property
    def failures(self) -> Mapping[str, int]:
        """How many sends or reads failed, by the name of the error (ENETDOWN, …), or "ttl"."""
        return self._failures

    def join(self, link: Link) -> None:
        """Join the group on a link; raises HostError with its name and the kernel's word."""
        self.leave(link.ifindex)
        sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM | socket.SOCK_NONBLOCK)
        try:
            _configure(sock, link.ifindex, link.name)
        except OSError as error:
            sock.close()
            raise HostError(
                f"Hellos cannot be sent on interface {link.name}: {error.strerror or error}. "
                f"Give the interface an IPv4 address, and allow UDP port {PORT} to {GROUP}."
            ) from error
        self._sockets[link.ifindex] = sock
        self._loop.add_reader(sock, self._read, link.ifindex, sock)

    def leave(self, ifindex: int) -> None:
        """Leave the group on an interface; not open is no error."""
        sock = self._sockets.pop(ifindex, None)
        if sock is not None:
            self._loop.remove_reader(sock)
            sock.close()

    def close(self) -> None:
        """Leave the group everywhere."""
        for ifindex in list(self._sockets):
            self.leave(ifindex)

    def send(self, ifindex: int, datagrams: Sequence[bytes]) -> bool:
        """Send all datagrams on one interface; False if one of them was not taken by the kernel."""
        sock = self._sockets.get(ifindex)
        if sock is None:
            return False
        try:
            for datagram in datagrams:
                sock.sendto(datagram, (GROUP, PORT))
        except OSError as error:
            self._count(error)
            return False
        return True

    def _read(self, ifindex: int, sock: socket.socket) -> None:
        for _ in range(_BURST):
            try:
                data, ancillary, _flags, _sender = sock.recvmsg(2048, 64)
            except BlockingIOError:
                return
            except OSError as error:  # ENETDOWN and the like: the link's own event tells the rest
                self._count(error)
                return
            if _hops(ancillary) == 1:  # a routed copy would have lost one on its way
                self._heard(ifindex, data)
            else:
                self._failures["ttl"] += 1

    def _count(self, error: OSError) -> None:
        self._failures[errno.errorcode.get(error.errno or 0, type(error).__name__)] += 1
        log.debug("hello not sent or read: %s", error)


def _configure(sock: socket.socket, ifindex: int, name: str) -> None:
    membership = struct.pack("4s4si", socket.inet_aton(GROUP), bytes(4), ifindex)  # struct ip_mreqn
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_BINDTODEVICE, name.encode() + b"\0")
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, _RECEIVE_BUFFER)
    sock.setsockopt(socket.IPPROTO_IP, socket.IP_TOS, _CLASS_SELECTOR_6)
    sock.setsockopt(socket.IPPROTO_IP, socket.IP_MULTICAST_IF, membership)
    sock.setsockopt(socket.IPPROTO_IP, socket.IP_MULTICAST_TTL, 1)
    sock.setsockopt(socket.IPPROTO_IP, socket.IP_MULTICAST_LOOP, 0)
    sock.setsockopt(socket.IPPROTO_IP, _IP_RECVTTL, 1)
    sock.bind((GROUP, PORT))
    sock.setsockopt(socket.IPPROTO_IP, socket.IP_ADD_MEMBERSHIP, membership)


def _hops(ancillary: list[tuple[int, int, bytes]]) -> int:
    """The TTL of a received datagram; 0 where the kernel did not say."""
    for level, kind, value in ancillary:
        if level == socket.IPPROTO_IP and kind == _IP_TTL:
            return int(struct.unpack("i", value[:4])[0])
    return 0
