"""A session that a fault of ours ends: nothing else notices, and it is tried again."""

from __future__ import annotations

import asyncio
from ipaddress import IPv4Address

from speaker.peering import AGAIN, FAULT, RESTARTED
from tests.support.virtual import pass_time, until
from tests.unit.speaker.test_bgp import ROUTER, Router, configure, peer
from tests.unit.speaker.test_bgp_events import events
from tests.unit.speaker.world import SYSTEM, VIP, World, story
from vipcast.model.objects import Key
from vipcast.model.raw import BGP_PEER, Ref

OTHER = IPv4Address("192.0.2.2")
MANY = [f"64500:{number}" for number in range(1200)]
"""More communities than fit into an UPDATE, though each half of them would."""


async def spoil(world: World) -> Router:
    """A route that cannot be said to the router of that name; the other router's, which hears it
    by another advertisement."""
    router, other = Router(world), Router(world, OTHER)
    configure(world, peers=["router"])
    peer(world, "other", peerAddress=str(OTHER))
    world.apply("BGPAdvertisement", "for-other", spec={"peers": ["other"]})
    world.serve("web", VIP)
    await router.has(f"{VIP}/32")
    await other.has(f"{VIP}/32")
    for name, half in (("all", MANY[:600]), ("half", MANY[600:])):
        world.apply("BGPAdvertisement", name, spec={"peers": ["router"], "communities": half})
    await until(lambda: "router" in world["node1"].speaker.peering.blocked, "it is known")
    return other


@story("node1", config=False)
async def test_a_route_that_cannot_be_said_ends_no_more_than_that_session(world: World) -> None:
    other = await spoil(world)
    peering = world["node1"].speaker.peering
    assert dict(peering.blocked) == {"router": FAULT}
    assert [view.router.name for view in peering.views()] == ["other"]
    told = f'the session of node "node1" with router ({ROUTER}:179) is blocked: {FAULT}'
    event = ("router", "Warning", "sessionDown", told)
    await until(lambda: event in events(world, "BGPPeer"), "it is told")
    world.delete_service("web")
    await other.has()
    assert other.sessions == 1


@story("node1", config=False)
async def test_a_session_that_a_fault_has_ended_is_tried_again(world: World) -> None:
    await spoil(world)
    peering = world["node1"].speaker.peering
    world.apply("BGPAdvertisement", "all", spec={"peers": ["router"]})
    await until(lambda: not peering.blocked, "it is tried again", AGAIN + 1)
    await until(lambda: len(peering.views()) == 2, "both are spoken with")


@story("node1", config=False)
async def test_nobody_waits_for_the_next_attempt_when_all_sessions_end(world: World) -> None:
    await spoil(world)
    peering, loop = world["node1"].speaker.peering, asyncio.get_running_loop()
    before = loop.time()
    await peering.leave(RESTARTED, back=True)
    assert loop.time() - before < AGAIN / 2
    world.apply("BGPAdvertisement", "all", spec={"peers": ["router"]})
    await pass_time(2 * AGAIN)
    assert dict(peering.blocked) == {"router": FAULT}, "it is not tried again any more"


@story("node1", config=False)
async def test_a_router_that_is_taken_away_meanwhile_is_not_tried_again(world: World) -> None:
    await spoil(world)
    peering = world["node1"].speaker.peering
    for name in ("all", "half"):
        world.apply("BGPAdvertisement", name, spec={"peers": ["other"]})
    world.cluster.remove(Ref(BGP_PEER, Key(SYSTEM, "router")))
    await until(lambda: not peering.blocked, "it is forgotten")
    await pass_time(2 * AGAIN)
    assert [view.router.name for view in peering.views()] == ["other"]


@story("node1", config=False)
async def test_a_router_that_is_changed_meanwhile_is_tried_at_once_and_only_as_it_is_now(
    world: World,
) -> None:
    await spoil(world)
    peering = world["node1"].speaker.peering
    world.apply("BGPAdvertisement", "all", spec={"peers": ["router"]})
    peer(world, holdTime="60s")
    await until(lambda: not peering.blocked, "it is tried again", AGAIN / 2)
    await pass_time(2 * AGAIN)
    times = {view.router.name: view.router.settings.hold_time for view in peering.views()}
    assert times == {"other": 90, "router": 60}
