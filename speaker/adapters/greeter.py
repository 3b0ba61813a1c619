"""Greetings on the wire: one raw packet socket, for sending only.

The socket's protocol is 0, so the kernel hands it no frames and it costs nothing while it is idle.
It never blocks: what the queue has no room for is reported, and the next round comes anyway.
"""

from __future__ import annotations

import errno
import socket
from collections.abc import Iterable

from speaker.ports import Greeted
from vipcast.model.errors import HostError


class PacketGreeter:
    """The port `Greeter`. Raises HostError without the capability that it needs, NET_RAW."""

    def __init__(self) -> None:
        kind = socket.SOCK_RAW | socket.SOCK_NONBLOCK | socket.SOCK_CLOEXEC
        try:
            self._socket = socket.socket(socket.AF_PACKET, kind, 0)
        except PermissionError as error:
            raise HostError(
                f"Gratuitous ARP cannot be sent ({error.strerror}): run as root, and allow NET_RAW."
            ) from error

    def send(self, ifindex: int, frames: Iterable[bytes]) -> Greeted:
        """Send frames on an interface; each has its own try."""
        sent = failed = 0
        error = ""
        for frame in frames:
            name = self._send(ifindex, frame)
            if name is None:
                sent += 1
                continue
            failed += 1
            error = error or name
        return Greeted(sent, failed, error)

    def close(self) -> None:
        """Close the socket."""
        self._socket.close()

    def _send(self, ifindex: int, frame: bytes) -> str | None:
        """The name of the error, None if the kernel took the frame."""
        try:
            # Python addresses a packet socket by name; an interface that is gone has none: ENXIO.
            self._socket.sendto(frame, (socket.if_indextoname(ifindex), 0))
        except OSError as failure:
            return errno.errorcode.get(failure.errno or 0, type(failure).__name__)
        return None
