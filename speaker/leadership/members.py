"""Who is on the segment: which hellos are believed, and until when a node counts as live.

A hello is *fresh* if it echoes our own clock as it was at most ECHO_WINDOW ago (nobody can have
recorded it earlier, or on another segment), or if it comes from the accepted (boot, link) of its
node and its clock kept pace with ours since the last hello that did echo. It is believed if it is
fresh and newer than the newest believed. A first, rebooted or moved sender has to echo. Where a
node has two links on one segment, the one of lower ifindex is believed: the other stands down.

Of two machines with one name (told apart by boot and MAC) the one that is live goes on being
believed: the other has to wait until it is lost. Of the two, who is learning while the other is not
yields: it goes on speaking, so that the other knows of it, and holds nothing.

    unknown ──tag good, not fresh──> stranger (echoed back, counts for nothing)
    stranger ──fresh echo──> live ──LOST_AFTER or the end of `away`──> lost ──newer hello──> live

Strangers and nodes are kept apart, so a flood of the first never displaces the second.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from enum import Enum
from typing import Final

from speaker.leadership.hello import (
    MAX_ECHOES,
    Echo,
    Hello,
    Rejection,
    node_id,
    unpack_echoes,
)
from speaker.leadership.listing import Listing
from speaker.leadership.timing import AWAY, ECHO_WINDOW, LOST_AFTER
from vipcast.model.addresses import Address

MAX_NODES: Final = 64
MAX_STRANGERS: Final = 64
FORGET_AFTER: Final = 600.0
"""Seconds after its last hello that a lost node is forgotten: it would have to echo again."""

NS: Final = 1_000_000_000


class Arrival(Enum):
    """How a believed hello changes the standing of its node."""

    KNOWN = "was live"
    RETURNED = "was lost"
    NEW = "never seen, or forgotten"
    REBOOTED = "was live with another boot or link"


@dataclass(slots=True)
class Peer:
    """A node whose hellos are believed. Times are ours; `clock` is its newest believed (ns)."""

    node: str
    boot: int
    link: int
    clock: int
    anchor: float  # our time minus its clock (seconds), at its last fresh echo
    term: int = 0
    mac: bytes = bytes(6)
    address: Address | None = None
    interface: str = ""
    learning: bool = True
    asks: bool = False
    yields: bool = False
    live: bool = True
    heard: float = 0.0
    away_until: float = 0.0
    listing: Listing = field(default_factory=Listing)

    @property
    def lost_at(self) -> float:
        """When it counts as lost, if nothing more is heard."""
        return max(self.heard + LOST_AFTER, self.away_until)

    def stands_before(self, hello: Hello, now: float) -> bool:
        """Whether a hello comes from another that has to wait until this one is silent.

        That is a link of higher ifindex, or another machine of the same name, unless this one has
        already yielded to it. Another boot with the same MAC is the same machine, with new maps.
        """
        if self.boot == hello.boot:
            return self.link < hello.link and now < self.heard + LOST_AFTER
        waits = self.mac != hello.mac and (hello.yields or not self.yields)
        return waits and now < self.lost_at


@dataclass(slots=True)
class Stranger:
    """A sender with a good tag that has not yet shown that it is not a recording."""

    hello: Hello
    heard: float


class Members:
    """The nodes of one segment, as one node of it hears them."""

    def __init__(self, node: str, boot: int, link: int) -> None:
        self._node = node
        self._boot = boot
        self._link = link
        self._id = node_id(node)
        self._peers: dict[str, Peer] = {}
        self._strangers: dict[tuple[str, int, int], Stranger] = {}
        self._turn = 0
        self.twin_until = 0.0
        """Until when another link of this node, with a lower ifindex, counts as heard here."""
        self.duplicate_until = 0.0
        """Until when another node with our name counts as heard here, or as away."""
        self.yields = False
        """While it does: whether it is we who yield."""
        self.double: Hello | None = None
        """What it said last."""

    def believe(
        self, now: float, hello: Hello, *, learning: bool
    ) -> tuple[Peer, Arrival] | Rejection:
        """Judge a hello with a good tag; a believed one has updated its peer (not the listing).

        `learning`: whether we are.
        """
        if hello.node == self._node:
            return self._judge_own(now, hello, learning=learning)
        echo = self._echo_of_us(now, hello)
        peer = self._peers.get(hello.node)
        if peer is None or (peer.boot, peer.link) != (hello.boot, hello.link):
            if peer is not None and peer.stands_before(hello, now):
                self._remember(now, hello)
                same = peer.boot == hello.boot
                return Rejection.OTHER_LINK if same else Rejection.DUPLICATE
            if echo is not None:
                self._remember(now, hello)
                return echo
            return self._accept_new(now, hello, peer)
        if hello.clock <= peer.clock:
            return Rejection.REPLAY
        if echo is None:
            peer.anchor = now - hello.clock / NS
        elif now - hello.clock / NS - peer.anchor > ECHO_WINDOW:
            self._remember(now, hello)
            return echo
        arrival = Arrival.KNOWN if peer.live else Arrival.RETURNED
        _update(peer, now, hello)
        return peer, arrival

    def expire(self, now: float) -> list[Peer]:
        """Nodes that are lost from now on."""
        lost = []
        for peer in list(self._peers.values()):
            if peer.live and now >= peer.lost_at:
                peer.live = False
                lost.append(peer)
            elif not peer.live and now - peer.heard > FORGET_AFTER:
                del self._peers[peer.node]
        return lost

    def next_loss(self) -> float | None:
        """When the next live node would be lost."""
        return min((peer.lost_at for peer in self._peers.values() if peer.live), default=None)

    def live(self) -> Iterator[Peer]:
        """The live nodes, those that are away included."""
        return (peer for peer in self._peers.values() if peer.live)

    def everyone(self) -> Iterator[Peer]:
        """Live and lost nodes."""
        return iter(self._peers.values())

    def strangers(self, now: float) -> Iterator[Stranger]:
        """Senders heard lately that are not believed yet."""
        return (s for s in self._strangers.values() if now - s.heard <= ECHO_WINDOW)

    def echoes(self, now: float) -> list[Echo]:
        """What to echo in the next hello: who asks first, then one after the other."""
        first: list[Echo] = []
        rest: list[Echo] = []
        for stranger in self.strangers(now):
            hello = stranger.hello
            echo = Echo(node_id(hello.node), hello.boot, hello.link, hello.clock)
            (first if hello.asks else rest).append(echo)
        for peer in self.live():
            echo = Echo(node_id(peer.node), peer.boot, peer.link, peer.clock)
            (first if peer.asks else rest).append(echo)
        chosen = (_rotated(first, self._turn) + _rotated(rest, self._turn))[:MAX_ECHOES]
        self._turn += MAX_ECHOES - len(first) if len(first) < MAX_ECHOES else MAX_ECHOES
        return chosen

    def _judge_own(self, now: float, hello: Hello, *, learning: bool) -> Rejection:
        if hello.boot == self._boot:
            if hello.link < self._link and _recent(now, hello.clock):
                self.twin_until = now + LOST_AFTER
            return Rejection.OWN
        self._remember(now, hello)  # echoed, it knows of us as well
        refused = self._echo_of_us(now, hello)
        if refused is not None:
            return refused
        known = now < self.duplicate_until and self.yields
        self.yields = self._should_yield(hello, yielding=known, learning=learning)
        self.duplicate_until = now + max(LOST_AFTER, min(hello.away_ms / 1000, AWAY))
        self.double = hello
        return Rejection.DUPLICATE

    def _should_yield(self, double: Hello, *, yielding: bool, learning: bool) -> bool:
        """Whether we yield to another of our name; of two that are alike, the lower boot stays."""
        if yielding != double.yields:
            return yielding
        if learning != double.learning:
            return learning
        return self._boot > double.boot

    def _echo_of_us(self, now: float, hello: Hello) -> Rejection | None:
        """None if the hello echoes a fresh clock of ours from this segment, else what it lacks."""
        refused = Rejection.STALE_ECHO
        for echo in unpack_echoes(hello.echoes):
            if echo.node == self._id and echo.boot == self._boot:
                if echo.link != self._link:
                    refused = Rejection.FOREIGN_SEGMENT
                elif _recent(now, echo.clock):
                    return None
        return refused

    def _accept_new(
        self, now: float, hello: Hello, before: Peer | None
    ) -> tuple[Peer, Arrival] | Rejection:
        if before is None and len(self._peers) >= MAX_NODES and not self._make_room():
            return Rejection.FULL
        self._strangers.pop((hello.node, hello.boot, hello.link), None)
        peer = Peer(hello.node, hello.boot, hello.link, hello.clock, now - hello.clock / NS)
        if before is not None:
            peer.listing.held = before.listing.held
        self._peers[hello.node] = peer
        _update(peer, now, hello)
        if before is None:
            return peer, Arrival.NEW
        return peer, Arrival.REBOOTED if before.live else Arrival.RETURNED

    def _make_room(self) -> bool:
        lost = [peer for peer in self._peers.values() if not peer.live]
        if not lost:
            return False
        del self._peers[min(lost, key=lambda peer: peer.heard).node]
        return True

    def _remember(self, now: float, hello: Hello) -> None:
        """Keep a stranger's newest hello, so that ours can echo it."""
        key = hello.node, hello.boot, hello.link
        known = self._strangers.pop(key, None)
        if known is not None and known.hello.clock > hello.clock:
            hello = known.hello
        elif len(self._strangers) >= MAX_STRANGERS:
            del self._strangers[next(iter(self._strangers))]
        self._strangers[key] = Stranger(hello, now)


def _recent(now: float, own_clock: int) -> bool:
    """Whether a clock of this node was read lately. One that lies ahead was never sent by us.

    Datagrams of one instant are numbered on by the nanosecond, so a little ahead is possible.
    """
    return -0.001 <= now - own_clock / NS <= ECHO_WINDOW


def _update(peer: Peer, now: float, hello: Hello) -> None:
    peer.clock = hello.clock
    peer.term = hello.term
    peer.mac = hello.mac
    peer.address = hello.address
    peer.interface = hello.interface
    peer.learning = hello.learning
    peer.asks = hello.asks
    peer.yields = hello.yields
    peer.live = True
    peer.heard = now
    peer.away_until = now + min(hello.away_ms / 1000, AWAY) if hello.away_ms else 0.0


def _rotated(echoes: list[Echo], turn: int) -> list[Echo]:
    if len(echoes) <= MAX_ECHOES:
        return echoes
    start = turn % len(echoes)
    return echoes[start:] + echoes[:start]
