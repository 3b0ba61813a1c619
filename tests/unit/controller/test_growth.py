"""What a Service costs does not depend on how many there are, counted in lines that run."""

from __future__ import annotations

import controller
import vipcast.config
import vipcast.kube
import vipcast.model
from controller.desk import Desk
from controller.reconcile import Outcome
from tests.support.steps import steps
from tests.unit.controller.making import pool
from tests.unit.controller.running import NAMESPACE, service
from vipcast.config import Config
from vipcast.kube.defaults import with_defaults
from vipcast.kube.queue import DelayQueue
from vipcast.kube.render import service_status
from vipcast.kube.store import Store
from vipcast.model.objects import Key
from vipcast.model.raw import SERVICE, Batch, Delta, Raw, Ref


class Shop:
    """The cores of the controller, put together as its loop does."""

    def __init__(self) -> None:
        self.store = Store(NAMESPACE)
        self.desk = Desk()
        self.queue: DelayQueue[Key] = DelayQueue()
        self.desk.configure(Config((pool("p", "10.0.0.0/8"),)))

    def take(self, *raws: Raw) -> list[Outcome]:
        """Objects that changed in one batch; what is decided about them."""
        deltas = (Delta(ref_of(raw), with_defaults(SERVICE, raw)) for raw in raws)
        change = self.store.apply(Batch(tuple(deltas), synced=True))
        observed = self.desk.observe({key: self.store.services[key] for key in change.services})
        for key in observed.due:
            self.queue.add(key, self.desk.rank(key))
        outcomes = []
        while (next_one := self.queue.take(0.0)) is not None:
            outcome = self.desk.decide(next_one)
            assert outcome is not None
            self.desk.settle(outcome)
            self.queue.done(next_one)
            outcomes.append(outcome)
        return outcomes


def ref_of(raw: Raw) -> Ref:
    """The name of a Service."""
    return Ref(SERVICE, Key(raw["metadata"]["namespace"], raw["metadata"]["name"]))


def with_status(raw: Raw, outcome: Outcome) -> Raw:
    """The Service as it comes back, with what was written on it."""
    assert outcome.status is not None
    status, annotations = service_status(outcome.status.ingress, outcome.status.recorded)
    metadata = {**raw["metadata"], "annotations": annotations}
    return {**raw, "metadata": metadata, "status": status}


def served(count: int) -> int:
    """The lines for so many Services that come at once and whose statuses come back one by one."""
    raws = [service(f"s{number:04}") for number in range(count)]

    def run() -> None:
        shop = Shop()
        outcomes = shop.take(*raws)
        assert len({outcome.assignment for outcome in outcomes if outcome.assignment}) == count
        for raw, outcome in zip(raws, outcomes, strict=True):
            (again,) = shop.take(with_status(raw, outcome))
            assert again.status is None

    return steps(run, controller, vipcast.config, vipcast.kube, vipcast.model)


def test_twice_as_many_services_are_twice_the_work() -> None:
    small, large = served(150), served(300)
    # What is shared makes it less than twice, bisection over the addresses a little more.
    assert large < 2.1 * small
