"""What controller, speaker and command line ask of the outside: a Source of Kubernetes objects.

Two adapters offer it: `vipcast.files` (a directory of YAML objects) and, later, `vipcast.kube` (an
API server). Both pass the suite in tests/contract. Objects cross this port as raw dicts with the
API server's defaults applied; `vipcast.kube.parse` turns them into the model's types.

    async with source:                       # starts reading
        async for batch in source.changes(): # first batch: the whole snapshot, `synced` is set
            ...
        await source.write_status(...)
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass, field
from types import TracebackType
from typing import Protocol, Self

from vipcast.model.errors import Finding
from vipcast.model.raw import (
    BFD_PROFILE,
    BGP_ADVERTISEMENT,
    BGP_PEER,
    COMMUNITY,
    CONFIG_MAP,
    CONFIGURATION_STATE,
    ENDPOINT_SLICE,
    EVENT,
    IP_ADDRESS_POOL,
    L2_ADVERTISEMENT,
    NAMESPACE,
    NODE,
    SECRET,
    SERVICE,
    SERVICE_BGP_STATUS,
    SERVICE_L2_STATUS,
    SPEAKER_STATUS,
    Batch,
    Delta,
    EventNote,
    EventType,
    Kind,
    Raw,
    Ref,
)

__all__ = [
    "BFD_PROFILE",
    "BGP_ADVERTISEMENT",
    "BGP_PEER",
    "COMMUNITY",
    "CONFIGURATION_STATE",
    "CONFIG_MAP",
    "ENDPOINT_SLICE",
    "EVENT",
    "IP_ADDRESS_POOL",
    "L2_ADVERTISEMENT",
    "NAMESPACE",
    "NODE",
    "SECRET",
    "SERVICE",
    "SERVICE_BGP_STATUS",
    "SERVICE_L2_STATUS",
    "SPEAKER_STATUS",
    "Batch",
    "Delta",
    "EventNote",
    "EventType",
    "Kind",
    "Raw",
    "Ref",
    "Source",
    "SourceHealth",
]


@dataclass(frozen=True, slots=True)
class SourceHealth:
    """Whether the source is followed; `message` says why not, `problems` what cannot be read."""

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
        """The snapshot of the kinds asked for at construction, then every change; one reader."""
        ...

    async def write_status(
        self, ref: Ref, status: Raw, annotations: Mapping[str, str] = ...
    ) -> None:
        """Replace the part of an object's status that this writer owns, and its annotations there.

        An annotation written before and not given now is taken away. An empty status takes back all
        that this writer wrote. Raises SourceError if the object is gone.
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
