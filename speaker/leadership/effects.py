"""What the core asks the shell to do, in this order, one after the other.

The order is part of the answer: an entry falls silent before a hello announces it, a hello that
claims an address leaves before the entry answers, and a greeting comes last. An effect that cannot
be carried out ends the run of effects (and should end the process): the lease then runs out by
itself.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from vipcast.model.addresses import Address
from vipcast.model.reasons import Reason


class State(StrEnum):
    """What an entry of the data path says about an address."""

    ANSWER = "answer"
    ELSEWHERE = "elsewhere"


@dataclass(frozen=True, slots=True)
class SetEntry:
    """Write the entry of an address. `counter` is the counter of the claim's epoch.

    Such an entry answers only while the segment's lease runs.
    """

    vip: Address
    state: State
    counter: int
    reason: Reason


@dataclass(frozen=True, slots=True)
class RemoveEntry:
    """Remove the entry of an address: requests are passed to the host."""

    vip: Address
    reason: Reason


@dataclass(frozen=True, slots=True)
class Send:
    """Send these datagrams on the segment, in this order.

    Take the time before the first one leaves; if every one left, call `SegmentCore.sent` with the
    time after and that before, and tell the core nothing else first. If one did not, call nothing.
    """

    datagrams: tuple[bytes, ...]


@dataclass(frozen=True, slots=True)
class SetLease:
    """Answers on the segment are allowed until then (monotonic seconds), even if that is sooner."""

    until: float


@dataclass(frozen=True, slots=True)
class Greet:
    """Tell the segment that the address is here. Ask `SegmentCore.may_greet` before each frame."""

    vip: Address


@dataclass(frozen=True, slots=True)
class Changed:
    """Another node (or nobody: None) answers for an address than before.

    `took` is how long the segment was without a sign of life of the old holder before the new one
    was known, in seconds; None if there was no old holder or it gave the address up by itself.
    """

    vip: Address
    old: str | None
    new: str | None
    reason: Reason
    took: float | None


@dataclass(frozen=True, slots=True)
class Condition:
    """A state of the whole segment began or ended.

    One of learning, noKey, linkDown, sameSegment, duplicateNodeName. A core begins in the first,
    and in the second if it has no key; no effect tells that. `detail` are sentences about what
    begins, where there is more to say than the reason's own.
    """

    reason: Reason
    begins: bool
    detail: str = ""


Effect = SetEntry | RemoveEntry | Send | SetLease | Greet | Changed | Condition
Effects = tuple[Effect, ...]
