"""Whole speakers and routers: what is seen of BGP from outside."""

from __future__ import annotations

from ipaddress import IPv4Address
from typing import Any

from speaker.bgp.codes import Cease, ErrorCode
from speaker.bgp.encode import notification, shutdown
from speaker.bgp.messages import Notification
from tests.support.virtual import pass_time, until
from tests.unit.speaker.test_bgp import ROUTER, Router, configure, peer
from tests.unit.speaker.world import SYSTEM, VIP, World, story
from vipcast.kube.status import parse_bgp_status
from vipcast.model.objects import Key
from vipcast.model.raw import BGP_PEER, SERVICE_BGP_STATUS, SPEAKER_STATUS, Raw, Ref

MAINTENANCE = Notification(
    ErrorCode.CEASE, Cease.ADMINISTRATIVE_SHUTDOWN, shutdown("maintenance at night")
)


def told(world: World, name: str = "router") -> dict[str, Any]:
    """What node1 reports of a router; {} if nothing."""
    peers = world.status("node1").get("peers", [])
    return next((each for each in peers if each["name"] == name), {})


async def state(world: World, wanted: str, name: str = "router") -> dict[str, Any]:
    """Wait until a router is reported so; its report."""
    await until(lambda: told(world, name).get("state") == wanted, f"{name} is {wanted}", 60)
    return told(world, name)


def writes(world: World, kind: Any = SPEAKER_STATUS) -> list[Raw]:
    """What node1 writes of a kind from now on."""
    source, found = world["node1"].source, list[Raw]()
    put = source.put

    async def counted(ref: Ref, raw: Raw) -> None:
        if ref.kind == kind:
            found.append(raw)
        await put(ref, raw)

    source.put = counted  # type: ignore[method-assign]
    return found


# Reports


@story("node1", config=False)
async def test_a_speaker_reports_its_routers_and_how_many_routes_they_have(world: World) -> None:
    Router(world)
    configure(world)
    world.serve("web", VIP)
    await state(world, "Established")
    await until(lambda: told(world)["announced"] == 1, "the route is counted")
    found = told(world)
    assert found.pop("since").startswith("2024-05-01T")
    assert found == {
        "name": "router",
        "address": str(ROUTER),
        "port": 179,
        "localASN": 64500,
        "peerASN": 64501,
        "state": "Established",
        "announced": 1,
        "pending": 0,
        "families": ["IPv4 unicast"],
        "unspoken": [],
        "reason": "",
        "lastError": "",
        "hint": "",
        "lastNotification": "",
        "bfd": "",
        "blocked": "",
    }
    assert world.status("node1")["summary"]["sessions"] == "1/1"
    world.delete_service("web")
    await until(lambda: told(world)["announced"] == 0, "it is gone")
    world.cluster.remove(Ref(BGP_PEER, Key(SYSTEM, "router")))
    await until(lambda: world.status("node1")["peers"] == [], "the router is gone")


@story("node1", config=False)
async def test_a_report_that_has_not_changed_is_not_written_again(world: World) -> None:
    router = Router(world, hold_time=0)
    configure(world)
    peer(world, "nobody", peerAddress="192.0.2.9")
    world.serve("web", VIP)
    since = (await state(world, "Established"))["since"]
    await state(world, "Connect", "nobody")
    await world.settled()
    written = writes(world)
    await pass_time(600.0)
    assert router.sessions == 1
    assert written == []
    assert told(world)["since"] == since


@story("node1", config=False)
async def test_what_a_router_said_at_the_end_is_reported_in_words_with_a_hint(
    world: World,
) -> None:
    router = Router(world)
    configure(world)
    first = (await state(world, "Established"))["since"]
    assert router.far is not None
    world.network.silent.add(ROUTER)
    await pass_time(5.0)
    await router.far.write(notification(MAINTENANCE))
    found = await state(world, "Idle")
    assert found["lastError"] == (
        'The router sent Cease, administrative shutdown: "maintenance at night".'
    )
    assert found["hint"] == "On the router, somebody has shut this neighbour down."
    assert found["reason"] == "notificationReceived"
    ended = found["since"]
    assert ended > first
    found = await state(world, "Connect")
    assert found["lastError"] == (
        'The router sent Cease, administrative shutdown: "maintenance at night".'
        " Since then: The router did not answer within the connect time."
    )
    assert found["hint"] == "On the router, somebody has shut this neighbour down."
    assert found["lastNotification"] == (
        'received Cease, administrative shutdown ("maintenance at night")'
    )
    assert found["since"] == ended


@story("node1", config=False)
async def test_a_router_that_cannot_be_spoken_with_is_reported_with_the_reason(
    world: World,
) -> None:
    configure(world)
    peer(world, passwordSecret={"name": "tor", "namespace": SYSTEM})
    await until(lambda: bool(told(world).get("blocked")), "it says so")
    found = told(world)
    assert found["blocked"].startswith(f"Secret {SYSTEM}/tor has no password")
    assert (found["state"], found["announced"]) == ("Idle", 0)
    assert world.status("node1")["summary"]["sessions"] == "0/1"


def bgp_statuses(world: World) -> dict[str, tuple[str, ...]]:
    """To which routers Services are told, as the nodes say."""
    found = {
        f"{one.service.name}@{one.node}": one.peers
        for ref, raw in world.cluster.now().items()
        if ref.kind == SERVICE_BGP_STATUS
        for one in [parse_bgp_status(raw)]
    }
    return dict(sorted(found.items()))


@story("node1", "node2", config=False)
async def test_each_node_says_to_which_routers_it_tells_a_service(world: World) -> None:
    configure(world)
    peer(world, "another", peerAddress="192.0.2.2", nodeSelectors=[{"matchLabels": {"rack": "2"}}])
    world.label("node2", rack="2")
    world.serve("web", VIP)
    both = {"web@node1": ("router",), "web@node2": ("another", "router")}
    await until(lambda: bgp_statuses(world) == both, "both say so")
    await world.settled()
    written = writes(world, SERVICE_BGP_STATUS)
    world.serve("db", IPv4Address("192.0.2.241"), local="node1")
    await until(lambda: bgp_statuses(world) == {"db@node1": ("router",), **both}, "one more")
    assert len(written) == 1
    world.delete_service("web")
    await until(lambda: list(bgp_statuses(world)) == ["db@node1"], "one is gone")


@story("node1", config=False)
async def test_a_speaker_takes_over_what_the_one_before_it_said_of_services(world: World) -> None:
    configure(world)
    world.serve("web", VIP)
    world.serve("db", IPv4Address("192.0.2.241"))
    await until(lambda: list(bgp_statuses(world)) == ["db@node1", "web@node1"], "both are there")
    await world["node1"].kill()
    world.delete_service("db")
    world["node1"].start()
    written = writes(world, SERVICE_BGP_STATUS)
    await until(lambda: list(bgp_statuses(world)) == ["web@node1"], "what is gone is removed")
    await world.settled()
    assert written == []
