"""What the two sides of a session have agreed on, as far as a message's bytes depend on it."""

from __future__ import annotations

from dataclasses import dataclass

from speaker.bgp.messages import AfiSafi


@dataclass(frozen=True, slots=True)
class Context:
    """How to read a peer's messages; the defaults are those before its OPEN is known.

    `four_octet`: both sides said capability 65 (RFC 6793). `extended_message`: we said capability
    6; whether the peer did decides only what we may send (RFC 8654, section 4). `families` are
    those that both sides want, `extended_next_hop` those of them whose next hop may be of another
    AFI (RFC 8950). `ibgp`: the peer is of our own AS.
    """

    four_octet: bool = True
    extended_message: bool = False
    families: tuple[AfiSafi, ...] = ()
    ibgp: bool = False
    extended_next_hop: tuple[tuple[AfiSafi, int], ...] = ()
