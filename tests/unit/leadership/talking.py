"""A conversation with one core: it is node1, the others say what the test lets them say.

`Talk` is the shell: it keeps the time, carries effects out, tells the core that its hellos left.
An `Other` that is `present` says hello every 0.2 s and echoes what it heard, as a real node does.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from ipaddress import IPv4Address

from speaker.leadership import (
    Candidate,
    Candidates,
    Changed,
    Condition,
    Effect,
    Effects,
    Greet,
    Identity,
    Port,
    RemoveEntry,
    SegmentCore,
    SegmentView,
    Send,
    SetEntry,
    SetLease,
    State,
    agent_key,
)
from speaker.leadership.hello import (
    Echo,
    Hello,
    decode,
    encode,
    node_id,
    pack_echoes,
    pack_holdings,
)
from speaker.leadership.keys import Keys
from vipcast.model.addresses import Address
from vipcast.model.reasons import Reason

KEY = agent_key(b"secret")
BOOT = 11
LINK = 2
NAMES = ("node1", "node2", "node3")
TEN = IPv4Address("192.0.2.10")
"""Ranked node2, node1, node3."""
ELEVEN = IPv4Address("192.0.2.11")
"""Ranked node3, node1, node2."""
TWELVE = IPv4Address("192.0.2.12")
"""Ranked node2, node3, node1."""
SIXTEEN = IPv4Address("192.0.2.16")
"""Ranked node1, node2, node3."""
TURN = {0: 0.0, 1: 1.05, 2: 1.3}
"""When a new address is claimed behind so many better-ranked nodes, in s: 0.8 + 0.25 each."""

SLACK = 0.03
"""Two hellos are 0.02 s apart at least, so a claim may wait that long for its hello."""


@dataclass(slots=True)
class Other:
    """Another node of the segment."""

    node: str
    holds: dict[Address, int] = field(default_factory=dict)
    boot: int = 22
    link: int = 5
    interface: str = "lan0"
    present: bool = True
    learning: bool = False
    away: float = 0.0
    asks: bool = False
    offset: float = 500.0
    keys: Keys = field(default_factory=lambda: Keys(KEY))
    clock: int = 0
    mac: bytes = b""
    yields: bool = False

    def hello(self, now: float, echo: Echo | None) -> list[bytes]:
        """All slices of what it says now."""
        slices = pack_holdings(self.holds, self.node)
        first = self.clock = max(self.clock + 1, round((now + self.offset) * 1e9))
        self.clock += len(slices) - 1
        return [
            encode(
                Hello(
                    node=self.node,
                    boot=self.boot,
                    link=self.link,
                    interface=self.interface,
                    clock=first + index,
                    term=1,
                    away_ms=round(self.away * 1000),
                    mac=self.mac or b"\x02\x00\x00\x00\x00" + bytes([len(self.node)]),
                    address=IPv4Address("192.0.2.2"),
                    learning=self.learning,
                    asks=self.asks,
                    slice=index,
                    slices=len(slices),
                    round=first,
                    echoes=pack_echoes([echo] if echo else []),
                    holdings=part,
                    yields=self.yields,
                ),
                self.keys,
            )
            for index, part in enumerate(slices)
        ]


class Talk:
    """One core, its data path, and the others. Begins at 100 s, with nothing said."""

    def __init__(
        self,
        *others: Other,
        key: bytes | None = KEY,
        link: int = LINK,
        wanted: Mapping[Address, Candidates] | None = None,
    ) -> None:
        self.now = 100.0
        self.port = Port(link, "lan0", bytes(6), IPv4Address("192.0.2.1"))
        self.core = SegmentCore(Identity("node1", BOOT, 1), self.port, key)
        self.others = {other.node: other for other in others}
        self.entries: dict[Address, tuple[State, int]] = {}
        self.lease = 0.0
        self.log: list[tuple[float, Effect]] = []
        self.said: list[Hello] = []
        self.sending = True
        self._next: dict[str, float] = {}
        if wanted is not None:
            self.want(wanted)

    def do(self, effects: Effects) -> Effects:
        """Carry effects out; returns all of them, those that followed included."""
        done: list[Effect] = []
        for effect in effects:
            self.log.append((self.now, effect))
            done.append(effect)
            match effect:
                case SetEntry(vip, state, counter):
                    self.entries[vip] = state, counter
                case RemoveEntry(vip):
                    del self.entries[vip]
                case SetLease(until):
                    self.lease = until
                case Send(datagrams) if self.sending:
                    heard = [decode(datagram, Keys(KEY)) for datagram in datagrams]
                    self.said += [hello for hello in heard if isinstance(hello, Hello)]
                    done += self.do(self.core.sent(self.now, self.now))
        return tuple(done)

    def want(self, wanted: Mapping[Address, Candidates]) -> Effects:
        """Tell the core what is wanted."""
        return self.do(self.core.want(self.now, wanted))

    def adopt(
        self, answering: Mapping[Address, int], elsewhere: Mapping[Address, int], lease: float
    ) -> Effects:
        """The core is told of entries that stand in the map, and of a lease for so many seconds."""
        self.entries = {vip: (State.ANSWER, counter) for vip, counter in answering.items()}
        self.entries |= {vip: (State.ELSEWHERE, counter) for vip, counter in elsewhere.items()}
        self.lease = self.now + lease
        return self.do(self.core.adopt(self.now, answering, elsewhere, self.lease))

    def hear(self, datagram: bytes) -> Effects:
        """The core hears a datagram now."""
        return self.do(self.core.receive(self.now, datagram))

    def says(self, node: str) -> Effects:
        """Another node says its hello now, with an echo of ours."""
        other = self.others[node]
        effects: Effects = ()
        for datagram in other.hello(self.now, self.echo()):
            effects += self.hear(datagram)
        return effects

    def echo(self) -> Echo | None:
        """The newest clock that the others have heard of us."""
        if not self.said:
            return None
        newest = self.said[-1]
        return Echo(node_id("node1"), newest.boot, newest.link, newest.clock)

    def tick(self) -> Effects:
        """The core's timer."""
        return self.do(self.core.tick(self.now))

    def until(self, time: float) -> None:
        """Let time pass: ticks when they are due, and the hellos of who is present."""
        while True:
            due = self.core.next_deadline()
            turns = [
                (self._next.setdefault(other.node, self.now + 0.05), other.node)
                for other in self.others.values()
                if other.present
            ]
            at, node = min(turns, default=(time + 1, ""))
            if due is not None and due <= min(at, time):
                self.now = max(self.now, due)
                self.tick()
                again = self.core.next_deadline()
                assert again is None or again > self.now, "a deadline that a tick does not meet"
            elif at <= time:
                self.now = max(self.now, at)
                self._next[node] = self.now + 0.2
                self.says(node)
            else:
                self.now = time
                return

    def wait(self, span: float) -> None:
        """Let so much time pass."""
        self.until(self.now + span)

    def answers(self, vip: Address) -> bool:
        """Whether the data path answers now."""
        return self.entries.get(vip, (None,))[0] is State.ANSWER and self.now < self.lease

    def view(self) -> SegmentView:
        """The core's picture of now."""
        return self.core.view(self.now)

    def rejected(self) -> dict[str, int]:
        """Rejections that happened."""
        return {name: count for name, count in self.view().rejected.items() if count}

    def changes(self) -> list[tuple[str | None, str | None, Reason]]:
        """Every change of a holder so far."""
        found = [effect for _, effect in self.log if isinstance(effect, Changed)]
        return [(change.old, change.new, change.reason) for change in found]

    def conditions(self) -> list[tuple[Reason, bool]]:
        """Every condition that began or ended so far."""
        return [(e.reason, e.begins) for _, e in self.log if isinstance(e, Condition)]

    def greeted(self, vip: Address) -> list[float]:
        """When the address was greeted."""
        return [time for time, effect in self.log if effect == Greet(vip)]

    def answered_at(self, vip: Address) -> float:
        """When the entry last became an answer."""
        return max(
            time
            for time, effect in self.log
            if isinstance(effect, SetEntry) and effect.vip == vip and effect.state is State.ANSWER
        )


def those(*names: str) -> Candidates:
    """Nodes that may announce an address, none rather than another, on whatever interface."""
    return {name: Candidate() for name in names}


def everyone(*vips: Address) -> dict[Address, Candidates]:
    """Addresses that each of the three nodes may announce."""
    return {vip: those(*NAMES) for vip in vips}


def settled(*others: Other, vips: tuple[Address, ...] = (TEN,), link: int = LINK) -> Talk:
    """A conversation three seconds old: everybody present is believed, learning is over."""
    talk = Talk(*others, wanted=everyone(*vips), link=link)
    talk.wait(3.0)
    return talk


def holding(*others: Other) -> Talk:
    """node1 holds SIXTEEN, by a claim with counter 1."""
    talk = settled(*others, vips=(SIXTEEN,))
    assert talk.answers(SIXTEEN)
    return talk
