"""MP_REACH_NLRI and MP_UNREACH_NLRI: the attributes that hold routes of any family (RFC 4760).

    octets  MP_REACH_NLRI (section 3)      MP_UNREACH_NLRI (section 4)
         2  AFI                            AFI
         1  SAFI                           SAFI
         1  length of the next hop         -
         n  next hop                       -
         1  reserved                       -
         n  routes, up to the end          the same

One that cannot be read ends the session, since nobody knows which routes it meant (RFC 7606,
section 7.11); the other way that is allowed, to be deaf to the family from then on, would leave us
with a router that thinks otherwise. A family that was not agreed on is passed over unread.

Some routers pass on IPv4 routes with the IPv6 next hop that they have themselves, also to a peer
that RFC 8950 was not agreed on with. Where such a next hop ends is plain, and with it the routes:
they count as withdrawn, and the session stays, against the letter of that section
(docs/decisions/0052).
"""

from __future__ import annotations

from typing import Final, NamedTuple

from speaker.bgp.attributes import KIND, Attribute, ended_by, name_of
from speaker.bgp.codes import Afi, AttributeFlag, AttributeType, Safi, UpdateError
from speaker.bgp.context import Context
from speaker.bgp.messages import AfiSafi, Reset
from speaker.bgp.nlri import count

MULTIPROTOCOL: Final = frozenset(
    (int(AttributeType.MP_REACH_NLRI), int(AttributeType.MP_UNREACH_NLRI))
)

_PLAIN: Final = frozenset((Safi.UNICAST, Safi.MULTICAST))
_HOP_SIZES: Final[dict[int, tuple[int, ...]]] = {
    Afi.IPV4: (4,),
    Afi.IPV6: (16, 32),  # RFC 2545, section 3: global, or global and link-local
}


class Routes(NamedTuple):
    """Routes of one family, between two offsets of the message.

    `number` is how many, None if the family was not agreed on; `hop` is where the next hop begins,
    0 in MP_UNREACH_NLRI. `foreign`: that is of another family, which was not agreed on.
    """

    family: AfiSafi
    number: int | None
    hop: int
    start: int
    end: int
    foreign: bool = False


def read_routes(attribute: Attribute, message: bytes, context: Context) -> Routes | Reset:
    """What one of the two attributes holds."""
    start, end = attribute.value, attribute.end
    if attribute.flags & KIND != AttributeFlag.OPTIONAL:
        sentence = f"{name_of(attribute.type)} has the flags {attribute.flags:#04x}."
        return ended_by(attribute, message, UpdateError.ATTRIBUTE_FLAGS_ERROR, sentence)
    reach = attribute.type == AttributeType.MP_REACH_NLRI
    if end - start < (5 if reach else 3):
        return _unreadable(attribute, message, f"has {end - start} octets, too few")
    family = AfiSafi(int.from_bytes(message[start : start + 2], "big"), message[start + 2])
    hop, routes = (start + 4, start + 5 + message[start + 3]) if reach else (0, start + 3)
    if routes > end:
        return _unreadable(attribute, message, "ends within its next hop")
    if family not in context.families or family.safi not in _PLAIN:
        return Routes(family, None, hop, routes, end)
    size = routes - hop - 1
    foreign = reach and size not in _hop_sizes(family, context)
    if foreign and not (family.afi == Afi.IPV4 and size in _HOP_SIZES[Afi.IPV6]):
        return _unreadable(attribute, message, f"of {family} has a next hop of {size} octets")
    number = count(message, routes, end, family.afi)
    if number is None:
        return _unreadable(attribute, message, f"of {family} has a prefix that is too long")
    return Routes(family, number, hop, routes, end, foreign)


def _hop_sizes(family: AfiSafi, context: Context) -> tuple[int, ...]:
    """How long a next hop may be, in octets (RFC 8950, section 3)."""
    sizes = _HOP_SIZES[family.afi]
    for other, afi in context.extended_next_hop:
        if other == family:
            sizes += _HOP_SIZES.get(afi, ())
    return sizes


def _unreadable(attribute: Attribute, message: bytes, what: str) -> Reset:
    """RFC 4760, section 7."""
    sentence = f"{name_of(attribute.type)} {what}."
    return ended_by(attribute, message, UpdateError.OPTIONAL_ATTRIBUTE_ERROR, sentence)
