"""What an UPDATE says, route by route: a second look at one in which `decode` found no fault.

The speaker itself does without, since it accepts nothing; tests read with it what we send.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from ipaddress import IPv4Address, IPv6Address

from speaker.bgp.attributes import Attribute, attributes
from speaker.bgp.codes import Afi, AttributeType
from speaker.bgp.context import Context
from speaker.bgp.messages import IPV4_UNICAST, AfiSafi, Attributes
from speaker.bgp.multiprotocol import MULTIPROTOCOL, Routes, read_routes
from speaker.bgp.nlri import prefixes
from speaker.bgp.received import parts_of
from vipcast.model.addresses import Network


def prefixes_of(message: bytes, context: Context) -> Iterator[tuple[AfiSafi, Network, bool]]:
    """Each route in the message's order: its family, itself, and whether it was announced.

    Otherwise it was withdrawn.
    """
    parts = parts_of(message)
    if parts is None:
        return
    for network in prefixes(message, parts.withdrawn, parts.withdrawn_end, Afi.IPV4):
        yield IPV4_UNICAST, network, False
    for kind, attribute in _attributes(message).items():
        if kind in MULTIPROTOCOL:
            routes = read_routes(attribute, message, context)
            if isinstance(routes, Routes) and routes.number:
                family = routes.family
                for network in prefixes(message, routes.start, routes.end, family.afi):
                    yield family, network, kind == AttributeType.MP_REACH_NLRI
    for network in prefixes(message, parts.announced, len(message), Afi.IPV4):
        yield IPV4_UNICAST, network, True


def attributes_of(message: bytes, context: Context) -> Attributes | None:
    """What is said about the announced routes; None if there is no next hop.

    Of what Attributes has no field for, nothing is told.
    """
    found = _attributes(message)

    def value(kind: AttributeType) -> bytes:
        attribute = found.get(kind)
        return b"" if attribute is None else message[attribute.value : attribute.end]

    hop = value(AttributeType.NEXT_HOP)
    reach = found.get(AttributeType.MP_REACH_NLRI)
    if reach is not None:
        routes = read_routes(reach, message, context)
        hop = message[routes.hop : routes.start - 1] if isinstance(routes, Routes) else hop
    if len(hop) not in (4, 16, 32):
        return None
    path = _numbers(value(AttributeType.AS_PATH), "I" if context.four_octet else "H")
    path4 = _numbers(value(AttributeType.AS4_PATH), "I")
    preference = value(AttributeType.LOCAL_PREF)
    large = struct.iter_unpack("!III", value(AttributeType.LARGE_COMMUNITIES))
    return Attributes(
        as_path=path[: len(path) - len(path4)] + path4,  # RFC 6793, section 4.2.3
        next_hop=IPv4Address(hop) if len(hop) == 4 else IPv6Address(hop[:16]),
        link_local=IPv6Address(hop[16:]) if len(hop) == 32 else None,
        local_pref=int.from_bytes(preference, "big") if preference else None,
        communities=_words(value(AttributeType.COMMUNITIES)),
        large_communities=tuple((first, second, third) for first, second, third in large),
    )


def _attributes(message: bytes) -> dict[int, Attribute]:
    """The first attribute of each type."""
    parts = parts_of(message)
    found: dict[int, Attribute] = {}
    if parts is not None:
        for attribute in attributes(message, parts.attributes, parts.announced):
            if isinstance(attribute, Attribute):
                found.setdefault(attribute.type, attribute)
    return found


def _numbers(path: bytes, number: str) -> tuple[int, ...]:
    """The AS numbers of all segments, in their order."""
    found: tuple[int, ...] = ()
    start = 0
    while start < len(path):
        segment = struct.Struct(f"!{path[start + 1]}{number}")
        found += segment.unpack_from(path, start + 2)
        start += 2 + segment.size
    return found


def _words(value: bytes) -> tuple[int, ...]:
    return struct.unpack(f"!{len(value) // 4}I", value)
