"""A store of objects as Kubernetes keeps it, with a desk that follows it: no loop, no files.

Specs are by users, statuses by the controller; a write may fail before or after it took effect.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from controller.desk import Desk
from controller.reconcile import Status
from controller.sharing import Sharing
from tests.unit.controller.making import ip, key
from vipcast.config import Config
from vipcast.model.addresses import Address
from vipcast.model.objects import Key, Port, Service
from vipcast.model.raw import EventNote

HTTP, HTTPS, DNS = Port("TCP", 80), Port("TCP", 443), Port("UDP", 53)
OLD, NEW = "2026-01-01T00:00:00Z", "2026-02-02T00:00:00Z"


def started(config: Config, *objects: Service) -> World:
    """A controller that was started over these objects and has done its work."""
    world = World(objects={one.key: one for one in objects}, config=config)
    world.restart()
    world.finish()
    return world


def addresses(world: World) -> dict[str, str]:
    return {name.name: str(address) for name, address in world.shown().items()}


@dataclass
class World:
    """What an API server would hold, and a controller that follows it.

    `alone`: nobody else writes statuses, so each address that is given can be judged as it is.
    """

    objects: dict[Key, Service] = field(default_factory=dict)
    config: Config | None = None
    labels: Mapping[str, str] = field(default_factory=dict)
    alone: bool = True
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

    def label(self, labels: Mapping[str, str]) -> None:
        self.labels = labels
        self.due |= self.desk.label({"default": labels})

    def restart(self) -> None:
        self.desk, self.due = Desk(), set()
        self.due |= self.desk.label({"default": self.labels})
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
            if self.alone:
                self.judge(name, status)
            changed = replace(self.objects[name], ingress=status.ingress, recorded=status.recorded)
            self.objects[name] = changed

    def judge(self, name: Key, status: Status) -> None:
        """An address that is given must be one that all who have it may share as they are now."""
        mine = self.objects[name]
        for given in set(status.ingress) - set(mine.ingress):
            for other in self.objects.values():
                if other.key != name and given in other.ingress:
                    assert Sharing.of(mine).permits(Sharing.of(other)), (mine, other)

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


def change(world: World, name: str, **fields: Any) -> None:
    """A user edits a Service; nothing is decided yet."""
    world.put(replace(world.objects[key(name)], **fields), key(name))
