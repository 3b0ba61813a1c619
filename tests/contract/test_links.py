"""What every Connector and its links do: the one on TCP, between namespaces, and one in memory.

The other end is a router without any BGP: bytes go in and out, and it ends or is cut as the test
says.
"""

from __future__ import annotations

import asyncio
from abc import ABC, abstractmethod
from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import replace
from ipaddress import IPv4Address, ip_address
from typing import Protocol

import pytest

from lab.cluster import Lab
from speaker.adapters.bgp_tcp import TcpConnector
from speaker.ports import Connector, PeerLink, Target
from tests.support.far import TcpListener
from tests.support.labs import unique_name
from tests.support.memory_links import MemoryConnector, MemoryNetwork
from tests.support.netns import inside
from tests.support.waiting import eventually_async
from vipcast.model.errors import LinkError

PORT = 1790
DEADLINE = 20.0


class Far(Protocol):
    """The router's end of a connection."""

    async def read(self) -> bytes: ...

    async def write(self, data: bytes) -> None: ...

    def finish(self) -> None: ...

    def reset(self) -> None: ...


class Harness(ABC):
    """A node that connects, and a router that listens."""

    node = ip_address("192.0.2.11")
    router = ip_address("192.0.2.1")

    @property
    def target(self) -> Target:
        """The router's port."""
        return Target(self.router, PORT)

    @abstractmethod
    def connector(self) -> Connector:
        """On the node."""

    @abstractmethod
    async def accept(self) -> Far:
        """The next connection that the router gets."""

    @abstractmethod
    def close(self) -> None:
        """The router listens no more."""


class TcpHarness(Harness):
    """A lab of namespaces."""

    def __init__(self, lab: Lab) -> None:
        self._listener = TcpListener(lab.routers[0].namespace, (str(self.router), PORT))

    def connector(self) -> Connector:
        return TcpConnector()

    async def accept(self) -> Far:
        return await self._listener.accept()

    def close(self) -> None:
        self._listener.close()


class MemoryHarness(Harness):
    """No kernel at all."""

    def __init__(self) -> None:
        self._network = MemoryNetwork()
        self._network.listen(self.router, PORT)

    def connector(self) -> Connector:
        return MemoryConnector(self._network, self.node)

    async def accept(self) -> Far:
        return await self._network.accept(self.router, PORT)

    def close(self) -> None:
        self._network.refuse(self.router, PORT)


@pytest.fixture(scope="module")
def lab() -> Iterator[Lab]:
    """A node and a router."""
    with Lab(unique_name(), nodes=1, routers=1, pods=False) as standing:
        yield standing


@pytest.fixture(params=[pytest.param("tcp", marks=pytest.mark.root), "memory"])
def harness(request: pytest.FixtureRequest) -> Iterator[Harness]:
    if request.param == "memory":
        yield MemoryHarness()
        return
    lab = request.getfixturevalue("lab")
    with inside(lab.node(1).namespace):  # the whole test runs there, its event loop, too
        real = TcpHarness(lab)
        yield real
        real.close()


class Owner:
    """Who has a link, and what it was told: bytes, and words in their order."""

    def __init__(self) -> None:
        self.bytes = b""
        self.words: list[str] = []
        self.news = asyncio.Event()

    def received(self, data: bytes) -> None:
        assert 0 < len(data) <= 4096
        self.bytes += data
        self.news.set()

    def room(self) -> None:
        self.words.append("room")
        self.news.set()

    def lost(self, error: LinkError) -> None:
        self.words.append(str(error))
        self.news.set()

    async def has(self, data: bytes) -> None:
        """Wait until exactly these bytes have come."""
        await eventually_async(
            lambda: len(self.bytes) >= len(data), what="all bytes have come", wake=self.news
        )
        assert self.bytes == data

    async def hears(self, *words: str) -> None:
        """Wait until exactly these words were said."""
        await eventually_async(
            lambda: len(self.words) >= len(words), what=f"{words} is said", wake=self.news
        )
        assert self.words == list(words)


class Conversation:
    """A link, its owner, and the router's end of it."""

    def __init__(self, connector: Connector, link: PeerLink, far: Far) -> None:
        self.connector = connector
        self.link = link
        self.far = far
        self.owner = Owner()

    def open(self) -> None:
        """Let the owner hear."""
        self.link.open(self.owner)

    def fill(self) -> bytes:
        """Send as much as leaves at once, and a megabyte more; returns it all."""
        sent = bytearray()
        while self.link.free:
            data = bytes((len(sent) // 1000 + i) % 251 for i in range(1000))
            self.link.send(data)
            sent += data
            assert len(sent) < 64 << 20, "a router that reads nothing gets all of it"
        more = bytes(range(250)) * 4000
        self.link.send(more)
        return bytes(sent) + more

    async def reads(self, count: int) -> bytes:
        """So many bytes at the router."""
        data = b""
        while len(data) < count:
            more = await asyncio.wait_for(self.far.read(), DEADLINE)
            assert more, f"the end, after {len(data)} of {count} bytes"
            data += more
        assert len(data) == count
        return data

    async def rest(self) -> bytes:
        """All up to the end, at the router."""
        data = b""
        while more := await asyncio.wait_for(self.far.read(), DEADLINE):
            data += more
        return data


@asynccontextmanager
async def conversation(harness: Harness) -> AsyncIterator[Conversation]:
    connector = harness.connector()
    async with AsyncExitStack() as stack:
        stack.push_async_callback(connector.close)
        async with asyncio.timeout(DEADLINE):
            link, far = await asyncio.gather(connector.connect(harness.target), harness.accept())
        yield Conversation(connector, link, far)


@pytest.fixture
async def talk(harness: Harness) -> AsyncIterator[Conversation]:
    """A connection that stands; the owner does not hear yet."""
    async with conversation(harness) as one:
        yield one


async def test_bytes_arrive_on_both_sides_whole_and_in_their_order(talk: Conversation) -> None:
    talk.open()
    there = bytes(range(256)) * 100
    back = there[::-1]
    talk.link.send(there[:19])
    talk.link.send(there[19:])
    await talk.far.write(back)
    assert await talk.reads(len(there)) == there
    await talk.owner.has(back)
    assert talk.owner.words == []


async def test_a_link_knows_its_addresses_and_the_interface(
    harness: Harness, talk: Conversation
) -> None:
    stands = talk.link.footing
    assert (stands.local, stands.remote) == (harness.node, harness.router)
    assert (stands.interface, stands.on_link, stands.ipv4) == ("lan0", True, harness.node)
    assert talk.connector.footing(harness.target) == stands


async def test_a_router_that_does_not_listen_is_told_of_in_words(harness: Harness) -> None:
    connector = harness.connector()
    with pytest.raises(LinkError, match=r"^192\.0\.2\.1:1791 refuses the connection\.$"):
        await connector.connect(replace(harness.target, port=PORT + 1))
    await connector.close()


async def test_nothing_is_delivered_before_the_owner_is_there(talk: Conversation) -> None:
    await talk.far.write(b"early")
    talk.far.finish()
    talk.link.send(b"ours")
    assert await talk.reads(4) == b"ours"
    talk.link.catch_up()
    assert talk.owner.bytes == b""
    talk.open()
    await talk.owner.has(b"early")
    await talk.owner.hears("192.0.2.1:1790 has closed the connection.")


async def test_the_end_of_the_router_comes_after_all_that_it_said(talk: Conversation) -> None:
    talk.open()
    await talk.far.write(b"x" * 30_000)
    talk.far.finish()
    await talk.owner.hears("192.0.2.1:1790 has closed the connection.")
    assert talk.owner.bytes == b"x" * 30_000
    talk.link.send(b"too late")
    assert await talk.rest() == b""


async def test_a_reset_is_told_as_one(talk: Conversation) -> None:
    talk.open()
    talk.far.reset()
    await talk.owner.hears("192.0.2.1:1790 has reset the connection.")


async def test_what_a_router_does_not_read_waits_and_nothing_of_it_is_lost(
    talk: Conversation,
) -> None:
    talk.open()
    sent = talk.fill()
    assert not talk.link.free
    assert await talk.reads(len(sent)) == sent
    await talk.owner.hears("room")
    assert talk.link.free


async def test_catching_up_delivers_what_has_arrived_at_once(talk: Conversation) -> None:
    talk.open()
    await talk.far.write(b"here already")
    talk.link.catch_up()
    assert talk.owner.bytes == b"here already"


async def test_closing_lets_the_last_words_out_and_ends_in_good_order(talk: Conversation) -> None:
    talk.open()
    await talk.far.write(b"x" * 10_000)
    talk.link.send(b"routes")
    talk.link.send(b"Cease")
    talk.link.close()
    talk.link.close()
    talk.link.send(b"after the end")
    assert await talk.rest() == b"routesCease"
    await talk.far.write(b"heard by nobody")
    talk.far.finish()
    await asyncio.wait_for(talk.connector.close(), DEADLINE)
    assert (talk.owner.bytes, talk.owner.words) == (b"", [])


async def test_closing_waits_for_a_router_that_reads_slowly(talk: Conversation) -> None:
    talk.open()
    sent = talk.fill()
    talk.link.send(b"Cease")
    talk.link.close()
    assert await talk.rest() == sent + b"Cease"
    talk.far.finish()
    await asyncio.wait_for(talk.connector.close(), DEADLINE)


async def test_a_router_that_reads_nothing_any_more_is_cut_off(talk: Conversation) -> None:
    talk.open()
    talk.fill()
    talk.link.close()
    await asyncio.wait_for(talk.connector.close(), DEADLINE)
    with pytest.raises(ConnectionResetError):
        await talk.rest()


async def test_aborting_resets_the_connection(talk: Conversation) -> None:
    talk.open()
    talk.link.abort()
    talk.link.abort()
    with pytest.raises(ConnectionResetError):
        await talk.rest()
    assert talk.owner.words == []


async def test_a_connector_that_closes_cuts_what_nobody_has_closed(talk: Conversation) -> None:
    talk.open()
    await asyncio.wait_for(talk.connector.close(), DEADLINE)
    with pytest.raises(ConnectionResetError):
        await talk.rest()
    talk.link.send(b"nothing")
    talk.link.catch_up()
    assert talk.owner.words == []


async def test_where_nothing_else_is_written_a_keepalive_is(talk: Conversation) -> None:
    talk.open()
    talk.link.keep_alive(0.01, b"alive")
    assert await talk.reads(15) == b"alive" * 3
    assert talk.link.stood_in >= 3
    talk.link.close()
    whole = await talk.rest()
    assert whole == b"alive" * (len(whole) // 5)
    assert 15 + len(whole) == 5 * talk.link.stood_in
    talk.far.finish()


async def test_keepalives_never_come_between_two_halves_of_a_message(talk: Conversation) -> None:
    talk.open()
    sent = talk.fill()
    talk.link.keep_alive(0.01, b"alive")
    assert await talk.reads(len(sent)) == sent
    assert await talk.reads(5) == b"alive"


async def test_keepalives_end_when_they_are_to_end(talk: Conversation) -> None:
    talk.open()
    talk.link.keep_alive(0.01, b"alive")
    await talk.reads(5)
    talk.link.keep_alive(0.0, b"")
    talk.link.send(b"last")
    talk.link.close()
    assert (await talk.rest()).removesuffix(b"last").replace(b"alive", b"") == b""
    talk.far.finish()


async def test_several_connections_do_not_disturb_each_other(harness: Harness) -> None:
    async with conversation(harness) as one, conversation(harness) as other:
        one.open()
        other.open()
        one.far.reset()
        await one.owner.hears("192.0.2.1:1790 has reset the connection.")
        await other.far.write(b"still here")
        await other.owner.has(b"still here")
        assert isinstance(other.link.footing.local, IPv4Address)
