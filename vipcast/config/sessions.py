"""What the two forms of a BGP neighbour have in common: the meaning of its values.

`peers` reads those of the old ConfigMap, `bgppeers` the kind BGPPeer.
"""

from __future__ import annotations

import difflib
from collections.abc import Collection
from dataclasses import dataclass
from ipaddress import IPv4Address

from vipcast.config.bfd import UNSPOKEN
from vipcast.config.communities import MOST_32_BITS
from vipcast.config.durations import whole_seconds
from vipcast.config.schema import KEEP_OR_REMOVE, Section
from vipcast.model.addresses import Address, parse_address
from vipcast.model.peer import Peer

HOLD_TIME = 90
"""Seconds that a session lives without a message, where nobody says anything (RFC 4271, 10)."""
LONGEST_HOLD_TIME = 65535
"""What fits into the field of an OPEN message (RFC 4271, 4.2)."""

PORT = 179
ADDRESS = "Write an address such as 192.0.2.1."


@dataclass(frozen=True, slots=True)
class Placed:
    """A peer, the object that it stands in, and the place as other objects' findings name it."""

    peer: Peer
    object: str
    path: str


def read_asn(section: Section, key: str) -> int | None:
    """An AS number of up to 32 bits (RFC 6793); 0 counts as missing, as it does to MetalLB."""
    found = section.number(key, 0, MOST_32_BITS)
    if section.node(key) is None or found == 0:
        fix = f"Write {key} with a number from 1 to {MOST_32_BITS}."
        refuse_missing_asn(section, key, found, fix)
        return None
    return found


def refuse_missing_asn(section: Section, key: str, found: int | None, fix: str) -> None:
    """Neither a number nor anything else that says the AS."""
    shown = "" if found is None else "0"
    section.reader.refuse(section.at(key), shown, "The peer has no AS number here.", fix)


def read_peer_address(section: Section, key: str) -> Address | None:
    """The neighbour's address, which must be there."""
    address = section.parsed(key, parse_plain_address, ADDRESS)
    if not section.given(key):
        fix = f"Write {key} with the neighbour's address."
        section.reader.refuse(section.at(key), "", "The peer has no address.", fix)
    return address


def read_source(section: Section, key: str) -> Address | None:
    """The node's own end of the session; None lets the routing table choose it."""
    return section.parsed(key, parse_plain_address, ADDRESS, "chosen by the routing table")


def read_port(section: Section, key: str) -> int:
    """The neighbour's TCP port (RFC 4271, 8.2.1); 0 counts as missing, as it does to MetalLB."""
    return section.number(key, 0, 65535, default=str(PORT)) or PORT


def read_router_id(section: Section, key: str) -> IPv4Address | None:
    """The router ID; None stands for the node's."""
    return section.parsed(key, parse_router_id, ADDRESS, "the node's")


def read_password(section: Section, key: str) -> str:
    """The password, "" for none; it is never shown."""
    return section.text(key, "Write the password as text.", "none", hidden=True)


def parse_plain_address(text: str) -> Address:
    """An address without the name of an interface; raises ValueError with a sentence."""
    if "%" in text:
        raise ValueError(f"{text!r} names an interface, which is not read here.")
    try:
        return parse_address(text)
    except ValueError:
        raise ValueError(f"{text!r} is not an IP address.") from None


def parse_router_id(text: str) -> IPv4Address:
    """A router ID (RFC 4271, 4.2); raises ValueError with a sentence."""
    address = parse_plain_address(text)
    if not isinstance(address, IPv4Address):
        raise ValueError("A router ID is written as an IPv4 address.")
    return address


def parse_hold_time(text: str) -> int:
    """Zero or at least three seconds (RFC 4271, 4.2); raises ValueError with a sentence."""
    seconds = whole_seconds(text)
    if seconds != 0 and not 3 <= seconds <= LONGEST_HOLD_TIME:
        raise ValueError(f"It must be 0, or 3 to {LONGEST_HOLD_TIME} whole seconds.")
    return seconds


def parse_keepalive(text: str, longest: int) -> int:
    """Keepalives must fit into the hold time; raises ValueError with a sentence."""
    seconds = whole_seconds(text)
    if not 0 <= seconds <= longest:
        raise ValueError(f"It must be no longer than the hold time, {longest}s.")
    return seconds


def refuse_multihop(section: Section, key: str, fix: str) -> None:
    """Say of a session within one AS that no router is crossed on the way to another."""
    message = "Both ends are in one AS, so this is no eBGP session."
    section.reader.refuse(section.at(key), "true", message, fix)


def warn_of_silence(section: Section, address: Address | None) -> None:
    """Say of a peer that nobody speaks with it."""
    shown = "" if address is None else str(address)
    message = "No session with this peer comes up: BGP is not spoken in this version."
    section.reader.warn(section.path, shown, message, KEEP_OR_REMOVE)


def read_profile(section: Section, key: str, profiles: Collection[str], create: str) -> str:
    """The name of a BFD profile; `create` says what to do where there is none of that name."""
    name = section.text(key, "Write the name of a BFD profile.", "none")
    if name and name not in profiles:
        close = difflib.get_close_matches(name, profiles, n=1, cutoff=0.7)
        fix = f"Did you mean {close[0]}?" if close else create
        section.reader.refuse(section.at(key), name, "There is no such BFD profile.", fix)
    elif name:
        section.reader.warn(section.at(key), name, UNSPOKEN, KEEP_OR_REMOVE)
    return name
