"""An UPDATE that a router sent: counted, judged and forgotten.

    octets  field (RFC 4271, section 4.3), behind the header
         2  length of the withdrawn routes
         n  withdrawn routes, IPv4 unicast
         2  length of the path attributes
         n  path attributes
         n  announced routes, IPv4 unicast, up to the end of the message

Errors are handled as RFC 7606 says: the gravest outcome counts (section 3, (h)). One pass over the
message; what stays are counts by family, and at most two faults for a type of attribute.
"""

from __future__ import annotations

from typing import Final, NamedTuple

from speaker.bgp.attributes import Attribute, Broken, attributes, ended_by, judge, name_of
from speaker.bgp.codes import Afi, AttributeType, UpdateError
from speaker.bgp.context import Context
from speaker.bgp.messages import (
    HEADER_SIZE,
    IPV4_UNICAST,
    AfiSafi,
    Counts,
    DiscardAttribute,
    Fault,
    Reset,
    TreatAsWithdraw,
    Update,
)
from speaker.bgp.multiprotocol import MULTIPROTOCOL, read_routes
from speaker.bgp.nlri import count

_WITHDRAWN: Final = HEADER_SIZE + 2
_UNREACH: Final = int(AttributeType.MP_UNREACH_NLRI)
_ALWAYS: Final = (int(AttributeType.ORIGIN), int(AttributeType.AS_PATH))


class Parts(NamedTuple):
    """Offsets of an UPDATE's parts: from each to the next, and from `announced` to the end."""

    withdrawn: int
    withdrawn_end: int
    attributes: int
    announced: int


def parts_of(message: bytes) -> Parts | None:
    """Where the parts are; None if the lengths exceed the message's own.

    RFC 7606, section 3, (b).
    """
    withdrawn_end = _WITHDRAWN + _two_octets(message, HEADER_SIZE)
    start = withdrawn_end + 2
    announced = start + _two_octets(message, withdrawn_end)
    if announced > len(message):
        return None
    return Parts(_WITHDRAWN, withdrawn_end, start, announced)


def read_update(message: bytes, context: Context) -> Update | Reset:
    """What an UPDATE says, its header known to be right; or why it ends the session."""
    parts = parts_of(message)
    if parts is None:
        sentence = "The lengths within the UPDATE exceed its own."
        return Reset(UpdateError.MALFORMED_ATTRIBUTE_LIST, b"", sentence)
    withdrawn = count(message, parts.withdrawn, parts.withdrawn_end, Afi.IPV4)
    announced = count(message, parts.announced, len(message), Afi.IPV4)
    if withdrawn is None or announced is None:
        which = "withdrawn" if withdrawn is None else "announced"
        sentence = f"A prefix among the {which} routes is too long."
        return Reset(UpdateError.INVALID_NETWORK_FIELD, b"", sentence)
    reading = _Reading(message, context, withdrawn, announced)
    for attribute in attributes(message, parts.attributes, parts.announced):
        reset = reading.take(attribute)
        if reset is not None:
            return reset
    return reading.result()


class _Reading:
    """What is known of an UPDATE while its attributes are gone through, in their order."""

    def __init__(self, message: bytes, context: Context, withdrawn: int, announced: int) -> None:
        self._message = message
        self._context = context
        self._withdrawn = withdrawn
        self._announced = announced
        self._unreach: tuple[AfiSafi, int] | None = None
        self._reach: tuple[AfiSafi, int] | None = None
        self._reachable = announced > 0
        self._seen: set[int] = set()
        self._repeated: set[int] = set()
        self._others = False  # whether there is anything but MP_UNREACH_NLRI
        self._faults: list[Fault] = []
        self._reset: Reset | None = None  # what the first fault of the routes would be without any
        self._end_of_rib = IPV4_UNICAST if len(message) == HEADER_SIZE + 4 else None

    def take(self, attribute: Attribute | Broken) -> Reset | None:
        """Count and judge the next attribute."""
        self._others |= attribute.type != _UNREACH
        if isinstance(attribute, Broken):
            return self._take_broken(attribute)
        kind = attribute.type
        if kind in self._seen:
            return self._take_again(kind)
        self._seen.add(kind)
        if kind in MULTIPROTOCOL:
            return self._take_routes(attribute)
        fault = judge(attribute, self._message, self._context)
        if fault is not None:
            self._faults.append(fault)
            if self._reset is None and isinstance(fault, TreatAsWithdraw):
                self._reset = ended_by(attribute, self._message, fault.subcode, fault.sentence)
        return None

    def result(self) -> Update | Reset:
        """The whole, once all attributes have been taken.

        Attributes without routes may be routes that nobody has recognized, so there a fault that
        concerns the routes is one of the session (RFC 7606, section 5.2).
        """
        if self._reset is not None and self._others and not self._reachable:
            return self._reset
        for kind in self._missing():
            sentence = f"{name_of(kind)} is missing."
            subcode = UpdateError.MISSING_WELL_KNOWN_ATTRIBUTE
            self._faults.append(TreatAsWithdraw(kind, subcode, sentence))
        withdrawn = _counts(self._withdrawn, self._unreach)
        announced = _counts(self._announced, self._reach)
        empty = not (self._others or self._faults or withdrawn or announced)
        return Update(
            withdrawn=withdrawn,
            announced=announced,
            end_of_rib=self._end_of_rib if empty else None,
            faults=tuple(self._faults),
        )

    def _take_broken(self, attribute: Broken) -> Reset | None:
        """RFC 7606, section 4; routes that are cut off cannot be told (section 3, (j))."""
        subcode = UpdateError.MALFORMED_ATTRIBUTE_LIST
        name = "one" if attribute.type is None else name_of(attribute.type)
        sentence = f"The list of attributes ends within {name}."
        reset = Reset(subcode, b"", sentence)
        if attribute.type in MULTIPROTOCOL:
            return reset
        self._faults.append(TreatAsWithdraw(attribute.type, subcode, sentence))
        self._reset = self._reset or reset
        return None

    def _take_again(self, kind: int) -> Reset | None:
        """RFC 7606, section 3, (g)."""
        subcode = UpdateError.MALFORMED_ATTRIBUTE_LIST
        sentence = f"{name_of(kind)} is there more than once."
        if kind in MULTIPROTOCOL:
            return Reset(subcode, b"", sentence)
        if kind not in self._repeated:
            self._repeated.add(kind)
            self._faults.append(DiscardAttribute(kind, subcode, sentence))
        return None

    def _take_routes(self, attribute: Attribute) -> Reset | None:
        routes = read_routes(attribute, self._message, self._context)
        if isinstance(routes, Reset):
            return routes
        withdrawn = attribute.type == _UNREACH
        self._reachable |= not withdrawn and routes.start < routes.end
        if routes.number is None:
            sentence = f"{name_of(attribute.type)} is of {routes.family}, which was not agreed on."
            subcode = UpdateError.OPTIONAL_ATTRIBUTE_ERROR
            self._faults.append(DiscardAttribute(attribute.type, subcode, sentence))
            return None
        if routes.foreign:
            sentence = f"{routes.family} has a next hop of IPv6, which was not agreed on."
            subcode = UpdateError.OPTIONAL_ATTRIBUTE_ERROR
            self._faults.append(TreatAsWithdraw(attribute.type, subcode, sentence))
        if withdrawn:
            self._unreach = routes.family, routes.number
            self._end_of_rib = routes.family
        else:
            self._reach = routes.family, routes.number
        return None

    def _missing(self) -> list[int]:
        """What has to be there and is not (RFC 7606, section 3, (d))."""
        if not self._reachable:
            return []
        needed = (*_ALWAYS, int(AttributeType.NEXT_HOP)) if self._announced else _ALWAYS
        return [kind for kind in needed if kind not in self._seen]


def _counts(classic: int, other: tuple[AfiSafi, int] | None) -> Counts:
    """What stands in the message's own fields, IPv4 unicast, and in an attribute, together."""
    if other is not None and other[0] == IPV4_UNICAST:
        classic, other = classic + other[1], None
    own = ((IPV4_UNICAST, classic),) if classic else ()
    return (*own, other) if other is not None and other[1] else own


def _two_octets(message: bytes, start: int) -> int:
    return int.from_bytes(message[start : start + 2], "big")
