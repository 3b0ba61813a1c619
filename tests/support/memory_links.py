"""Connections to BGP peers in memory: the port `Connector`, and the routers' ends of its links.

MemoryConnector passes the suite of its port, tests/contract/test_links.py, as the real one does. It
runs on any event loop, on one of virtual time, too.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from ipaddress import IPv6Address, ip_address

from speaker.ports import Footing, LinkOwner, Target
from vipcast.model.addresses import Address
from vipcast.model.errors import LinkError

WINDOW = 64 << 10
"""Bytes that a reader may leave unread before the writer's have to wait."""

LINGER = 3.0
_READ = 4096


class MemoryNetwork:
    """Who listens where, and which addresses answer nobody."""

    def __init__(self) -> None:
        self.silent: set[Address] = set()
        self._listening: dict[tuple[Address, int], asyncio.Queue[FarEnd]] = {}

    def listen(self, address: Address, port: int = 179) -> None:
        """Take connections there."""
        self._listening[address, port] = asyncio.Queue()

    def refuse(self, address: Address, port: int = 179) -> None:
        """Take them no more."""
        del self._listening[address, port]

    async def accept(self, address: Address, port: int = 179) -> FarEnd:
        """The next connection, from the router's side."""
        return await self._listening[address, port].get()

    def reach(self, target: Target) -> asyncio.Queue[FarEnd]:
        """The listener that a target means; raises LinkError if there is none."""
        found = self._listening.get((target.address, target.port))
        if found is None:
            refused = f"{target.address}:{target.port} refuses the connection."
            raise LinkError(refused, "Look there.")
        return found


class MemoryConnector:
    """The port `Connector` on a node with the addresses that its footings say."""

    def __init__(self, network: MemoryNetwork, local: Address | None = None) -> None:
        self._network = network
        self._local = local or ip_address("192.0.2.11")
        self._links: set[MemoryLink] = set()
        self._empty = asyncio.Event()
        self._empty.set()

    def footing(self, target: Target) -> Footing:
        local = target.source or self._local
        link_local = IPv6Address("fe80::11")
        v4 = local if local.version == 4 else None
        v6 = local if local.version == 6 else None
        return Footing(local, target.address, "lan0", True, v4, v6, link_local)

    async def connect(self, target: Target) -> MemoryLink:
        while target.address in self._network.silent:
            await asyncio.get_running_loop().create_future()
        listener = self._network.reach(target)
        link = MemoryLink(self.footing(target), target, self._gone)
        self._links.add(link)
        self._empty.clear()
        listener.put_nowait(link.far)
        await asyncio.sleep(0)
        return link

    async def close(self) -> None:
        for link in list(self._links):
            if not link.leaving:
                link.abort()
        await self._empty.wait()

    def _gone(self, link: MemoryLink) -> None:
        self._links.discard(link)
        if not self._links:
            self._empty.set()


class FarEnd:
    """The router's end."""

    def __init__(self, link: MemoryLink) -> None:
        self.link = link
        self.unread = b""
        self.finished = False  # by the other side
        self.was_reset = False
        self._news = asyncio.Event()

    async def read(self) -> bytes:
        """Some bytes; b"" at the other side's end. Raises ConnectionResetError."""
        while not self.unread:
            if self.was_reset:
                raise ConnectionResetError
            if self.finished:
                return b""
            self._news.clear()
            await self._news.wait()
        data, self.unread = self.unread[:_READ], self.unread[_READ:]
        self.link.pump()
        return data

    async def write(self, data: bytes) -> None:
        """Send; what the other side does not read waits there."""
        self.link.arrive(data)

    def finish(self) -> None:
        """FIN."""
        self.link.arrive(None)

    def reset(self) -> None:
        """RST."""
        self.link.arrive(ConnectionResetError())

    def wake(self) -> None:
        """There is something to read."""
        self._news.set()


class MemoryLink:
    """The port `PeerLink`."""

    def __init__(
        self, footing: Footing, target: Target, gone: Callable[[MemoryLink], None]
    ) -> None:
        self.stood_in = 0
        self.far = FarEnd(self)
        self.leaving = False
        self._footing = footing
        self._target = target
        self._gone: Callable[[MemoryLink], None] | None = gone
        self._loop = asyncio.get_running_loop()
        self._owner: LinkOwner | None = None
        self._opened = False
        self._inbox: list[bytes | ConnectionResetError | None] = []
        self._waiting = b""
        self._behind = False
        self._pace: asyncio.TimerHandle | None = None
        self._every = 0.0
        self._message = b""
        self._wrote = 0.0

    @property
    def footing(self) -> Footing:
        return self._footing

    @property
    def free(self) -> bool:
        return not self._waiting

    @property
    def paced_every(self) -> float:
        """Seconds after which something is to be written in any case; 0 for never."""
        return self._every

    def open(self, owner: LinkOwner) -> None:
        self._owner = owner
        self._opened = True
        self._loop.call_soon(self._deliver)

    def send(self, data: bytes) -> None:
        if self.leaving or self._gone is None:
            return
        self._waiting += data
        self._behind |= not self._move()

    def keep_alive(self, every: float, message: bytes) -> None:
        if self._pace is not None:
            self._pace.cancel()
            self._pace = None
        self._every, self._message = every, message
        if every:
            self._wrote = self._loop.time()
            self._pace = self._loop.call_later(every, self._beat)

    def catch_up(self) -> None:
        if not self.leaving:
            self._deliver()

    def close(self) -> None:
        if self.leaving or self._gone is None:
            return
        self.leaving = True
        self._opened = True
        self._owner = None
        self.keep_alive(0.0, b"")
        self._loop.call_later(LINGER, self._cut)
        self._loop.call_soon(self._deliver)
        self.pump()

    def abort(self) -> None:
        if self._gone is not None:
            self.far.was_reset = True
            self.far.wake()
            self._finish()

    def arrive(self, what: bytes | ConnectionResetError | None) -> None:
        """The router sends something: bytes, its end, or a reset."""
        self._inbox.append(what)
        self._loop.call_soon(self._deliver)

    def pump(self) -> None:
        """The router has read something."""
        if self._gone is None or not self._move():
            return
        if self.leaving:
            self.far.finished = True
            self.far.wake()
        elif self._behind:
            self._behind = False
            self._loop.call_soon(self._tell_room)

    def _tell_room(self) -> None:
        if self._owner is not None:
            self._owner.room()

    def _move(self) -> bool:
        """Let through what there is room for; whether that was all."""
        room = WINDOW - len(self.far.unread)
        moved, self._waiting = self._waiting[:room], self._waiting[room:]
        if moved:
            self.far.unread += moved
            self.far.wake()
            self._wrote = self._loop.time()
        return not self._waiting

    def _deliver(self) -> None:
        while self._inbox and self._opened and self._gone is not None:
            what = self._inbox.pop(0)
            if not what:
                self._lose("has closed the connection")
            elif isinstance(what, ConnectionResetError):
                self._lose("has reset the connection")
            elif self._owner is not None:
                if len(what) > _READ:
                    self._inbox.insert(0, what[_READ:])
                self._owner.received(what[:_READ])

    def _lose(self, words: str) -> None:
        owner = self._owner
        self.far.finished = True
        self.far.wake()
        self._finish()
        if owner is not None:
            owner.lost(LinkError(f"{self._target.address}:{self._target.port} {words}."))

    def _beat(self) -> None:
        left = self._wrote + self._every - self._loop.time()
        if left <= 0 and not self._waiting:
            self._waiting = self._message
            self._move()
            self.stood_in += 1
            left = self._every
        self._pace = self._loop.call_later(max(left, self._every / 4), self._beat)

    def _cut(self) -> None:
        if self._waiting:
            self.abort()
        else:
            self._finish()

    def _finish(self) -> None:
        self.keep_alive(0.0, b"")
        self._owner = None
        gone, self._gone = self._gone, None
        if gone is not None:
            gone(self)
