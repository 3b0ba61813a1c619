"""Random histories: never one address for two that may not share it; a restart changes nothing.

The world here is a store of objects as Kubernetes keeps it: specs by users, statuses by the
controller. Writes go wrong, before they have taken effect or after, and the controller starts anew
at any moment.
"""

from __future__ import annotations

import itertools
from dataclasses import replace
from typing import Any

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from controller.reconcile import is_ours
from controller.sharing import Sharing
from tests.unit.controller.making import ip, key, pool, service
from tests.unit.controller.world import (
    DNS,
    HTTP,
    HTTPS,
    World,
)
from vipcast.config import Config
from vipcast.model.addresses import Family
from vipcast.model.objects import Recorded, TrafficPolicy
from vipcast.model.pool import Allocation
from vipcast.model.selectors import Operator, Requirement, Selector

NAMES = "abcdef"
V4, V6 = Family.IPV4, Family.IPV6
ADDRESSES = [f"10.0.0.{number}" for number in range(8)]
ADDRESSES6 = [f"2001:db8::{number}" for number in range(1, 5)]
REQUESTS = [(), (), (), *((text,) for text in [*ADDRESSES, *ADDRESSES6]), ("10.0.0",)]

services = st.fixed_dictionaries(
    {
        "created": st.sampled_from(["", "2026-01-01T00:00:00Z", "2026-02-02T00:00:00Z"]),
        "load_balancer": st.sampled_from([True, True, True, False]),
        "load_balancer_class": st.sampled_from([None, None, None, None, "other.example/lb"]),
        "families": st.sampled_from([(V4,), (V4,), (V6, V4), (V6,), (V6,)]),
        "headless": st.sampled_from([False, False, False, True]),
        "requested": st.sampled_from([*REQUESTS, ("10.0.0.1", "2001:db8::2")]),
        "pool_wish": st.sampled_from([None, None, None, "p", "q", "unknown"]),
        "sharing_key": st.sampled_from(["", "k", "k", "l"]),
        "ports": st.sampled_from([(HTTP,), (HTTPS,), (DNS,), (HTTP, HTTPS)]),
        "policy": st.sampled_from([TrafficPolicy.CLUSTER] * 3 + [TrafficPolicy.LOCAL]),
        "selector": st.sampled_from([{}, {"app": "web"}]),
        "labels": st.sampled_from([{}, {"app": "web"}]),
        "deprecated": st.sampled_from([(), (), ("metallb.universe.tf/allow-shared-ip",)]),
    }
)
labels = st.sampled_from([{}, {"tier": "gold"}])
allocations = st.sampled_from(
    [
        None,
        None,
        Allocation(services=(Selector((Requirement("app", Operator.EXISTS),)),)),
        Allocation(namespace_selectors=(Selector((Requirement("tier", Operator.EXISTS),)),)),
    ]
)
configs = st.builds(
    lambda cut, order, auto, avoid, allocation, six, first_six: Config(
        tuple(
            replace(
                pool(
                    name,
                    f"10.0.0.{first}-10.0.0.{last}",
                    *([six] if (name == "p") is first_six else []),
                    auto_assign=auto,
                    avoid_buggy=avoid,
                ),
                allocation=allocation if name == "p" else None,
            )
            for name, first, last in [("p", 0, cut), ("q", cut + 1, 5)][::order]
        )
    ),
    cut=st.integers(0, 4),
    order=st.sampled_from([1, -1]),
    auto=st.sampled_from([True, True, True, False]),
    avoid=st.booleans(),
    allocation=allocations,
    six=st.sampled_from(["2001:db8::1-2001:db8::2", "2001:db8::2-2001:db8::3", "2001:db8::/64"]),
    first_six=st.booleans(),
)


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

    @rule(labels=labels)
    def label_the_namespace(self, labels: dict[str, str]) -> None:
        self.world.label(labels)

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
        fresh = World(objects=dict(world.objects), config=world.config, labels=world.labels)
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
    def who_shows_an_address_with_one_that_does_not_share_it_is_about_to_move(self) -> None:
        shown = self.world.shown()
        for one, other in itertools.combinations(sorted(shown), 2):
            if shown[one] == shown[other]:
                objects = self.world.objects
                share = Sharing.of(objects[one]).permits(Sharing.of(objects[other]))
                assert share or self.world.due & {one, other}

    @invariant()
    def what_a_status_shows_is_held_or_about_to_be_taken_back(self) -> None:
        if self.world.desk.config is None:
            return
        for name, address in self.world.shown().items():
            assert name in self.world.desk.ledger.holders(address)


TestHistories = Histories.TestCase
TestHistories.settings = settings(max_examples=150, stateful_step_count=40, deadline=None)


class ForeignHistories(Histories):
    """The same with somebody who overwrites statuses; all is well again when work is done."""

    def __init__(self) -> None:
        super().__init__()
        self.world.alone = False

    @precondition(lambda self: self.world.objects)
    @rule(
        data=st.data(),
        ingress=st.lists(
            st.sampled_from([*ADDRESSES, *ADDRESSES6, "lb.example", "10.0.0"]), max_size=2
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

    def who_shows_an_address_with_one_that_does_not_share_it_is_about_to_move(self) -> None:
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
        for one, other in itertools.combinations(sorted(ours & held.keys()), 2):
            if held[one] == held[other]:
                objects = self.world.objects
                assert Sharing.of(objects[one]).permits(Sharing.of(objects[other]))


TestForeignHistories = ForeignHistories.TestCase
TestForeignHistories.settings = settings(max_examples=100, stateful_step_count=40, deadline=None)
