"""A TCP socket as a BGP session wants it, all options set before it connects.

signature          where the peer has a password (md5.py)
traffic class      CS6, network control (RFC 4594), as routers do: a full queue drops others
hop limit          255: reaches every router, and satisfies those that ask for it (RFC 5082)
no delay           messages are written whole; the last one must not wait for others
receive buffer     fixed: what a router pours in waits there, not here
unsent at most     a little: what is said later must not wait behind much (TCP_NOTSENT_LOWAT)
user timeout       the kernel's half of the SendHoldTimer (RFC 9687): it alone knows of small
                   messages that a peer with a closed window has not read. It is never shorter
                   than that timer, since a router that is busy with a large table may close
                   its window for longer than the hold time and still be alive.
"""

from __future__ import annotations

import socket
from typing import Final

from speaker.adapters.bgp_tcp import failures, md5
from speaker.ports import Target

SocketAddress = tuple[str, int] | tuple[str, int, int, int]

_CLASS_SELECTOR_6: Final = 0xC0
_HOP_LIMIT: Final = 255
_RECEIVE_BUFFER: Final = 128 << 10  # the kernel doubles it for its own needs
_UNSENT: Final = 64 << 10


def open_socket(target: Target) -> tuple[socket.socket, SocketAddress]:
    """A socket that is ready to connect, and where to.

    Raises LinkError for addresses that are not on this node, HostError where it cannot sign.
    """
    family = socket.AF_INET if target.address.version == 4 else socket.AF_INET6
    sock = socket.socket(family, socket.SOCK_STREAM | socket.SOCK_NONBLOCK | socket.SOCK_CLOEXEC)
    try:
        peer = _peer(target)
        _set_options(sock, target)
        if target.password is not None:
            md5.sign(sock, peer, target.password)
        if target.source is not None:
            # The port is chosen when the peer is known: it may be in use towards other peers.
            sock.setsockopt(socket.IPPROTO_IP, socket.IP_BIND_ADDRESS_NO_PORT, 1)
            sock.bind(_for(family, (text_of(target.source), 0, 0, peer[3])))
    except OSError as error:
        sock.close()
        raise failures.failed(error, target) from error
    except BaseException:
        sock.close()
        raise
    return sock, _for(family, peer)


def text_of(address: object) -> str:
    """An address without its scope."""
    return str(address).partition("%")[0]


def scope_of(target: Target) -> int:
    """The index of the interface that a link-local address names, 0 for every other address.

    Raises LinkError where that is needed and missing, or unknown.
    """
    if target.address.version == 4 or not target.address.is_link_local:
        return 0
    try:
        return socket.if_nametoindex(target.address.scope_id or "")
    except OSError as error:
        raise failures.no_interface(target) from error


def _peer(target: Target) -> tuple[str, int, int, int]:
    return text_of(target.address), target.port, 0, scope_of(target)


def _for(family: int, address: tuple[str, int, int, int]) -> SocketAddress:
    return address[:2] if family == socket.AF_INET else address


def _set_options(sock: socket.socket, target: Target) -> None:
    if sock.family == socket.AF_INET:
        sock.setsockopt(socket.IPPROTO_IP, socket.IP_TOS, _CLASS_SELECTOR_6)
        sock.setsockopt(socket.IPPROTO_IP, socket.IP_TTL, _HOP_LIMIT)
    else:
        sock.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_TCLASS, _CLASS_SELECTOR_6)
        sock.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_UNICAST_HOPS, _HOP_LIMIT)
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, _RECEIVE_BUFFER)
    sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NOTSENT_LOWAT, _UNSENT)
    sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, int(target.stall * 1000))
