"""Where a connection stands: interface, link-local address, whether a router is between.

Two questions to the kernel by netlink (linux/rtnetlink.h, linux/if_addr.h): the route to the peer,
and the addresses of that route's interface. The kernel filters the second answer (since 4.20), so a
node with thousands of addresses elsewhere costs no more. Each message is

    nlmsghdr (length, type, flags, sequence, sender) · its own header · attributes (length, type, …)
"""

from __future__ import annotations

import errno
import os
import socket
import struct
from collections.abc import Iterator
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv6Address, ip_address
from typing import Final

from speaker.adapters.bgp_tcp import failures
from speaker.adapters.bgp_tcp.sockets import scope_of, text_of
from speaker.ports import Footing, Target
from vipcast.model.addresses import Address

_HEADER: Final = struct.Struct("=IHHII")
_ROUTE: Final = struct.Struct("=BBBBBBBBI")  # struct rtmsg: family, bits of destination and source
_ADDRESS: Final = struct.Struct("=BBBBI")  # struct ifaddrmsg: family, bits, flags, scope, interface
_ATTRIBUTE: Final = struct.Struct("=HH")

_ERROR, _DONE = 2, 3
_GETADDR, _GETROUTE = 22, 26
_REQUEST, _DUMP = 0x1, 0x300
_DESTINATION, _SOURCE, _INTERFACE, _GATEWAY, _PREFERRED, _VIA = 1, 2, 4, 5, 7, 18  # RTA_…
_IFA_ADDRESS, _LOCAL, _FLAGS = 1, 2, 8  # IFA_…
_LESSER: Final = 0x01 | 0x08 | 0x20 | 0x40  # IFA_F_…: TEMPORARY, DADFAILED, DEPRECATED, TENTATIVE
_NUMBER: Final = struct.Struct("=I")
_SOL_NETLINK, _STRICT = 270, 12  # NETLINK_GET_STRICT_CHK
_ANSWER: Final = 1 << 16
_PATIENCE: Final = 1.0


@dataclass(frozen=True, slots=True)
class _Way:
    """The route to a peer. `source` is the address that the kernel would choose."""

    interface: int
    routed: bool
    source: Address | None


@dataclass(frozen=True, slots=True)
class _Owned:
    """An address of an interface. `lesser`: not to be told to others, as it may not last."""

    address: Address
    lesser: bool


def find(target: Target, local: Address | None = None) -> Footing:
    """Where a connection to the target stands; `local` is its own address once it is connected.

    Raises LinkError where there is no way to the target.
    """
    remote = ip_address(text_of(target.address))
    source = local or target.source
    try:
        with _netlink() as sock:
            way = _way(sock, remote, source, scope_of(target))
            owned = _owned(sock, way.interface)
        interface = socket.if_indextoname(way.interface)
    except OSError as error:
        raise failures.failed(error, target) from error
    ours = source or way.source
    if ours is None:
        raise failures.failed(OSError(errno.EADDRNOTAVAIL, ""), target)
    ours = ip_address(text_of(ours))
    told = [one.address for one in owned if not (one.lesser or one.address.is_loopback)]
    v6 = [one for one in told if isinstance(one, IPv6Address)]
    return Footing(
        local=ours,
        remote=remote,
        interface=interface,
        on_link=not way.routed and ours in [one.address for one in owned],
        ipv4=next((one for one in told if isinstance(one, IPv4Address)), None),
        ipv6=next((one for one in v6 if not one.is_link_local), None),
        link_local=next((one for one in v6 if one.is_link_local), None),
    )


def _netlink() -> socket.socket:
    kind = socket.SOCK_RAW | socket.SOCK_CLOEXEC
    sock = socket.socket(socket.AF_NETLINK, kind, socket.NETLINK_ROUTE)
    sock.setsockopt(_SOL_NETLINK, _STRICT, 1)
    sock.settimeout(_PATIENCE)
    return sock


def _way(sock: socket.socket, remote: Address, source: Address | None, scope: int) -> _Way:
    """The route that the kernel would take."""
    family = socket.AF_INET if remote.version == 4 else socket.AF_INET6
    bits = remote.max_prefixlen
    body = _ROUTE.pack(family, bits, 0 if source is None else bits, 0, 0, 0, 0, 0, 0)
    body += _attribute(_DESTINATION, remote.packed)
    if source is not None:
        body += _attribute(_SOURCE, source.packed)
    if scope:
        body += _attribute(_INTERFACE, _NUMBER.pack(scope))
    told = dict(_attributes(_ask(sock, _GETROUTE, _REQUEST, body)[0], _ROUTE.size))
    chosen = told.get(_PREFERRED)
    return _Way(
        interface=_NUMBER.unpack(told[_INTERFACE])[0],
        routed=_GATEWAY in told or _VIA in told,
        source=None if chosen is None else ip_address(chosen),
    )


def _owned(sock: socket.socket, interface: int) -> list[_Owned]:
    """Addresses of an interface, in the kernel's order."""
    found = []
    for family in (socket.AF_INET, socket.AF_INET6):
        question = _ADDRESS.pack(family, 0, 0, 0, interface)
        for message in _ask(sock, _GETADDR, _REQUEST | _DUMP, question):
            told = dict(_attributes(message, _ADDRESS.size))
            flags = _NUMBER.unpack(told[_FLAGS])[0]
            raw = told.get(_LOCAL) or told[_IFA_ADDRESS]  # that of a point-to-point link is remote
            found.append(_Owned(ip_address(raw), lesser=bool(flags & _LESSER)))
    return found


def _ask(sock: socket.socket, kind: int, flags: int, body: bytes) -> list[bytes]:
    """All messages of an answer, without their first header. Raises OSError."""
    sock.send(_HEADER.pack(_HEADER.size + len(body), kind, flags, 0, 0) + body)
    found: list[bytes] = []
    while True:
        data = sock.recv(_ANSWER)
        while data:
            length, told, *_ = _HEADER.unpack_from(data)
            if told == _DONE:
                return found
            if told == _ERROR:
                code = -struct.unpack_from("=i", data, _HEADER.size)[0]
                raise OSError(code, os.strerror(code))
            found.append(data[_HEADER.size : length])
            data = data[_aligned(length) :]
        if not flags & _DUMP:
            return found


def _attribute(kind: int, value: bytes) -> bytes:
    return _ATTRIBUTE.pack(_ATTRIBUTE.size + len(value), kind) + value  # all are of 4n bytes


def _attributes(message: bytes, start: int) -> Iterator[tuple[int, bytes]]:
    while start + _ATTRIBUTE.size <= len(message):
        length, kind = _ATTRIBUTE.unpack_from(message, start)
        yield kind, message[start + _ATTRIBUTE.size : start + length]
        start += _aligned(length)


def _aligned(length: int) -> int:
    return length + 3 & ~3
