"""BGP's connections on the real kernel: signatures, addresses, dead peers, floods, busy loops.

What holds of every link is in tests/contract/test_links.py. The tests run on a node of the lab; the
router's side, and what is behind the router, are other namespaces.
"""

from __future__ import annotations

import asyncio
import socket
import threading
import time
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import ExitStack, closing, suppress
from dataclasses import dataclass, replace
from ipaddress import IPv4Address, IPv6Address, ip_address, ip_interface

import pytest

from lab import kernel
from lab.cluster import Lab
from speaker.adapters.bgp_tcp import TcpConnector
from speaker.ports import Footing, PeerLink, Target
from tests.support.far import SocketAddress, TcpFar, TcpListener
from tests.support.labs import unique_name
from tests.support.netns import inside
from tests.support.waiting import eventually, eventually_async
from vipcast.model.addresses import Address
from vipcast.model.errors import HostError, LinkError

PORT = 1790
DEADLINE = 20.0
SILENCE = 1.5
"""Seconds without an answer: the kernel has asked twice."""

NODE4, ROUTER4 = ip_address("192.0.2.11"), ip_address("192.0.2.1")
NODE6, ROUTER6 = ip_address("2001:db8::b"), ip_address("2001:db8::1")
NODE_LL, ROUTER_LL = ip_address("fe80::76:69ff:fe70:b"), ip_address("fe80::76:69ff:fe70:1")
BEHIND4, BEHIND6 = ip_address("198.18.1.2"), ip_address("2001:db8:ff01::2")


@pytest.fixture(scope="module")
def lab() -> Iterator[Lab]:
    """A node, a router, a host behind the router; IPv4 and IPv6."""
    with Lab(unique_name(), nodes=1, routers=1, ipv6=True, pods=False) as standing:
        yield standing


@dataclass(frozen=True)
class Pair:
    """The two addresses of a kind of connection."""

    node: Address
    router: Address

    @property
    def scoped(self) -> bool:
        return self.node.is_link_local

    def target(self, password: bytes | None = None) -> Target:
        text = f"{self.router}%lan0" if self.scoped else str(self.router)
        return Target(ip_address(text), PORT, password=password)


PAIRS = {
    "IPv4": Pair(NODE4, ROUTER4),
    "IPv6": Pair(NODE6, ROUTER6),
    "link-local": Pair(NODE_LL, ROUTER_LL),
}


class Stage:
    """The lab as these tests use it."""

    def __init__(self, lab: Lab, stack: ExitStack) -> None:
        self.lab = lab
        self._stack = stack

    def listen(
        self, pair: Pair, password: bytes | None = None, *, behind: bool = False
    ) -> TcpListener:
        """The router, or who is behind it, listens."""
        host = self.lab.remote if behind else self.lab.routers[0]
        scope = 0
        if pair.scoped:
            scope = int(kernel.links(host.namespace)["lan0"]["ifindex"])
        listener = TcpListener(
            host.namespace,
            _address(pair.router, scope),
            password,
            (str(pair.node), 0, 0, scope),
        )
        self._stack.callback(listener.close)
        return listener


def _address(address: Address, scope: int = 0) -> SocketAddress:
    return (str(address), PORT) if address.version == 4 else (str(address), PORT, 0, scope)


@pytest.fixture
def stage(lab: Lab) -> Iterator[Stage]:
    """The whole test runs on the node, its event loop, too."""
    with inside(lab.node(1).namespace), ExitStack() as stack:
        yield Stage(lab, stack)


@pytest.fixture
async def connector(stage: Stage) -> AsyncIterator[TcpConnector]:  # noqa: ARG001 - on the node
    one = TcpConnector()
    yield one
    await asyncio.wait_for(one.close(), DEADLINE)


async def _meet(
    connector: TcpConnector, listener: TcpListener, target: Target
) -> tuple[PeerLink, TcpFar]:
    async with asyncio.timeout(DEADLINE):
        link, far = await asyncio.gather(connector.connect(target), listener.accept())
    return link, far


class Owner:
    """Keeps what it is told."""

    def __init__(self, working: Callable[[], None] = lambda: None) -> None:
        self.count = 0
        self.deliveries = 0
        self.words: list[str] = []
        self.news = asyncio.Event()
        self._working = working

    def received(self, data: bytes) -> None:
        self.count += len(data)
        self.deliveries += 1
        self._working()

    def room(self) -> None:
        self.words.append("room")

    def lost(self, error: LinkError) -> None:
        self.words.append(str(error))
        self.news.set()

    async def hears(self, words: str) -> None:
        await eventually_async(lambda: words in self.words, what=words, wake=self.news)


# Signatures (RFC 2385)


@pytest.mark.parametrize("password", [b"x", b"se cret", b"\xff" * 80], ids=["1", "7", "80"])
@pytest.mark.parametrize("kind", PAIRS)
async def test_with_the_same_password_on_both_sides_a_signed_connection_comes_up(
    stage: Stage, connector: TcpConnector, kind: str, password: bytes
) -> None:
    pair = PAIRS[kind]
    listener = stage.listen(pair, password)
    link, far = await _meet(connector, listener, pair.target(password))
    link.send(b"signed")
    assert await asyncio.wait_for(far.read(), DEADLINE) == b"signed"
    link.abort()


@pytest.mark.parametrize(
    ("ours", "theirs"),
    [(b"secret", b"other"), (b"secret", None), (None, b"secret")],
    ids=["another one", "the router has none", "we have none"],
)
@pytest.mark.parametrize("kind", PAIRS)
async def test_with_different_passwords_nobody_answers(
    stage: Stage, connector: TcpConnector, kind: str, ours: bytes | None, theirs: bytes | None
) -> None:
    pair = PAIRS[kind]
    stage.listen(pair, theirs)
    with pytest.raises(TimeoutError):
        await asyncio.wait_for(connector.connect(pair.target(ours)), SILENCE)


@pytest.mark.parametrize("password", [b"", b"x" * 81], ids=["empty", "81 bytes"])
async def test_a_password_that_cannot_sign_is_refused_and_no_connection_is_tried(
    stage: Stage, connector: TcpConnector, password: bytes
) -> None:
    stage.listen(PAIRS["IPv4"])
    words = rf"^A password of {len(password)} bytes cannot sign a BGP session: give 1 to 80\.$"
    with pytest.raises(HostError, match=words):
        await connector.connect(PAIRS["IPv4"].target(password))


# Addresses


@pytest.mark.parametrize(
    ("kind", "source", "first"),
    [("IPv4", "192.0.2.50/24", NODE4), ("IPv6", "2001:db8::50/64", NODE6)],
    ids=["IPv4", "IPv6"],
)
async def test_a_connection_comes_from_the_source_address_that_it_is_given(
    stage: Stage, connector: TcpConnector, kind: str, source: str, first: Address
) -> None:
    node = stage.lab.node(1).namespace
    given = ip_interface(source).ip
    # Deprecated (RFC 4862): good for the connection that asks for it, and not to be told to others.
    kernel.ip(node, [f"address add {source} dev lan0 preferred_lft 0"])
    try:
        listener = stage.listen(PAIRS[kind])
        link, far = await _meet(connector, listener, replace(PAIRS[kind].target(), source=given))
        assert far.sock.getpeername()[0] == str(given)
        stands = link.footing
        assert (stands.local, stands.on_link) == (given, True)
        assert first in (stands.ipv4, stands.ipv6)
    finally:
        kernel.ip(node, [f"address del {source} dev lan0"])


async def test_with_a_source_address_of_another_interface_the_peer_is_not_on_its_link(
    connector: TcpConnector,
) -> None:
    source = ip_address("10.244.1.1")
    assert connector.footing(Target(ROUTER4, PORT, source)) == Footing(
        local=source,
        remote=ROUTER4,
        interface="lan0",
        on_link=False,
        ipv4=IPv4Address("192.0.2.11"),
        ipv6=IPv6Address("2001:db8::b"),
        link_local=IPv6Address("fe80::76:69ff:fe70:b"),
    )


async def test_a_source_address_that_the_node_has_not_is_told_of(connector: TcpConnector) -> None:
    target = Target(ROUTER4, PORT, source=ip_address("192.0.2.99"))
    words = "the source address 192.0.2.99 is not available on this node"
    with pytest.raises(LinkError, match=words):
        await connector.connect(target)


@pytest.mark.parametrize("kind", PAIRS)
async def test_a_link_tells_its_local_address_and_our_addresses_on_the_interface(
    stage: Stage, connector: TcpConnector, kind: str
) -> None:
    pair = PAIRS[kind]
    link, far = await _meet(connector, stage.listen(pair), pair.target())
    assert ip_address(far.sock.getpeername()[0].partition("%")[0]) == pair.node
    assert link.footing == Footing(
        local=pair.node,
        remote=pair.router,
        interface="lan0",
        on_link=True,
        ipv4=IPv4Address("192.0.2.11"),
        ipv6=IPv6Address("2001:db8::b"),
        link_local=IPv6Address("fe80::76:69ff:fe70:b"),
    )
    assert connector.footing(pair.target()) == link.footing


@pytest.mark.parametrize("pair", [Pair(NODE4, BEHIND4), Pair(NODE6, BEHIND6)], ids=["IPv4", "IPv6"])
async def test_a_peer_behind_a_router_is_reached_and_is_not_on_the_link(
    stage: Stage, connector: TcpConnector, pair: Pair
) -> None:
    listener = stage.listen(pair, behind=True)
    link, _ = await _meet(connector, listener, pair.target())
    stands = link.footing
    assert (stands.local, stands.interface, stands.on_link) == (pair.node, "lan0", False)


async def test_a_footing_can_be_asked_for_without_a_connection(connector: TcpConnector) -> None:
    assert connector.footing(Target(BEHIND6)).local == NODE6
    # Neither a router id nor a next hop: others have the same addresses.
    loopback = connector.footing(Target(ip_address("::1")))
    assert (loopback.ipv4, loopback.ipv6, loopback.link_local) == (None, None, None)
    with pytest.raises(LinkError, match="this node has no route to it"):
        connector.footing(Target(ip_address("10.99.0.1")))


@pytest.mark.parametrize(
    ("address", "words"),
    [
        ("fe80::1", r"^fe80::1 is a link-local address: name its interface, as in fe80::1%eth0\.$"),
        ("fe80::1%lan7", r"^fe80::1%lan7 names an interface that is not on this node: lan7\.$"),
    ],
)
async def test_a_link_local_address_needs_an_interface_of_this_node(
    connector: TcpConnector, address: str, words: str
) -> None:
    target = Target(ip_address(address))
    with pytest.raises(LinkError, match=words):
        await connector.connect(target)
    with pytest.raises(LinkError, match=words):
        connector.footing(target)


@pytest.mark.parametrize(
    ("address", "words"),
    [
        ("192.0.2.77", r"^192\.0\.2\.77:179 cannot be reached: no host on the way answers for it"),
        ("10.99.0.1", r"^10\.99\.0\.1:179 cannot be reached: this node has no route to it\.$"),
        ("2001:db8::1", r"^\[2001:db8::1\]:179 refuses the connection\.$"),
    ],
)
async def test_why_there_is_no_connection_is_said_in_words(
    connector: TcpConnector, address: str, words: str
) -> None:
    with pytest.raises(LinkError, match=words):
        await asyncio.wait_for(connector.connect(Target(ip_address(address))), DEADLINE)


@pytest.mark.parametrize("kind", ["IPv4", "IPv6"])
async def test_packets_leave_as_network_control_and_with_the_largest_hop_limit(
    stage: Stage, connector: TcpConnector, kind: str
) -> None:
    pair = PAIRS[kind]
    protocol = 0x0800 if pair.node.version == 4 else 0x86DD
    with inside(stage.lab.routers[0].namespace):
        raw = socket.socket(socket.AF_PACKET, socket.SOCK_DGRAM, socket.htons(protocol))
    with closing(raw):
        raw.setblocking(False)
        await _meet(connector, stage.listen(pair), pair.target())
        packet = await asyncio.wait_for(_first_of_tcp(raw, pair.node), DEADLINE)
    if pair.node.version == 4:
        assert (packet[1], packet[8]) == (0xC0, 255)
    else:
        assert (int.from_bytes(packet[:2]) >> 4 & 0xFF, packet[7]) == (0xC0, 255)


async def _first_of_tcp(raw: socket.socket, sender: Address) -> bytes:
    loop = asyncio.get_running_loop()
    where, kind = (12, 9) if sender.version == 4 else (8, 6)
    while True:
        packet = await loop.sock_recv(raw, 2048)
        if packet[kind] == socket.IPPROTO_TCP and packet[where:].startswith(sender.packed):
            return packet


# Peers that die, hang, or pour


async def test_a_router_that_lost_its_memory_resets_what_it_does_not_know(
    stage: Stage, connector: TcpConnector
) -> None:
    pair = PAIRS["IPv4"]
    link, far = await _meet(connector, stage.listen(pair), pair.target())
    owner = Owner()
    link.open(owner)
    far.vanish()
    link.keep_alive(0.01, b"alive")
    await owner.hears("192.0.2.1:1790 has reset the connection.")


async def test_a_router_that_takes_nothing_for_too_long_is_given_up_by_the_kernel(
    stage: Stage, connector: TcpConnector
) -> None:
    pair = PAIRS["IPv4"]
    link, _ = await _meet(connector, stage.listen(pair), replace(pair.target(), stall=1.0))
    owner = Owner()
    link.open(owner)
    link.send(b"x" * (8 << 20))
    await owner.hears("192.0.2.1:1790 has not taken what was sent to it for 1 s.")


async def test_while_the_loop_is_held_up_a_router_soon_has_to_wait(
    stage: Stage, connector: TcpConnector
) -> None:
    pair = PAIRS["IPv4"]
    link, far = await _meet(connector, stage.listen(pair), pair.target())
    owner = Owner()
    link.open(owner)
    # A connection that is read from quickly is given more and more memory by the kernel, if it may.
    await far.write(bytes(8 << 20))
    await eventually_async(lambda: owner.count == 8 << 20, what="all of it is delivered")
    pouring = Pouring(far)
    _compute_until(lambda: not pouring.is_alive())
    assert pouring.poured < 1 << 20
    await eventually_async(
        lambda: owner.count == (8 << 20) + pouring.poured, what="all of the rest is delivered"
    )


class Pouring(threading.Thread):
    """A router's side that sends in a thread of its own, until nothing is taken any more."""

    def __init__(self, far: TcpFar) -> None:
        super().__init__(daemon=True)
        self.poured = 0
        far.sock.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 1 << 16)
        far.sock.settimeout(0.5)
        self._sock = far.sock
        self.start()

    def run(self) -> None:
        with suppress(TimeoutError):
            while True:
                self.poured += self._sock.send(bytes(1 << 14))


async def test_a_flood_takes_slices_and_other_callbacks_get_their_turn_between_them(
    stage: Stage, connector: TcpConnector
) -> None:
    pair = PAIRS["IPv4"]
    link, far = await _meet(connector, stage.listen(pair), pair.target())
    owner = Owner(_half_a_millisecond)
    most = turns = before = 0

    def turn() -> None:
        nonlocal most, turns, before
        most, before = max(most, owner.deliveries - before), owner.deliveries
        turns += 1
        if owner.count < len(flood):
            asyncio.get_running_loop().call_soon(turn)

    flood = bytes(2 << 20)
    pouring = asyncio.create_task(far.write(flood))
    link.open(owner)
    turn()
    await eventually_async(lambda: owner.count == len(flood), what="all of it is delivered")
    await pouring
    # One fills the slice of half a millisecond; a second one begins if the clock was short.
    assert most <= 2
    assert turns >= owner.deliveries / 2


def _half_a_millisecond() -> None:
    end = time.monotonic() + 0.0005
    while time.monotonic() < end:
        pass


# A busy loop


class Listening(threading.Thread):
    """A router's side that reads in a thread of its own."""

    def __init__(self, far: TcpFar) -> None:
        super().__init__(daemon=True)
        self.bytes = b""
        far.sock.setblocking(True)
        self._sock = far.sock
        self.start()

    def run(self) -> None:
        while data := self._sock.recv(1 << 16):
            self.bytes += data
        self._sock.shutdown(socket.SHUT_WR)


def _compute_until(condition: Callable[[], bool]) -> None:
    """Hold the event loop up, in plain Python, as computing routes does."""
    end = time.monotonic() + DEADLINE
    while not condition():
        sum(number * number for number in range(10_000))
        assert time.monotonic() < end, "the loop is held up, and what is waited for does not come"


async def test_keepalives_are_written_while_the_event_loop_is_held_up(
    stage: Stage, connector: TcpConnector
) -> None:
    pair = PAIRS["IPv4"]
    link, far = await _meet(connector, stage.listen(pair), pair.target())
    link.open(Owner())
    router = Listening(far)
    link.keep_alive(0.1, b"alive")
    _compute_until(lambda: len(router.bytes) >= len(b"alive" * 5))
    link.close()
    router.join(DEADLINE)
    assert router.bytes == b"alive" * link.stood_in


async def test_a_held_up_loop_s_keepalive_comes_after_the_message_that_had_to_wait(
    stage: Stage, connector: TcpConnector
) -> None:
    pair = PAIRS["IPv4"]
    link, far = await _meet(connector, stage.listen(pair), pair.target())
    link.open(Owner())
    message = bytes(range(250)) * 4000 * 4
    link.send(message)
    assert not link.free
    router = Listening(far)
    link.keep_alive(0.1, b"alive")
    _compute_until(lambda: router.bytes.startswith(message + b"alive"))
    link.close()
    router.join(DEADLINE)


async def test_a_loop_that_works_writes_its_own_and_nobody_stands_in_for_it(
    stage: Stage, connector: TcpConnector
) -> None:
    pair = PAIRS["IPv4"]
    link, far = await _meet(connector, stage.listen(pair), pair.target())
    link.open(Owner())
    router = Listening(far)
    link.keep_alive(30.0, b"alive")
    loop = asyncio.get_running_loop()
    for number in range(20):
        loop.call_later(0.01 * number, link.send, b"own")
    await eventually_async(lambda: router.bytes == b"own" * 20, what="all have come")
    assert link.stood_in == 0
    link.close()
    router.join(DEADLINE)


async def test_the_thread_ends_with_the_last_connection(
    stage: Stage, connector: TcpConnector
) -> None:
    pair = PAIRS["IPv4"]
    listener = stage.listen(pair)
    for _ in range(2):
        link, far = await _meet(connector, listener, pair.target())
        link.open(Owner())
        link.keep_alive(0.01, b"alive")
        assert await asyncio.wait_for(far.read(), DEADLINE)
        assert "bgp-keepalive" in _threads()
        link.abort()
        eventually(lambda: "bgp-keepalive" not in _threads(), what="no thread is left")


def _threads() -> set[str]:
    return {thread.name for thread in threading.enumerate()}
