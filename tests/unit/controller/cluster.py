"""Real objects through the real parsers, the store, the keeper and the desk: all but the loop.

cluster = Cluster()
cluster.put((ref, raw), …)     users write
cluster.work()                 the controller decides whatever is due
cluster.addresses()            what stands on the Services then
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from controller.desk import Desk
from tests.unit.controller.running import NAMESPACE as SYSTEM
from vipcast.config import Config, ConfigKeeper
from vipcast.kube.defaults import with_defaults
from vipcast.kube.render import service_status
from vipcast.kube.store import Store
from vipcast.model.objects import NO_LABELS, Key
from vipcast.model.raw import NAMESPACE, SERVICE, Batch, Delta, EventNote, Raw, Ref


class Cluster:
    """Objects, and a controller that follows them as its loop does, without waiting."""

    def __init__(self, objects: Mapping[Ref, Raw] | None = None) -> None:
        self.objects: dict[Ref, Raw] = dict(objects or {})
        self.statuses: dict[Ref, tuple[dict[str, Any], dict[str, str]]] = {}
        self.events: list[EventNote] = []
        self.writes = 0
        self.start()

    def start(self) -> None:
        """A controller that knows nothing but the objects."""
        self.store = Store(SYSTEM)
        self.keeper = ConfigKeeper(SYSTEM)
        self.desk = Desk()
        self.due: set[Key] = set()
        self.take(*self.objects)

    @property
    def config(self) -> Config:
        """The configuration in force."""
        assert self.desk.config is not None
        return self.desk.config

    @property
    def readable(self) -> bool:
        """Whether everything can be read as it stands now."""
        return not (self.store.findings or self.keeper.state.findings)

    def put(self, *changes: tuple[Ref, Raw | None]) -> None:
        """Users write or delete objects; the controller sees it in one batch."""
        for ref, raw in changes:
            if raw is None:
                self.objects.pop(ref, None)
                self.statuses.pop(ref, None)
            else:
                self.objects[ref] = raw
        self.take(*(ref for ref, _ in changes))

    def take(self, *refs: Ref) -> None:
        """The controller sees these objects as they are now."""
        change = self.store.apply(Batch(tuple(Delta(r, self.whole(r)) for r in refs), synced=True))
        names = {ref.key.name for ref in refs if ref.kind == NAMESPACE}
        labels = {name: self.store.namespaces.get(name, NO_LABELS) for name in names}
        self.due |= self.desk.label(labels)
        services = {key: self.store.services.get(key) for key in change.services}
        self.due |= self.desk.observe(services).due
        state = self.keeper.feed(self.store.inputs())
        if state.changed and state.config is not None:
            self.due |= self.desk.configure(state.config)

    def whole(self, ref: Ref) -> Raw | None:
        """An object with the status that was written on it."""
        raw = self.objects.get(ref)
        if raw is None:
            return None
        status, annotations = self.statuses.get(ref, ({}, {}))
        metadata = dict(raw["metadata"])
        metadata["annotations"] = {**metadata.get("annotations", {}), **annotations}
        return with_defaults(ref.kind, {**raw, "metadata": metadata, "status": status})

    def work(self) -> None:
        """Decide whatever is due, in the order of the controller's queue."""
        for _ in range(5_000):
            if not self.due:
                return
            key = min(self.due, key=self.desk.rank)
            self.due.remove(key)
            outcome = self.desk.decide(key)
            if outcome is None:
                continue
            self.events += outcome.events
            if outcome.status is not None:
                self.writes += 1
                ref = Ref(SERVICE, key)
                self.statuses[ref] = service_status(outcome.status.ingress, outcome.status.recorded)
                self.due |= self.desk.settle(outcome)
                self.take(ref)
            else:
                self.due |= self.desk.settle(outcome)
        raise AssertionError(f"the controller comes to no end: {self.due}")

    def addresses(self) -> dict[Key, str]:
        """Who shows which address."""
        shown = (
            (ref.key, *status.get("loadBalancer", {}).get("ingress", ()))
            for ref, (status, _) in self.statuses.items()
        )
        return {key: entries[0]["ip"] for key, *entries in shown if entries}
