"""Calls to begin with: each function, each form of a message, each error, sizes where forms change.

The names say what comes of the call; the fuzzer's own comparison holds it to that, so a seed whose
name were wrong would merely be a poor seed.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass, replace
from enum import IntEnum, IntFlag

_SITUATION = struct.Struct("=5I11H6B32s")


class Call(IntEnum):
    """enum call of calls.h."""

    KEEPALIVE = 0
    ROUTE_REFRESH = 1
    OPEN = 2
    NOTIFICATION = 3
    SHUTDOWN = 4
    ANNOUNCE = 5
    WITHDRAW = 6
    END_OF_RIB = 7


class Flag(IntFlag):
    """enum flags of calls.h."""

    NONE = 0
    WIRE_FORM = 1
    HAS_LOCAL_PREF = 2
    FOUR_OCTET = 4
    MEASURE = 8


EVERYTHING = 0x7F
"""All of enum bgpwire_can."""


@dataclass(frozen=True, slots=True)
class Seed:
    """An input of the fuzzer: struct situation of calls.h, then data."""

    call: Call
    data: bytes = b""
    asn: int = 64512
    four_octet_asn: int = 64512
    router_id: int = 0xC0000201
    can: int = 0
    local_pref: int = 100
    path: int = 1
    communities: int = 0
    large: int = 0
    families: int = 0
    restart_families: int = 0
    hop_families: int = 0
    repeat: int = 0
    lacking: int = 0
    afi: int = 1
    hold_time: int = 90
    restart_time: int = 120
    flags: Flag = Flag.FOUR_OCTET
    safi: int = 1
    code: int = 4
    subcode: int = 2
    next_hop: bytes = b"\xc0\x00\x02\x01"

    def packed(self) -> bytes:
        """The bytes of the input."""
        wide = (self.asn, self.four_octet_asn, self.router_id, self.can, self.local_pref)
        counts = (self.path, self.communities, self.large, self.families, self.restart_families)
        rest = (self.hop_families, self.repeat, self.lacking, self.afi)
        times = (self.hold_time, self.restart_time)
        small = (self.call, self.flags, self.safi, self.code, self.subcode, len(self.next_hop))
        return _SITUATION.pack(*wide, *counts, *rest, *times, *small, self.next_hop) + self.data


IPV4 = bytes.fromhex("20c0000264 20c0000265 18c6336400")
IPV6 = bytes.fromhex("8020010db8000000000000000000000001 4020010db8000000010000000000000000")
HOP6 = bytes.fromhex("20010db8000000000000000000000001")
ANNOUNCED = Seed(Call.ANNOUNCE, IPV4)
ANNOUNCED6 = Seed(Call.ANNOUNCE, IPV6, afi=2, next_hop=HOP6)
DENSE = Seed(Call.ANNOUNCE, b"\0", repeat=4199, flags=Flag.WIRE_FORM | Flag.FOUR_OCTET)
FULL = replace(ANNOUNCED, next_hop=HOP6, data=IPV4[:5], repeat=100)
OPENED = Seed(Call.OPEN, bytes.fromhex("4903016100"), can=EVERYTHING, families=2, asn=70000)

_MESSAGES = {
    "keepalive": Seed(Call.KEEPALIVE),
    "refresh": Seed(Call.ROUTE_REFRESH),
    "open": OPENED,
    "bare open": Seed(Call.OPEN),
    "open with restart": replace(OPENED, restart_families=2, hop_families=1),
    "last short open": Seed(Call.OPEN, bytes((200, 251)) + bytes(251)),
    "first extended open": Seed(Call.OPEN, bytes((200, 252)) + bytes(252)),
    "notification": Seed(Call.NOTIFICATION, b"\x03abc"),
    "long notification": Seed(Call.NOTIFICATION, b"abc", repeat=2000),
    "shutdown": Seed(Call.SHUTDOWN, "Grüße".encode()),
    "longest shutdown": Seed(Call.SHUTDOWN, b"abc", repeat=84),
    "shutdown of a byte too many": Seed(Call.SHUTDOWN, b"ab", repeat=127),
    "cut shutdown": Seed(Call.SHUTDOWN, "a€".encode(), repeat=100),
    "announced": ANNOUNCED,
    "announced to an old peer": replace(ANNOUNCED, flags=Flag.NONE, path=2, data=b"\x20" * 5),
    "announced by the first wide AS": replace(
        ANNOUNCED, flags=Flag.WIRE_FORM, data=bytes(2) + b"\1\0"
    ),
    "a shorter one at the end": replace(ANNOUNCED, data=3 * IPV4[:5] + IPV4[10:]),
    "full to the last byte": DENSE,
    "full to the last byte with a carrier": replace(DENSE, next_hop=HOP6),
    "full to the last byte with withdrawals": replace(DENSE, call=Call.WITHDRAW),
    "room for one byte": replace(DENSE, communities=1012, repeat=1),
    "one prefix in each of many messages": replace(
        DENSE, communities=1012, repeat=1999, flags=DENSE.flags | Flag.MEASURE
    ),
    "announced inside": replace(ANNOUNCED, flags=Flag.HAS_LOCAL_PREF, path=0),
    "communities": replace(ANNOUNCED, communities=3, large=2),
    "long communities": replace(ANNOUNCED, communities=64),
    "two segments": replace(ANNOUNCED, path=256),
    "two messages": replace(ANNOUNCED, data=IPV4[:5], repeat=870),
    "announced with an IPv6 next hop": replace(ANNOUNCED, next_hop=HOP6),
    "longest short carrier": replace(ANNOUNCED, next_hop=HOP6, data=46 * IPV4[:5] + IPV4[10:]),
    "shortest long carrier": replace(ANNOUNCED, next_hop=HOP6, data=IPV4[:5], repeat=46),
    "announced IPv6": ANNOUNCED6,
    "announced IPv6 with two next hops": replace(ANNOUNCED6, next_hop=2 * HOP6),
    "two messages of IPv6": replace(ANNOUNCED6, data=IPV6[:17], repeat=300),
    "as in messages": replace(ANNOUNCED, flags=Flag.WIRE_FORM, data=bytes.fromhex("0018c63364")),
    "measured": replace(ANNOUNCED, flags=Flag.MEASURE, repeat=870),
    "long carrier in a full message": replace(FULL, communities=949),
    "short carrier in a full message": replace(FULL, communities=950),
    "one prefix in a full message": replace(FULL, communities=1006, repeat=3),
    "withdrawn": Seed(Call.WITHDRAW, IPV4),
    "withdrawn IPv6": Seed(Call.WITHDRAW, IPV6, afi=2, repeat=300),
    "end of RIB": Seed(Call.END_OF_RIB),
    "end of RIB for IPv6": Seed(Call.END_OF_RIB, afi=2),
}
_ERRORS = {
    "no room for a message": Seed(Call.END_OF_RIB, lacking=1),
    "no room for the second message": replace(ANNOUNCED, data=IPV4[:5], repeat=870, lacking=1),
    "too many communities": replace(ANNOUNCED, communities=1100),
    "a few communities too many": replace(ANNOUNCED, communities=1020),
    "no room for any prefix": Seed(Call.ANNOUNCE, communities=1011, flags=Flag.HAS_LOCAL_PREF),
    "endless communities": replace(ANNOUNCED, communities=4097),
    "no such family": replace(ANNOUNCED, afi=3),
    "no prefix fits": replace(FULL, communities=1008),
    "prefix too long": replace(ANNOUNCED, data=b"\x21" + bytes(4)),
    "prefix too long as in messages": replace(
        ANNOUNCED, data=bytes((33, 1, 2, 3, 4, 0)), flags=Flag.WIRE_FORM
    ),
    "host bits": replace(ANNOUNCED, data=bytes.fromhex("18c6336401")),
    "host bits in the last octet": replace(ANNOUNCED, data=bytes.fromhex("17c6336500")),
    "cut prefix": replace(ANNOUNCED, data=IPV4[:-1]),
    "no next hop": replace(ANNOUNCED, next_hop=b""),
    "IPv4 next hop for IPv6": replace(ANNOUNCED6, next_hop=b"\xc0\x00\x02\x01"),
    "AS number without its capability": Seed(Call.OPEN, asn=70000),
    "endless restart": replace(OPENED, restart_time=4096),
    "too many restart families": replace(OPENED, restart_families=64),
    "too many families": replace(OPENED, families=700),
    "cut capability": replace(OPENED, data=b"\x49\x03\x01"),
}

SEEDS = {**_MESSAGES, **_ERRORS}
