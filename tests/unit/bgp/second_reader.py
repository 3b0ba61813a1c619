"""What scapy reads out of our bytes, in plain values: an independent reading of the same RFCs.

scapy (scapy.contrib.bgp) reads only the first of several capabilities of one parameter, and of
several communities of one attribute, so each is handed to it alone. It does not know IPv4 with an
IPv6 next hop (RFC 8950).
"""

from __future__ import annotations

import logging
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

MANY = 1 << 16
"""More prefixes than a message holds; scapy's own limit is 100."""

with warnings.catch_warnings():
    warnings.simplefilter("ignore")  # scapy's own deprecations
    logging.getLogger("scapy.runtime").setLevel(logging.ERROR)  # it tells its default at import
    from scapy.config import conf
    from scapy.contrib import bgp
    from scapy.packet import Raw


@dataclass(frozen=True, slots=True)
class Read:
    """One UPDATE: its prefixes as texts, its attributes by scapy's names, in their order."""

    withdrawn: list[str] = field(default_factory=list)
    announced: list[str] = field(default_factory=list)
    attributes: list[tuple[str, Any]] = field(default_factory=list)


def packets(octets: bytes, *, four_octet: bool) -> Iterator[Any]:
    """Whole messages one by one, each with nothing left that scapy could not read."""
    start = 0
    while start < len(octets):
        size = int.from_bytes(octets[start + 16 : start + 18], "big")
        with _reading(four_octet=four_octet):
            packet: Any = bgp.BGP(octets[start : start + size])
        assert bytes(packet) == octets[start : start + size]
        assert not isinstance(packet.lastlayer(), Raw), packet.summary()
        yield packet
        start += size


def updates(octets: bytes, *, four_octet: bool) -> list[Read]:
    """What the UPDATEs say."""
    return [_update(packet) for packet in packets(octets, four_octet=four_octet)]


def capabilities(octets: bytes) -> list[Any]:
    """The capabilities of an OPEN with one parameter of at most 255 octets."""
    packet: Any = bgp.BGP(octets)
    parameter = packet[bgp.BGPOpen].opt_params[0]
    assert (packet[bgp.BGPOpen].opt_param_len, len(packet[bgp.BGPOpen].opt_params)) == (
        parameter.param_length + 2,
        1,
    )
    rest, found = octets[31:], []
    while rest:
        size = 2 + rest[1]
        capability: Any = bgp.BGPCapability(rest[:size])
        assert not capability.haslayer(Raw), capability.summary()
        found.append(capability)
        rest = rest[size:]
    return found


def _update(packet: Any) -> Read:
    said = packet[bgp.BGPUpdate]
    read = Read([one.prefix for one in said.withdrawn_routes], [one.prefix for one in said.nlri])
    for part in said.path_attr:
        name, value = part.sprintf("%type_code%"), part.attribute
        if name == "MP_REACH_NLRI":
            read.announced.extend(one.prefix for one in value.nlri)
            hop = (value.nh_v6_global, value.nh_v6_link_local) if value.nh_addr_len == 32 else ()
            read.attributes.append((name, hop or (value.nh_v6_addr,)))
        elif name == "MP_UNREACH_NLRI":
            read.withdrawn.extend(one.prefix for one in value.afi_safi_specific.withdrawn_routes)
        else:
            read.attributes.append((name, _plain(name, value)))
    return read


def _plain(name: str, value: Any) -> Any:
    match name:
        case "ORIGIN":
            return value.sprintf("%origin%")
        case "AS_PATH":
            return [asn for segment in value.segments for asn in segment.segment_value]
        case "AS4_PATH":
            return value.segment_value
        case "NEXT_HOP":
            return value.next_hop
        case "LOCAL_PREF":
            return value.local_pref
        case "COMMUNITY":
            return [bgp.BGPPACommunity(one).community for one in _parts(value, 4)]
        case _:
            large = map(bgp.BGPLargeCommunitySegment, _parts(value, 12))
            return [
                (one.global_administrator, one.local_data_part1, one.local_data_part2)
                for one in large
            ]


def _parts(value: Any, size: int) -> list[bytes]:
    octets = bytes(value)
    return [octets[start : start + size] for start in range(0, len(octets), size)]


@contextmanager
def _reading(*, four_octet: bool) -> Iterator[None]:
    before = bgp.bgp_module_conf.use_2_bytes_asn, conf.max_list_count, conf.debug_dissector
    bgp.bgp_module_conf.use_2_bytes_asn = not four_octet
    conf.max_list_count, conf.debug_dissector = MANY, True  # what it cannot read, it raises
    try:
        yield
    finally:
        bgp.bgp_module_conf.use_2_bytes_asn, conf.max_list_count, conf.debug_dissector = before
