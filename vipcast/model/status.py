"""What the speakers report about themselves, as values: written by a speaker, read by `vipcast`.

`vipcast.kube.status` turns each into the object that carries it, and back. Times are RFC 3339, UTC;
addresses and MACs are text; nothing in here ages, so an unchanged report is an unchanged object.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from vipcast.model.objects import Key
from vipcast.model.reasons import Reason


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
class BgpStatus:
    """To which routers one node tells the routes of one Service (object ServiceBGPStatus).

    `peers` are names of BGPPeers, sorted, whether or not a session stands: SpeakerStatus says that.
    """

    node: str
    service: Key
    peers: tuple[str, ...]


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
class PeerReport:
    """A router as one node knows it, by the name of its BGPPeer.

    `state` is Established or, without a session, how far the last attempt at one came; `since` is
    when the last session began or ended. `peer_asn` 0: whatever the router says. `announced` and
    `pending` are numbers of routes. `reason`, `error` and `hint` say why there is or was no
    session, however long ago: a word, sentences (the second is how connections have ended since, if
    that explains nothing), and what to look at. `notification` is the last one in words, with who
    sent it. `unspoken` are families that lead nowhere from the node. `bfd` says what becomes of a
    BFD profile, `blocked` why no session is tried.
    """

    name: str
    address: str
    port: int
    local_asn: int
    peer_asn: int
    state: str
    since: str
    announced: int = 0
    pending: int = 0
    families: tuple[str, ...] = ()
    unspoken: tuple[str, ...] = ()
    reason: str = ""
    error: str = ""
    hint: str = ""
    notification: str = ""
    bfd: str = ""
    blocked: str = ""

    @property
    def established(self) -> bool:
        """Whether routes are told."""
        return self.state == ESTABLISHED


ESTABLISHED: Final = "Established"
"""The state of a session over which routes are told (RFC 4271, section 8.2.2)."""


LAYER2: Final = "layer2"
BGP: Final = "bgp"
BOTH: Final = ""
"""By which protocol an address is not announced. Older speakers name none."""


@dataclass(frozen=True, slots=True)
class Unannounced:
    """An address that this node does not announce by a protocol, or by both, and why."""

    service: Key
    address: str
    reason: str
    message: str
    protocol: str = BOTH


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
    peers: tuple[PeerReport, ...] = ()

    @property
    def unanswered(self) -> tuple[Unannounced, ...]:
        """Those of which segments are concerned: a cordoned node is rid of routes alone, which an
        older speaker does not say."""
        return tuple(
            one
            for one in self.unannounced
            if one.protocol != BGP and one.reason != Reason.NODE_CORDONED
        )

    @property
    def untold(self) -> tuple[Unannounced, ...]:
        """Those of which routers are concerned."""
        return tuple(one for one in self.unannounced if one.protocol != LAYER2)
