"""The path attributes of an UPDATE, one by one: what each must look like, and what if it does not.

    octets  field (RFC 4271, section 4.3)
         1  flags: 0x80 optional, 0x40 transitive, 0x20 partial, 0x10 length in two octets
         1  type
       1-2  length
         n  value

`_RULES` says it for each attribute that we know. MP_REACH_NLRI and MP_UNREACH_NLRI hold routes and
are read elsewhere (received). An optional attribute that we do not know is nothing to us, and so is
whatever AIGP says (RFC 7311, section 3.3: a speaker that has it not enabled ignores it).
"""

from __future__ import annotations

import struct
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Final, NamedTuple

from speaker.bgp.codes import AttributeFlag, AttributeType, Origin, SegmentType, UpdateError
from speaker.bgp.context import Context
from speaker.bgp.messages import MAX_ERROR_DATA, DiscardAttribute, Fault, Reset, TreatAsWithdraw

# Plain integers: this is done for every attribute of a full table.
_OPTIONAL: Final = int(AttributeFlag.OPTIONAL)
_TRANSITIVE: Final = int(AttributeFlag.TRANSITIVE)
KIND: Final = _OPTIONAL | _TRANSITIVE
"""The flags that say what kind of attribute it is."""
_LONG: Final = int(AttributeFlag.EXTENDED_LENGTH)


class Attribute(NamedTuple):
    """Where an attribute stands in its message: `head` to `end`, its value from `value` on."""

    flags: int
    type: int
    head: int
    value: int
    end: int


class Broken(NamedTuple):
    """The list ends within an attribute (RFC 7606, section 4), maybe before its type."""

    type: int | None


def attributes(message: bytes, start: int, end: int) -> Iterator[Attribute | Broken]:
    """Each attribute between two offsets; after a Broken one comes nothing."""
    while start < end:
        flags = message[start]
        value = start + (4 if flags & _LONG else 3)
        if value > end:
            yield Broken(message[start + 1] if start + 1 < end else None)
            return
        stop = value + int.from_bytes(message[start + 2 : value], "big")
        if stop > end:
            yield Broken(message[start + 1])
            return
        yield Attribute(flags, message[start + 1], start, value, stop)
        start = stop


def name_of(kind: int) -> str:
    """An attribute's name in the RFCs; "Attribute 99" if it has none here."""
    return _NAMES.get(kind) or f"Attribute {kind}"


def judge(attribute: Attribute, message: bytes, context: Context) -> Fault | None:
    """What is wrong with an attribute, None if nothing; not for those that hold routes.

    Flags: RFC 7606, section 3, (c). RFC 4271 would end the session for an attribute that has no
    flag "optional" and is unknown; as with other flags, this is left at the routes.
    """
    kind = attribute.type
    rule = _RULES.get(kind)
    if rule is None:
        if attribute.flags & _OPTIONAL:
            return None
        subcode = UpdateError.UNRECOGNIZED_WELL_KNOWN_ATTRIBUTE
        return TreatAsWithdraw(kind, subcode, f"{name_of(kind)} is unknown and not optional.")
    why = rule.unwanted(context)
    if why:
        return DiscardAttribute(kind, UpdateError.UNSPECIFIC, f"{name_of(kind)} {why}.")
    if attribute.flags & KIND != rule.flags:
        sentence = f"{name_of(kind)} has the flags {attribute.flags:#04x}."
        return TreatAsWithdraw(kind, UpdateError.ATTRIBUTE_FLAGS_ERROR, sentence)
    problem = rule.check(message[attribute.value : attribute.end], context)
    if problem is None:
        return None
    fault = DiscardAttribute if rule.discard and not problem.grave else TreatAsWithdraw
    return fault(kind, problem.subcode, f"{name_of(kind)} {problem.what}.")


def ended_by(attribute: Attribute, message: bytes, subcode: int, sentence: str) -> Reset:
    """The end of a session for an attribute's sake: the NOTIFICATION shows it (RFC 4271, 6.3).

    Not so for AS_PATH; and of a long attribute, as much as fits any NOTIFICATION.
    """
    shown = (
        b"" if subcode == UpdateError.MALFORMED_AS_PATH else message[attribute.head : attribute.end]
    )
    return Reset(subcode, shown[:MAX_ERROR_DATA], sentence)


class _Problem(NamedTuple):
    """What is wrong with a value. `grave`: enough for the routes, whatever the attribute is."""

    subcode: int
    what: str
    grave: bool = False


_Check = Callable[[bytes, Context], _Problem | None]


def _never(_: Context) -> str:
    return ""


@dataclass(frozen=True, slots=True)
class _Rule:
    """What is asked of one attribute.

    `discard`: one that is wrong has no say in the choice of routes, and is only passed over.
    `unwanted`: why not even a right one counts in this session, empty if it does.
    """

    flags: int
    check: _Check
    discard: bool = False
    unwanted: Callable[[Context], str] = _never


def _length(what: str) -> _Problem:
    return _Problem(UpdateError.ATTRIBUTE_LENGTH_ERROR, what)


def _exactly(size: int) -> _Check:
    """A value of so many octets."""

    def check(value: bytes, _: Context) -> _Problem | None:
        return None if len(value) == size else _length(f"has {len(value)} octets, not {size}")

    return check


def _some_of(size: int) -> _Check:
    """One or more pieces of so many octets."""

    def check(value: bytes, _: Context) -> _Problem | None:
        if value and not len(value) % size:
            return None
        return _length(f"has {len(value)} octets, not a multiple of {size}")

    return check


def _origin(value: bytes, _: Context) -> _Problem | None:
    """RFC 7606, section 7.1."""
    if len(value) != 1:
        return _length(f"has {len(value)} octets, not 1")
    if value[0] > Origin.INCOMPLETE:
        return _Problem(UpdateError.INVALID_ORIGIN_ATTRIBUTE, f"is {value[0]}, not 0, 1 or 2")
    return None


def _as_path(value: bytes, context: Context) -> _Problem | None:
    """RFC 7606, section 7.2; RFC 5065, section 5: confederations end at an AS's border."""
    kinds, wrong = _segments(value, "I" if context.four_octet else "H")
    if not wrong and SegmentType.AS_CONFED_SEQUENCE in kinds and not context.ibgp:
        wrong = "has a segment of a confederation, and comes from outside of one"
    return _path_problem(kinds, wrong)


def _as4_path(value: bytes, _: Context) -> _Problem | None:
    """RFC 6793, section 6: segments of confederations are no fault; an empty path is one."""
    kinds, wrong = _segments(value, "I") if value else (set(), "is empty")
    return _path_problem(kinds, wrong)


def _path_problem(kinds: set[int], wrong: str) -> _Problem | None:
    """RFC 9774, section 3: sets are no longer to be had, neither of AS_PATH nor of AS4_PATH."""
    if wrong:
        return _Problem(UpdateError.MALFORMED_AS_PATH, wrong)
    if kinds & {SegmentType.AS_SET, SegmentType.AS_CONFED_SET}:
        return _Problem(UpdateError.MALFORMED_AS_PATH, "has a set of AS numbers", grave=True)
    return None


def _segments(value: bytes, number: str) -> tuple[set[int], str]:
    """The types of a path's segments, and what is wrong with it; `number` as struct has it.

    RFC 7607, section 2: an AS number of zero is as wrong as a segment that does not fit.
    """
    kinds: set[int] = set()
    start = 0
    while start < len(value):
        if start + 2 > len(value):
            return kinds, "ends within a segment"
        kind, numbers = value[start], struct.Struct(f"!{value[start + 1]}{number}")
        if not SegmentType.AS_SET <= kind <= SegmentType.AS_CONFED_SET:
            return kinds, f"has a segment of type {kind}"
        if not numbers.size:
            return kinds, "has an empty segment"
        if start + 2 + numbers.size > len(value):
            return kinds, "ends within a segment"
        if 0 in numbers.unpack_from(value, start + 2):
            return kinds, "has the AS number 0"
        kinds.add(kind)
        start += 2 + numbers.size
    return kinds, ""


def _aggregator(value: bytes, context: Context) -> _Problem | None:
    """RFC 7606, section 7.7; RFC 7607, section 2."""
    return _aggregated(value, 4 if context.four_octet else 2)


def _as4_aggregator(value: bytes, _: Context) -> _Problem | None:
    """RFC 6793, section 6."""
    return _aggregated(value, 4)


def _aggregated(value: bytes, number: int) -> _Problem | None:
    """An AS number of so many octets, and the address of a router."""
    if len(value) != number + 4:
        return _length(f"has {len(value)} octets, not {number + 4}")
    if not any(value[:number]):
        return _Problem(UpdateError.OPTIONAL_ATTRIBUTE_ERROR, "has the AS number 0")
    return None


def _labels(value: bytes, _: Context) -> _Problem | None:
    """RFC 8669, section 6: fields of 1 octet type, 2 length and a value."""
    start = 0
    while start + 3 <= len(value):
        start += 3 + int.from_bytes(value[start + 1 : start + 3], "big")
    return None if value and start == len(value) else _length("ends within a field")


def _external(context: Context) -> str:
    return "" if context.ibgp else "came from another AS"


def _four_octets(context: Context) -> str:
    return "came from a peer whose AS_PATH needs none" if context.four_octet else ""


_WELL_KNOWN: Final = _TRANSITIVE
_PASSED_ON: Final = _OPTIONAL | _TRANSITIVE

# RFC 7606, section 7, unless another is named.
_RULES: Final[dict[int, _Rule]] = {
    AttributeType.ORIGIN: _Rule(_WELL_KNOWN, _origin),
    AttributeType.AS_PATH: _Rule(_WELL_KNOWN, _as_path),
    AttributeType.NEXT_HOP: _Rule(_WELL_KNOWN, _exactly(4)),
    AttributeType.MULTI_EXIT_DISC: _Rule(_OPTIONAL, _exactly(4)),
    AttributeType.LOCAL_PREF: _Rule(_WELL_KNOWN, _exactly(4), unwanted=_external),
    AttributeType.ATOMIC_AGGREGATE: _Rule(_WELL_KNOWN, _exactly(0), discard=True),
    AttributeType.AGGREGATOR: _Rule(_PASSED_ON, _aggregator, discard=True),
    AttributeType.COMMUNITIES: _Rule(_PASSED_ON, _some_of(4)),
    AttributeType.ORIGINATOR_ID: _Rule(_OPTIONAL, _exactly(4), unwanted=_external),
    AttributeType.CLUSTER_LIST: _Rule(_OPTIONAL, _some_of(4), unwanted=_external),
    AttributeType.EXTENDED_COMMUNITIES: _Rule(_PASSED_ON, _some_of(8)),
    # RFC 6793, sections 4.1 and 6.
    AttributeType.AS4_PATH: _Rule(_PASSED_ON, _as4_path, discard=True, unwanted=_four_octets),
    AttributeType.AS4_AGGREGATOR: _Rule(
        _PASSED_ON, _as4_aggregator, discard=True, unwanted=_four_octets
    ),
    AttributeType.IPV6_EXTENDED_COMMUNITIES: _Rule(_PASSED_ON, _some_of(20)),
    AttributeType.LARGE_COMMUNITIES: _Rule(_PASSED_ON, _some_of(12)),  # RFC 8092, section 6
    AttributeType.ONLY_TO_CUSTOMER: _Rule(_PASSED_ON, _exactly(4)),  # RFC 9234, section 5
    AttributeType.PREFIX_SID: _Rule(_PASSED_ON, _labels, discard=True),  # RFC 8669, section 6
}
_NAMES: Final = {int(kind): kind.name for kind in AttributeType}
