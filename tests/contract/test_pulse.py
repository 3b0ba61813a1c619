"""What every Pulse does: the real one in network namespaces, and the one in memory.

Two nodes with two interfaces each, every interface on a segment of its own with its counterpart.
That something is *not* heard is shown by what is sent after it and is heard.
"""

from __future__ import annotations

import asyncio
import socket
import struct
from abc import ABC, abstractmethod
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import closing
from ipaddress import IPv4Interface

import pytest

from lab import kernel
from lab.cluster import Lab
from speaker.adapters.pulse import GROUP, PORT, MulticastPulse
from speaker.layer2.interfaces import Link
from speaker.ports import Pulse
from tests.support.fakes import Hub, MemoryPulse
from tests.support.labs import unique_name
from tests.support.netns import inside
from tests.support.waiting import eventually_async
from vipcast.model.errors import HostError

NODES = ("node1", "node2")
Heard = Callable[[int, bytes], None]


class Harness(ABC):
    """Nodes, their links, and what may happen to these."""

    @abstractmethod
    def pulse(self, node: str, heard: Heard) -> Pulse:
        """A pulse on a node."""

    @abstractmethod
    def join(self, node: str, pulse: Pulse, link: Link) -> None:
        """The pulse of a node joins a link."""

    @abstractmethod
    def link(self, node: str, number: int = 0) -> Link:
        """A node's link on a segment."""

    @abstractmethod
    def set_down(self, node: str, *, down: bool) -> None:
        """The first link of a node is taken down or up."""

    @abstractmethod
    def stray(self, node: str, datagram: bytes, ttl: int) -> None:
        """Somebody on a node sends to the first segment with another TTL."""


class MulticastHarness(Harness):
    """A lab of namespaces."""

    def __init__(self, lab: Lab) -> None:
        self.lab = lab

    def pulse(self, node: str, heard: Heard) -> Pulse:  # noqa: ARG002 - sockets come with join
        return MulticastPulse(heard)

    def join(self, node: str, pulse: Pulse, link: Link) -> None:
        with inside(self.lab.host(node).namespace):
            pulse.join(link)

    def link(self, node: str, number: int = 0) -> Link:
        host = self.lab.host(node)
        port = host.ports[number]
        found = kernel.links(host.namespace)[port.interface]
        address = IPv4Interface(f"{port.address}/{port.prefix_length}")
        mac = bytes.fromhex(port.mac.replace(":", ""))
        return Link(
            found["ifindex"], port.interface, mac, up=True, carrier=True, addresses=(address,)
        )

    def set_down(self, node: str, *, down: bool) -> None:
        kernel.ip(self.lab.host(node).namespace, [f"link set lan0 {'down' if down else 'up'}"])

    def stray(self, node: str, datagram: bytes, ttl: int) -> None:
        with inside(self.lab.host(node).namespace):
            sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        with sock:
            which = struct.pack("4s4si", bytes(4), bytes(4), self.link(node).ifindex)
            sock.setsockopt(socket.IPPROTO_IP, socket.IP_MULTICAST_IF, which)
            sock.setsockopt(socket.IPPROTO_IP, socket.IP_MULTICAST_TTL, ttl)
            sock.sendto(datagram, (GROUP, PORT))


class MemoryHarness(Harness):
    """A hub."""

    def __init__(self) -> None:
        self.hub = Hub()
        for node in NODES:
            for number in (0, 1):
                self.hub.plug(node, 2 + number, f"segment {number}")

    def pulse(self, node: str, heard: Heard) -> Pulse:
        return MemoryPulse(self.hub, node, heard)

    def join(self, node: str, pulse: Pulse, link: Link) -> None:  # noqa: ARG002
        pulse.join(link)

    def link(self, node: str, number: int = 0) -> Link:  # noqa: ARG002
        return Link(2 + number, f"lan{number}", bytes(6), up=True, carrier=True)

    def set_down(self, node: str, *, down: bool) -> None:
        self.hub.set_down(node, 2, down=down)

    def stray(self, node: str, datagram: bytes, ttl: int) -> None:
        self.hub.transmit(node, 2, datagram, ttl)


@pytest.fixture(scope="module")
def lab() -> Iterator[Lab]:
    """Two nodes on two segments, nothing else."""
    with Lab(
        unique_name(), nodes=2, segments=("192.0.2.0/24", "198.51.100.0/24"), pods=False
    ) as standing:
        yield standing


@pytest.fixture(params=[pytest.param("multicast", marks=pytest.mark.root), "memory"])
def harness(request: pytest.FixtureRequest) -> Harness:
    if request.param == "multicast":
        return MulticastHarness(request.getfixturevalue("lab"))
    return MemoryHarness()


class Ear:
    """A node with its pulse, and what it heard: datagrams in order, by segment."""

    def __init__(self, harness: Harness, node: str) -> None:
        self.harness = harness
        self.node = node
        self.heard: list[tuple[int, bytes]] = []
        self.links = [harness.link(node, number) for number in (0, 1)]
        self._news = asyncio.Event()
        self.pulse = harness.pulse(node, self._hear)

    def join(self, number: int = 0) -> None:
        """Join a segment."""
        self.harness.join(self.node, self.pulse, self.links[number])

    def send(self, *datagrams: bytes, number: int = 0) -> bool:
        """Send on a segment."""
        return self.pulse.send(self.links[number].ifindex, datagrams)

    async def hears(self, *datagrams: bytes, number: int = 0) -> None:
        """Wait until the last of these was heard; these, there, and nothing else were heard."""
        ifindex = self.links[number].ifindex
        wanted = [(ifindex, datagram) for datagram in datagrams]
        await eventually_async(
            lambda: wanted[-1] in self.heard, what=f"{self.node} hears {wanted}", wake=self._news
        )
        assert self.heard == wanted
        self.heard.clear()

    def _hear(self, ifindex: int, datagram: bytes) -> None:
        self.heard.append((ifindex, datagram))
        self._news.set()


@pytest.fixture
async def ears(harness: Harness) -> AsyncIterator[tuple[Ear, Ear]]:
    """Two nodes, not joined yet."""
    one, other = (Ear(harness, node) for node in NODES)
    with closing(one.pulse), closing(other.pulse):
        yield one, other


async def test_datagrams_arrive_at_the_others_in_their_order_and_not_at_the_sender(
    ears: tuple[Ear, Ear],
) -> None:
    one, other = ears
    one.join()
    other.join()
    assert one.send(b"first", b"second", b"x" * 1400)
    await other.hears(b"first", b"second", b"x" * 1400)
    assert other.send(b"answer")
    await one.hears(b"answer")
    assert (one.pulse.failures, other.pulse.failures) == ({}, {})


async def test_each_segment_hears_its_own(ears: tuple[Ear, Ear]) -> None:
    one, other = ears
    for ear in ears:
        ear.join(0)
        ear.join(1)
    assert one.send(b"on the second", number=1)
    await other.hears(b"on the second", number=1)
    assert one.send(b"on the first", number=0)
    await other.hears(b"on the first", number=0)


async def test_a_datagram_that_may_have_passed_a_router_is_refused_and_counted(
    harness: Harness, ears: tuple[Ear, Ear]
) -> None:
    one, other = ears
    other.join()
    for ttl in (2, 64, 255):
        harness.stray(one.node, b"from afar", ttl)
    harness.stray(one.node, b"from here", 1)
    await other.hears(b"from here")
    assert other.pulse.failures == {"ttl": 3}


async def test_whoever_left_or_never_joined_neither_sends_nor_hears(ears: tuple[Ear, Ear]) -> None:
    one, other = ears
    one.join()
    assert not other.send(b"not joined")
    other.join()
    assert one.send(b"a")
    await other.hears(b"a")
    other.pulse.leave(other.links[0].ifindex)
    other.pulse.leave(other.links[0].ifindex)
    assert not other.send(b"left")
    assert one.send(b"b")
    other.join()
    assert one.send(b"c")
    await other.hears(b"c")
    assert other.send(b"d")
    await one.hears(b"d")


async def test_joining_again_hears_everything_once(ears: tuple[Ear, Ear]) -> None:
    one, other = ears
    one.join()
    for _ in range(3):
        other.join()
    assert one.send(b"a", b"b")
    await other.hears(b"a", b"b")


async def test_a_link_that_is_down_takes_nothing_and_works_again_when_it_is_up(
    harness: Harness, ears: tuple[Ear, Ear]
) -> None:
    one, other = ears
    one.join()
    other.join()
    harness.set_down(one.node, down=True)
    try:
        assert not one.send(b"lost")
        assert one.pulse.failures == {"ENETUNREACH": 1}
    finally:
        harness.set_down(one.node, down=False)
    await eventually_async(lambda: one.send(b"here again"), what="the link takes datagrams again")
    await other.hears(b"here again")
    assert other.send(b"welcome")
    await one.hears(b"welcome")


async def test_after_closing_nothing_is_heard_or_sent(ears: tuple[Ear, Ear]) -> None:
    one, other = ears
    for ear in ears:
        ear.join(0)
        ear.join(1)
    other.pulse.close()
    assert one.send(b"lost", number=0)
    assert one.send(b"lost", number=1)
    assert not other.send(b"closed", number=0)
    assert not other.send(b"closed", number=1)
    other.join()
    assert one.send(b"heard")
    await other.hears(b"heard")


@pytest.mark.root
async def test_a_link_that_is_gone_cannot_be_joined_and_the_error_says_what_to_do(lab: Lab) -> None:
    harness = MulticastHarness(lab)
    ear = Ear(harness, "node1")
    gone = Link(9999, "lan9", bytes(6), up=True, carrier=True)
    with closing(ear.pulse), pytest.raises(HostError, match=r"interface lan9: .*IPv4 address"):
        harness.join("node1", ear.pulse, gone)


@pytest.mark.root
async def test_hellos_leave_as_link_local_multicast_with_ttl_1_and_network_control(
    lab: Lab,
) -> None:
    harness = MulticastHarness(lab)
    ear = Ear(harness, "node1")
    with inside(lab.host("node2").namespace):
        raw = socket.socket(socket.AF_PACKET, socket.SOCK_DGRAM, socket.htons(0x0800))
    with raw, closing(ear.pulse):
        raw.setblocking(False)
        ear.join()
        assert ear.send(b"hello")
        packet = await asyncio.wait_for(_packet_to(raw, PORT), 20)
    assert packet[1] == 0xC0
    assert packet[8] == 1
    assert socket.inet_ntoa(packet[12:16]) == str(ear.links[0].address)
    assert socket.inet_ntoa(packet[16:20]) == "224.0.0.73"
    assert packet[28:] == b"hello"


async def _packet_to(raw: socket.socket, port: int) -> bytes:
    """The first IPv4 packet to a UDP port; its header has 20 bytes."""
    loop = asyncio.get_running_loop()
    while True:
        packet = await loop.sock_recv(raw, 2048)
        if packet[9] == socket.IPPROTO_UDP and packet[22:24] == port.to_bytes(2, "big"):
            return packet
