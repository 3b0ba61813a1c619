"""One BGP peer at work on the real kernel: a busy loop, a flood of routes, the two ways to leave.

The router is one that does what the test tells it to, in another namespace.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager
from ipaddress import IPv4Address

import pytest

from lab.cluster import Lab
from speaker.adapters.bgp_tcp import TcpConnector
from speaker.adapters.clock import MonotonicClock
from speaker.bgp import encode
from speaker.bgp.codes import Cease, ErrorCode
from speaker.bgp.messages import (
    IPV4_UNICAST,
    Attributes,
    Keepalive,
    Notification,
    Open,
    Update,
)
from speaker.bgp.notices import SessionEvent, UpdateSeen
from speaker.bgp.session import Session
from speaker.bgp.settings import SessionSettings
from speaker.bgp.states import State
from speaker.peer import Peer, target
from tests.support.bgp_router import Router
from tests.support.labs import unique_name
from tests.support.netns import inside
from tests.support.waiting import eventually_async

NODE, ROUTER = IPv4Address("192.0.2.11"), IPv4Address("192.0.2.1")
HOLD_TIME = 3
SETTINGS = SessionSettings(
    local_asn=64512,
    peer_asn=64513,
    address=ROUTER,
    router_id=NODE,
    families=(IPV4_UNICAST,),
    hold_time=HOLD_TIME,
)
DEADLINE = 20.0


@pytest.fixture(scope="module")
def lab() -> Iterator[Lab]:
    """A node and a router."""
    with Lab(unique_name(), nodes=1, routers=1, pods=False) as standing:
        yield standing


class Stage:
    """A peer at work and its router; everything else of the test runs on the peer's loop."""

    def __init__(self, lab: Lab) -> None:
        self.router = Router(lab.routers[0], 64513, HOLD_TIME)
        self.told: list[SessionEvent] = []
        self.session = Session(SETTINGS, jitter=lambda: 1.0)
        self.connector = TcpConnector()
        self.peer = Peer(
            self.session,
            target(SETTINGS),
            connector=self.connector,
            clock=MonotonicClock(),
            told=self.told.append,
            drained=lambda: None,
        )

    @property
    def stands(self) -> bool:
        """Whether the first session is still up, on both sides."""
        return (self.session.state, self.session.generation, self.router.end) == (
            State.ESTABLISHED,
            1,
            "",
        )

    @property
    def routes_seen(self) -> int:
        """Routes that the router sent, as the session told."""
        seen = [event for event in self.told if isinstance(event, UpdateSeen)]
        return sum(count for one in seen for _, count in one.announced)


@pytest.fixture
def on_the_node(lab: Lab) -> Iterator[Lab]:
    """The whole test runs there, its event loop, too."""
    with inside(lab.node(1).namespace):
        yield lab


@asynccontextmanager
async def working(lab: Lab) -> AsyncIterator[Stage]:
    stage = Stage(lab)
    task = asyncio.create_task(stage.peer.run())
    await eventually_async(lambda: stage.stands, what="the session is up")
    yield stage
    stage.peer.stop()
    await task
    await asyncio.wait_for(stage.connector.close(), DEADLINE)
    stage.router.join(DEADLINE)
    assert not stage.router.is_alive()


def _compute_until(condition: Callable[[], bool]) -> None:
    """Hold the event loop up, in plain Python, as computing routes does."""
    end = time.monotonic() + DEADLINE
    while not condition():
        sum(number * number for number in range(10_000))
        assert time.monotonic() < end, "the loop is held up, and what is waited for does not come"


async def test_a_session_stands_while_the_loop_is_held_up_for_longer_than_the_hold_time(
    on_the_node: Lab,
) -> None:
    async with working(on_the_node) as stage:
        for _ in range(2):
            _compute_until(stage.router.hears_more(HOLD_TIME + 1))
            await eventually_async(stage.router.hears_more(2), what="keepalives come as before")
            assert stage.stands


async def test_a_router_may_pour_in_what_it_likes_and_its_session_stands(on_the_node: Lab) -> None:
    attributes = Attributes(as_path=(64513, 4200000001), next_hop=ROUTER)
    prefixes = b"".join(b"\x18" + (number << 8).to_bytes(4) for number in range(1 << 18))
    flood = encode.announce(IPV4_UNICAST, attributes, prefixes, four_octet=True)
    async with working(on_the_node) as stage:
        await asyncio.gather(
            asyncio.to_thread(stage.router.say, flood),
            eventually_async(lambda: stage.routes_seen == 1 << 18, what="all of it is seen"),
        )
        await eventually_async(stage.router.hears_more(2), what="keepalives come as before")
        assert stage.stands


async def test_leaving_for_good_says_so_behind_the_last_routes(on_the_node: Lab) -> None:
    routes = encode.announce(
        IPV4_UNICAST,
        Attributes(as_path=(64512,), next_hop=NODE),
        b"".join(b"\x20" + (0xC6336400 + number).to_bytes(4) for number in range(200)),
        four_octet=True,
    )
    async with working(on_the_node) as stage:
        assert stage.peer.send(routes, generation=1)
        stage.peer.stop(text="the node goes")
        router = stage.router
    cease = Notification(ErrorCode.CEASE, Cease.ADMINISTRATIVE_SHUTDOWN, b"\x0dthe node goes")
    assert router.heard[-2:] == [Update(announced=((IPV4_UNICAST, 200),)), cease]
    assert router.end == "closed"


async def test_leaving_for_a_restart_says_nothing_and_resets_nothing(on_the_node: Lab) -> None:
    async with working(on_the_node) as stage:
        # What the node has not read when it leaves would turn its FIN into a reset.
        stage.router.say(encode.keepalive() * 100)
        stage.peer.stop(cease=None)
        router = stage.router
    assert {type(message) for message in router.heard} == {Open, Keepalive}
    assert router.end == "closed"
