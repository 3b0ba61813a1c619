"""Services that share an address, in every order of change: single histories of the desk."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from controller.desk import Desk
from tests.unit.controller.making import ip, key, pool, service
from tests.unit.controller.world import (
    DNS,
    HTTP,
    HTTPS,
    NEW,
    OLD,
    World,
    addresses,
    change,
    started,
)
from vipcast.config import Config
from vipcast.model.objects import Port, Recorded, Service, TrafficPolicy
from vipcast.model.reasons import Reason


def sharer(name: str, *ports: Port, sharing_key: str = "k", **fields: Any) -> Service:
    """A Service that shares by the key k."""
    return service(name, sharing_key=sharing_key, ports=ports, created=OLD, **fields)


def sharing_world(*more: Service) -> World:
    """Two Services that share 10.0.0.0, and more of them."""
    world = started(Config((pool("p", "10.0.0.0/30"),)), sharer("a", HTTP), sharer("b", HTTPS))
    assert addresses(world) == {"a": "10.0.0.0", "b": "10.0.0.0"}
    for one in more:
        world.put(one, one.key)
        world.finish()
    world.events.clear()
    return world


CHANGES: dict[str, dict[str, Any]] = {
    "key": {"sharing_key": "other"},
    "no key": {"sharing_key": ""},
    "port": {"ports": (HTTPS,)},
    "policy": {"policy": TrafficPolicy.LOCAL, "selector": {"app": "web"}},
    "policy without selector": {"policy": TrafficPolicy.LOCAL},
}


@pytest.mark.parametrize("changed", CHANGES.values(), ids=CHANGES)
@pytest.mark.parametrize("first", ["a", "b"], ids=["changed first", "changed last"])
def test_of_those_who_share_the_one_that_changes_moves_whoever_is_decided_first(
    changed: dict[str, Any], first: str
) -> None:
    world = sharing_world()
    change(world, "a", **changed)
    world.due = {key("a"), key("b")}
    if first == "b":
        world.due = {key("b")}
        world.finish()
        world.due = {key("a")}
    world.finish()
    assert addresses(world) == {"a": "10.0.0.1", "b": "10.0.0.0"}
    assert [(note.about.key.name, note.reason) for note in world.events] == [
        ("a", "ClearAssignment"),
        ("a", "IPAllocated"),
    ]


@pytest.mark.parametrize("changed", CHANGES.values(), ids=CHANGES)
def test_the_only_one_on_an_address_changes_as_it_likes(changed: dict[str, Any]) -> None:
    world = started(Config((pool("p", "10.0.0.0/30"),)), sharer("a", HTTP))
    world.events.clear()
    change(world, "a", **changed)
    world.finish()
    assert (addresses(world), world.events) == ({"a": "10.0.0.0"}, [])


def test_two_that_change_their_key_alike_at_once_stay_together() -> None:
    world = sharing_world()
    change(world, "a", sharing_key="new")
    change(world, "b", sharing_key="new")
    world.finish()
    assert addresses(world) == {"a": "10.0.0.0", "b": "10.0.0.0"}
    assert world.events == []


def test_of_two_that_change_their_key_apart_at_once_the_younger_one_moves() -> None:
    world = sharing_world()
    world.objects[key("a")] = replace(world.objects[key("a")], created=NEW)
    change(world, "a", sharing_key="one")
    change(world, "b", sharing_key="other")
    world.finish()
    assert addresses(world) == {"a": "10.0.0.1", "b": "10.0.0.0"}


def test_nobody_joins_one_that_has_changed_before_it_is_decided_anew() -> None:
    world = sharing_world()
    change(world, "a", ports=(DNS,))
    world.put(service("c", sharing_key="k", ports=(DNS,)), key("c"))
    world.due = {key("c")}
    world.finish()
    world.due = {key("a")}
    world.finish()
    assert addresses(world) == {"a": "10.0.0.0", "b": "10.0.0.0", "c": "10.0.0.1"}


def test_one_that_waits_joins_as_soon_as_those_on_the_address_let_it() -> None:
    world = sharing_world(sharer("c", HTTP, requested=("10.0.0.0",)))
    assert addresses(world) == {"a": "10.0.0.0", "b": "10.0.0.0"}
    change(world, "a", ports=(DNS,))
    world.finish()
    assert addresses(world) == {"a": "10.0.0.0", "b": "10.0.0.0", "c": "10.0.0.0"}


def test_one_that_waits_joins_though_the_write_of_the_other_failed_first() -> None:
    world = sharing_world(sharer("c", HTTP, requested=("10.0.0.0",)))
    change(world, "a", ports=(DNS,), recorded=Recorded())
    world.work_on_one(lands=False)
    assert world.due == {key("a")}
    world.finish()
    assert addresses(world) == {"a": "10.0.0.0", "b": "10.0.0.0", "c": "10.0.0.0"}


def test_one_that_waits_is_told_who_has_the_address_now() -> None:
    world = sharing_world(service("c", requested=("10.0.0.0",)))
    waiting = world.objects[key("c")].recorded
    assert waiting.reason == Reason.ADDRESS_IN_USE
    assert waiting.message.startswith("10.0.0.0 belongs to Service default/a.")
    world.put(None, key("a"))
    world.finish()
    assert "belongs to Service default/b." in world.objects[key("c")].recorded.message
    world.put(sharer("a", HTTP), key("a"))
    world.finish()
    assert world.objects[key("c")].recorded == waiting


def test_when_one_of_those_who_share_leaves_its_port_can_be_had() -> None:
    world = sharing_world(sharer("c", HTTP, requested=("10.0.0.0",)))
    world.put(None, key("a"))
    world.finish()
    assert addresses(world) == {"b": "10.0.0.0", "c": "10.0.0.0"}


def test_at_a_start_a_newcomer_joins_those_who_share_though_it_is_older() -> None:
    config = Config((pool("p", "10.0.0.0/30"),))
    young = replace(sharer("a", HTTP, ingress=("10.0.0.0",)), created=NEW)
    world = started(config, young, sharer("c", DNS))
    assert addresses(world) == {"a": "10.0.0.0", "c": "10.0.0.0"}


def test_a_restart_keeps_those_who_share_together_though_one_cannot_be_read() -> None:
    world = sharing_world()
    world.desk, world.due = Desk(), set()
    world.desk.reserve(key("b"), [ip("10.0.0.0")])
    unread = world.objects.pop(key("b"))
    world.due |= world.desk.observe(world.objects).due
    world.configure(Config((pool("p", "10.0.0.0/30"),)))
    world.put(sharer("c", DNS), key("c"))
    world.finish()
    assert addresses(world) == {"a": "10.0.0.0", "c": "10.0.0.1"}
    world.put(unread, key("b"))
    world.finish()
    assert addresses(world) == {"a": "10.0.0.0", "b": "10.0.0.0", "c": "10.0.0.1"}
