"""What stands in the responder's map, and the ordered changes that make it what it should be.

    wanted    {EntryKey: Entry}   from leadership
    installed {EntryKey: Entry}   from the Responder
    changes(wanted, installed) -> what to write, in this order:
        1. entries that fall silent (removed, leaving, elsewhere)
        2. entries that answer

So at no moment between two writes does the node answer for more than it did before or will after.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from bpf.abi import State as EntryState
from vipcast.model.addresses import Address

__all__ = [
    "Change",
    "Entry",
    "EntryKey",
    "EntryState",
    "Put",
    "Remove",
    "change",
    "changes",
    "in_order",
]


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


def change(key: EntryKey, wanted: Entry | None, installed: Entry | None) -> Change | None:
    """The change for one key, None if it is as wanted already."""
    if wanted == installed:
        return None
    return Remove(key) if wanted is None else Put(key, wanted)


def changes(
    wanted: Mapping[EntryKey, Entry], installed: Mapping[EntryKey, Entry]
) -> tuple[Change, ...]:
    """Every change that turns `installed` into `wanted`; give both maps cut to the keys touched."""
    keys = wanted.keys() | installed.keys()
    found = (change(key, wanted.get(key), installed.get(key)) for key in keys)
    return in_order(item for item in found if item is not None)


def in_order(items: Iterable[Change]) -> tuple[Change, ...]:
    """The same changes, what falls silent first; within each part by interface and address.

    Of several changes to one key the last one counts.
    """
    last = {item.key: item for item in items}
    return tuple(sorted(last.values(), key=_rank))


def _rank(item: Change) -> tuple[bool, int, int, int]:
    answers = isinstance(item, Put) and item.entry.state is EntryState.ANSWER
    return answers, item.key.ifindex, item.key.address.version, int(item.key.address)
