"""Whose turn it is, and what it brings: single histories of the desk."""

from __future__ import annotations

from dataclasses import replace

from tests.unit.controller.making import ip, key, pool, service
from tests.unit.controller.world import (
    NEW,
    OLD,
    addresses,
    change,
    started,
)
from vipcast.config import Config
from vipcast.model.objects import Key, TrafficPolicy
from vipcast.model.pool import Allocation
from vipcast.model.reasons import Reason
from vipcast.model.selectors import Operator, Requirement, Selector


def test_of_two_services_that_show_one_address_the_older_one_keeps_it() -> None:
    config = Config((pool("p", "10.0.0.0/29"),))
    world = started(
        config,
        service("a", ingress=("10.0.0.3",)),
        service("b", ingress=("10.0.0.3",), created=NEW),
        service("c", ingress=("10.0.0.3",), created=OLD),
        service("d", ingress=("10.0.0.3",), created=OLD),
    )
    assert addresses(world) == {"c": "10.0.0.3", "d": "10.0.0.0", "b": "10.0.0.1", "a": "10.0.0.2"}


def test_one_that_may_keep_the_address_comes_before_an_older_one_that_may_not() -> None:
    config = Config((pool("p", "10.0.0.0/30"), pool("q", "10.0.0.4/30")))
    world = started(
        config,
        service("old", ingress=("10.0.0.1",), created=OLD, pool_wish="q"),
        service("new", ingress=("10.0.0.1",), created=NEW),
    )
    assert addresses(world) == {"old": "10.0.0.4", "new": "10.0.0.1"}


def test_holders_come_before_those_who_wait_however_old_these_are() -> None:
    config = Config((pool("p", "10.0.0.0/31"),))
    world = started(
        config,
        service("waiting", created=OLD),
        service("x", ingress=("10.0.0.0",), created=NEW),
        service("y", ingress=("10.0.0.1",), created=NEW),
    )
    assert addresses(world) == {"x": "10.0.0.0", "y": "10.0.0.1"}


def test_a_freed_address_goes_to_the_one_that_has_waited_longest_not_to_the_newest() -> None:
    config = Config((pool("p", "10.0.0.0/32"),))
    world = started(
        config,
        service("holder", ingress=("10.0.0.0",), created=NEW),
        service("b", created=OLD),
        service("a", created=NEW),
    )
    gone = world.desk.observe({key("holder"): None, key("c"): service("c", created=NEW)})
    assert gone.freed == {key("holder"): (ip("10.0.0.0"),)}
    assert gone.due == {key("a"), key("b"), key("c")}
    del world.objects[key("holder")]
    world.objects[key("c")] = service("c", created=NEW)
    world.due |= gone.due
    world.finish()
    assert addresses(world) == {"b": "10.0.0.0"}


def test_a_changed_pool_moves_everybody_without_a_restart() -> None:
    world = started(
        Config((pool("p", "10.0.0.0/30"),)), *(service(name, created=OLD) for name in "abc")
    )
    assert addresses(world) == {"a": "10.0.0.0", "b": "10.0.0.1", "c": "10.0.0.2"}
    world.events.clear()
    world.configure(Config((pool("p", "10.0.0.2-10.0.0.4"),)))
    world.finish()
    assert addresses(world) == {"a": "10.0.0.3", "b": "10.0.0.4", "c": "10.0.0.2"}
    told = [(event.about.key.name, event.reason) for event in world.events]
    assert told == [
        ("a", "ClearAssignment"),
        ("a", "IPAllocated"),
        ("b", "ClearAssignment"),
        ("b", "IPAllocated"),
    ]


def test_new_labels_of_a_namespace_are_the_turn_of_its_services() -> None:
    gold = Allocation(namespace_selectors=(Selector((Requirement("tier", Operator.EXISTS),)),))
    config = Config((replace(pool("g", "10.0.0.0/30"), allocation=gold), pool("p", "10.0.1.0/30")))
    world = started(config, service("a"), replace(service("b"), key=Key("other", "b")))
    assert addresses(world) == {"a": "10.0.1.0", "b": "10.0.1.1"}
    assert world.desk.label({"other": {"tier": "gold"}}) == {Key("other", "b")}
    world.label({"tier": "gold"})
    assert world.due == {key("a")}
    change(world, "a", pool_wish="g")
    world.finish()
    assert addresses(world) == {"a": "10.0.0.0", "b": "10.0.1.1"}
    world.label({})
    world.finish()
    assert "a" not in addresses(world)
    assert world.desk.waiting == {key("a"): Reason.POOL_NOT_FOR_SERVICE}


# --- annotations with MetalLB's old prefix ------------------------------------------------------


def test_a_deprecated_annotation_is_told_once_and_again_when_it_changes() -> None:
    pools, sharing = "metallb.universe.tf/address-pool", "metallb.universe.tf/allow-shared-ip"
    world = started(Config((pool("p", "10.0.0.0/30"),)), service("a", deprecated=(pools,)))
    assert [(note.type, note.reason, note.message) for note in world.events] == [
        ("Normal", "IPAllocated", "Assigned 10.0.0.0 from pool p."),
        (
            "Warning",
            "deprecatedAnnotation",
            (
                "Annotations with a deprecated prefix:"
                " metallb.universe.tf/address-pool (write metallb.io/address-pool)."
            ),
        ),
    ]
    world.events.clear()
    change(world, "a", policy=TrafficPolicy.LOCAL)
    world.finish()
    world.restart()
    world.finish()
    assert world.events == []
    change(world, "a", deprecated=(pools, sharing))
    world.finish()
    assert [note.message for note in world.events] == [
        (
            "Annotations with a deprecated prefix:"
            " metallb.universe.tf/address-pool (write metallb.io/address-pool),"
            " metallb.universe.tf/allow-shared-ip (write metallb.io/allow-shared-ip)."
        )
    ]


def test_a_service_that_is_not_ours_is_told_nothing_until_it_is() -> None:
    old = ("metallb.universe.tf/address-pool",)
    world = started(
        Config((pool("p", "10.0.0.0/30"),)), service("a", load_balancer=False, deprecated=old)
    )
    assert world.events == []
    change(world, "a", load_balancer=True)
    world.finish()
    assert [note.reason for note in world.events] == ["IPAllocated", "deprecatedAnnotation"]


# --- each to its own ----------------------------------------------------------------------------


def test_two_services_that_ask_for_each_others_address_both_end_up_content() -> None:
    config = Config((pool("p", "10.0.0.0/31"),))
    world = started(
        config, service("a", ingress=("10.0.0.0",)), service("b", ingress=("10.0.0.1",))
    )
    for name, wish in (("a", "10.0.0.1"), ("b", "10.0.0.0")):
        world.put(replace(world.objects[key(name)], requested=(wish,)), key(name))
    world.finish()
    assert addresses(world) == {"a": "10.0.0.1", "b": "10.0.0.0"}
