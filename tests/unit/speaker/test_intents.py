"""What the objects say, and what follows from a change of them."""

from __future__ import annotations

from typing import Any

import pytest

from speaker.intents import Intents
from tests.unit.speaker.world import OTHER, SYSTEM, VIP, World
from vipcast.config.keeper import ConfigKeeper
from vipcast.kube.store import Store
from vipcast.model.raw import Batch, Delta


class Told:
    """Intents of node1 that are told what changes in a world of objects."""

    def __init__(self) -> None:
        self.world = World("node1", "node2")
        self.intents = Intents(Store(SYSTEM), ConfigKeeper(SYSTEM, "config"), "node1")
        self._known: dict[Any, Any] = {}

    def taken(self) -> Any:
        """What the changes since the last call have changed."""
        now = self.world.cluster.now()
        deltas = [Delta(ref, raw) for ref, raw in now.items() if self._known.get(ref) != raw]
        deltas += [Delta(ref, None) for ref in self._known.keys() - now.keys()]
        self._known = now
        return self.intents.take(Batch(tuple(deltas), synced=True), 0.0)


@pytest.fixture
def told() -> Told:
    """One Service is announced."""
    one = Told()
    one.world.serve("web", VIP)
    assert one.taken().first
    assert list(one.intents.claims) == [VIP]
    return one


def test_a_service_that_is_announced_as_before_changes_no_claim(told: Told) -> None:
    told.world.serve("web", VIP, labels={"a": "b"})
    taken = told.taken()
    assert [key.name for key in taken.services] == ["web"]
    assert taken.withdrawn is None
    told.world.serve("pending")
    assert told.taken().withdrawn is None


def test_an_address_that_comes_or_goes_changes_the_claims(told: Told) -> None:
    told.world.serve("other", OTHER)
    assert list(told.taken().withdrawn) == [VIP]
    assert set(told.intents.claims) == {VIP, OTHER}
    told.world.delete_service("web")
    assert set(told.taken().withdrawn) == {VIP, OTHER}
    assert list(told.intents.claims) == [OTHER]


def test_a_node_that_may_no_more_changes_the_claims(told: Told) -> None:
    told.world.label("node2", **{"node.kubernetes.io/exclude-from-external-load-balancers": ""})
    assert list(told.taken().withdrawn) == [VIP]
    assert list(told.intents.claims[VIP].candidates) == ["node1"]


def test_a_node_that_is_not_ready_any_more_is_a_reason_to_look_where_routes_are_left_to_it(
    told: Told,
) -> None:
    def ready(status: str) -> None:
        conditions = [{"type": "Ready", "status": status}]
        told.world.apply("Node", "node2", namespace="", status={"conditions": conditions})

    ready("Unknown")
    assert not told.taken().services
    told.world.apply("Node", "node1", namespace="", spec={"unschedulable": True})
    told.taken()
    ready("True")
    assert [key.name for key in told.taken().services] == ["web"]
