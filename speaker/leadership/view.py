"""A frozen picture of one segment for status, explanations and metrics."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from vipcast.model.addresses import Address
from vipcast.model.reasons import Reason


@dataclass(frozen=True, slots=True)
class MemberView:
    """A node heard on the segment. `heard_ago` and `away` are seconds; `away` 0.0 means present.

    `verified` is False for a node that has not yet shown that its hellos are fresh: it counts for
    nothing. `live` is False for one that was verified and is lost.
    """

    node: str
    address: str
    mac: bytes
    boot: int
    link: int
    term: int
    heard_ago: float
    away: float
    verified: bool
    live: bool
    learning: bool
    holds: int


@dataclass(frozen=True, slots=True)
class VipView:
    """An address wanted on the segment.

    `holder` is the node believed to answer (maybe this one), `counter` that of its epoch, `since`
    the time (monotonic seconds) since when it is the holder, or since when there is none.
    `reason` says why this node answers or does not. `order` is the candidates by rank, best first;
    those in `absent` are not heard on this segment.
    """

    vip: Address
    holder: str | None
    counter: int
    since: float
    answering: bool
    reason: Reason
    order: tuple[str, ...]
    absent: frozenset[str]


@dataclass(frozen=True, slots=True)
class SegmentView:
    """One segment as this node sees it at `now`.

    `conditions` are the states of `effects.Condition` that hold. `rejected` counts hellos that were
    dropped, by the name in `hello.Rejection`; names that never occurred count 0.
    """

    now: float
    node: str
    link: int
    lease_until: float | None
    learning_for: float | None
    conditions: frozenset[Reason]
    members: tuple[MemberView, ...]
    vips: Mapping[Address, VipView]
    rejected: Mapping[str, int]
    accepted: int
