"""The pinned maps of the running XDP program: what stands in them, and writing to them.

    entries    what to do with a request for a VIP    read once at opening, kept up by `apply`
    slots      the node's words, and a lease each     shared memory: a store is seen at once
    counters   what became of requests                read when somebody asks

Opening makes the maps ready: a boot word for new ones, boot, term and fenced term carried over from
maps of an older layout, and a term above the fenced one. The loader must have pinned them before.
bpf/shared.h says what the words mean.
"""

from __future__ import annotations

import errno
import itertools
import os
import sys
from collections.abc import Callable, Collection, Mapping, Sequence
from contextlib import ExitStack
from pathlib import Path
from types import MappingProxyType
from typing import NamedTuple

from bpf import SOURCES, Sources, layouts
from bpf.abi import (
    INDEX,
    LEASE_SLOTS,
    SELF_TEST_ADDRESS,
    SLOT_NODE,
    SLOT_WORDS,
    VERDICTS,
    LeaseWord,
    NodeWord,
)
from native.bpfmap import Map
from speaker.layer2.counters import CounterIndexes
from speaker.layer2.packing import pack_entry, pack_key, unpack_entry, unpack_key
from speaker.layer2.table import Change, Entry, EntryKey, EntryState, Put, Remove
from speaker.ports import Counts
from vipcast.model.addresses import Address
from vipcast.model.errors import HostError

_NANO = 1_000_000_000


class _Node(NamedTuple):
    """The words that outlive a change of layout, in their order."""

    boot: int
    term: int
    fenced: int


class PinnedResponder:
    """The port `Responder`. Not thread-safe, and one writer per node: the opener holds its lock."""

    def __init__(
        self,
        pin_path: Path,
        sources: Sources = SOURCES,
        *,
        random: Callable[[int], bytes] = os.urandom,
    ) -> None:
        """Open the pins below `pin_path`; HostError if the loader has not made them."""
        directory = sources.pins(pin_path)
        with ExitStack() as opened:
            self._entries = opened.enter_context(_open(directory / "entries"))
            self._slots = opened.enter_context(_open(directory / "slots"))
            self._counters = opened.enter_context(_open(directory / "counters"))
            self._words = opened.enter_context(self._slots.memory())
            self._make_ready(pin_path, directory, random)
            self._opened = opened.pop_all()

    @property
    def boot(self) -> int:
        return self._node.boot

    @property
    def term(self) -> int:
        return self._node.term

    @property
    def fenced(self) -> int:
        return self._node.fenced

    @property
    def entries(self) -> Mapping[EntryKey, Entry]:
        return MappingProxyType(self._installed)

    def entry(self, key: EntryKey, state: EntryState, epoch: int, mac: bytes) -> Entry:
        slot = self._slot_of.get(key.ifindex)
        if slot is None:
            raise HostError(f"Interface {key.ifindex} has no lease slot: call segment() first.")
        counter, fresh = self._indexes.of(key.address)
        if fresh:
            self._counters.zero_per_cpu(INDEX.pack(counter))
        return Entry(state, slot, self.term, epoch, counter, mac)

    def apply(self, changes: Sequence[Change]) -> None:
        try:
            for puts, group in itertools.groupby(changes, key=lambda item: isinstance(item, Put)):
                self._write(puts, tuple(group))
        except OSError as error:
            self._read()  # whatever was written before it failed
            if error.errno in (errno.E2BIG, errno.ENOMEM):
                room = self._entries.info.max_entries
                raise HostError(f"The map of VIPs is full: {room} entries. {error}") from error
            raise HostError(f"The map of VIPs cannot be written: {error}") from error

    def segment(self, ifindex: int, present: Collection[int]) -> int:
        slot = self._slot_of.get(ifindex)
        if slot is not None:
            return slot
        slot = next((slot for slot in LEASE_SLOTS if slot not in self._slot_of.values()), None)
        if slot is None:
            slot = self._reclaim(present)
        self._words[_lease(slot, LeaseWord.UNTIL)] = 0
        self._words[_lease(slot, LeaseWord.IFINDEX)] = ifindex
        self._slot_of[ifindex] = slot
        return slot

    def lease(self, ifindex: int) -> float:
        slot = self._slot_of.get(ifindex)
        return 0.0 if slot is None else self._words[_lease(slot, LeaseWord.UNTIL)] / _NANO

    def set_lease(self, ifindex: int, until: float) -> None:
        slot = self._slot_of.get(ifindex)
        if slot is None:
            raise HostError(f"Interface {ifindex} has no lease slot: call segment() first.")
        self._words[_lease(slot, LeaseWord.UNTIL)] = round(until * _NANO)

    def beat(self, now: float) -> None:
        self._words[NodeWord.HEARTBEAT] = round(now * _NANO)

    def counts(self) -> Mapping[Address, Counts]:
        own = self._indexes.own()
        sums = self._counters.sums([index for _, index in own])
        return {
            address: dict(zip(VERDICTS, numbers, strict=True))
            for (address, _), numbers in zip(own, sums, strict=True)
        }

    def close(self) -> None:
        self._opened.close()

    @property
    def _node(self) -> _Node:
        return _Node._make(self._words[NodeWord.BOOT : NodeWord.FENCED + 1])

    def _make_ready(self, pin_path: Path, directory: Path, random: Callable[[int], bytes]) -> None:
        if self._node.boot == 0:
            self._begin(_older_node(pin_path, directory) or _Node(_nonzero(random), 0, 0))
        if self.term <= self.fenced:
            self._words[NodeWord.TERM] = self.fenced + 1
        self._slot_of = {
            ifindex: slot
            for slot in LEASE_SLOTS
            if (ifindex := self._words[_lease(slot, LeaseWord.IFINDEX)])
        }
        self._installed: dict[EntryKey, Entry] = {}
        self._read()

    def _begin(self, node: _Node) -> None:
        """First words of new maps, boot last: an opening that was cut short is then repeated."""
        self._words[NodeWord.FENCED] = node.fenced
        self._words[NodeWord.TERM] = node.term
        self._words[NodeWord.BOOT] = node.boot

    def _read(self) -> None:
        """Know what stands in the map; not what a self-test put there, which removes it itself."""
        found = {unpack_key(key): unpack_entry(entry) for key, entry in self._entries.items()}
        self._installed.clear()
        self._installed.update(
            (key, entry) for key, entry in found.items() if key.address != SELF_TEST_ADDRESS
        )
        self._indexes = CounterIndexes(
            (key.address, entry.counter) for key, entry in self._installed.items()
        )

    def _write(self, puts: bool, group: tuple[Change, ...]) -> None:
        if puts:
            items = {item.key: item.entry for item in group if isinstance(item, Put)}
            self._entries.put_many(
                (pack_key(key), pack_entry(entry)) for key, entry in items.items()
            )
            for key in items:
                if key not in self._installed:
                    self._indexes.entered(key.address)
            self._installed.update(items)
        else:
            self._entries.remove_many([pack_key(item.key) for item in group])
            for item in group:
                if self._installed.pop(item.key, None) is not None:
                    self._indexes.removed(item.key.address)

    def _reclaim(self, present: Collection[int]) -> int:
        """The slot of an interface that is gone, after removing what may still point to it."""
        gone = next((ifindex for ifindex in self._slot_of if ifindex not in present), None)
        if gone is None:
            raise HostError(
                f"All {len(LEASE_SLOTS)} lease slots are taken: announce on fewer interfaces."
            )
        stale = tuple(key for key in self._installed if key.ifindex == gone)
        self._write(False, tuple(map(Remove, stale)))
        return self._slot_of.pop(gone)


def _lease(slot: int, word: LeaseWord) -> int:
    return slot * SLOT_WORDS + word


def _nonzero(random: Callable[[int], bytes]) -> int:
    """A boot word: 0 is what new maps hold."""
    return int.from_bytes(random(8), "big") or 1


def _open(path: Path) -> Map:
    try:
        return Map.open(path)
    except OSError as error:
        raise HostError(
            f"The pinned map {path} cannot be opened: {error}. Run the loader: "
            f"python -m speaker.adapters.loader --pin-path {path.parent.parent}"
        ) from error


def _older_node(pin_path: Path, ours: Path) -> _Node | None:
    """What maps of another layout know; of several, those of the highest term."""
    found: list[_Node] = []
    for directory in layouts(pin_path):
        if directory != ours and (directory / "slots").exists():
            with _open(directory / "slots") as slots:
                first = slots.get(INDEX.pack(SLOT_NODE)) or b""
            words = [int.from_bytes(first[at : at + 8], sys.byteorder) for at in (0, 8, 16)]
            found.append(_Node._make(words))
    alive = [node for node in found if node.boot]
    return max(alive, key=lambda node: node.term, default=None)
