"""A router that does what a test tells it to, and notes all that it hears.

It is a thread with a socket in a namespace of the lab. It keeps to its own hold timer, as routers
do, whatever else happens in the process of the test.
"""

from __future__ import annotations

import select
import socket
import threading
import time
from collections.abc import Callable

from lab.host import Host
from speaker.bgp import encode
from speaker.bgp.context import Context
from speaker.bgp.decode import decode
from speaker.bgp.framing import Framer
from speaker.bgp.messages import IPV4_UNICAST, Capabilities, Keepalive, Message, Open
from tests.support.netns import inside

FAMILIES = (IPV4_UNICAST,)
DEADLINE = 60.0
"""Seconds for a connection to come, for which a whole product may have to start."""


class Router(threading.Thread):
    """Takes one connection, speaks BGP on it, and notes all that it hears.

    `end` says how that ended: "closed", "reset", or "hold time" where it was over.
    """

    def __init__(self, host: Host, asn: int, hold_time: int) -> None:
        super().__init__(daemon=True)
        capabilities = Capabilities(families=FAMILIES, four_octet_asn=asn, route_refresh=True)
        self._hello = encode.open_message(Open(asn, hold_time, host.address, capabilities))
        self._hold_time = hold_time
        with inside(host.namespace):
            self._listener = socket.create_server((str(host.address), 179))
        self._listener.settimeout(DEADLINE)
        self._say = threading.Lock()
        self._socket: socket.socket | None = None
        self._framer = Framer()
        self.heard: list[Message] = []
        self.end = ""
        self.start()

    def run(self) -> None:
        with self._listener:
            self._socket, _ = self._listener.accept()
        self._socket.settimeout(None)
        with self._socket:
            try:
                self._converse(self._socket)
            except ConnectionResetError:
                self.end = "reset"

    def say(self, data: bytes) -> None:
        """Whole messages, from any thread."""
        assert self._socket is not None
        with self._say:
            self._socket.sendall(data)

    def hears_more(self, count: int) -> Callable[[], bool]:
        """Whether, from now on, so many KEEPALIVEs have come."""
        before = self.heard.count(Keepalive())
        return lambda: self.heard.count(Keepalive()) >= before + count

    def _converse(self, sock: socket.socket) -> None:
        self.say(self._hello)
        hold = time.monotonic() + self._hold_time
        due = time.monotonic()
        while True:
            now = time.monotonic()
            if now >= hold:
                self.end = "hold time"
                return
            if now >= due:
                due = now + self._hold_time / 3
                self.say(encode.keepalive())
            if not select.select([sock], [], [], max(min(hold, due) - now, 0.0))[0]:
                continue
            data = sock.recv(1 << 16)
            if not data:
                self.end = "closed"
                return
            self._framer.receive(data)
            while (frame := self._framer.next()) is not None:
                self.heard.append(decode(frame, Context(families=FAMILIES)))
                hold = time.monotonic() + self._hold_time
