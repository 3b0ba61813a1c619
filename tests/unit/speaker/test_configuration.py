"""The configuration of a speaker in either form, with the cluster around it."""

from __future__ import annotations

from typing import Any

from tests.support.virtual import pass_time
from tests.unit.speaker.world import SYSTEM, VIP, World, story
from vipcast.kube.render import configuration_state_ref
from vipcast.model.objects import Key
from vipcast.model.raw import CONFIG_MAP, IP_ADDRESS_POOL, Ref


def said(world: World) -> dict[str, Any]:
    """The status of node1's ConfigurationState."""
    return dict(world.cluster.now()[configuration_state_ref(SYSTEM, "node1")]["status"])


@story("node1", config=False)
async def test_objects_of_their_own_are_announced_and_kept_for_a_restart(world: World) -> None:
    world.serve("web", VIP)
    world.pool()
    await world.settled()
    assert world.answering() == []
    world.advertise()
    assert await world.holder() == "node1"
    kinds = [[each["kind"] for each in raw["items"]] for raw in world["node1"].remembered]
    assert kinds == [["IPAddressPool"], ["IPAddressPool", "L2Advertisement"]]


@story("node1")
async def test_both_forms_at_once_withdraw_nothing_until_one_of_them_goes(world: World) -> None:
    world.serve("web", VIP)
    assert await world.holder() == "node1"
    world.pool("198.51.100.0/24")
    await pass_time(3.0)
    assert world.answering() == ["node1"]
    assert "There are two configurations" in said(world)["errorSummary"]
    world.cluster.remove(Ref(CONFIG_MAP, Key(SYSTEM, "config")))
    await world.silent(within=0.5)
    await pass_time(1.0)
    assert world.unannounced("node1") == {str(VIP): "ipNotAllowed"}


@story("node1", config=False)
async def test_a_pool_that_is_deleted_beside_its_advertisement_is_withdrawn(world: World) -> None:
    world.serve("web", VIP)
    world.pool()
    world.advertise()
    assert await world.holder() == "node1"
    world.cluster.remove(Ref(IP_ADDRESS_POOL, Key(SYSTEM, "lan")))
    await world.silent(within=0.5)
    world.pool()
    assert await world.holder() == "node1"


@story("node1", "node2")
async def test_a_node_that_takes_an_address_of_the_pool_is_named_and_costs_nothing(
    world: World,
) -> None:
    world.serve("web", VIP)
    holder = await world.holder()
    addresses = [{"type": "InternalIP", "address": "192.0.2.249"}]
    world.apply("Node", "node3", namespace="", status={"addresses": addresses})
    await pass_time(3.0)
    assert world.answering() == [holder]
    assert "It contains 192.0.2.249, an address of node node3." in said(world)["errorSummary"]
    assert world["node1"].speaker.intents.keeper.state.stale
