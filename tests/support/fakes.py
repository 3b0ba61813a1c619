"""Ports in memory, for tests of what stands above them.

MemoryResponder and MemoryPulse pass the suites of their ports, in tests/contract, as the real
adapters do. The others are too simple to be wrong in more than one way: they keep what they are
given and return what they are told.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from types import MappingProxyType, TracebackType
from typing import Self

from bpf.abi import ENTRIES, LEASE_SLOTS, VERDICTS
from speaker.layer2.counters import CounterIndexes
from speaker.layer2.interfaces import Link
from speaker.layer2.table import Change, Entry, EntryKey, EntryState, Put, Remove
from speaker.ports import Attachment, Counts, Greeted, How, LinkChange
from vipcast.model.addresses import Address
from vipcast.model.errors import HostError
from vipcast.model.reasons import Reason
from vipcast.model.xdp import XdpMode


@dataclass
class ManualClock:
    """The port `Clock`: the time is what a test says."""

    time: float = 1000.0

    def now(self) -> float:
        return self.time


@dataclass
class Maps:
    """What outlives an agent: the maps of one node."""

    boot: int = 7
    term: int = 0
    fenced: int = 0
    heartbeat: float = 0.0
    entries: dict[EntryKey, Entry] = field(default_factory=dict)
    slots: dict[int, int] = field(default_factory=dict)
    leases: dict[int, float] = field(default_factory=dict)
    size: int = ENTRIES

    def answers(self, ifindex: int, vip: Address, now: float) -> bool:
        """Whether the program would answer a broadcast question: bpf/l2_responder.c, `judge`."""
        entry = self.entries.get(EntryKey(ifindex, vip))
        return (
            entry is not None
            and entry.term > self.fenced
            and entry.state is EntryState.ANSWER
            and now < self.leases.get(entry.slot, 0.0)
        )


class MemoryResponder:
    """The port `Responder` on maps in memory."""

    def __init__(self, maps: Maps) -> None:
        self.maps = maps
        self.journal: list[str] = []
        """Every write, in order, as text."""
        if maps.term <= maps.fenced:
            maps.term = maps.fenced + 1
        self._indexes = CounterIndexes(
            (key.address, entry.counter) for key, entry in maps.entries.items()
        )

    @property
    def boot(self) -> int:
        return self.maps.boot

    @property
    def term(self) -> int:
        return self.maps.term

    @property
    def fenced(self) -> int:
        return self.maps.fenced

    @property
    def entries(self) -> Mapping[EntryKey, Entry]:
        return MappingProxyType(self.maps.entries)

    def entry(self, key: EntryKey, state: EntryState, epoch: int, mac: bytes) -> Entry:
        return Entry(
            state, self._slot(key.ifindex), self.term, epoch, self._indexes.of(key.address)[0], mac
        )

    def apply(self, changes: Sequence[Change]) -> None:
        for change in changes:
            if isinstance(change, Put):
                self._put(change)
            elif self.maps.entries.pop(change.key, None) is not None:
                self._indexes.removed(change.key.address)
            self.journal.append(_words(change))

    def segment(self, ifindex: int, present: Collection[int]) -> int:
        slots = self.maps.slots
        if ifindex not in slots:
            free = next((slot for slot in LEASE_SLOTS if slot not in slots.values()), None)
            slot = self._reclaim(present) if free is None else free
            slots[ifindex], self.maps.leases[slot] = slot, 0.0
        return slots[ifindex]

    def lease(self, ifindex: int) -> float:
        slot = self.maps.slots.get(ifindex)
        return 0.0 if slot is None else self.maps.leases[slot]

    def set_lease(self, ifindex: int, until: float) -> None:
        self.maps.leases[self._slot(ifindex)] = until
        self.journal.append(f"lease {ifindex} {until:.3f}")

    def beat(self, now: float) -> None:
        self.maps.heartbeat = now

    def counts(self) -> Mapping[Address, Counts]:
        return {address: dict.fromkeys(VERDICTS, 0) for address, _ in self._indexes.own()}

    def close(self) -> None:
        return

    def _slot(self, ifindex: int) -> int:
        if ifindex not in self.maps.slots:
            raise HostError(f"Interface {ifindex} has no lease slot: call segment() first.")
        return self.maps.slots[ifindex]

    def _put(self, change: Put) -> None:
        known = change.key in self.maps.entries
        if not known and len(self.maps.entries) >= self.maps.size:
            raise HostError(f"The map of VIPs is full: {self.maps.size} entries.")
        self.maps.entries[change.key] = change.entry
        if not known:
            self._indexes.entered(change.key.address)

    def _reclaim(self, present: Collection[int]) -> int:
        gone = next((ifindex for ifindex in self.maps.slots if ifindex not in present), None)
        if gone is None:
            raise HostError(f"All {len(LEASE_SLOTS)} lease slots are taken.")
        self.apply([Remove(key) for key in list(self.maps.entries) if key.ifindex == gone])
        return self.maps.slots.pop(gone)


def _words(change: Change) -> str:
    where = f"{change.key.ifindex} {change.key.address}"
    if isinstance(change, Put):
        entry = change.entry
        return f"{entry.state.name.lower()} {where} {entry.epoch} {entry.mac.hex(':')}"
    return f"remove {where}"


class Hub:
    """Wires between nodes. An interface is on wire "lan" unless `plug` says otherwise."""

    def __init__(self) -> None:
        self.sent: list[tuple[str, int, bytes]] = []
        """Every datagram that left: node, ifindex, bytes."""
        self._wires: dict[tuple[str, int], str | None] = {}
        self._down: set[tuple[str, int]] = set()
        self._joined: dict[tuple[str, int], MemoryPulse] = {}

    def plug(self, node: str, ifindex: int, wire: str | None) -> None:
        """Put an interface on a wire; None is a pulled cable: what it sends reaches nobody."""
        self._wires[node, ifindex] = wire

    def set_down(self, node: str, ifindex: int, *, down: bool) -> None:
        """Take an interface down or up: it sends nothing, and says so."""
        (self._down.add if down else self._down.discard)((node, ifindex))

    def listening(self, node: str) -> set[int]:
        """The interfaces of a node on which somebody listens."""
        return {ifindex for name, ifindex in self._joined if name == node}

    def join(self, pulse: MemoryPulse, ifindex: int) -> None:
        """A pulse listens on an interface."""
        self._joined[pulse.node, ifindex] = pulse

    def leave(self, pulse: MemoryPulse, ifindex: int) -> None:
        """It does so no longer."""
        if self._joined.get((pulse.node, ifindex)) is pulse:
            del self._joined[pulse.node, ifindex]

    def transmit(self, node: str, ifindex: int, datagram: bytes, ttl: int = 1) -> bool:
        """Carry a datagram to all others on the wire; False if the interface is down."""
        if (node, ifindex) in self._down:
            return False
        self.sent.append((node, ifindex, datagram))
        wire = self._wires.get((node, ifindex), "lan")
        for place, pulse in self._joined.items():
            if place[0] != node and wire is not None and wire == self._wires.get(place, "lan"):
                loop = asyncio.get_running_loop()
                loop.call_soon(pulse.arrive, place[1], datagram, ttl)
        return True


class MemoryPulse:
    """The port `Pulse` on a hub."""

    def __init__(self, hub: Hub, node: str, heard: Callable[[int, bytes], None]) -> None:
        self.node = node
        self._hub = hub
        self._heard = heard
        self._joined: set[int] = set()
        self._failures: Counter[str] = Counter()

    @property
    def failures(self) -> Mapping[str, int]:
        return self._failures

    def join(self, link: Link) -> None:
        self._joined.add(link.ifindex)
        self._hub.join(self, link.ifindex)

    def leave(self, ifindex: int) -> None:
        self._joined.discard(ifindex)
        self._hub.leave(self, ifindex)

    def send(self, ifindex: int, datagrams: Sequence[bytes]) -> bool:
        if ifindex not in self._joined:
            return False
        for datagram in datagrams:
            if not self._hub.transmit(self.node, ifindex, datagram):
                self._failures["ENETUNREACH"] += 1
                return False
        return True

    def close(self) -> None:
        for ifindex in list(self._joined):
            self.leave(ifindex)

    def arrive(self, ifindex: int, datagram: bytes, ttl: int) -> None:
        """The wire brings something."""
        if ifindex not in self._joined:
            return
        if ttl == 1:
            self._heard(ifindex, datagram)
        else:
            self._failures["ttl"] += 1


@dataclass
class MemoryGreeter:
    """The port `Greeter`: keeps the frames, by ifindex."""

    frames: list[tuple[int, bytes]] = field(default_factory=list)
    full: bool = False

    def send(self, ifindex: int, frames: Iterable[bytes]) -> Greeted:
        frames = tuple(frames)
        if self.full:
            return Greeted(0, len(frames), "ENOBUFS")
        self.frames += [(ifindex, frame) for frame in frames]
        return Greeted(len(frames), 0)

    def close(self) -> None:
        return


class MemoryAttacher:
    """The port `Attacher`: attaches to everything, but for what `refuse` names.

    `calls` leaves out those that find the program where it was put.
    """

    def __init__(self) -> None:
        self.attached: set[int] = set()
        self.calls: list[str] = []
        self.attempts = 0
        """How often `attach` was called, whatever it found."""
        self.refuse: dict[int, tuple[Reason, str]] = {}
        self.trouble: Exception | None = None
        """What `detach` and `retire_older` raise."""
        self.meanwhile: Callable[[], None] = lambda: None
        """Happens while an attachment is under way."""

    def attach(self, link: Link, wanted: XdpMode) -> Attachment:
        self.attempts += 1
        done = attachment(link, wanted)
        if link.ifindex in self.attached and link.ifindex not in self.refuse:
            return replace(done, how=How.ADOPTED)
        self.calls.append(f"attach {link.name}")
        self.meanwhile()
        if link.ifindex in self.refuse:
            reason, detail = self.refuse[link.ifindex]
            return replace(
                done, mode=None, how=How.NONE, answering=False, reason=reason, detail=detail
            )
        self.attached.add(link.ifindex)
        return done

    def stands(self, attachment: Attachment) -> bool:
        return attachment.ifindex in self.attached

    def detach(self, ifindex: int) -> bool:
        self.calls.append(f"detach {ifindex}")
        if self.trouble is not None:
            raise self.trouble
        there = ifindex in self.attached
        self.attached.discard(ifindex)
        return there

    def retire_older(self) -> tuple[str, ...]:
        if self.trouble is not None:
            raise self.trouble
        return ()


def attachment(link: Link, wanted: XdpMode = XdpMode.AUTO) -> Attachment:
    """A program that was attached and answers."""
    return Attachment(
        interface=link.name,
        ifindex=link.ifindex,
        wanted=wanted,
        mode=XdpMode.GENERIC,
        program=5,
        how=How.ATTACHED,
        answering=True,
        reason=Reason.ATTACHED,
        detail="Generic first, as the link is virtual (veth).",
    )


class MemoryLinks:
    """The port `Links`: what a test says."""

    def __init__(self, *links: Link) -> None:
        self.links = {link.ifindex: link for link in links}
        self._changes: asyncio.Queue[LinkChange] = asyncio.Queue()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        return

    async def snapshot(self) -> Mapping[int, Link]:
        return dict(self.links)

    async def changes(self) -> AsyncIterator[LinkChange]:
        while True:
            yield await self._changes.get()

    def set(self, link: Link) -> None:
        """A link is new or different."""
        before = self.links.get(link.ifindex)
        self.links[link.ifindex] = link
        self._changes.put_nowait(LinkChange(before, link))

    def remove(self, ifindex: int) -> None:
        """A link is gone."""
        self._changes.put_nowait(LinkChange(self.links.pop(ifindex), None))
