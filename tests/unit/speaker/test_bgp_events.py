"""Whole speakers and routers: Events about sessions, and about Services that are told."""

from __future__ import annotations

from ipaddress import IPv4Address

import pytest

from speaker.bgp.encode import notification
from speaker.bgp.states import State
from tests.support.logged import logged
from tests.support.virtual import pass_time, until
from tests.unit.speaker.test_bgp import ROUTER, Router, configure, peer
from tests.unit.speaker.test_bgp_reports import MAINTENANCE
from tests.unit.speaker.test_passwords import password
from tests.unit.speaker.world import OTHER, SYSTEM, VIP, World, story
from vipcast.model.objects import Key
from vipcast.model.raw import SECRET, Ref

SESSION = f'the session of node "node1" with router ({ROUTER}:179)'
CONFIG_MAP = f"""
peers:
- my-asn: 64500
  peer-asn: 64501
  peer-address: {ROUTER}
address-pools:
- name: lan
  protocol: bgp
  addresses: ['192.0.2.240-192.0.2.249']
"""


def events(world: World, kind: str) -> list[tuple[str, str, str, str]]:
    """Of each Event about such objects: name, type, reason, message; in their order."""
    found = [raw for ref, raw in world.cluster.now().items() if ref.kind.name == "Event"]
    return [
        (raw["involvedObject"]["name"], raw["type"], raw["reason"], raw["message"])
        for raw in found
        if raw["involvedObject"]["kind"] == kind
    ]


# Routers


@story("node1", config=False)
async def test_a_session_that_comes_up_and_is_ended_is_told_on_its_bgp_peer(world: World) -> None:
    router = Router(world, hold_time=0)
    configure(world)
    up = ("router", "Normal", "sessionUp", f"{SESSION} is established")
    await until(lambda: events(world, "BGPPeer") == [up], "it is up")
    assert router.far is not None
    await router.far.write(notification(MAINTENANCE))
    ended = (
        f"{SESSION} has ended (notificationReceived): The router sent Cease, administrative"
        ' shutdown: "maintenance at night". On the router, somebody has shut this neighbour down.'
    )
    down = ("router", "Warning", "sessionDown", ended)
    await until(lambda: down in events(world, "BGPPeer"), "it is down")
    await until(lambda: router.sessions == 2, "it is up again")
    await world.settled()
    assert sorted(events(world, "BGPPeer")) == sorted([up, down])  # the first is counted up


@story("node1", config=False)
async def test_a_router_that_is_never_reached_is_told_once(world: World) -> None:
    world.network.silent.add(ROUTER)
    configure(world)
    await pass_time(600.0)
    ((name, kind, reason, message),) = events(world, "BGPPeer")
    assert (name, kind, reason) == ("router", "Warning", "sessionDown")
    assert message == (
        f"{SESSION} could not be established (connectTimedOut): The router did not answer within"
        " the connect time. Is the address right, and the way open? A router that wants a password"
        " does not answer those who have none."
    )


def lacks(secret: str) -> str:
    """What is said where a Secret that is named cannot be had."""
    return (
        f"Secret {SYSTEM}/{secret} has no password for it. Create it with type"
        " kubernetes.io/basic-auth and the key password."
    )


def said_blocked(caplog: pytest.LogCaptureFixture) -> list[tuple[str, str, str, str]]:
    """Of each log line that a router is blocked: level, where and who it is, and why."""
    return [
        (line["level"], line["peer"], line["name"], line["msg"])
        for line in logged(caplog, "sessionDown")
        if line["reason"] == "blocked"
    ]


@story("node1", config=False)
async def test_a_router_whose_secret_is_not_there_is_told_once_for_each_secret_it_lacks(
    world: World, caplog: pytest.LogCaptureFixture
) -> None:
    configure(world)
    peer(world, passwordSecret={"name": "none"})
    await world.settled()
    told = [("router", "Warning", "sessionDown", f"{SESSION} is blocked: {lacks('none')}")]
    lines = [("WARNING", f"{ROUTER}:179", "router", lacks("none"))]
    await until(lambda: events(world, "BGPPeer") == told, "it is told")
    assert said_blocked(caplog) == lines
    peer(world, passwordSecret={"name": "none"}, holdTime="60s")
    world.serve("web", VIP)
    await pass_time(60.0)
    assert (events(world, "BGPPeer"), said_blocked(caplog)) == (told, lines)
    peer(world, passwordSecret={"name": "other"})
    told.append(("router", "Warning", "sessionDown", f"{SESSION} is blocked: {lacks('other')}"))
    lines.append(("WARNING", f"{ROUTER}:179", "router", lacks("other")))
    await until(lambda: sorted(events(world, "BGPPeer")) == sorted(told), "the change is told")
    assert said_blocked(caplog) == lines


@story("node1", config=False)
async def test_a_session_whose_secret_is_deleted_is_told_each_time_and_then_that_it_is_up_again(
    world: World, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("INFO")
    router = Router(world, hold_time=0)
    configure(world)
    password(world, "one")
    peer(world, passwordSecret={"name": "router"})
    up = ("router", "Normal", "sessionUp", f"{SESSION} is established")
    down = ("router", "Warning", "sessionDown", f"{SESSION} is blocked: {lacks('router')}")
    peering = world["node1"].speaker.peering

    def stands() -> bool:
        return [each.session.state for each in peering.views()] == [State.ESTABLISHED]

    await until(lambda: up in events(world, "BGPPeer"), "it is up")
    await world.settled()
    begun = router.sessions
    for times in (1, 2):
        world.cluster.remove(Ref(SECRET, Key(SYSTEM, "router")))
        await until(lambda: "router" in peering.blocked, "it is blocked")
        await until(lambda: down in events(world, "BGPPeer"), "it is told")
        assert len(said_blocked(caplog)) == times
        password(world, "one")
        await until(stands, "it is up again")
        assert len(logged(caplog, "peerAdded")) == 1 + times
    await world.settled()
    assert router.sessions == begun + 2
    assert set(events(world, "BGPPeer")) == {up, down}


@story("node1", config=False)
async def test_a_router_with_a_bfd_profile_is_warned_of_when_its_session_comes_up(
    world: World,
) -> None:
    Router(world, hold_time=0)
    configure(world)
    world.apply("BFDProfile", "fast", spec={})
    peer(world, bfdProfile="fast")
    without = (
        *("router", "Warning", "sessionWithoutBFD"),
        f"{SESSION} has no BFD: BFD is not spoken in this version. The session is without it.",
    )
    await until(lambda: without in events(world, "BGPPeer"), "it is warned of")


@story("node1", config=False)
async def test_routers_of_the_old_form_are_told_on_the_config_map(world: World) -> None:
    Router(world, hold_time=0)
    world.apply("ConfigMap", "config", data={"config": CONFIG_MAP})
    session = f'the session of node "node1" with peer1 ({ROUTER}:179)'
    wanted = ("config", "Normal", "sessionUp", f"{session} is established")
    await until(lambda: events(world, "ConfigMap") == [wanted], "it is told")


# Services


def assigned(*vips: IPv4Address, to: str = "router") -> str:
    texts = ", ".join(map(str, vips))
    return f'announcing from node "node1" with protocol "bgp" to {to}: {texts}'


@story("node1", config=False)
async def test_a_service_is_assigned_when_a_router_is_told_of_it_for_the_first_time(
    world: World,
) -> None:
    configure(world)
    world.serve("web", VIP, OTHER)
    await world.settled()
    assert events(world, "Service") == []
    router = Router(world, hold_time=0)
    wanted = ("web", "Normal", "nodeAssigned", assigned(VIP, OTHER))
    await until(lambda: events(world, "Service") == [wanted], "it is told")
    assert router.far is not None
    router.far.reset()
    await until(lambda: router.sessions == 2, "another session")
    peer(world, "another", peerAddress="192.0.2.2")
    Router(world, IPv4Address("192.0.2.2"), hold_time=0)
    await pass_time(60.0)
    assert events(world, "Service") == [wanted]
    assert recorded(world)[0] == 1


def recorded(world: World) -> tuple[int, str]:
    """How often the Event about the Service was recorded, and when for the last time."""
    found = [raw for ref, raw in world.cluster.now().items() if ref.kind.name == "Event"]
    (told,) = [raw for raw in found if raw["reason"] == "nodeAssigned"]
    return told["count"], told["lastTimestamp"]


@story("node1", config=False)
async def test_after_a_restart_a_service_is_not_assigned_again_but_after_it_was_told_to_nobody(
    world: World,
) -> None:
    router = Router(world, hold_time=0)
    configure(world)
    world.serve("web", VIP)
    wanted = ("web", "Normal", "nodeAssigned", assigned(VIP))
    await until(lambda: events(world, "Service") == [wanted], "it is told")
    once = recorded(world)
    await pass_time(10.0)
    await world["node1"].stop()
    world["node1"].start()
    await until(lambda: router.sessions == 2, "another session")
    await world.settled()
    assert recorded(world) == once
    world.serve("web", VIP, local="nowhere")
    await router.has()
    await world.settled()
    world.serve("web", VIP)
    await until(lambda: recorded(world) != once, "it is told again")
    assert {reason for _, _, reason, _ in events(world, "BGPPeer")} == {"sessionUp"}
