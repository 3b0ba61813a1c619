"""How a program is at one moment, for its metrics: whole, frozen, made when somebody asks."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from vipcast.model.reasons import Reason


@dataclass(frozen=True, slots=True)
class PoolSample:
    """One pool: how many addresses it may hand out, how many Services have, by family."""

    name: str
    capacity_v4: int
    capacity_v6: int
    used_v4: int
    used_v6: int
    services: int


@dataclass(frozen=True, slots=True)
class ControllerSample:
    """The controller as it is. `without_address`: Services that lack one, by reason."""

    pools: tuple[PoolSample, ...] = ()
    without_address: Mapping[Reason, int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class InterfaceSample:
    """One interface that addresses should be announced on; `mode` is "" with nothing attached."""

    name: str
    mode: str
    answering: bool


@dataclass(frozen=True, slots=True)
class SegmentSample:
    """One segment, seen through an interface; counts are totals since the program started."""

    interface: str
    members: int
    conditions: frozenset[Reason]
    hellos_sent: int
    hellos_received: int
    hellos_rejected: Mapping[str, int]


@dataclass(frozen=True, slots=True)
class PeerSample:
    """One router, `peer` as address:port.

    Messages are counted by type, as in "KEEPALIVE". `down` is why there is no session, one word;
    `errors` are the words of the last NOTIFICATION "sent" and "received". `without_bfd`: it has a
    BFD profile.
    """

    peer: str
    up: bool
    announced: int = 0
    pending: int = 0
    sent: Mapping[str, int] = field(default_factory=dict)
    received: Mapping[str, int] = field(default_factory=dict)
    down: str = ""
    errors: Mapping[str, str] = field(default_factory=dict)
    without_bfd: bool = False


@dataclass(frozen=True, slots=True)
class SpeakerSample:
    """A speaker as it is.

    `announced` holds (service, address) of what this node answers for, `told` of what routers are
    told. `verdicts` holds (address, verdict, count) as the XDP program counts: "answered", or
    "dropped_…", "passed_…" with a reason. `greeted` is gratuitous frames by address, `ungreeted`
    how many did not leave, `lease_gaps` how often a lease ran out. `unannounced` counts addresses
    by the reason why they are not announced, `hello_failures` failures by cause.
    """

    announced: tuple[tuple[str, str], ...] = ()
    unannounced: Mapping[Reason, int] = field(default_factory=dict)
    verdicts: tuple[tuple[str, str, int], ...] = ()
    greeted: Mapping[str, int] = field(default_factory=dict)
    ungreeted: int = 0
    lease_gaps: int = 0
    interfaces: tuple[InterfaceSample, ...] = ()
    segments: tuple[SegmentSample, ...] = ()
    hello_failures: Mapping[str, int] = field(default_factory=dict)
    told: tuple[tuple[str, str], ...] = ()
    peers: tuple[PeerSample, ...] = ()
