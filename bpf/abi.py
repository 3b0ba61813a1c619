"""bpf/shared.h in Python: constants, names, and how keys and values are packed.

`tests/bpf/test_abi.py` compiles a C program against shared.h and compares every number of this
file with what the compiler says. Structs are in the machine's own byte order with explicit padding;
a MAC and an address are bytes as on the wire.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass
from enum import IntEnum, StrEnum
from ipaddress import IPv4Address

ENTRIES = 16384
COUNTERS = 16384
SLOTS = 64

COUNTER_OTHER = 0
SLOT_NODE = 0
SLOT_SELF_TEST = 63
LEASE_SLOTS = range(SLOT_NODE + 1, SLOT_SELF_TEST)

# The self-test asks for an address of the benchmarking range (RFC 2544, 198.18.0.0/15): nobody
# routes it, no pool should hold it. A test run that names no interface comes in by `lo`.
SELF_TEST_ADDRESS = IPv4Address("198.18.7.73")
SELF_TEST_IFINDEX = 1

HAUNT_NS = 600_000_000_000

FAMILY_IPV4 = 2
FAMILY_IPV6 = 10


class State(IntEnum):
    """enum vip_state."""

    ANSWER = 1
    LEAVING = 2
    ELSEWHERE = 3


class Verdict(StrEnum):
    """enum vip_verdict, in its order: what became of a request for a VIP."""

    ANSWERED = "answered"
    DROPPED_FENCED = "dropped_fenced"
    DROPPED_ELSEWHERE = "dropped_elsewhere"
    DROPPED_LEAVING = "dropped_leaving"
    DROPPED_LEASE_OVER = "dropped_lease_over"
    PASSED_LEASE_OVER = "passed_lease_over"
    PASSED_AGENT_GONE = "passed_agent_gone"
    PASSED_OTHER_MAC = "passed_other_mac"


VERDICTS = tuple(Verdict)

KEY = struct.Struct("=II16s")
"""struct vip_key: ifindex, family, address (IPv4 in the first 4 bytes, the rest 0)."""

ENTRY = struct.Struct("=IIQQI6s6x")
"""struct vip_entry: state, slot, term, epoch, counter, mac."""

SLOT_BYTES = 64
SLOT_WORDS = SLOT_BYTES // 8
SLOT = struct.Struct(f"={SLOT_WORDS}Q")
"""union vip_slot, as words: NodeWord and LeaseWord say which is which."""

COUNTS_BYTES = 8 * len(VERDICTS)
INDEX = struct.Struct("=I")
"""The key of both arrays."""


class NodeWord(IntEnum):
    """Which 64-bit word of slot 0 holds what: struct vip_node. BOOT, TERM and FENCED never move."""

    BOOT = 0
    TERM = 1
    FENCED = 2
    HEARTBEAT = 3
    AWAY_UNTIL = 4


class LeaseWord(IntEnum):
    """Which 64-bit word of a lease's slot holds what: struct vip_lease."""

    UNTIL = 0
    IFINDEX = 1


@dataclass(frozen=True, slots=True)
class MapShape:
    """What a pinned map must be. `type` is the number of enum bpf_map_type in linux/bpf.h."""

    name: str
    type: int
    key_size: int
    value_size: int
    max_entries: int
    flags: int


BPF_MAP_TYPE_HASH = 1
BPF_MAP_TYPE_ARRAY = 2
BPF_MAP_TYPE_PERCPU_ARRAY = 6
BPF_F_MMAPABLE = 1 << 10

MAPS = (
    MapShape("entries", BPF_MAP_TYPE_HASH, KEY.size, ENTRY.size, ENTRIES, 0),
    MapShape("slots", BPF_MAP_TYPE_ARRAY, INDEX.size, SLOT_BYTES, SLOTS, BPF_F_MMAPABLE),
    MapShape("counters", BPF_MAP_TYPE_PERCPU_ARRAY, INDEX.size, COUNTS_BYTES, COUNTERS, 0),
)

PROGRAM = "vipcast_l2"
"""The program's name in the kernel, as bpftool and `ip link` print it."""
