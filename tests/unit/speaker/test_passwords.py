"""Whole speakers and routers that want a password: where it comes from, and when it changes."""

from __future__ import annotations

from tests.support.virtual import until
from tests.unit.speaker.test_bgp import Router, configure, peer
from tests.unit.speaker.world import SYSTEM, VIP, World, story
from vipcast.model.objects import Key
from vipcast.model.raw import SECRET, Ref


def password(world: World, value: str) -> None:
    """The Secret that has the router's."""
    kind = "kubernetes.io/basic-auth"
    world.apply("Secret", "router", type=kind, stringData={"password": value})


@story("node1", config=False)
async def test_a_peer_waits_for_its_secret_and_follows_it(world: World) -> None:
    router = Router(world)
    configure(world)
    peer(world, passwordSecret={"name": "router"})
    speaker = world["node1"].speaker
    await until(lambda: "router" in speaker.peering.blocked, "it is held back")
    assert "Secret metallb-system/router has no password" in speaker.peering.blocked["router"]
    password(world, "one")
    await until(lambda: router.sessions == 1, "there is a session")
    assert not speaker.peering.blocked
    password(world, "two")
    await until(lambda: router.sessions == 2, "there is one with the new password")
    password(world, "")
    world.serve("web", VIP)
    await router.has("192.0.2.240/32")
    assert router.sessions == 2
    world.cluster.remove(Ref(SECRET, Key(SYSTEM, "router")))
    await until(lambda: "router" in speaker.peering.blocked, "it is held back again")
