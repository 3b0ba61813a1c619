"""Signed TCP segments: the kernel's TCP-MD5 (RFC 2385), which BGP's passwords are for.

Facts of the kernel, tried on Linux 6.18: a segment whose signature is missing, wrong or not
expected is dropped without a word, and so is an unsigned RST. Therefore another password, a router
without one, and a closed port all look alike to the side that connects: nobody answers. A key of
length 0 would take a key away. The key of a link-local peer works with and without the scope.
"""

from __future__ import annotations

import errno
import socket
import struct
from typing import Final

from vipcast.model.errors import HostError

LONGEST: Final = 80
"""Bytes of a password: TCP_MD5SIG_MAXKEYLEN of linux/tcp.h."""

_TCP_MD5SIG: Final = 14  # linux/tcp.h; not in the socket module
_IN: Final = struct.Struct("=HH4s")  # struct sockaddr_in: family, port, address
_IN6: Final = struct.Struct("=HHI16sI")  # struct sockaddr_in6: … flow, address, scope
_SIGNATURE: Final = struct.Struct("=128sBBHi80s")  # struct tcp_md5sig: … length, interface, key


def sign(sock: socket.socket, peer: tuple[str, int, int, int], password: bytes) -> None:
    """Sign all segments to a peer, and take from it only signed ones; before connecting.

    `peer` is the address as text, port, flow label and scope, as for IPv6 sockets. Raises HostError
    for a password that cannot be, and where the kernel cannot sign.
    """
    if not 1 <= len(password) <= LONGEST:
        raise HostError(
            f"A password of {len(password)} bytes cannot sign a BGP session: give 1 to {LONGEST}."
        )
    raw = socket.inet_pton(sock.family, peer[0])
    if sock.family == socket.AF_INET:
        address = _IN.pack(sock.family, 0, raw)
    else:
        address = _IN6.pack(sock.family, 0, 0, raw, peer[3])
    option = _SIGNATURE.pack(address, 0, 0, len(password), 0, password)
    try:
        sock.setsockopt(socket.IPPROTO_TCP, _TCP_MD5SIG, option)
    except OSError as error:
        raise HostError(_why_not(error)) from error


def _why_not(error: OSError) -> str:
    if error.errno == errno.ENOPROTOOPT:
        return (
            "The kernel of this node cannot sign TCP (it was built without CONFIG_TCP_MD5SIG), and"
            " the peer has a password: run a kernel that can, or remove the password on both sides."
        )
    return (
        f"The kernel of this node refuses to sign TCP ({error.strerror}), as one in FIPS mode does:"
        " allow MD5, or remove the password on both sides."
    )
