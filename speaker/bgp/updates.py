"""Steps of a table into bytes, each step once for all peers that it is the same for.

The bytes of a group of routes follow from its family, its attributes, its prefixes and whether the
peer knows AS numbers of four octets (RFC 6793), and from nothing else of the peer. Peers that are
told the same therefore share one buffer, and each has it in one write.
"""

from __future__ import annotations

from collections.abc import Iterable
from functools import lru_cache
from typing import Final, Protocol

from speaker.bgp.codes import RefreshSubtype
from speaker.bgp.messages import AfiSafi, Attributes, RouteRefresh
from speaker.bgp.prefixes import pack
from speaker.bgp.rib import Announce, BeginRefresh, EndOfRib, EndRefresh, Step, Withdraw

KEPT: Final = 16
"""How many encoded groups are kept: those that peers may need which come up together."""


class Encoder(Protocol):
    """What speaker.bgp.encode offers. Whole messages each; `prefixes` is a packed array."""

    def announce(
        self, family: AfiSafi, attributes: Attributes, prefixes: bytes, *, four_octet: bool
    ) -> bytes:
        """UPDATEs for routes with these attributes."""

    def withdraw(self, family: AfiSafi, prefixes: bytes) -> bytes:
        """UPDATEs that withdraw these routes."""

    def end_of_rib(self, family: AfiSafi) -> bytes:
        """The marker of RFC 4724, section 2."""

    def route_refresh(self, message: RouteRefresh) -> bytes:
        """A ROUTE-REFRESH."""


class Updates:
    """One for all sessions of a speaker."""

    def __init__(self, encoder: Encoder) -> None:
        self._encoder = encoder
        self._group = lru_cache(KEPT)(self._encode_group)

    def encode(self, steps: Iterable[Step], *, four_octet: bool) -> bytes:
        """The bytes for all steps, in their order."""
        return b"".join(self._encode(step, four_octet=four_octet) for step in steps)

    def _encode(self, step: Step, *, four_octet: bool) -> bytes:
        match step:
            case Withdraw():
                return self._group(step, four_octet=False)
            case Announce():
                return self._group(step, four_octet=four_octet)
            case EndOfRib(family):
                return self._encoder.end_of_rib(family)
            case BeginRefresh(family):
                return self._refresh(family, RefreshSubtype.BEGIN)
            case EndRefresh(family):
                return self._refresh(family, RefreshSubtype.END)

    def _encode_group(self, group: Withdraw | Announce, *, four_octet: bool) -> bytes:
        prefixes = pack(group.prefixes)
        if isinstance(group, Withdraw):
            return self._encoder.withdraw(group.family, prefixes)
        return self._encoder.announce(
            group.family, group.attributes, prefixes, four_octet=four_octet
        )

    def _refresh(self, family: AfiSafi, subtype: RefreshSubtype) -> bytes:
        return self._encoder.route_refresh(RouteRefresh(family, subtype))
