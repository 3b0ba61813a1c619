"""What stands in the responder's map, and the order in which it is changed.

    EntryKey(ifindex, address) -> Entry(state, slot, term, epoch, counter, mac)

Changes that belong together are put in order: first what falls silent (removed, then leaving or
elsewhere), then what answers. So at no moment between two writes does the node answer for more than
it did before or will after, and a full map has room for what comes.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from bpf.abi import State as EntryState
from vipcast.model.addresses import Address

__all__ = ["Change", "Entry", "EntryKey", "EntryState", "Put", "Remove", "in_order"]


@dataclass(frozen=True, slots=True)
class EntryKey:
    """One VIP on one interface."""

    ifindex: int
    address: Address


@dataclass(frozen=True, slots=True)
class Entry:
    """What the program knows of a VIP: struct vip_entry of bpf/shared.h.

    `slot` is the lease that an answer needs, `term` the node's term that it was written under,
    `epoch` the counter of the claim, `counter` the index of the VIP's counters, `mac` 6 bytes.
    """

    state: EntryState
    slot: int
    term: int
    epoch: int
    counter: int
    mac: bytes


@dataclass(frozen=True, slots=True)
class Put:
    """Write an entry, whether or not there is one."""

    key: EntryKey
    entry: Entry


@dataclass(frozen=True, slots=True)
class Remove:
    """Remove an entry; no entry is fine."""

    key: EntryKey


Change = Put | Remove


def in_order(items: Iterable[Change]) -> tuple[Change, ...]:
    """The same changes, what is removed first, what answers last; then by interface and address.

    Of several changes to one key the last one counts.
    """
    last = {item.key: item for item in items}
    return tuple(sorted(last.values(), key=_rank))


def _rank(item: Change) -> tuple[int, int, int, int]:
    answers = isinstance(item, Put) and item.entry.state is EntryState.ANSWER
    phase = 0 if isinstance(item, Remove) else 2 if answers else 1
    return phase, item.key.ifindex, item.key.address.version, int(item.key.address)
