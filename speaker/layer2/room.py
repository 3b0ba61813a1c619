"""Which VIPs have a place in the responder's map: as many as it holds, on all interfaces together.

Who has a place keeps it as long as it is wanted. A newcomer gets one if there is one left, in the
order in which newcomers are named. So a full map never takes an address away from anybody, and two
VIPs never push each other out in turn.
"""

from __future__ import annotations

from collections.abc import Iterable

from bpf.abi import ENTRIES
from speaker.layer2.table import EntryKey
from vipcast.model.addresses import Address

RESERVE = 16
"""Entries kept free: a self-test needs one for a moment."""


class Room:
    """Places in the map by interface. `size` is how many there are in all."""

    def __init__(self, taken: Iterable[EntryKey] = (), size: int = ENTRIES - RESERVE) -> None:
        """`taken` is what stands in the map already."""
        self.size = size
        found: dict[int, set[Address]] = {}
        for key in taken:
            found.setdefault(key.ifindex, set()).add(key.address)
        self._placed = {ifindex: frozenset(addresses) for ifindex, addresses in found.items()}

    @property
    def interfaces(self) -> frozenset[int]:
        """The interfaces that have places, by ifindex."""
        return frozenset(ifindex for ifindex, placed in self._placed.items() if placed)

    @property
    def free(self) -> int:
        """How many places nobody has."""
        return max(0, self.size - sum(map(len, self._placed.values())))

    def admit(self, ifindex: int, wanted: Iterable[Address]) -> frozenset[Address]:
        """The wanted VIPs that have a place on an interface from now on; others there have none."""
        wanted = tuple(wanted)
        placed = self._placed[ifindex] = self._placed.get(ifindex, frozenset()).intersection(wanted)
        newcomers = [address for address in wanted if address not in placed]
        self._placed[ifindex] = placed.union(newcomers[: self.free])
        return self._placed[ifindex]

    def release(self, ifindex: int) -> None:
        """An interface has no entry any more."""
        self._placed.pop(ifindex, None)
