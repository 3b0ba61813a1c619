"""Asks a loaded program a question, as the kernel would hand it one, and judges the answer.

The program is run once (BPF_PROG_TEST_RUN, no frame leaves) on a request for an address that exists
for the test alone, under a lease slot and a counter that are kept for it. No interface is named,
because Linux before 5.15 cannot be told one; the run then comes in by `lo`, and so the entry says.
"""

from __future__ import annotations

import time
from ipaddress import IPv4Address
from pathlib import Path

from bpf.abi import (
    COUNTER_OTHER,
    INDEX,
    SELF_TEST_ADDRESS,
    SELF_TEST_IFINDEX,
    SLOT,
    SLOT_NODE,
    SLOT_SELF_TEST,
    SLOT_WORDS,
    VERDICTS,
    NodeWord,
    Verdict,
)
from native.bpfmap import Map, run
from speaker.layer2.frames import reply, request
from speaker.layer2.packing import pack_entry, pack_key
from speaker.layer2.table import Entry, EntryKey, EntryState

_XDP_TX = 3  # enum xdp_action, linux/bpf.h
_ASKER = IPv4Address("198.18.7.74")
_ASKER_MAC = bytes.fromhex("02005e127473")  # locally administered
_LEASE_NS = 10_000_000_000
_REST = (0,) * (SLOT_WORDS - 1)
_KEY = EntryKey(SELF_TEST_IFINDEX, SELF_TEST_ADDRESS)


def failure_of(fd: int, pins: Path, mac: bytes) -> str:
    """What is wrong with a program that works on the maps in `pins`, as a sentence; "" for nothing.

    One test at a time: they share one entry. Raises OSError if a map cannot be used.
    """
    with (
        Map.open(pins / "entries") as entries,
        Map.open(pins / "slots") as slots,
        Map.open(pins / "counters") as counters,
    ):
        until = time.monotonic_ns() + _LEASE_NS
        slots.put(INDEX.pack(SLOT_SELF_TEST), SLOT.pack(until, *_REST))
        term = _word(slots, NodeWord.FENCED) + 1
        entry = Entry(EntryState.ANSWER, SLOT_SELF_TEST, term, 0, COUNTER_OTHER, mac)
        before = _answered(counters)
        entries.put(pack_key(_KEY), pack_entry(entry))
        try:
            action, frame, _ = run(fd, request(SELF_TEST_ADDRESS, _ASKER, _ASKER_MAC))
        finally:
            entries.remove(pack_key(_KEY))
        after = _answered(counters)
    if action != _XDP_TX:
        return f"The program did not answer its own question: action {action} instead of {_XDP_TX}."
    wanted = reply(SELF_TEST_ADDRESS, mac, _ASKER, _ASKER_MAC)
    if frame != wanted:
        return f"The program's answer is {frame.hex()} instead of {wanted.hex()}."
    if after <= before:
        return "The program answered its own question but did not count it: it uses other maps."
    return ""


def _word(slots: Map, word: NodeWord) -> int:
    node = slots.get(INDEX.pack(SLOT_NODE)) or bytes(SLOT.size)
    return int(SLOT.unpack(node)[word])


def _answered(counters: Map) -> int:
    return counters.sums([COUNTER_OTHER])[0][VERDICTS.index(Verdict.ANSWERED)]
