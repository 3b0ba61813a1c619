"""What L2Advertisements say, and what Services share, on whole speakers in virtual time."""

from __future__ import annotations

from dataclasses import replace
from ipaddress import IPv4Address

import pytest

from speaker.leadership import rank
from tests.support.logged import logged
from tests.support.virtual import pass_time, until
from tests.unit.speaker.world import OTHER, VIP, World, lan, story

NODES = ("node1", "node2", "node3")


def selector(**labels: str) -> dict[str, dict[str, str]]:
    """A LabelSelector."""
    return {"matchLabels": labels}


@story(*NODES, config=False)
async def test_a_pool_without_an_advertisement_is_announced_as_soon_as_it_has_one(
    world: World,
) -> None:
    world.pool()
    world.serve("web", VIP)
    await world.settled()
    assert world.answering() == []
    assert world.unannounced("node1") == {str(VIP): "noMatchingAdvertisement"}
    world.advertise()
    await world.holder()
    await world.settled()
    assert world.unannounced("node1") == {}


@story(*NODES, config=False)
async def test_the_node_that_is_preferred_most_takes_the_address_and_a_new_weight_moves_nothing(
    world: World,
) -> None:
    for number, node in enumerate(NODES):
        world.label(node, rank=str(number))
    world.pool()
    await world.settled()
    worst = rank(NODES, VIP)[-1]
    prefer = [{"weight": 100, "preference": selector(rank=str(NODES.index(worst)))}]
    world.advertise(preferredNodeSelectors=prefer)
    world.serve("web", VIP)
    assert await world.holder(within=0.5) == worst
    best = rank(NODES, VIP)[0]
    prefer[0]["preference"] = selector(rank=str(NODES.index(best)))
    world.advertise(preferredNodeSelectors=prefer)
    await pass_time(5.0)
    assert world.answering() == [worst]


@story(*NODES, config=False)
async def test_a_holder_that_its_labels_exclude_hands_the_address_on_at_once(world: World) -> None:
    for node in NODES:
        world.label(node, edge="")
    world.pool()
    world.advertise(nodeSelectors=[selector(edge="")])
    world.serve("web", VIP)
    holder = await world.holder()
    await world.settled()
    world.label(holder)
    took = await until(lambda: world.answering() not in ([], [holder]), "another node answers", 2.0)
    assert took <= 0.5
    world.label(holder, edge="")
    await pass_time(5.0)
    assert world.answering() not in ([], [holder])


@story(*NODES, config=False)
async def test_an_address_is_held_on_the_interface_that_is_named_and_on_no_other(
    world: World,
) -> None:
    for number, node in enumerate(NODES, 1):
        world.hub.plug(node, 3, "another wire")
        world[node].links.set(lan(number, 3, "lan1"))
    world.pool()
    world.advertise(interfaces=["lan1"])
    world.serve("web", VIP)
    await until(lambda: len(world.answering(VIP, 3)) == 1, "one node answers on lan1", 5.0)
    await world.settled()
    assert world.answering(VIP, 2) == []
    assert all(world.unannounced(node) == {} for node in NODES)


@story("node1", "node2", config=False)
async def test_a_node_that_lacks_the_interface_is_passed_over_and_says_why(world: World) -> None:
    world["node2"].links.set(replace(lan(2), name="uplink"))
    world.pool()
    world.advertise(interfaces=["uplink"])
    for number in range(10):
        world.serve(f"web{number}", VIP + number)
    for number in range(10):
        assert await world.holder(VIP + number, within=3.0) == "node2"
    await world.settled()
    assert world.unannounced("node2") == {}
    assert set(world.unannounced("node1").values()) == {"notMatchInterface"}
    message = world.status("node1")["unannounced"][0]["message"]
    assert message == (
        "The L2Advertisements of pool lan name uplink, and node1 can announce on lan0. Add its"
        " interface to spec.interfaces of one of them."
    )


@story("node1", "node2", config=False)
async def test_an_interface_that_is_renamed_takes_the_address_with_it_or_gives_it_up(
    world: World,
) -> None:
    world.pool()
    world.advertise(interfaces=["lan0"])
    world.serve("web", VIP)
    holder = await world.holder()
    await world.settled()
    number = world[holder].number
    world[holder].links.set(replace(lan(number), name="uplink"))
    (other,) = world.others(holder)
    assert await world.holder(among=[other], within=1.0) == other
    world[other].links.set(replace(lan(world[other].number), name="uplink"))
    await world.silent(within=1.0)
    await world.settled()
    assert world.unannounced(other) == {str(VIP): "notMatchInterface"}


@story("node1", "node2", config=False)
async def test_services_are_announced_by_the_advertisements_for_them(world: World) -> None:
    for node in ("node1", "node2"):
        world.label(node, name=node)
    world.pool()
    for node, tier in (("node1", "web"), ("node2", "db")):
        world.advertise(
            tier, serviceSelectors=[selector(tier=tier)], nodeSelectors=[selector(name=node)]
        )
    world.serve("web", VIP, labels={"tier": "web"})
    world.serve("db", OTHER, labels={"tier": "db"})
    third = IPv4Address("192.0.2.242")
    world.serve("none", third)
    assert await world.holder(VIP) == "node1"
    assert await world.holder(OTHER) == "node2"
    await world.settled()
    assert world.unannounced("node1") == {str(third): "noMatchingAdvertisement"}
    world.serve("web", VIP, labels={"tier": "db"})
    assert await world.holder(VIP, among=["node2"], within=1.0) == "node2"


@story("node1", "node2")
async def test_a_shared_address_is_held_once_and_told_for_every_service(
    world: World, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("INFO")
    world.serve("tcp", VIP, sharing="key")
    holder = await world.holder()
    await world.settled()
    world.serve("udp", VIP, sharing="key")
    await world.settled()
    assert world.answering() == [holder]
    assert {line["service"] for line in logged(caplog, "serviceAnnounced")} == {
        "default/tcp",
        "default/udp",
    }
    assert len([message for message in world.events() if f'"{holder}"' in message]) == 2
    assert world.unannounced(holder) == {}
    world.delete_service("tcp")
    await world.settled()
    assert world.answering() == [holder]
    (gone,) = logged(caplog, "serviceWithdrawn")
    assert (gone["service"], gone["reason"]) == ("default/tcp", "notWanted")


@story("node1", "node2")
async def test_services_that_share_are_answered_where_all_have_endpoints_else_as_the_first_says(
    world: World,
) -> None:
    world.serve("b", VIP, sharing="key", local="node2")
    assert await world.holder() == "node2"
    world.serve("a", VIP, sharing="key")
    await pass_time(3.0)
    assert world.answering() == ["node2"]
    world.serve("a", VIP, sharing="key", local="node1")
    assert await world.holder(among=["node1"]) == "node1"
    await world.settled()
    (refused,) = world.status("node1")["unannounced"]
    assert (refused["service"], refused["reason"]) == ("default/b", "sharedIPWithoutCommonNode")
