"""`peers` of the old ConfigMap: BGP neighbours, checked and kept until BGP is spoken.

The names are those that MetalLB's own converter gives: peer1 for the first of the list.
"""

from __future__ import annotations

import difflib
from collections.abc import Collection
from dataclasses import dataclass, replace
from functools import partial
from ipaddress import IPv4Address

from vipcast.config.advertisements import MOST_32_BITS
from vipcast.config.bfd import KEY as PROFILES
from vipcast.config.durations import FORMS as DURATIONS
from vipcast.config.durations import whole_seconds
from vipcast.config.schema import KEEP_OR_REMOVE, Section
from vipcast.config.selectors import KEBAB, read_selectors
from vipcast.model.addresses import Address, parse_address
from vipcast.model.peer import Peer

KEY = "peers"
KEYS = (
    "my-asn",
    "peer-asn",
    "peer-address",
    "source-address",
    "peer-port",
    "hold-time",
    "keepalive-time",
    "router-id",
    "node-selectors",
    "password",
    "bfd-profile",
    "ebgp-multihop",
)
HOLD_TIME = 90
"""Seconds that a session lives without a message, where nobody says anything (RFC 4271, 10)."""
LONGEST_HOLD_TIME = 65535
"""What fits into the field of an OPEN message (RFC 4271, 4.2)."""

_ADDRESS = "Write an address such as 192.0.2.1."


@dataclass(frozen=True, slots=True)
class Placed:
    """A peer with the object and the path that it stands at."""

    peer: Peer
    object: str
    path: str


def read_peers(top: Section, profiles: Collection[str]) -> list[Placed]:
    """Every peer that could be read. `profiles` are the names of BFD profiles that exist."""
    found: dict[Peer, str] = {}
    placed: list[Placed] = []
    for number, (path, item) in enumerate(top.items(KEY, "Write a list.", "none"), start=1):
        section = top.reader.section(item, path, KEYS)
        peer = None if section is None else _peer(section, profiles)
        if peer is None:
            continue
        if peer in found:
            message = f"The same peer is in the list already: {found[peer]}."
            top.reader.refuse(path, str(peer.address), message, "Remove one of the two.")
        found.setdefault(peer, path)
        placed.append(Placed(replace(peer, name=f"peer{number}"), top.reader.name, path))
    return placed


def _peer(section: Section, profiles: Collection[str]) -> Peer | None:
    """One peer, without a name so far; None if anything is missing that no peer can do without."""
    mine, theirs = _asn(section, "my-asn"), _asn(section, "peer-asn")
    address = _peer_address(section)
    shown = "" if address is None else str(address)
    message = "No session with this peer comes up: BGP is not spoken in this version."
    section.reader.warn(section.path, shown, message, KEEP_OR_REMOVE)
    hold_time = section.parsed("hold-time", _hold_time, DURATIONS, default=f"{HOLD_TIME}s")
    longest = HOLD_TIME if hold_time is None else hold_time
    if hold_time is None and section.given("hold-time"):
        longest = LONGEST_HOLD_TIME  # what it should be nobody knows: it has a finding of its own
    keepalive = section.parsed(
        "keepalive-time", partial(_keepalive, longest=longest), DURATIONS, "a third of hold-time"
    )
    multihop = section.flag("ebgp-multihop", default=False)
    if multihop and mine is not None and mine == theirs:
        section.reader.refuse(
            section.at("ebgp-multihop"),
            "true",
            "Both ends are in one AS, so this is no eBGP session.",
            "Remove it, or correct my-asn or peer-asn.",
        )
    peer_port = section.number("peer-port", 0, 65535, default="179") or 179
    source = section.parsed("source-address", _address, _ADDRESS, "chosen by the routing table")
    router_id = section.parsed("router-id", _router_id, _ADDRESS, default="the node's")
    nodes = read_selectors(section, "node-selectors", KEBAB, "every node")
    password = section.text("password", "Write the password as text.", "none", hidden=True)
    profile = _profile(section, profiles)
    if mine is None or theirs is None or address is None:
        return None
    return Peer(
        name="",
        my_asn=mine,
        peer_asn=theirs,
        address=address,
        port=peer_port,
        source=source,
        hold_time=hold_time,
        keepalive_time=keepalive,
        router_id=router_id,
        nodes=nodes,
        password=password,
        bfd_profile=profile,
        ebgp_multihop=multihop,
    )


def _asn(section: Section, key: str) -> int | None:
    """An AS number of up to 32 bits (RFC 6793); 0 counts as missing, as it does to MetalLB."""
    found = section.number(key, 0, MOST_32_BITS)
    if section.node(key) is None or found == 0:
        shown = "" if found is None else "0"
        section.reader.refuse(
            section.at(key),
            shown,
            "The peer has no AS number here.",
            f"Write {key} with a number from 1 to {MOST_32_BITS}.",
        )
        return None
    return found


def _peer_address(section: Section) -> Address | None:
    address = section.parsed("peer-address", _address, _ADDRESS)
    if section.node("peer-address") is None:
        section.reader.refuse(
            section.at("peer-address"),
            "",
            "The peer has no address.",
            "Write peer-address with the neighbour's address.",
        )
    return address


def _address(text: str) -> Address:
    if "%" in text:
        raise ValueError(f"{text!r} names an interface, which is not read here.")
    try:
        return parse_address(text)
    except ValueError:
        raise ValueError(f"{text!r} is not an IP address.") from None


def _router_id(text: str) -> IPv4Address:
    address = _address(text)
    if not isinstance(address, IPv4Address):
        raise ValueError("A router ID is written as an IPv4 address.")
    return address


def _hold_time(text: str) -> int:
    """Zero or at least three seconds (RFC 4271, 4.2)."""
    seconds = whole_seconds(text)
    if seconds != 0 and not 3 <= seconds <= LONGEST_HOLD_TIME:
        raise ValueError(f"It must be 0, or 3 to {LONGEST_HOLD_TIME} whole seconds.")
    return seconds


def _keepalive(text: str, longest: int) -> int:
    """Keepalives must fit into the hold time."""
    seconds = whole_seconds(text)
    if not 0 <= seconds <= longest:
        raise ValueError(f"It must be no longer than the hold time, {longest}s.")
    return seconds


def _profile(section: Section, profiles: Collection[str]) -> str:
    key = "bfd-profile"
    name = section.text(key, "Write the name of a BFD profile.", "none")
    if name and name not in profiles:
        close = difflib.get_close_matches(name, profiles, n=1, cutoff=0.7)
        fix = f"Did you mean {close[0]}?" if close else f"Add it to {PROFILES}, or remove the key."
        section.reader.refuse(section.at(key), name, "There is no such BFD profile.", fix)
    elif name:
        section.reader.warn(
            section.at(key),
            name,
            "BFD is not spoken in this version.",
            KEEP_OR_REMOVE,
        )
    return name
