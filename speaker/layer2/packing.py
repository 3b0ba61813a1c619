"""Keys and entries as the bytes that lie in the map: struct vip_key and struct vip_entry."""

from __future__ import annotations

from bpf.abi import ENTRY, FAMILY_IPV4, FAMILY_IPV6, KEY
from speaker.layer2.table import Entry, EntryKey, EntryState
from vipcast.model.addresses import Family, make_address


def pack_key(key: EntryKey) -> bytes:
    """24 bytes; the address in network order, an IPv4 address in the first four of its sixteen."""
    family = FAMILY_IPV4 if key.address.version == 4 else FAMILY_IPV6
    return KEY.pack(key.ifindex, family, key.address.packed)


def unpack_key(data: bytes) -> EntryKey:
    """The reverse of `pack_key`."""
    ifindex, family, address = KEY.unpack(data)
    if family == FAMILY_IPV4:
        return EntryKey(ifindex, make_address(Family.IPV4, int.from_bytes(address[:4], "big")))
    return EntryKey(ifindex, make_address(Family.IPV6, int.from_bytes(address, "big")))


def pack_entry(entry: Entry) -> bytes:
    """40 bytes, padding zero."""
    return ENTRY.pack(entry.state, entry.slot, entry.term, entry.epoch, entry.counter, entry.mac)


def unpack_entry(data: bytes) -> Entry:
    """The reverse of `pack_entry`; ValueError if the state is none that exists."""
    state, slot, term, epoch, counter, mac = ENTRY.unpack(data)
    return Entry(EntryState(state), slot, term, epoch, counter, mac)
