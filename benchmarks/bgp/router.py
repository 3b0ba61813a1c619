"""A router in a process of its own that notes when it hears what, and can pour in routes.

    with router(host) as theirs:
        …                                       # a speaker connects
        theirs.up()
        theirs.update()                         # the next UPDATE, and when it was there
        theirs.pour(flood)

It takes one session, the first that comes, and keeps no table. A message was there when recv(2) had
returned it: the network, and this process's way to a core, lie before that.
"""

from __future__ import annotations

import select
import socket
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from ipaddress import IPv4Address
from multiprocessing.connection import Connection
from typing import Any, Final

from benchmarks.bgp.objects import HOLD_TIME, ROUTERS
from benchmarks.child import child, hear
from benchmarks.harness import BenchmarkError
from lab.host import Host
from speaker.bgp import encode
from speaker.bgp.codes import MessageType
from speaker.bgp.framing import Framer
from speaker.bgp.messages import IPV4_UNICAST, Capabilities, Open

PORT: Final = 179
_TYPE: Final = 18
_CHUNK: Final = 1 << 16
_UP, _POURED, _ENDED = "up", "poured", "ended"
_OPEN: Final = encode.open_message(
    Open(
        ROUTERS,
        HOLD_TIME,
        IPv4Address("192.0.2.1"),
        Capabilities(families=(IPV4_UNICAST,), four_octet_asn=ROUTERS, route_refresh=True),
    )
)


@dataclass(frozen=True, slots=True)
class Heard:
    """An UPDATE, and when it was there, in monotonic nanoseconds."""

    at: int
    message: bytes


class Router:
    """The router in its process, heard in the order in which things happen there."""

    def __init__(self, told: Connection[Any, Any]) -> None:
        self._told = told
        hear(told)  # it listens

    def up(self) -> None:
        """Wait for the session."""
        if hear(self._told) != _UP:
            raise BenchmarkError("the router has heard something before its session was up")

    def update(self) -> Heard:
        """The next UPDATE."""
        heard = hear(self._told)
        if not isinstance(heard, Heard):
            raise BenchmarkError(f"an UPDATE was to come, but the session is {heard}")
        return heard

    def pour(self, messages: bytes) -> None:
        """Send all of this; returns when the kernel has taken the last of it."""
        self._told.send(messages)
        if hear(self._told) != _POURED:
            raise BenchmarkError("the router has heard something while it was to pour")

    def keepalives(self) -> list[int]:
        """When KEEPALIVEs were there, from the last that was told before to the next one that
        comes, in monotonic nanoseconds. UPDATEs that came before that are forgotten."""
        self._told.send(None)
        while isinstance(said := hear(self._told), Heard):
            pass
        if not isinstance(said, list):
            raise BenchmarkError(f"a KEEPALIVE was to come, but the session is {said}")
        return said


@contextmanager
def router(host: Host) -> Iterator[Router]:
    """A router on a host, until the block ends."""
    with child("benchmarks.bgp.router:serve", namespace=host.namespace) as told:
        yield Router(told)


def serve(told: Connection[Any, Any]) -> None:
    """The process's side, until its connection ends."""
    with socket.create_server(("", PORT)) as listener:
        told.send(None)
        ready, _, _ = select.select([listener.fileno(), told.fileno()], [], [])
        if listener.fileno() not in ready:
            return  # nobody wants it any more
        link, _ = listener.accept()
    with link:
        link.setblocking(False)
        link.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        _Session(link, told).run()


class _Session:
    """One connection, from its first message on."""

    def __init__(self, link: socket.socket, told: Connection[Any, Any]) -> None:
        self._link = link
        self._told = told
        self._framer = Framer()
        self._waiting = memoryview(b"")
        self._pours = self._asked = False
        self._keepalives: list[int] = []
        self._next = time.monotonic() + HOLD_TIME / 3

    def run(self) -> None:
        """Until the connection to whoever measures ends, which is an EOFError."""
        link, told = self._link.fileno(), self._told.fileno()
        while True:
            left = max(0.0, self._next - time.monotonic())
            writing = [link] if self._waiting else []
            ready, writable, _ = select.select([link, told], writing, [], left)
            if link in ready:
                self._read()
            if told in ready:
                self._obey()
            if time.monotonic() >= self._next and not self._waiting:
                self._say(encode.keepalive())
            if writable:
                self._write()

    def _read(self) -> None:
        data = self._link.recv(_CHUNK)
        at = time.monotonic_ns()
        if not data:
            self._told.send(_ENDED)
            while True:
                self._told.recv()  # so will this, if the speaker was to end
        self._framer.receive(data)
        while (message := self._framer.next()) is not None:
            self._heard(bytes(message), at)

    def _heard(self, message: bytes, at: int) -> None:
        kind = message[_TYPE]
        if kind == MessageType.OPEN:
            self._say(_OPEN + encode.keepalive())
        elif kind == MessageType.UPDATE:
            self._told.send(Heard(at, message))
        elif kind == MessageType.KEEPALIVE:
            if not self._keepalives:
                self._told.send(_UP)
            self._keepalives.append(at)
            self._tell()

    def _obey(self) -> None:
        wanted = self._told.recv()
        if wanted is None:
            self._asked = True
        else:
            self._pours = True
            self._say(wanted)

    def _tell(self) -> None:
        if self._asked:
            self._asked = False
            self._told.send(self._keepalives)
            del self._keepalives[:-1]

    def _say(self, messages: bytes) -> None:
        self._waiting = memoryview(bytes(self._waiting) + messages)
        self._write()

    def _write(self) -> None:
        try:
            self._waiting = self._waiting[self._link.send(self._waiting[:_CHUNK]) :]
        except BlockingIOError:
            return
        self._next = time.monotonic() + HOLD_TIME / 3
        if self._pours and not self._waiting:
            self._pours = False
            self._told.send(_POURED)
