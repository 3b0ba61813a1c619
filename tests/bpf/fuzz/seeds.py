"""Whole packets to begin with, each in a situation that leads to a verdict of its own.

The names say what the program does; `test_fuzz.py` holds it to that only through the fuzzer's own
comparison, so a seed whose name were wrong would merely be a poor seed.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass, replace

from bpf.abi import COUNTERS, HAUNT_NS, KEY, SLOT_SELF_TEST, SLOTS, State
from speaker.layer2.frames import gratuitous, reply, request
from speaker.layer2.packing import pack_key
from speaker.layer2.table import EntryKey
from tests.support.bpf import ASKER, ASKER_MAC, IFINDEX, MAC, SECOND, VIP

REQUEST = request(VIP, ASKER, ASKER_MAC)
_SITUATION = struct.Struct(f"=5Q4I{KEY.size}s6s2x")
_NOW = 5000 * SECOND
_KEY = EntryKey(IFINDEX, VIP)


@dataclass(frozen=True, slots=True)
class Seed:
    """An input of the fuzzer: struct situation of host.h, then a frame. Times in nanoseconds."""

    frame: bytes = REQUEST
    now: int = _NOW
    fenced: int = 4
    heartbeat: int = _NOW - SECOND
    until: int = _NOW + SECOND
    term: int = 5
    state: State = State.ANSWER
    slot: int = 5
    counter: int = 7
    ingress: int = IFINDEX
    key: EntryKey = _KEY
    mac: bytes = MAC

    def packed(self) -> bytes:
        """The bytes of the input."""
        times = (self.now, self.fenced, self.heartbeat, self.until, self.term)
        numbers = (self.state, self.slot, self.counter, self.ingress)
        return _SITUATION.pack(*times, *numbers, pack_key(self.key), self.mac) + self.frame


ANSWERED = Seed()


def _with(offset: int, new: bytes, frame: bytes = REQUEST) -> bytes:
    return frame[:offset] + new + frame[offset + len(new) :]


_PASSED_FRAMES = {
    "nothing": b"",
    "too short for Ethernet": REQUEST[:13],
    "one byte too short": REQUEST[:41],
    "announcement": gratuitous(VIP, ASKER_MAC)[0],
    "reply": reply(VIP, MAC, ASKER, ASKER_MAC),
    "own frame": _with(6, MAC),
    "own sender": _with(22, MAC),
    "tagged": REQUEST[:12] + b"\x81\x00\x00\x07" + REQUEST[12:],
    "IPv4": _with(12, b"\x08\x00"),
    "other hardware": _with(14, b"\x00\x06"),
    "other protocol": _with(16, b"\x86\xdd"),
    "longer address": _with(19, b"\x10"),
    "reverse request": _with(20, b"\x00\x03"),
    "other address": _with(38, ASKER.packed[:3] + b"\xf1"),
    "other MAC": _with(0, ASKER_MAC),
}
_ANSWERED_FRAMES = {
    "padded": REQUEST + bytes(range(18)),
    "probe": _with(28, bytes(4)),
    "group": _with(0, bytes.fromhex("01005e000001")),
    "own MAC": _with(0, MAC),
    "two askers": _with(22, bytes.fromhex("0200c0000299")),
}
_SITUATIONS = {
    "fenced": replace(ANSWERED, fenced=5),
    "leaving": replace(ANSWERED, state=State.LEAVING),
    "elsewhere": replace(ANSWERED, state=State.ELSEWHERE),
    "agent gone": replace(ANSWERED, state=State.ELSEWHERE, heartbeat=_NOW - HAUNT_NS),
    "lease just over": replace(ANSWERED, until=_NOW),
    "lease nearly long over": replace(ANSWERED, until=_NOW - HAUNT_NS + 1),
    "lease long over": replace(ANSWERED, until=_NOW - HAUNT_NS),
    "other interface": replace(ANSWERED, ingress=IFINDEX + 1),
    "last slot": replace(ANSWERED, slot=SLOT_SELF_TEST),
    "no such slot": replace(ANSWERED, slot=SLOTS),
    "no such counter": replace(ANSWERED, counter=COUNTERS),
}

SEEDS = {
    "answered": ANSWERED,
    **{name: Seed(frame) for name, frame in (_PASSED_FRAMES | _ANSWERED_FRAMES).items()},
    **_SITUATIONS,
}
