"""Sources under test: what the contract suite asks of an adapter's surroundings, and a reader.

A `Harness` plays the users and the misfortunes of one adapter: it writes, spoils and removes
objects the way its users would, refuses writes and cuts the source off. An adapter that comes with
a harness of its own runs the whole suite of tests/contract.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import resource
from abc import ABC, abstractmethod
from collections.abc import AsyncIterator, Callable, Collection, Iterator
from pathlib import Path
from typing import Any

from tests.support.memory_source import MemoryCluster, MemorySource
from tests.support.waiting import eventually_async
from vipcast.files import DirectorySource
from vipcast.model.errors import Finding
from vipcast.model.objects import Key
from vipcast.ports import (
    CONFIG_MAP,
    CONFIGURATION_STATE,
    ENDPOINT_SLICE,
    EVENT,
    NAMESPACE,
    NODE,
    SECRET,
    SERVICE,
    SERVICE_L2_STATUS,
    Batch,
    Kind,
    Raw,
    Ref,
    Source,
)

KINDS = (
    CONFIG_MAP,
    CONFIGURATION_STATE,
    ENDPOINT_SLICE,
    EVENT,
    NAMESPACE,
    NODE,
    SECRET,
    SERVICE,
    SERVICE_L2_STATUS,
)
START = 1714521600.0
"""What the clock of a source under test says: 2024-05-01T00:00:00Z."""


def service(name: str = "web", port: int = 80, namespace: str = "default", **parts: Any) -> Any:
    """A Service of type LoadBalancer as a user writes it."""
    return {
        "apiVersion": "v1",
        "kind": "Service",
        "metadata": {"name": name, "namespace": namespace, **parts.pop("metadata", {})},
        "spec": {"type": "LoadBalancer", "ports": [{"port": port}]},
        **parts,
    }


def service_ref(name: str = "web", namespace: str = "default") -> Ref:
    """The name of such a Service."""
    return Ref(SERVICE, Key(namespace, name))


class Follower:
    """Reads every change of a source; `objects` is how things are as far as it knows."""

    def __init__(self, source: Source) -> None:
        self.objects: dict[Ref, Raw] = {}
        self.batches: list[Batch] = []
        self.problems: tuple[Finding, ...] = ()
        self._news = asyncio.Event()
        self._task = asyncio.create_task(self._follow(source.changes()))

    async def until(self, condition: Callable[[], Any], what: str) -> None:
        """Wait for a state of what was read."""

        def look() -> Any:
            if self._task.done():
                self._task.result()
            return condition()

        await eventually_async(look, what=what, wake=self._news)

    async def until_port(self, ref: Ref, port: int) -> None:
        """Wait until the first port of a Service is this one."""
        await self.until(lambda: self.port(ref) == port, f"{ref} has port {port}")

    async def until_end(self) -> None:
        """Wait until there is nothing more to read."""
        await eventually_async(self._task.done, what="the changes have ended")
        self._task.result()

    def status(self, ref: Ref) -> dict[str, Any]:
        """The status of an object, {} if it has none."""
        return dict(self.objects.get(ref, {}).get("status", {}))

    def addresses(self, ref: Ref) -> list[str]:
        """The addresses that a Service's status shows."""
        balancer = self.status(ref).get("loadBalancer") or {}
        return [entry["ip"] for entry in balancer.get("ingress") or ()]

    def conditions(self, ref: Ref) -> list[str]:
        """The types of the conditions in an object's status."""
        return [one["type"] for one in self.status(ref).get("conditions") or ()]

    def annotations(self, ref: Ref) -> dict[str, str]:
        """The annotations of an object."""
        return dict(self.objects[ref]["metadata"].get("annotations") or {})

    def port(self, ref: Ref) -> int | None:
        """The first port of a Service, None if there is none."""
        raw = self.objects.get(ref)
        return None if raw is None else raw["spec"]["ports"][0]["port"]

    async def _follow(self, changes: AsyncIterator[Batch]) -> None:
        async for batch in changes:
            self.batches.append(batch)
            self.problems = batch.problems
            for delta in batch.deltas:
                if delta.raw is None:
                    self.objects.pop(delta.ref, None)
                else:
                    self.objects[delta.ref] = delta.raw
            self._news.set()


class Harness(ABC):
    """The surroundings of one adapter, empty at first."""

    spoilt = "line 1"
    """How the place begins where the adapter finds what `spoil` has put there."""

    @abstractmethod
    def source(self, writer: str = "controller", kinds: Collection[Kind] = KINDS) -> Source:
        """A source that writes as `writer` and keeps at most 5 Events."""

    @abstractmethod
    def apply(self, *raws: Raw) -> None:
        """Create or replace users' objects."""

    @abstractmethod
    def remove(self, ref: Ref) -> None:
        """Delete a user's object."""

    @abstractmethod
    def spoil(self, ref: Ref) -> None:
        """Put something unreadable in the place of a user's object; `apply` mends it."""

    @abstractmethod
    def cut_off(self) -> None:
        """Take the objects away from the source without deleting any."""

    @abstractmethod
    def bring_back(self) -> None:
        """Undo `cut_off`."""

    @abstractmethod
    def refusing(self) -> contextlib.AbstractContextManager[None]:
        """While it is entered, nothing can be written."""


class DirectoryHarness(Harness):
    """A directory with one file for each object."""

    def __init__(self, path: Path) -> None:
        self.root = path / "objects"
        self.root.mkdir()

    def source(self, writer: str = "controller", kinds: Collection[Kind] = KINDS) -> Source:
        return DirectorySource(self.root, writer, kinds, clock=lambda: START, event_budget=5)

    def apply(self, *raws: Raw) -> None:
        for raw in raws:
            metadata = raw["metadata"]
            key = Key(metadata.get("namespace", ""), metadata["name"])
            self.file(raw["kind"], key).write_text(json.dumps(raw))

    def remove(self, ref: Ref) -> None:
        self.file(ref.kind.name, ref.key).unlink()

    def spoil(self, ref: Ref) -> None:
        self.file(ref.kind.name, ref.key).write_text("kind: [\n")

    def cut_off(self) -> None:
        self.root.rename(self.root.with_name("away"))

    def bring_back(self) -> None:
        self.root.with_name("away").rename(self.root)

    @contextlib.contextmanager
    def refusing(self) -> Iterator[None]:
        """The size that files may have is limited to nothing, which refuses like a full disk."""
        soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
        resource.setrlimit(resource.RLIMIT_FSIZE, (0, hard))
        try:
            yield
        finally:
            resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))

    def file(self, kind: str, key: Key) -> Path:
        """The file of an object."""
        return self.root / f"{kind}-{key.namespace}-{key.name}.yaml"


class MemoryHarness(Harness):
    """Objects in memory."""

    def __init__(self) -> None:
        self.cluster = MemoryCluster()

    def source(self, writer: str = "controller", kinds: Collection[Kind] = KINDS) -> Source:
        return MemorySource(self.cluster, writer, kinds, clock=lambda: START, event_budget=5)

    def apply(self, *raws: Raw) -> None:
        for raw in raws:
            self.cluster.apply(raw)

    def remove(self, ref: Ref) -> None:
        self.cluster.remove(ref)

    def spoil(self, ref: Ref) -> None:
        self.cluster.spoil(ref)

    def cut_off(self) -> None:
        self.cluster.set_reachable(False)

    def bring_back(self) -> None:
        self.cluster.set_reachable(True)

    @contextlib.contextmanager
    def refusing(self) -> Iterator[None]:
        self.cluster.refuses = True
        try:
            yield
        finally:
            self.cluster.refuses = False
