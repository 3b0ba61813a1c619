"""What two BGP speakers say to each other, as frozen values; what the bytes are is not known here.

    Message   Open | Update | Notification | Keepalive | RouteRefresh
    Fault     what was wrong with an UPDATE that does not end the session (RFC 7606, section 2)

An Update holds counts and faults, never prefixes: a speaker that accepts nothing has no use for
them, and a router may pour in a full table. A message that ends the session is no value but a
MessageError.
"""

from __future__ import annotations

import unicodedata
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv6Address
from typing import Final

from speaker.bgp.codes import Afi, Cease, ErrorCode, Safi, words

MARKER: Final = b"\xff" * 16
HEADER_SIZE: Final = 19
MAX_MESSAGE: Final = 4096
MAX_EXTENDED_MESSAGE: Final = 65535  # RFC 8654
MAX_ERROR_DATA: Final = MAX_MESSAGE - HEADER_SIZE - 2
"""Octets of data that fit into a NOTIFICATION to a peer that takes no extended messages."""


@dataclass(frozen=True, slots=True, order=True)
class AfiSafi:
    """An address family as BGP counts them; either number may be one that has no name here."""

    afi: int
    safi: int

    def __str__(self) -> str:
        afi = _AFIS.get(self.afi, f"AFI {self.afi}")
        return f"{afi} {_SAFIS.get(self.safi, f'SAFI {self.safi}')}"


_AFIS: Final[dict[int, str]] = {Afi.IPV4: "IPv4", Afi.IPV6: "IPv6"}
_SAFIS: Final[dict[int, str]] = {Safi.UNICAST: "unicast", Safi.MULTICAST: "multicast"}

IPV4_UNICAST: Final = AfiSafi(int(Afi.IPV4), int(Safi.UNICAST))
IPV6_UNICAST: Final = AfiSafi(int(Afi.IPV6), int(Safi.UNICAST))


@dataclass(frozen=True, slots=True)
class GracefulRestart:
    """RFC 4724, section 3; `notification` is the N bit of RFC 8538, `restart_time` in seconds.

    With each family goes its F bit: whether forwarding went on while the speaker was away.
    """

    restarting: bool
    notification: bool
    restart_time: int
    families: tuple[tuple[AfiSafi, bool], ...]


@dataclass(frozen=True, slots=True)
class Capabilities:
    """What a speaker says in its OPEN that it can do, each thing once, in the order first said.

    `extended_next_hop`: routes of a family may have a next hop of another AFI (RFC 8950).
    `others` are the codes and values of all that has no field of its own, in order.
    """

    families: tuple[AfiSafi, ...] = ()
    four_octet_asn: int | None = None
    route_refresh: bool = False
    enhanced_refresh: bool = False
    extended_message: bool = False
    extended_next_hop: tuple[tuple[AfiSafi, int], ...] = ()
    graceful_restart: GracefulRestart | None = None
    others: tuple[tuple[int, bytes], ...] = ()


@dataclass(frozen=True, slots=True)
class Open:
    """RFC 4271, section 4.2. `asn` is the real one, of capability 65 where that was said.

    `hold_time` in seconds, 0 for none.
    """

    asn: int
    hold_time: int
    router_id: IPv4Address
    capabilities: Capabilities
    version: int = 4


@dataclass(frozen=True, slots=True)
class Keepalive:
    """The peer lives."""


@dataclass(frozen=True, slots=True)
class RouteRefresh:
    """RFC 2918: send all routes of a family again. `subtype` as in codes.RefreshSubtype.

    RFC 7313, section 5: one with a subtype beyond those is to be ignored.
    """

    family: AfiSafi
    subtype: int = 0


@dataclass(frozen=True, slots=True)
class Notification:
    """The last words of a session (RFC 4271, section 4.5)."""

    code: int
    subcode: int
    data: bytes = b""

    @property
    def words(self) -> str:
        """Both numbers for people; of a hard reset (RFC 8538, section 3) also what it wraps."""
        inner = self.wrapped
        text = words(self.code, self.subcode)
        return text if inner is None else f"{text}: {inner.words}"

    @property
    def text(self) -> str:
        """What the peer's operator wrote (RFC 9003, section 2), fit to be shown; often empty.

        Only a shutdown and a reset by an administrator carry one. What no person would have typed
        (control characters, broken UTF-8) is replaced, and a length beyond the data is cut.
        """
        inner = self.wrapped
        if inner is not None:
            return inner.text
        asked = (Cease.ADMINISTRATIVE_SHUTDOWN, Cease.ADMINISTRATIVE_RESET)
        if self.code != ErrorCode.CEASE or self.subcode not in asked or not self.data:
            return ""
        raw = self.data[1 : 1 + self.data[0]].decode(errors="replace")
        return " ".join("".join(map(_shown, raw)).split())

    @property
    def wrapped(self) -> Notification | None:
        """What a hard reset means (RFC 8538, section 3); None of any other NOTIFICATION."""
        if (self.code, self.subcode) != (ErrorCode.CEASE, Cease.HARD_RESET) or len(self.data) < 2:
            return None
        inner = Notification(self.data[0], self.data[1], self.data[2:])
        again = (inner.code, inner.subcode) == (ErrorCode.CEASE, Cease.HARD_RESET)
        return None if again else inner


@dataclass(frozen=True, slots=True)
class Ok:
    """Nothing was wrong."""


@dataclass(frozen=True, slots=True)
class DiscardAttribute:
    """An attribute is passed over as if it had not been sent; the routes stand.

    `subcode` of codes.UpdateError says what kind of error it is.
    """

    attribute: int
    subcode: int
    sentence: str


@dataclass(frozen=True, slots=True)
class TreatAsWithdraw:
    """All routes of the UPDATE count as withdrawn. `attribute` is None if it was none of them."""

    attribute: int | None
    subcode: int
    sentence: str


@dataclass(frozen=True, slots=True)
class Reset:
    """The session has to end; decode.decode raises it as a MessageError of the UPDATE message."""

    subcode: int
    data: bytes
    sentence: str


Fault = DiscardAttribute | TreatAsWithdraw
Outcome = Ok | Fault | Reset

Counts = tuple[tuple[AfiSafi, int], ...]
"""Prefixes by family, in the order of the message; families without any are left out."""


@dataclass(frozen=True, slots=True)
class Update:
    """How many prefixes came and went, and what was wrong (RFC 4271, section 4.3).

    `announced` counts what the message says, also where `outcome` is TreatAsWithdraw.
    """

    withdrawn: Counts = ()
    announced: Counts = ()
    end_of_rib: AfiSafi | None = None
    faults: tuple[Fault, ...] = ()

    @property
    def outcome(self) -> Ok | Fault:
        """The strongest of all faults (RFC 7606, section 3, (h))."""
        for fault in self.faults:
            if isinstance(fault, TreatAsWithdraw):
                return fault
        return self.faults[0] if self.faults else Ok()


Message = Open | Update | Notification | Keepalive | RouteRefresh


@dataclass(frozen=True, slots=True)
class Attributes:
    """What we say about a route; ORIGIN is IGP always.

    `link_local` goes with an IPv6 `next_hop` (RFC 2545, section 3), `local_pref` to peers of our
    own AS. `communities` and `large_communities` are sorted and without doubles. Any two compare,
    so that what is sent has one order; what is absent comes first.
    """

    as_path: tuple[int, ...]
    next_hop: IPv4Address | IPv6Address
    link_local: IPv6Address | None = None
    local_pref: int | None = None
    communities: tuple[int, ...] = ()
    large_communities: tuple[tuple[int, int, int], ...] = ()

    def __lt__(self, other: Attributes) -> bool:
        return self._order() < other._order()

    def _order(self) -> tuple[object, ...]:
        return (
            self.as_path,
            self.next_hop.version,
            int(self.next_hop),
            -1 if self.link_local is None else int(self.link_local),
            -1 if self.local_pref is None else self.local_pref,
            self.communities,
            self.large_communities,
        )


def _shown(character: str) -> str:
    """The character itself if it can stand in a line of a log, a space or U+FFFD if not."""
    if character.isprintable():
        return character
    return (
        " "
        if unicodedata.category(character) in ("Zs", "Zl", "Zp") or character in "\t\n\r"
        else "\ufffd"
    )
