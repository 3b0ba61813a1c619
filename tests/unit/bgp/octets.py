"""Messages spelled out octet by octet, and put together from parts that are."""

from __future__ import annotations

import pytest

from speaker.bgp.codes import MessageType
from speaker.bgp.decode import Context, decode
from speaker.bgp.messages import IPV4_UNICAST, IPV6_UNICAST, AfiSafi, Update
from vipcast.model.errors import MessageError

MARKER = b"\xff" * 16

Found = tuple[type, int | None, int]
"""A fault: its kind, the attribute, the subcode."""

BOTH = Context(families=(IPV4_UNICAST, IPV6_UNICAST))
OLD = Context(families=(IPV4_UNICAST, IPV6_UNICAST), four_octet=False)
INTERNAL = Context(families=(IPV4_UNICAST, IPV6_UNICAST), ibgp=True)
EXTENDED = Context(families=(IPV4_UNICAST, IPV6_UNICAST), extended_message=True)

# Attributes of a route without fault.
ORIGIN = bytes.fromhex("40 01 01 00")
AS_PATH = bytes.fromhex("40 02 06 02 01 0000fde9")
NEXT_HOP = bytes.fromhex("40 03 04 c0000201")
GOOD = ORIGIN + AS_PATH + NEXT_HOP
ROUTE = bytes.fromhex("18 c63364")  # 198.51.100.0/24
HOP6 = bytes.fromhex("20010db8000000000000000000000001")
ROUTE6 = bytes.fromhex("20 20010db8")


def spelled(text: str) -> bytes:
    """Octets in hexadecimal; what follows a # is a comment."""
    return bytes.fromhex("".join(line.partition("#")[0] for line in text.splitlines()))


def message(kind: int, body: bytes) -> bytes:
    """A whole message."""
    return MARKER + (19 + len(body)).to_bytes(2, "big") + bytes([kind]) + body


def attribute(flags: int, kind: int, value: bytes) -> bytes:
    """A path attribute, with two octets of length if the flags say so."""
    return bytes([flags, kind]) + len(value).to_bytes(2 if flags & 0x10 else 1, "big") + value


def reach(family: AfiSafi, hop: bytes, routes: bytes, flags: int = 0x80) -> bytes:
    """MP_REACH_NLRI."""
    value = family.afi.to_bytes(2, "big") + bytes([family.safi, len(hop)]) + hop + b"\0" + routes
    return attribute(flags, 14, value)


def unreach(family: AfiSafi, routes: bytes, flags: int = 0x80) -> bytes:
    """MP_UNREACH_NLRI."""
    return attribute(flags, 15, family.afi.to_bytes(2, "big") + bytes([family.safi]) + routes)


def update(attributes: bytes = b"", routes: bytes = b"", withdrawn: bytes = b"") -> bytes:
    """An UPDATE."""
    body = len(withdrawn).to_bytes(2, "big") + withdrawn
    body += len(attributes).to_bytes(2, "big") + attributes + routes
    return message(MessageType.UPDATE, body)


def open_with(parameters: bytes, *, length: int | None = None) -> bytes:
    """An OPEN of AS 65001, 90 s, 192.0.2.1 with these optional parameters."""
    said = len(parameters) if length is None else length
    return message(
        MessageType.OPEN, bytes.fromhex("04 fde9 005a c0000201") + bytes([said]) + parameters
    )


def read(octets: bytes, context: Context = BOTH) -> Update:
    """What an UPDATE says."""
    said = decode(octets, context)
    assert isinstance(said, Update)
    return said


def faults(octets: bytes, context: Context = BOTH) -> list[Found]:
    """Each fault of an UPDATE that is not the end: its kind, the attribute, the subcode."""
    said = read(octets, context)
    for fault in said.faults:
        assert fault.sentence.endswith(".")
    return [(type(fault), fault.attribute, fault.subcode) for fault in said.faults]


def refused(octets: bytes, context: Context = BOTH) -> tuple[int, int, bytes]:
    """The NOTIFICATION that a message gets: code, subcode and data."""
    with pytest.raises(MessageError, match=r"\.$") as caught:
        decode(octets, context)
    return caught.value.code, caught.value.subcode, caught.value.data
