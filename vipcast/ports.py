"""What controller, speaker and command line ask of the outside: a Source of Kubernetes objects.

Two adapters offer it: `vipcast.files` (a directory of YAML objects) and, later, `vipcast.kube` (an API
server). Both pass the suite in tests/contract. Objects cross this port as raw dicts with the API
server's defaults applied; `vipcast.kube.parse` turns them into the model's types.

    async with source:                       # starts reading
        async for batch in source.changes(): # first batch: the whole snapshot, `synced` is set
            ...
        await source.write_status(...)
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from types import TracebackType
from typing import Any, Protocol, Self

from vipcast.model.errors import Finding
from vipcast.model.objects import Key

Raw = Mapping[str, Any]


@dataclass(frozen=True, slots=True, order=True)
class Kind:
    """Group (with version stripped) and kind; the core group is ""."""

    group: str
    name: str

    def __str__(self) -> str:
        return f"{self.name}.{self.group}" if self.group else self.name


NODE = Kind("", "Node")
NAMESPACE = Kind("", "Namespace")
SERVICE = Kind("", "Service")
SECRET = Kind("", "Secret")
CONFIG_MAP = Kind("", "ConfigMap")
EVENT = Kind("", "Event")
ENDPOINT_SLICE = Kind("discovery.k8s.io", "EndpointSlice")
IP_ADDRESS_POOL = Kind("metallb.io", "IPAddressPool")
L2_ADVERTISEMENT = Kind("metallb.io", "L2Advertisement")
SERVICE_L2_STATUS = Kind("metallb.io", "ServiceL2Status")
CONFIGURATION_STATE = Kind("metallb.io", "ConfigurationState")
SPEAKER_STATUS = Kind("vipcast.io", "SpeakerStatus")


@dataclass(frozen=True, slots=True, order=True)
class Ref:
    """Names one object."""

    kind: Kind
    key: Key

    def __str__(self) -> str:
        return f"{self.kind.name} {self.key}"


@dataclass(frozen=True, slots=True)
class Delta:
    """One object as it is now, or `raw is None`: it is gone."""

    ref: Ref
    raw: Raw | None


@dataclass(frozen=True, slots=True)
class Batch:
    """What changed since the last batch, in any order, each object at most once.

    `synced` is true from the batch that completes the first snapshot on. `problems` is the whole
    list of files or objects that cannot be read now (not only the new ones); the last readable
    state of their objects stays in force.
    """

    deltas: tuple[Delta, ...]
    synced: bool
    problems: tuple[Finding, ...] = ()


class EventType(StrEnum):
    """Event.type."""

    NORMAL = "Normal"
    WARNING = "Warning"


@dataclass(frozen=True, slots=True)
class EventNote:
    """An Event to record on an object: reason in MetalLB's spelling, message as a sentence."""

    about: Ref
    type: EventType
    reason: str
    message: str


@dataclass(frozen=True, slots=True)
class SourceHealth:
    """Whether the source is being followed. `age` is seconds since it was last known to be current."""

    alive: bool
    synced: bool
    message: str = ""
    problems: tuple[Finding, ...] = field(default=())


class Source(Protocol):
    """A store of Kubernetes objects: follow it, write status, record Events.

    Every call may raise SourceError (retry later). A writer never sees a half-written object, and
    what it writes comes back to it by `changes` like anybody else's write.
    """

    async def __aenter__(self) -> Self: ...

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None: ...

    def changes(self) -> AsyncIterator[Batch]:
        """The snapshot of the kinds asked for at construction, then every change; one reader only."""
        ...

    async def write_status(self, ref: Ref, status: Raw, annotations: Mapping[str, str] = ...) -> None:
        """Replace the part of an object's status that this writer owns, and set annotations.

        An empty status takes back what this writer wrote. Raises SourceError if the object is gone.
        """
        ...

    async def put(self, ref: Ref, raw: Raw) -> None:
        """Create or replace an object that this writer owns alone (its own status kinds)."""
        ...

    async def create(self, ref: Ref, raw: Raw) -> None:
        """Create an object that must not exist yet; raises ConflictError if it does."""
        ...

    async def delete(self, ref: Ref) -> None:
        """Delete an object that this writer made by `put` or `create`; gone already is no error."""
        ...

    async def record(self, note: EventNote) -> None:
        """Record an Event; equal notes are counted up, and a budget bounds how many are kept."""
        ...

    def health(self) -> SourceHealth:
        """Whether the source is alive and synced, and what cannot be read."""
        ...
