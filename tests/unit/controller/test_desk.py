"""Random histories: never one address for two Services, and a restart changes nothing.

The world here is a store of objects as Kubernetes keeps it: specs by users, statuses by the
controller. Writes go wrong, before they have taken effect or after, and the controller starts anew
at any moment.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field, replace
from typing import Any

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from controller.desk import Desk
from controller.reconcile import Status, is_ours
from tests.unit.controller.making import ip, key, pool, service
from vipcast.config import Config
from vipcast.model.addresses import Address, Family
from vipcast.model.objects import Key, Recorded, Service
from vipcast.model.raw import EventNote

NAMES = "abcdef"
V4, V6 = Family.IPV4, Family.IPV6
ADDRESSES = [f"10.0.0.{number}" for number in range(8)]

services = st.fixed_dictionaries(
    {
        "created": st.sampled_from(["", "2026-01-01T00:00:00Z", "2026-02-02T00:00:00Z"]),
        "load_balancer": st.sampled_from([True, True, True, False]),
        "load_balancer_class": st.sampled_from([None, None, None, None, "other.example/lb"]),
        "families": st.sampled_from([(V4,), (V4,), (V6, V4), (V6,)]),
        "headless": st.sampled_from([False, False, False, True]),
        "requested": st.sampled_from([(), (), (), *((text,) for text in ADDRESSES), ("10.0.0",)]),
        "pool_wish": st.sampled_from([None, None, None, "p", "q", "unknown"]),
    }
)
configs = st.builds(
    lambda cut, order, auto, avoid: Config(
        tuple(
            pool(name, f"10.0.0.{first}-10.0.0.{last}", auto_assign=auto, avoid_buggy=avoid)
            for name, first, last in [("p", 0, cut), ("q", cut + 1, 5)][::order]
        )
    ),
    cut=st.integers(0, 4),
    order=st.sampled_from([1, -1]),
    auto=st.sampled_from([True, True, True, False]),
    avoid=st.booleans(),
)


@dataclass
class World:
    """What an API server would hold, and a controller that follows it."""

    objects: dict[Key, Service] = field(default_factory=dict)
    config: Config | None = None
    desk: Desk = field(default_factory=Desk)
    due: set[Key] = field(default_factory=set)
    events: list[EventNote] = field(default_factory=list)
    writes: int = 0

    def put(self, changed: Service | None, name: Key) -> None:
        if changed is None:
            self.objects.pop(name, None)
        else:
            self.objects[name] = changed
        self.due |= self.desk.observe({name: changed}).due

    def configure(self, config: Config) -> None:
        self.config = config
        self.due |= self.desk.configure(config)

    def restart(self) -> None:
        self.desk, self.due = Desk(), set()
        self.due |= self.desk.observe(self.objects).due
        if self.config is not None:
            self.due |= self.desk.configure(self.config)

    def work_on_one(self, *, lands: bool = True, answers: bool = True) -> None:
        """Decide about the next Service. `lands`: the write takes effect; `answers`: we know it."""
        name = min(self.due, key=self.desk.rank)
        self.due.remove(name)
        outcome = self.desk.decide(name)
        if outcome is None:
            return
        if outcome.status is not None:
            self.writes += 1
            if lands:
                self.write(name, outcome.status)
            if not (lands and answers):
                self.desk.doubt(name)
                self.due.add(name)
                return
        self.events += outcome.events
        self.due |= self.desk.settle(outcome)

    def write(self, name: Key, status: Status) -> None:
        if name in self.objects:
            changed = replace(self.objects[name], ingress=status.ingress, recorded=status.recorded)
            self.objects[name] = changed

    def echo(self, name: Key) -> None:
        """The store reports the object as it is now, as it does after each write."""
        self.due |= self.desk.observe({name: self.objects.get(name)}).due

    def finish(self) -> None:
        for _ in range(500):
            if not self.due:
                return
            self.work_on_one()
        raise AssertionError(f"the controller comes to no end: {self.due}")

    def shown(self) -> dict[Key, Address]:
        return {name: ip(one.ingress[0]) for name, one in self.objects.items() if one.ingress}


class Histories(RuleBasedStateMachine):
    """Users, a controller whose writes fail now and then, and restarts."""

    def __init__(self) -> None:
        super().__init__()
        self.world = World()

    @rule(name=st.sampled_from(NAMES), fields=services)
    def put_a_service(self, name: str, fields: dict[str, Any]) -> None:
        before = self.world.objects.get(key(name))
        kept = (
            {"ingress": before.ingress, "recorded": before.recorded, "created": before.created}
            if before
            else {}
        )
        self.world.put(service(name, **{**fields, **kept}), key(name))

    @precondition(lambda self: self.world.objects)
    @rule(data=st.data())
    def delete_a_service(self, data: st.DataObject) -> None:
        self.world.put(None, data.draw(st.sampled_from(sorted(self.world.objects))))

    @rule(config=configs)
    def configure(self, config: Config) -> None:
        self.world.configure(config)

    @precondition(lambda self: self.world.due)
    @rule(lands=st.booleans(), answers=st.booleans())
    def work_on_one(self, lands: bool, answers: bool) -> None:
        self.world.work_on_one(lands=lands, answers=answers)

    @rule(name=st.sampled_from(NAMES))
    def echo(self, name: str) -> None:
        self.world.echo(key(name))

    @rule()
    def restart(self) -> None:
        self.world.restart()

    @rule()
    def finish(self) -> None:
        self.world.finish()
        self.a_restart_changes_nothing()

    def a_restart_changes_nothing(self) -> None:
        world = self.world
        fresh = World(objects=dict(world.objects), config=world.config)
        fresh.restart()
        fresh.finish()
        assert fresh.writes == 0
        assert fresh.events == []
        assert fresh.desk.ledger.holdings() == world.desk.ledger.holdings()
        if world.config is not None:
            assert world.desk.ledger.holdings() == {
                name: (address,) for name, address in world.shown().items()
            }

    def teardown(self) -> None:
        self.finish()

    @invariant()
    def no_two_services_show_one_address(self) -> None:
        twice = {a: n for a, n in Counter(self.world.shown().values()).items() if n > 1}
        assert not twice

    @invariant()
    def what_a_status_shows_is_held_or_about_to_be_taken_back(self) -> None:
        if self.world.desk.config is None:
            return
        for name, address in self.world.shown().items():
            assert self.world.desk.ledger.holder(address) == name


TestHistories = Histories.TestCase
TestHistories.settings = settings(max_examples=150, stateful_step_count=40, deadline=None)


class ForeignHistories(Histories):
    """The same with somebody who overwrites statuses; all is well again when work is done."""

    @precondition(lambda self: self.world.objects)
    @rule(
        data=st.data(),
        ingress=st.lists(
            st.sampled_from([*ADDRESSES, "2001:db8::1", "lb.example", "10.0.0"]), max_size=2
        ),
        marked=st.booleans(),
    )
    def overwrite_a_status(self, data: st.DataObject, ingress: list[str], marked: bool) -> None:
        name = data.draw(st.sampled_from(sorted(self.world.objects)))
        before = self.world.objects[name]
        if not (before.load_balancer and before.load_balancer_class is None):
            return  # what stands on other people's Services is not for us to put right
        recorded = before.recorded if marked else Recorded()
        self.world.put(replace(before, ingress=tuple(ingress), recorded=recorded), name)

    def no_two_services_show_one_address(self) -> None:
        """Not while somebody else writes."""

    def what_a_status_shows_is_held_or_about_to_be_taken_back(self) -> None:
        """Not while somebody else writes."""

    def finish(self) -> None:
        self.world.finish()
        if self.world.config is None:
            return  # nothing is touched before there is a configuration
        ours = {name for name, one in self.world.objects.items() if is_ours(one)}
        held = self.world.desk.ledger.holdings()
        assert {name: held.get(name, ()) for name in ours} == {
            name: tuple(map(ip, self.world.objects[name].ingress)) for name in ours
        }


TestForeignHistories = ForeignHistories.TestCase
TestForeignHistories.settings = settings(max_examples=100, stateful_step_count=40, deadline=None)


# --- whose turn it is ---------------------------------------------------------------------------

OLD, NEW = "2026-01-01T00:00:00Z", "2026-02-02T00:00:00Z"


def started(config: Config, *objects: Service) -> World:
    """A controller that was started over these objects and has done its work."""
    world = World(objects={one.key: one for one in objects}, config=config)
    world.restart()
    world.finish()
    return world


def addresses(world: World) -> dict[str, str]:
    return {name.name: str(address) for name, address in world.shown().items()}


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


def test_two_services_that_ask_for_each_others_address_both_end_up_content() -> None:
    config = Config((pool("p", "10.0.0.0/31"),))
    world = started(
        config, service("a", ingress=("10.0.0.0",)), service("b", ingress=("10.0.0.1",))
    )
    for name, wish in (("a", "10.0.0.1"), ("b", "10.0.0.0")):
        world.put(replace(world.objects[key(name)], requested=(wish,)), key(name))
    world.finish()
    assert addresses(world) == {"a": "10.0.0.1", "b": "10.0.0.0"}
