"""A controller over a real directory: what a user writes there, and what is then found there."""

from __future__ import annotations

import asyncio
import base64
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import yaml

from controller.app import App, Outside, Settings
from controller.desk import Desk
from controller.main import KINDS, WRITER, new_key
from controller.reports import sample
from tests.support.waiting import eventually_async
from vipcast.files import DirectorySource
from vipcast.model.addresses import Network
from vipcast.model.raw import Owner
from vipcast.ops.metrics import ControllerMetrics
from vipcast.ports import Raw, Source

NAMESPACE = "metallb-system"
HOME = {"name": "home", "addresses": ["192.0.2.10-192.0.2.11"]}
NOON = 1_790_000_000.0
"""The time of day in these tests: 2026-09-21T14:13:20Z, and it does not pass."""


@dataclass(frozen=True, slots=True)
class Place:
    """A directory of objects."""

    path: Path

    def pools(self, *pools: dict[str, Any]) -> None:
        """Write the configuration: each pool with a name and addresses, layer 2 unless it says."""
        self.put("config.yaml", config_map(*pools))

    def service(self, name: str, namespace: str = "default", **spec: Any) -> None:
        """Write a Service into a file of its own."""
        self.put(f"{namespace}-{name}.yaml", service(name, namespace, **spec))

    def put(self, file: str, *objects: dict[str, Any]) -> None:
        """Write a file of objects, in one step, as `kubectl` or a careful editor would."""
        self.text(file, yaml.safe_dump_all(objects))

    def text(self, file: str, text: str) -> None:
        """Write a file as it stands."""
        fresh = self.path / f".{file}.tmp"
        fresh.write_text(text)
        fresh.replace(self.path / file)

    def remove(self, file: str) -> None:
        """Take a file away."""
        (self.path / file).unlink()

    def written(self, kind: str, name: str, namespace: str = "default") -> dict[str, Any] | None:
        """What the controller wrote about an object."""
        path = self.file(kind, name, namespace)
        try:
            found: dict[str, Any] = yaml.safe_load(path.read_text())
        except FileNotFoundError:
            return None
        return found

    def file(self, kind: str, name: str, namespace: str = "default") -> Path:
        """Where the controller writes about an object."""
        return self.path / "status" / WRITER / kind / namespace / f"{name}.yaml"

    def address(self, name: str, namespace: str = "default") -> str | None:
        """The address that stands on a Service."""
        found = self.written("Service", name, namespace)
        ingress = found["status"]["loadBalancer"].get("ingress") if found else None
        return None if not ingress else str(ingress[0]["ip"])

    def condition(self, name: str, namespace: str = "default") -> dict[str, str]:
        """The condition that stands on a Service, {} if there is none."""
        found = self.written("Service", name, namespace)
        return {} if found is None else dict(found["status"]["conditions"][0])

    def state(self) -> dict[str, Any]:
        """The status of the ConfigurationState, {} if there is none."""
        found = self.written("ConfigurationState", "controller", NAMESPACE)
        return {} if found is None else dict(found["status"])

    def events(self, name: str) -> list[tuple[str, str, int]]:
        """Reason, message and count of the Events of a Service, oldest first."""
        path = self.path / "status" / WRITER / "Event" / "events.yaml"
        if not path.exists():
            return []
        return [
            (event["reason"], event["message"], event["count"])
            for event in yaml.safe_load_all(path.read_text())
            if event["involvedObject"]["name"] == name
        ]

    def files(self) -> dict[str, tuple[int, int]]:
        """Inode and time of change of all that was written: another write changes the inode."""
        found = sorted((self.path / "status").rglob("*.yaml"))
        return {
            str(path.relative_to(self.path)): (path.stat().st_ino, path.stat().st_mtime_ns)
            for path in found
        }

    def secret(self) -> str | None:
        """The text that the Secret `memberlist` of the controller holds."""
        found = self.written("Secret", "memberlist", NAMESPACE)
        if found is None:
            return None
        return base64.b64decode(found["data"]["secretkey"], validate=True).decode()


def config_map(*pools: dict[str, Any]) -> dict[str, Any]:
    """The configuration: each pool with a name and addresses, layer 2 unless it says."""
    sections = {"address-pools": [{"protocol": "layer2", **one} for one in pools]}
    return {
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "metadata": {"namespace": NAMESPACE, "name": "config"},
        "data": {"config": yaml.safe_dump(sections)},
    }


def service(name: str, namespace: str = "default", **spec: Any) -> dict[str, Any]:
    """A Service of type LoadBalancer; `annotations` and `created` go to the metadata."""
    metadata: dict[str, Any] = {"namespace": namespace, "name": name}
    if annotations := spec.pop("annotations", None):
        metadata["annotations"] = annotations
    if created := spec.pop("created", None):
        metadata["creationTimestamp"] = created
    spec = {"type": "LoadBalancer", "ports": [{"port": 80}], **spec}
    return {"apiVersion": "v1", "kind": "Service", "metadata": metadata, "spec": spec}


def pool(name: str, addresses: str, namespace: str = NAMESPACE, **spec: Any) -> dict[str, Any]:
    """An IPAddressPool."""
    return {
        "apiVersion": "metallb.io/v1beta1",
        "kind": "IPAddressPool",
        "metadata": {"name": name, "namespace": namespace},
        "spec": {"addresses": [addresses], **spec},
    }


def everywhere(namespace: str = NAMESPACE) -> dict[str, Any]:
    """An L2Advertisement for every pool."""
    metadata = {"name": "everywhere", "namespace": namespace}
    return {"apiVersion": "metallb.io/v1beta1", "kind": "L2Advertisement", "metadata": metadata}


@dataclass(slots=True)
class Running:
    """A controller that runs in the test's own loop."""

    desk: Desk
    metrics: ControllerMetrics

    def metric(self, name: str) -> float:
        """The one value of a metric, whatever its labels."""
        lines = self.metrics.take().text().decode().splitlines()
        (value,) = [line.split()[-1] for line in lines if line.split("{")[0].split()[0] == name]
        return float(value)


@asynccontextmanager
async def running(
    at: Place | Source,
    *,
    wall: Callable[[], float] = lambda: NOON,
    saved: list[Raw] | None = None,
    service_cidrs: tuple[Network, ...] = (),
    heartbeat: bool = True,
    owner: Owner | None = None,
) -> AsyncIterator[Running]:
    """A controller at work on a directory, or another source; stopped in order at the end.

    `wall` gives the time of day, in seconds since 1970. `saved` is what its lives remember, the
    newest last. Without a `heartbeat` it works as on a cluster, in the Pod `owner` if given.
    """
    saved = [] if saved is None else saved
    if isinstance(at, Place):
        at = DirectorySource(at.path, WRITER, KINDS, clock=wall)
    desk = Desk()
    metrics = ControllerMetrics(source=at.health, lag=lambda: 0.0, read=lambda: sample(desk))
    outside = Outside(
        wall=wall,
        draw=lambda: 1.0,
        token=new_key,
        recall=lambda: saved[-1] if saved else None,
        remember=saved.append,
    )
    settings = Settings(NAMESPACE, "config", "memberlist", service_cidrs, heartbeat, owner)
    app = App(at, desk, metrics, settings, outside)
    stop = asyncio.Event()
    task = asyncio.create_task(app.run(stop))
    try:
        yield Running(desk, metrics)
    finally:
        stop.set()
        await task


async def address_of(place: Place, name: str, namespace: str = "default") -> str:
    """Wait until a Service has an address."""
    return await eventually_async(
        lambda: place.address(name, namespace) or "", what=f"{namespace}/{name} has an address"
    )


async def has(place: Place, **addresses: str | None) -> None:
    """Wait until these Services of the namespace default have these addresses."""
    await eventually_async(
        lambda: {name: place.address(name) for name in addresses} == addresses,
        what=f"the addresses are {addresses}",
    )


def messages(caplog: pytest.LogCaptureFixture, word: str) -> list[str]:
    """What was said with that event or operation."""
    return [
        record.getMessage()
        for record in caplog.records
        if word in (record.__dict__["vipcast"].get(key) for key in ("event", "op"))
    ]
