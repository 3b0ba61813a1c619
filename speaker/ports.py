"""What the speaker asks of the outside: small roles, one file or room of speaker/adapters for each.

    Responder   the pinned maps that the XDP program answers from      adapters/maps.py
    Attacher    the program on interfaces                              adapters/attach.py
    Links       interfaces as netlink tells them                       adapters/links.py
    Greeter     gratuitous ARP on the wire                             adapters/greeter.py
    Pulse       hellos between the nodes of a segment                  adapters/pulse.py
    Connector   connections to BGP peers, each a PeerLink              adapters/bgp_tcp
    Clock       CLOCK_MONOTONIC                                        adapters/clock.py

Times are seconds of CLOCK_MONOTONIC as float, the clock that the program reads as well. MACs are 6
bytes. Calls that may take longer than a millisecond say so: call those in a thread.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from ipaddress import IPv4Address, IPv6Address
from types import TracebackType
from typing import Protocol, Self

from bpf.abi import Verdict
from speaker.layer2.interfaces import Link
from speaker.layer2.table import Change, Entry, EntryKey, EntryState
from vipcast.model.addresses import Address
from vipcast.model.errors import LinkError
from vipcast.model.reasons import Reason
from vipcast.model.xdp import XdpMode

Counts = Mapping[Verdict, int]


class Responder(Protocol):
    """The maps of the running program. One writer per node: whoever opens it holds the node's lock.

    Opening carries boot and term over from maps of an older layout, draws `boot` if there is none,
    and raises the term above the fenced one. Every call is quick (a few microseconds per entry).
    Raises HostError where a map is missing or full.
    """

    @property
    def boot(self) -> int:
        """Random 64-bit word drawn when the maps were made: while it stays, entries live on."""

    @property
    def term(self) -> int:
        """The term to write entries under; above `fenced` when the maps are opened."""

    @property
    def fenced(self) -> int:
        """Entries of this term or an older one are dead; written by the program, not by us."""

    @property
    def entries(self) -> Mapping[EntryKey, Entry]:
        """Every entry as it stands in the map: read at opening, kept up by `apply`; a live view."""

    def entry(self, key: EntryKey, state: EntryState, epoch: int, mac: bytes) -> Entry:
        """An entry ready to be put, with the interface's slot, current term and the VIP's counter.

        Needs `segment(key.ifindex, …)` before, else HostError.
        """

    def apply(self, changes: Sequence[Change]) -> None:
        """Write all changes in their order, in batches."""

    def segment(self, ifindex: int, present: Collection[int]) -> int:
        """The lease slot of an interface: its own from before, else a free one, else one whose
        interface is not in `present` (its entries are removed first). HostError if none is left."""

    def lease(self, ifindex: int) -> float:
        """Until when answers of an interface are allowed; 0.0 for one without a slot."""

    def set_lease(self, ifindex: int, until: float) -> None:
        """Allow answers on an interface until then. Seen by the program at once."""

    def beat(self, now: float) -> None:
        """Stamp the heartbeat: drops for `elsewhere` go on for ten minutes after the last one."""

    def counts(self) -> Mapping[Address, Counts]:
        """What the program did with requests for each VIP since its first entry, over all CPUs.

        Takes about a microsecond per VIP and CPU."""

    def close(self) -> None:
        """Let go of maps and memory; what is in them lives on."""


class How(StrEnum):
    """How an attachment came about."""

    ATTACHED = "attached"
    REPLACED = "replaced"
    ADOPTED = "adopted"
    NONE = "none"


@dataclass(frozen=True, slots=True)
class Attachment:
    """The program on one interface. `mode` is what came of `wanted`, None if nothing is attached.

    `detail` is a sentence: why this mode, what to know about it, or what failed and how to mend it.
    `answering` is True only if netlink names our program there and it answered its own question.
    """

    interface: str
    ifindex: int
    wanted: XdpMode
    mode: XdpMode | None
    program: int
    how: How
    answering: bool
    reason: Reason
    detail: str


class Attacher(Protocol):
    """Puts the pinned program on interfaces. Each call takes up to 100 ms: use a thread."""

    def attach(self, link: Link, wanted: XdpMode) -> Attachment:
        """Attach, replace our older program atomically, or adopt what is there already.

        Never raises for what one interface refuses: the Attachment says it. A foreign one stays.
        """

    def stands(self, attachment: Attachment) -> bool:
        """Whether netlink still names the same program in the same mode there; False in doubt.

        A look that changes nothing and asks the program nothing: some milliseconds.
        """

    def detach(self, ifindex: int) -> bool:
        """Take our program off one interface; False if there was none of ours, or no interface.

        Raises AttachError where it is ours and stays.
        """

    def retire_older(self) -> tuple[str, ...]:
        """Remove pins of older map layouts that no interface uses any more; returns their paths."""


@dataclass(frozen=True, slots=True)
class LinkChange:
    """One link before and after; None where it was not or is no longer there.

    A flap is two changes: carrier gone, carrier back. Neither is ever merged into the other.
    """

    before: Link | None
    after: Link | None


class Links(Protocol):
    """Interfaces of this network namespace, while `async with links:` lasts."""

    async def __aenter__(self) -> Self:
        """Begin to listen."""

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Listen no more."""

    async def snapshot(self) -> Mapping[int, Link]:
        """All links by ifindex, as the changes delivered so far leave them."""

    def changes(self) -> AsyncIterator[LinkChange]:
        """Changes since the snapshot, without an end. Lost netlink events cost nothing: a new
        snapshot is taken and compared."""


@dataclass(frozen=True, slots=True)
class Greeted:
    """How many frames left, how many did not, and the first failure's name (ENOBUFS, …)."""

    sent: int
    failed: int
    error: str = ""


class Greeter(Protocol):
    """Sends ready-made Ethernet frames. Never blocks."""

    def send(self, ifindex: int, frames: Iterable[bytes]) -> Greeted:
        """Send frames on an interface; a full queue or a link that is down is counted."""

    def close(self) -> None:
        """Close the socket."""


class Pulse(Protocol):
    """Hellos on segments: link-local multicast, one socket per interface.

    What is heard goes to a callable given at construction, `heard(ifindex, datagram)`, from the
    event loop and in the order of arrival.
    """

    @property
    def failures(self) -> Mapping[str, int]:
        """Sends and reads that failed, and datagrams refused unread, by the name of the cause."""

    def join(self, link: Link) -> None:
        """Send and receive on a link from now on; joining again renews group and source address.

        Raises HostError."""

    def leave(self, ifindex: int) -> None:
        """Neither send nor receive there any more; fine if it was not joined."""

    def send(self, ifindex: int, datagrams: Sequence[bytes]) -> bool:
        """Send all; True only if the kernel took every one. Never blocks, never raises."""

    def close(self) -> None:
        """Leave everywhere."""


@dataclass(frozen=True, slots=True)
class Target:
    """A BGP peer as a connection needs it.

    A link-local `address` names its interface: fe80::1%eth0. With a `password` (1 to 80 bytes) the
    connection is signed (RFC 2385); None is a connection without. `stall` is for how many seconds
    the peer may leave unread or unacknowledged what was sent to it.
    """

    address: Address
    port: int = 179
    source: Address | None = None
    password: bytes | None = field(default=None, repr=False)
    stall: float = 480.0


@dataclass(frozen=True, slots=True)
class Footing:
    """Where a connection stands on this node: its two addresses, and the interface to the peer.

    `on_link`: peer and `local` share the link, no router is between. `ipv4` and `ipv6` are the
    first global addresses of the interface, `link_local` its first one of that kind. No address
    has a scope.
    """

    local: Address
    remote: Address
    interface: str
    on_link: bool
    ipv4: IPv4Address | None = None
    ipv6: IPv6Address | None = None
    link_local: IPv6Address | None = None


class LinkOwner(Protocol):
    """Who a connection reports to: from the event loop, one call at a time, never from within a
    call of the owner's except `catch_up`."""

    def received(self, data: bytes) -> None:
        """Bytes of the peer, in order: 4096 at most."""

    def room(self) -> None:
        """All that was sent has left, after some of it had to wait."""

    def lost(self, error: LinkError) -> None:
        """The connection has ended by itself; nothing comes after this."""


class PeerLink(Protocol):
    """One connection to a peer. Nothing is delivered before `open`, and nothing after an end.

    No call blocks, none raises for what the network does: the owner hears of it by `lost`.
    """

    @property
    def footing(self) -> Footing:
        """Addresses and interface."""

    @property
    def free(self) -> bool:
        """Whether nothing that was sent waits here; `room` tells when that comes true again."""

    @property
    def stood_in(self) -> int:
        """How many messages `keep_alive` has written."""

    def open(self, owner: LinkOwner) -> None:
        """Deliver from now on, in slices: other callbacks of the loop get their turn each
        millisecond."""

    def send(self, data: bytes) -> None:
        """Write whole messages; what the kernel does not take waits here."""

    def keep_alive(self, every: float, message: bytes) -> None:
        """Write `message` whenever nothing was written for so many seconds, even while the event
        loop is held up; 0 ends that. It does not go on for a loop that seems to hang for good.
        """

    def catch_up(self) -> None:
        """Deliver now what has arrived, a slice of it: before a timer is taken for expired."""

    def close(self) -> None:
        """Let all that was sent leave, then end in good order (FIN), within seconds; the rest of
        the peer's words are thrown away."""

    def abort(self) -> None:
        """End at once (RST); what has not left is lost."""


class Connector(Protocol):
    """Connects to peers; nobody can connect to it."""

    def footing(self, target: Target) -> Footing:
        """Where a connection would stand now. Takes about 0.1 ms. Raises LinkError."""

    async def connect(self, target: Target) -> PeerLink:
        """A connection to the peer. The caller, who cancels it, says how long that may take.

        Raises LinkError where network or peer do not let it be, HostError where this node cannot do
        what is asked for, such as signing.
        """

    async def close(self) -> None:
        """Wait for connections that are ending, seconds at most; those not closed are cut off."""


class Clock(Protocol):
    """CLOCK_MONOTONIC."""

    def now(self) -> float:
        """Seconds."""
