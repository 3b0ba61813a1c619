"""What one node says it holds, put together from the slices of its hellos.

An address heard in any slice counts at once. One is gone only when a whole round did not name it,
so a lost slice takes nothing away. Slices whose bytes are those of the round before are not read
again: hellos of a quiet cluster cost a comparison.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Final

from speaker.leadership.hello import Hello, unpack_holdings
from vipcast.model.addresses import Address

MAX_HELD: Final = 65536
"""No more than this is remembered of one node, whatever it says."""


@dataclass(frozen=True, slots=True)
class News:
    """What a slice changed: addresses (with counters) that are newly held, and those gone."""

    held: dict[Address, int]
    gone: tuple[Address, ...]


NOTHING_NEW = News({}, ())


@dataclass(slots=True)
class Listing:
    """Addresses and counters that one sender holds by its own word."""

    held: dict[Address, int] = field(default_factory=dict)
    _known: tuple[bytes, ...] = ()  # the slices of the last whole round, if none differed since
    _round: tuple[int, int] = (0, 0)  # its name and its number of slices
    _heard: dict[int, bytes] = field(default_factory=dict)  # slices of the present round

    def take(self, hello: Hello) -> News:
        """Take in one slice."""
        if (hello.round, hello.slices) != self._round:
            self._round = hello.round, hello.slices
            self._heard = {}
        self._heard[hello.slice] = hello.holdings
        held = {} if self._is_known(hello) else self._add(hello.holdings)
        gone = self._finish() if len(self._heard) == hello.slices else ()
        return News(held, gone) if held or gone else NOTHING_NEW

    def _is_known(self, hello: Hello) -> bool:
        return hello.slices == len(self._known) and self._known[hello.slice] == hello.holdings

    def _add(self, holdings: bytes) -> dict[Address, int]:
        self._known = ()
        held = {
            vip: counter
            for vip, counter in unpack_holdings(holdings)
            if self.held.get(vip) != counter
        }
        if len(self.held) + len(held) > MAX_HELD:
            return {}
        self.held.update(held)
        return held

    def _finish(self) -> tuple[Address, ...]:
        """A whole round was heard: what it did not name is gone."""
        whole = tuple(self._heard[index] for index in range(len(self._heard)))
        if whole == self._known:
            return ()
        self._known = whole
        named = {vip for part in whole for vip, _ in unpack_holdings(part)}
        gone = tuple(vip for vip in self.held if vip not in named)
        for vip in gone:
            del self.held[vip]
        return gone
