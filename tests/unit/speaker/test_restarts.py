"""Speakers that end and come back, and what a router that bridges it is told of that."""

from __future__ import annotations

from speaker.bgp.facets import GRACEFUL_SHUTDOWN
from tests.support.virtual import pass_time, until
from tests.unit.speaker.test_bgp import ROUTE, Router, configure, cordon, drain, peer
from tests.unit.speaker.world import VIP, World, story
from vipcast.model.objects import Key
from vipcast.model.raw import SERVICE, Ref

LONG = 100.0


async def bridged(world: World) -> Router:
    """A router that has been told a route, by a session that bridges restarts."""
    router = Router(world, hold_time=0)
    configure(world)
    peer(world, enableGracefulRestart=True)
    world.serve("web", VIP)
    await router.has(str(ROUTE))
    return router


@story("node1", config=False)
async def test_who_restarts_withdraws_nothing_and_says_nothing(world: World) -> None:
    router = await bridged(world)
    told = router.updates
    await world["node1"].stop()
    assert (router.updates, router.last) == (told, None)


@story("node1", config=False)
async def test_no_session_begins_before_all_objects_are_read_and_so_no_table_ends_early(
    world: World,
) -> None:
    router = await bridged(world)
    await world["node1"].stop()
    world.cluster.remove(Ref(SERVICE, Key("default", "web")))
    world.cluster.set_whole(False)
    world["node1"].start()
    await pass_time(LONG)
    assert router.sessions == 1
    world.serve("web", VIP)
    await pass_time(LONG)
    assert router.sessions == 1
    world.cluster.set_whole(True)
    await until(lambda: router.sessions == 2, "a second session")
    await until(lambda: router.complete, "its first table has ended")
    assert router.table.keys() == {ROUTE}


@story("node1", config=False)
async def test_who_ends_while_its_node_is_to_leave_withdraws_and_says_so(world: World) -> None:
    router = await bridged(world)
    drain(world, "node1")
    await until(lambda: router.table[ROUTE].communities == (GRACEFUL_SHUTDOWN,), "used last")
    await world["node1"].stop()
    await until(lambda: router.last is not None, "it was told")
    assert router.table == {}
    assert router.last is not None
    assert router.last.text == "The node is drained."


@story("node1", config=False)
async def test_who_ends_on_a_cordoned_node_that_is_needed_comes_back(world: World) -> None:
    router = await bridged(world)
    cordon(world, "node1")
    await until(lambda: router.table[ROUTE].communities == (GRACEFUL_SHUTDOWN,), "used last")
    await world["node1"].stop()
    assert router.last is None
    world["node1"].start()
    await until(lambda: router.sessions == 2 and router.complete, "it is back")
    assert router.table[ROUTE].communities == (GRACEFUL_SHUTDOWN,)


@story("node1", "node2", config=False)
async def test_a_speaker_that_starts_on_a_cordoned_node_that_is_not_needed_has_left(
    world: World,
) -> None:
    await world["node2"].stop()
    router = await bridged(world)
    cordon(world, "node1")
    await until(lambda: router.table[ROUTE].communities == (GRACEFUL_SHUTDOWN,), "used last")
    await world["node1"].stop()
    await until(lambda: router.last is not None, "it was told")
    assert router.last is not None
    assert (router.table, router.last.text) == ({}, "The node is cordoned.")
    world["node1"].start()
    await pass_time(LONG)
    assert router.sessions == 1
    cordon(world, "node2")
    await until(lambda: router.sessions == 2 and router.complete, "it is needed")
    assert router.table[ROUTE].communities == (GRACEFUL_SHUTDOWN,)
