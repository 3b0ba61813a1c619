"""Whole speakers and routers: which routes a router has, and when it has them no more."""

from __future__ import annotations

import asyncio
from ipaddress import IPv4Address, ip_network
from typing import Any

import pytest

from speaker.bgp import encode
from speaker.bgp.decode import Context, attributes_of, decode, prefixes_of
from speaker.bgp.facets import GRACEFUL_SHUTDOWN
from speaker.bgp.framing import Framer
from speaker.bgp.messages import (
    IPV4_UNICAST,
    Attributes,
    Capabilities,
    Notification,
    Open,
    RouteRefresh,
    Update,
)
from speaker.leaving import WAIT
from tests.support.memory_links import FarEnd
from tests.support.virtual import pass_time, until
from tests.unit.speaker.world import SYSTEM, VIP, World, story
from vipcast.model.addresses import Network
from vipcast.model.errors import HostError
from vipcast.model.objects import DRAIN_ANNOTATION, Key
from vipcast.model.raw import BGP_PEER, Ref

ROUTER = IPv4Address("192.0.2.1")
ROUTE = ip_network("192.0.2.240/32")
OURS, THEIRS = 64500, 64501


class Router:
    """A router that takes every session, one after the other; `tables` by the node's router ID."""

    def __init__(self, world: World, address: IPv4Address = ROUTER, *, hold_time: int = 90) -> None:
        """It sends no keepalive of its own but the first: with a hold time it is lost after it."""
        self.world = world
        self.address = address
        self.hold_time = hold_time
        self.table: dict[Network, Attributes] = {}
        self.sessions = 0
        self.updates = 0
        self.complete = False
        self.last: Notification | None = None
        self.far: FarEnd | None = None
        world.network.listen(address)
        self._task = asyncio.create_task(self._serve())

    async def _serve(self) -> None:
        while True:
            self.far = await self.world.network.accept(self.address)
            self.table, self.complete = {}, False
            try:
                await self._speak(self.far)
            except ConnectionResetError:
                self.table = {}

    async def _speak(self, far: FarEnd) -> None:
        families = (IPV4_UNICAST,)
        capabilities = Capabilities(families=families, four_octet_asn=THEIRS, route_refresh=True)
        await far.write(
            encode.open_message(Open(THEIRS, self.hold_time, self.address, capabilities))
        )
        framer, context = Framer(), Context(families=families)
        while data := await far.read():
            framer.receive(data)
            while (message := framer.next()) is not None:
                said = decode(message, context)
                if isinstance(said, Open):
                    self.sessions += 1
                    await far.write(encode.keepalive())
                elif isinstance(said, Notification):
                    self.last = said
                elif isinstance(said, Update):
                    self.updates += 1
                    self.complete |= said.end_of_rib is not None
                    attributes = attributes_of(message, context)
                    for _, network, comes in prefixes_of(message, context):
                        if comes:
                            assert attributes is not None
                            self.table[network] = attributes
                        else:
                            del self.table[network]
        far.finish()

    async def has(self, *routes: str) -> None:
        """Wait until it has exactly these."""
        wanted = {ip_network(each) for each in routes}
        await until(lambda: self.complete and self.table.keys() == wanted, "routes")


def peer(world: World, name: str = "router", **spec: Any) -> None:
    """A BGPPeer."""
    wanted = {"myASN": OURS, "peerASN": THEIRS, "peerAddress": str(ROUTER), **spec}
    world.apply("BGPPeer", name, spec=wanted)


def configure(world: World, **advertisement: Any) -> None:
    """A pool that is announced by BGP alone, and the peer."""
    world.pool()
    world.apply("BGPAdvertisement", "all", spec=advertisement)
    peer(world)


async def served(world: World, *, hold_time: int = 90) -> Router:
    """A router that has the route to one Service, and no other."""
    router = Router(world, hold_time=hold_time)
    configure(world)
    world.serve("web", VIP)
    await router.has("192.0.2.240/32")
    return router


@story("node1", config=False)
async def test_a_router_has_the_routes_of_the_services_and_no_others(world: World) -> None:
    router = await served(world)
    hop = router.table[ROUTE]
    assert (hop.as_path, hop.next_hop) == ((OURS,), IPv4Address("192.0.2.11"))
    world.serve("more", IPv4Address("192.0.2.241"))
    await router.has("192.0.2.240/32", "192.0.2.241/32")
    world.delete_service("web")
    await router.has("192.0.2.241/32")
    assert router.sessions == 1
    assert world.answering() == []


@story("node1", config=False)
async def test_a_peer_that_is_taken_away_is_told_so_and_has_nothing_left(world: World) -> None:
    router = await served(world)
    world.cluster.remove(Ref(BGP_PEER, Key(SYSTEM, "router")))
    await until(lambda: router.last is not None, "it was told")
    assert router.table == {}
    assert router.last is not None
    assert "deconfigured" in router.last.words


@story("node1", config=False)
async def test_a_speaker_that_ends_withdraws_and_says_that_it_may_be_back(world: World) -> None:
    router = await served(world)
    await world["node1"].stop()
    await until(lambda: router.last is not None, "it was told")
    assert router.table == {}
    assert router.last is not None
    assert router.last.text == "The speaker ends; it may be back soon."
    world["node1"].start()
    await router.has("192.0.2.240/32")


@story("node1", config=False)
async def test_a_speaker_that_ends_by_a_fault_leaves_no_session_behind(world: World) -> None:
    router = await served(world, hold_time=0)
    node = world["node1"]
    assert node.task is not None

    def broken(now: float) -> None:
        raise HostError(f"the map is gone at {now:.0f}")

    node.responder.beat = broken  # type: ignore[method-assign]
    await asyncio.wait((node.task,), timeout=10)
    assert isinstance(node.task.exception(), ExceptionGroup)
    node.task = None
    assert router.far is not None
    assert router.far.finished or router.far.was_reset
    assert (router.sessions, router.last) == (1, None)


@story("node1", config=False)
async def test_a_session_that_was_lost_is_back_with_the_whole_table(world: World) -> None:
    router = await served(world)
    assert router.far is not None
    router.far.reset()
    await until(lambda: router.sessions == 2, "another session")
    await router.has("192.0.2.240/32")


@story("node1", config=False)
async def test_a_router_that_asks_is_told_all_again(world: World) -> None:
    router = await served(world)
    told = router.updates
    assert router.far is not None
    await router.far.write(encode.route_refresh(RouteRefresh(IPV4_UNICAST, 0)))
    await until(lambda: router.updates > told, "it is told again")
    assert list(router.table) == [ROUTE]


@story("node1", "node2", config=False)
async def test_with_policy_local_only_the_node_with_an_endpoint_tells_it(world: World) -> None:
    first, second = Router(world), Router(world, IPv4Address("192.0.2.2"))
    configure(world)
    for number, address in (("1", "192.0.2.1"), ("2", "192.0.2.2")):
        peer(
            world,
            f"router{number}",
            peerAddress=address,
            nodeSelectors=[{"matchLabels": {"rack": number}}],
        )
        world.label(f"node{number}", rack=number)
    world.cluster.remove(Ref(BGP_PEER, Key(SYSTEM, "router")))
    world.serve("web", VIP, local="node2")
    await second.has("192.0.2.240/32")
    await first.has()


def drain(world: World, node: str, asked: str = "true") -> None:
    """What `vipcast drain` writes."""
    world.apply("Node", node, namespace="", metadata={"annotations": {DRAIN_ANNOTATION: asked}})


@story("node1", config=False)
async def test_a_drained_node_is_used_last_then_tells_nothing_until_it_is_back(
    world: World,
) -> None:
    router = await served(world)
    drain(world, "node1")
    await until(lambda: router.table[ROUTE].communities == (GRACEFUL_SHUTDOWN,), "used last")
    waited = await until(lambda: router.last is not None, "it was told")
    assert waited == pytest.approx(WAIT, abs=0.5)
    assert router.table == {}
    assert router.last is not None
    assert router.last.text == "The node is drained."
    drained = {str(VIP): "nodeDrained"}
    await until(lambda: world.unannounced("node1") == drained, "it is reported")
    drain(world, "node1", "false")
    await router.has("192.0.2.240/32")
    assert router.table[ROUTE].communities == ()


def cordon(world: World, node: str, *, asked: bool = True) -> None:
    """What `kubectl cordon` writes, or with `asked` false `kubectl uncordon`."""
    world.apply("Node", node, namespace="", spec={"unschedulable": asked})


@story("node1", config=False)
async def test_a_cordoned_node_that_is_alone_is_used_last_and_goes_on_serving(
    world: World,
) -> None:
    router = await served(world, hold_time=0)
    cordon(world, "node1")
    await until(lambda: router.table[ROUTE].communities == (GRACEFUL_SHUTDOWN,), "used last")
    await pass_time(10 * WAIT)
    assert router.table.keys() == {ROUTE}
    assert router.sessions == 1


async def two_racks(world: World, local: str | None = None) -> tuple[Router, Router]:
    """A router for each of two nodes, that both have the route, or with `local` one alone."""
    routers = Router(world, hold_time=0), Router(world, IPv4Address("192.0.2.2"), hold_time=0)
    configure(world)
    world.cluster.remove(Ref(BGP_PEER, Key(SYSTEM, "router")))
    for number, router in enumerate(routers, 1):
        selector = [{"matchLabels": {"kubernetes.io/hostname": f"node{number}"}}]
        rack(world, number)
        peer(world, f"tor-{number}", peerAddress=str(router.address), nodeSelectors=selector)
    world.serve("web", VIP, local=local)
    for number, router in enumerate(routers, 1):
        await router.has(*([str(ROUTE)] if local in (None, f"node{number}") else []))
    return routers


def rack(
    world: World, number: int, *, cordoned: bool = False, ready: bool = True, asked: str = "false"
) -> None:
    """A node with a label for its router, as it is asked for and as its kubelet has it."""
    world.apply(
        "Node",
        f"node{number}",
        namespace="",
        metadata={
            "labels": {"kubernetes.io/hostname": f"node{number}"},
            "annotations": {DRAIN_ANNOTATION: asked},
        },
        spec={"unschedulable": cordoned},
        status={"conditions": [{"type": "Ready", "status": "True" if ready else "Unknown"}]},
    )


@story("node1", "node2", config=False)
async def test_a_cordoned_node_leaves_its_routes_to_one_that_stays_and_ends_its_sessions(
    world: World,
) -> None:
    first, second = await two_racks(world)
    rack(world, 1, cordoned=True)
    await until(lambda: first.table[ROUTE].communities == (GRACEFUL_SHUTDOWN,), "used last")
    waited = await until(lambda: first.last is not None, "it was told")
    assert waited == pytest.approx(WAIT, abs=0.5)
    assert first.table == {}
    assert first.last is not None
    assert first.last.text == "The node is cordoned."
    await until(lambda: world.unannounced("node1") == {str(VIP): "nodeCordoned"}, "reported")
    assert (second.sessions, second.table[ROUTE].communities) == (1, ())
    rack(world, 1)
    await first.has(str(ROUTE))
    assert first.table[ROUTE].communities == ()


GONE: dict[str, dict[str, Any]] = {
    "cordoned": {"cordoned": True},
    "drained": {"asked": "true"},
    "dead": {"ready": False},
}


@pytest.mark.parametrize("gone", GONE.values(), ids=GONE)
@story("node1", "node2", config=False)
async def test_a_cordoned_node_tells_its_routes_again_when_the_last_other_is_gone(
    world: World, gone: dict[str, Any]
) -> None:
    first, second = await two_racks(world)
    rack(world, 1, cordoned=True)
    await until(lambda: first.last is not None, "it has left")
    rack(world, 2, **gone)
    await until(lambda: first.sessions == 2, "it is back")
    await first.has(str(ROUTE))
    assert first.table[ROUTE].communities == (GRACEFUL_SHUTDOWN,)
    rack(world, 2)
    await pass_time(WAIT - 1)
    assert first.table.keys() == {ROUTE}
    await pass_time(2)
    assert first.table == {}
    await second.has(str(ROUTE))


@story("node1", "node2", config=False)
async def test_a_cordoned_node_tells_its_routes_again_when_no_other_is_to_tell_them_any_more(
    world: World,
) -> None:
    first, second = await two_racks(world)
    rack(world, 1, cordoned=True)
    await until(lambda: first.last is not None, "it has left")
    only = {"matchLabels": {"kubernetes.io/hostname": "node1"}}
    world.apply("BGPAdvertisement", "all", spec={"nodeSelectors": [only]})
    await until(lambda: first.sessions == 2, "it is back")
    await first.has(str(ROUTE))
    await second.has()


@story("node1", "node2", config=False)
async def test_when_all_are_cordoned_all_go_on_telling(world: World) -> None:
    routers = await two_racks(world)
    rack(world, 1, cordoned=True)
    rack(world, 2, cordoned=True)
    await pass_time(10 * WAIT)
    for router in routers:
        assert router.table[ROUTE].communities == (GRACEFUL_SHUTDOWN,)
        assert router.sessions == 1


@story("node1", "node2", config=False)
async def test_with_policy_local_a_cordoned_node_tells_on_what_has_its_endpoint_there_alone(
    world: World,
) -> None:
    first, second = await two_racks(world, local="node1")
    rack(world, 1, cordoned=True)
    await pass_time(10 * WAIT)
    assert first.table[ROUTE].communities == (GRACEFUL_SHUTDOWN,)
    world.serve("web", VIP, local="node2")
    await until(lambda: first.last is not None, "it has left")
    await second.has(str(ROUTE))


@story("node1", "node2")
async def test_a_cordoned_node_goes_on_answering_on_the_segment(world: World) -> None:
    world.serve("web", VIP)
    holder = await world.holder()
    cordon(world, holder)
    await pass_time(10 * WAIT)
    assert world.answering() == [holder]


@story("node1", "node2")
async def test_a_drained_node_lets_another_answer_on_the_segment(world: World) -> None:
    world.serve("web", VIP)
    before = await world.holder()
    drain(world, before)
    await world.holder(among=world.others(before))
