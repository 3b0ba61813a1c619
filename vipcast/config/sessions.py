"""What the two forms of a BGP neighbour have in common: the meaning of its values.

`peers` reads those of the old ConfigMap, `bgppeers` the kind BGPPeer.
"""

from __future__ import annotations

import difflib
from collections.abc import Collection
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv6Address

from vipcast.config.bfd import WITHOUT
from vipcast.config.communities import MOST_32_BITS
from vipcast.config.durations import whole_seconds
from vipcast.config.schema import HIDDEN, KEEP_OR_REMOVE, Section
from vipcast.model.addresses import Address, parse_address
from vipcast.model.peer import LONGEST_PASSWORD, Peer

HOLD_TIME = 90
"""Seconds that a session lives without a message, where nobody says anything (RFC 4271, 10)."""
CONNECT_TIME = 10
"""Seconds for an attempt to connect, where nobody says anything: as long as MetalLB tries."""
LONGEST_HOLD_TIME = 65535
"""What fits into the field of an OPEN message (RFC 4271, 4.2)."""

BROADCAST = IPv4Address("255.255.255.255")
PORT = 179
ADDRESS = "Write an address such as 192.0.2.1."


@dataclass(frozen=True, slots=True)
class Placed:
    """A peer, the object that it stands in, and the place as other objects' findings name it.

    `field` is where its address stands in the object.
    """

    peer: Peer
    object: str
    path: str
    field: str


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
    address = section.parsed(key, parse_peer_address, ADDRESS)
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
    """The password, "" for none; it is never shown. A line break at its end does not count."""
    text = section.text(key, "Write the password as text.", "none", hidden=True)
    text = text.removesuffix("\n").removesuffix("\r")
    message, fix = "", "Agree on a shorter one with the router."
    try:
        if len(text.encode()) > LONGEST_PASSWORD:
            message = f"It is longer than {LONGEST_PASSWORD} bytes, and TCP-MD5 takes no more."
    except UnicodeEncodeError:
        message, fix = "It holds half of a character.", "Write it anew."
    if message:
        section.reader.refuse(section.at(key), HIDDEN, message, fix)
    return text


def refuse_same_end(section: Section, key: str, address: Address, source: Address | None) -> None:
    """Say of a source address that it is the router's."""
    if source is not None and source == address:
        message, fix = "Both ends have the same address.", "Correct one of the two."
        section.reader.refuse(section.at(key), str(source), message, fix)


def parse_plain_address(text: str) -> Address:
    """An address without the name of an interface; raises ValueError with a sentence."""
    if "%" in text:
        raise ValueError(f"{text!r} names an interface, which is not read here.")
    try:
        return parse_address(text)
    except ValueError:
        raise ValueError(f"{text!r} is not an IP address.") from None


def parse_peer_address(text: str) -> Address:
    """A router's address: one host's, and a link-local one with the interface that it is behind.

    Raises ValueError with a sentence.
    """
    try:
        address = parse_address(text)
    except ValueError:
        raise ValueError(f"{text!r} is not an IP address.") from None
    if address.is_unspecified or address.is_multicast or address == BROADCAST:
        raise ValueError(f"{address} is no router's address.")
    if isinstance(address, IPv6Address):
        if address.is_link_local and not address.scope_id:
            example = f"such as {address}%eth0"
            raise ValueError(f"It is link-local, and the interface to it is not said, {example}.")
        if address.scope_id and not address.is_link_local:
            raise ValueError(f"{text!r} names an interface, as only link-local addresses may.")
    return address


def parse_router_id(text: str) -> IPv4Address:
    """A router ID (RFC 4271, 4.2; RFC 6286, 2.1); raises ValueError with a sentence."""
    address = parse_plain_address(text)
    if not isinstance(address, IPv4Address):
        raise ValueError("A router ID is written as an IPv4 address.")
    if not int(address):
        raise ValueError("A router ID must not be zero: no router accepts it.")
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


def read_profile(section: Section, key: str, profiles: Collection[str], create: str) -> str:
    """The name of a BFD profile; `create` says what to do where there is none of that name."""
    name = section.text(key, "Write the name of a BFD profile.", "none")
    if name and name not in profiles:
        close = difflib.get_close_matches(name, profiles, n=1, cutoff=0.7)
        fix = f"Did you mean {close[0]}?" if close else create
        section.reader.refuse(section.at(key), name, "There is no such BFD profile.", fix)
    elif name:
        section.reader.warn(section.at(key), name, WITHOUT, KEEP_OR_REMOVE)
    return name
