"""Calls of the C with memory that shows what they have touched."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from native._bgpwire import ffi, lib
from tests.native.packing import Said

UNTOUCHED = b"\xa5"
_BEYOND = 64
"""Bytes behind the room, which must stay as they are."""


def within(call: Callable[[Any, int], int], room: int) -> tuple[int, bytes]:
    """What a call returns, and the room that it got; what is behind the room is looked at."""
    memory = bytearray(UNTOUCHED * (room + _BEYOND))
    result = call(ffi.from_buffer("uint8_t[]", memory), room)
    assert memory[room:] == UNTOUCHED * _BEYOND, f"touched beyond {room} bytes"
    return result, bytes(memory[:room])


class Call:
    """An announcement or a withdrawal."""

    def __init__(self, said: Said, prefixes: bytes, *, wire_form: bool = False) -> None:
        self._kept = [
            ffi.from_buffer("uint8_t[]", prefixes),
            *(
                ffi.new("uint32_t[]", list(values))
                for values in (said.path, said.communities, said.large)
            ),
        ]
        array, as_path, few, many = self._kept
        self._prefixes: Any = ffi.new(
            "struct bgpwire_prefixes *", (array, len(prefixes), said.afi, wire_form)
        )
        self._about: Any = None
        if said.next_hop:
            self._about = ffi.new(
                "struct bgpwire_attributes *",
                {
                    "as_path": as_path,
                    "as_path_count": len(said.path),
                    "communities": few,
                    "communities_count": len(said.communities),
                    "large_communities": many,
                    "large_communities_count": len(said.large) // 3,
                    "local_pref": said.local_pref or 0,
                    "has_local_pref": said.local_pref is not None,
                    "four_octet": said.four_octet,
                    "next_hop_size": len(said.next_hop),
                    "next_hop": said.next_hop,
                },
            )

    def measured(self) -> int:
        """What it returns without a buffer."""
        return self._call(ffi.NULL, 0)

    def within(self, room: int) -> tuple[int, bytes]:
        """What it returns, and writes into so much room; what is behind the room is looked at."""
        return within(self._call, room)

    def _call(self, out: Any, room: int) -> int:
        if self._about is None:
            return lib.bgpwire_withdraw(self._prefixes, out, room)
        return lib.bgpwire_announce(self._about, self._prefixes, out, room)
