"""A connection's rare moments, on a pair of sockets: what cannot be written, what is never read."""

from __future__ import annotations

import asyncio
import socket
import time
from collections.abc import AsyncIterator
from ipaddress import ip_address

import pytest

from speaker.adapters.bgp_tcp.link import TcpLink
from speaker.adapters.bgp_tcp.pacemaker import Pacemaker
from speaker.ports import Footing, Target
from vipcast.model.errors import LinkError

NODE, ROUTER = ip_address("192.0.2.11"), ip_address("192.0.2.1")


class Pair:
    """A link, the two ends below it, and what its owner heard."""

    def __init__(self) -> None:
        self.ours, self.theirs = socket.socketpair()
        self.ours.setblocking(False)
        self.words: list[str] = []
        self.ended = asyncio.Event()
        self.link = TcpLink(
            self.ours,
            Target(ROUTER),
            Footing(NODE, ROUTER, "lan0", on_link=True),
            Pacemaker(asyncio.get_running_loop()),
            lambda _: self.ended.set(),
        )
        self.link.open(self)

    def received(self, data: bytes) -> None:
        self.words.append(f"{len(data)} bytes")

    def room(self) -> None:
        self.words.append("room")

    def lost(self, error: LinkError) -> None:
        self.words.append(str(error))


@pytest.fixture
async def pair() -> AsyncIterator[Pair]:
    one = Pair()
    yield one
    one.link.abort()
    one.theirs.close()


async def test_where_nothing_can_be_written_the_connection_is_over_though_nothing_came(
    pair: Pair,
) -> None:
    pair.ours.shutdown(socket.SHUT_WR)
    pair.link.send(b"routes")
    assert pair.words == []  # not from within the owner's own call
    await asyncio.wait_for(pair.ended.wait(), 20)
    assert pair.words == ["192.0.2.1:179 has reset the connection."]


async def test_what_the_router_said_last_is_heard_before_its_end_though_writing_fails(
    pair: Pair,
) -> None:
    pair.theirs.send(b"NOTIFICATION")
    pair.theirs.close()
    pair.link.send(b"routes")
    await asyncio.wait_for(pair.ended.wait(), 20)
    assert pair.words == ["12 bytes", "192.0.2.1:179 has reset the connection."]


async def test_for_a_router_that_reads_nothing_the_thread_waits_and_adds_nothing(
    pair: Pair,
) -> None:
    while pair.link.free:
        pair.link.send(bytes(1 << 16))
    pair.link.keep_alive(100.0, b"alive")
    due = pair.link.due
    assert 100.0 <= due - time.monotonic() < 101.0
    pair.link.beat(due - 1.0)
    assert pair.link.due == due
    pair.link.beat(due)
    assert (pair.link.due, pair.link.stood_in) == (due + 25.0, 0)


async def test_a_keepalive_that_finds_no_room_waits_and_the_loop_sees_it_out(pair: Pair) -> None:
    pair.link.keep_alive(100.0, b"alive")
    while True:
        try:
            pair.ours.send(bytes(1 << 12))
        except BlockingIOError:
            break
    pair.link.beat(pair.link.due)
    assert (pair.link.free, pair.link.stood_in) == (False, 1)
    pair.theirs.setblocking(False)
    got = b""
    while not got.endswith(b"alive"):
        got += await asyncio.wait_for(
            asyncio.get_running_loop().sock_recv(pair.theirs, 1 << 20), 20
        )
    assert got.strip(b"\0") == b"alive"
    assert pair.link.free
