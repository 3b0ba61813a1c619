"""What the speakers report about themselves, as values: written by a speaker, read by `vipcast`.

`vipcast.kube.status` turns each into the object that carries it, and back. Times are RFC 3339, UTC;
addresses and MACs are text; nothing in here ages, so an unchanged report is an unchanged object.
"""

from __future__ import annotations

from dataclasses import dataclass

from vipcast.model.objects import Key


@dataclass(frozen=True, slots=True)
class Holding:
    """One address that a node holds on one segment.

    `epoch` is the claim's counter: where two nodes report the same address on one segment, the
    higher one counts. `reason` is a word of `Reason`.
    """

    interface: str
    address: str
    epoch: int
    reason: str
    since: str
    mac: str


@dataclass(frozen=True, slots=True)
class L2Status:
    """What one node holds for one Service (object ServiceL2Status)."""

    node: str
    service: Key
    holdings: tuple[Holding, ...]

    @property
    def interfaces(self) -> tuple[str, ...]:
        """The interfaces it answers on, each once, in the order of the holdings."""
        return tuple(dict.fromkeys(holding.interface for holding in self.holdings))


@dataclass(frozen=True, slots=True)
class InterfaceReport:
    """One interface of a node: whether the responder answers there, how, and why not.

    `mode` is "generic", "native" or, without a program, "".
    """

    name: str
    index: int
    mac: str
    answering: bool
    mode: str
    mode_wanted: str
    reason: str
    message: str


@dataclass(frozen=True, slots=True)
class MemberReport:
    """A speaker that is heard on a segment; `away` means that it announced a restart."""

    node: str
    address: str
    mac: str
    away: bool = False


@dataclass(frozen=True, slots=True)
class SegmentReport:
    """One segment as one node sees it: who is there and what is wrong (words of `Reason`)."""

    interface: str
    learning: bool
    key: bool
    members: tuple[MemberReport, ...] = ()
    problems: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Unannounced:
    """An address that this node does not announce, and why."""

    service: Key
    address: str
    reason: str
    message: str


@dataclass(frozen=True, slots=True)
class SpeakerReport:
    """One speaker (object SpeakerStatus). `boot` is its boot number as 16 hexadecimal digits."""

    node: str
    started: str
    xdp_mode: str
    boot: str
    term: int
    interfaces: tuple[InterfaceReport, ...] = ()
    segments: tuple[SegmentReport, ...] = ()
    unannounced: tuple[Unannounced, ...] = ()
