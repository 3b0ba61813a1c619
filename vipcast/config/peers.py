"""`peers` of the old ConfigMap: BGP neighbours, checked and kept until BGP is spoken.

The names are those that MetalLB's own converter gives: peer1 for the first of the list.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import replace
from functools import partial

from vipcast.config.bfd import KEY as PROFILES
from vipcast.config.durations import FORMS as DURATIONS
from vipcast.config.schema import Section
from vipcast.config.selectors import KEBAB, read_selectors
from vipcast.config.sessions import (
    ADDRESS,
    HOLD_TIME,
    LONGEST_HOLD_TIME,
    Placed,
    parse_hold_time,
    parse_keepalive,
    parse_plain_address,
    parse_router_id,
    read_asn,
    read_peer_address,
    read_profile,
    warn_of_silence,
)
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
    mine, theirs = read_asn(section, "my-asn"), read_asn(section, "peer-asn")
    address = read_peer_address(section, "peer-address")
    warn_of_silence(section, address)
    hold_time = section.parsed("hold-time", parse_hold_time, DURATIONS, default=f"{HOLD_TIME}s")
    longest = HOLD_TIME if hold_time is None else hold_time
    if hold_time is None and section.given("hold-time"):
        longest = LONGEST_HOLD_TIME  # what it should be nobody knows: it has a finding of its own
    keepalive = section.parsed(
        "keepalive-time",
        partial(parse_keepalive, longest=longest),
        DURATIONS,
        "a third of hold-time",
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
    source = section.parsed(
        "source-address", parse_plain_address, ADDRESS, "chosen by the routing table"
    )
    router_id = section.parsed("router-id", parse_router_id, ADDRESS, default="the node's")
    nodes = read_selectors(section, "node-selectors", KEBAB, "every node")
    password = section.text("password", "Write the password as text.", "none", hidden=True)
    create = f"Add it to {PROFILES}, or remove the key."
    profile = read_profile(section, "bfd-profile", profiles, create)
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
