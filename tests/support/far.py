"""The router's side of a TCP connection, in a namespace of the lab, without any BGP in it."""

from __future__ import annotations

import asyncio
import socket
import struct

from speaker.adapters.bgp_tcp import md5
from tests.support.netns import inside

_READ = 1 << 16
_TCP_REPAIR = 19  # linux/tcp.h

SocketAddress = tuple[str, int] | tuple[str, int, int, int]


class TcpFar:
    """One connection."""

    def __init__(self, sock: socket.socket) -> None:
        self.sock = sock
        self._loop = asyncio.get_running_loop()

    async def read(self) -> bytes:
        """Some bytes; b"" at the other side's end. Raises ConnectionResetError."""
        return await self._loop.sock_recv(self.sock, _READ)

    async def write(self, data: bytes) -> None:
        """Send, waiting for the other side to read."""
        await self._loop.sock_sendall(self.sock, data)

    def finish(self) -> None:
        """FIN."""
        self.sock.shutdown(socket.SHUT_WR)

    def reset(self) -> None:
        """RST."""
        self.sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.sock.close()

    def vanish(self) -> None:
        """Nothing is left of it, and nobody is told: as after a power cut."""
        self.sock.setsockopt(socket.IPPROTO_TCP, _TCP_REPAIR, 1)
        self.sock.close()


class TcpListener:
    """A port of a router. With a password it takes signed connections from `peer` alone."""

    def __init__(
        self,
        namespace: str,
        address: SocketAddress,
        password: bytes | None = None,
        peer: SocketAddress = ("", 0),
    ) -> None:
        family = socket.AF_INET6 if ":" in address[0] else socket.AF_INET
        with inside(namespace):
            self._sock = socket.socket(family, socket.SOCK_STREAM | socket.SOCK_NONBLOCK)
        self._sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        self._sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1 << 16)
        self._sock.bind(address)
        if password is not None:
            host, port, *rest = peer
            flow, scope = rest or (0, 0)
            md5.sign(self._sock, (host, port, flow, scope), password)
        self._sock.listen()
        self._taken: list[TcpFar] = []

    async def accept(self) -> TcpFar:
        """The next connection."""
        sock, _ = await asyncio.get_running_loop().sock_accept(self._sock)
        self._taken.append(TcpFar(sock))
        return self._taken[-1]

    def close(self) -> None:
        """Listen no more, and end what is left of its connections."""
        for far in self._taken:
            far.sock.close()
        self._sock.close()
