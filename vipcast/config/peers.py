"""`peers` of the old ConfigMap: BGP neighbours.

The names are those that MetalLB's own converter gives: peer1 for the first of the list.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import replace
from functools import partial

from vipcast.config import sessions
from vipcast.config.bfd import KEY as PROFILES
from vipcast.config.durations import FORMS as DURATIONS
from vipcast.config.schema import Section
from vipcast.config.selectors import KEBAB, read_selectors
from vipcast.config.sessions import Placed
from vipcast.model.peer import Peer

KEY = "peers"
ADDRESS = "peer-address"
KEYS = (
    "my-asn",
    "peer-asn",
    ADDRESS,
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
        named = replace(peer, name=f"peer{number}")
        placed.append(Placed(named, top.reader.name, path, f"{path}.{ADDRESS}"))
    return placed


def _peer(section: Section, profiles: Collection[str]) -> Peer | None:
    """One peer, without a name so far; None if anything is missing that no peer can do without."""
    mine, theirs = sessions.read_asn(section, "my-asn"), sessions.read_asn(section, "peer-asn")
    address = sessions.read_peer_address(section, ADDRESS)
    hold_time, keepalive = _timers(section)
    multihop = section.flag("ebgp-multihop", default=False)
    if multihop and mine is not None and mine == theirs:
        fix = "Remove it, or correct my-asn or peer-asn."
        sessions.refuse_multihop(section, "ebgp-multihop", fix)
    port = sessions.read_port(section, "peer-port")
    source = sessions.read_source(section, "source-address")
    router_id = sessions.read_router_id(section, "router-id")
    nodes = read_selectors(section, "node-selectors", KEBAB, "every node")
    password = sessions.read_password(section, "password")
    create = f"Add it to {PROFILES}, or remove the key."
    profile = sessions.read_profile(section, "bfd-profile", profiles, create)
    if mine is None or theirs is None or address is None:
        return None
    sessions.refuse_same_end(section, "source-address", address, source)
    return Peer(
        name="",
        my_asn=mine,
        peer_asn=theirs,
        address=address,
        port=port,
        source=source,
        hold_time=hold_time,
        keepalive_time=keepalive,
        router_id=router_id,
        nodes=nodes,
        password=password,
        bfd_profile=profile,
        ebgp_multihop=multihop,
    )


def _timers(section: Section) -> tuple[int | None, int | None]:
    """Hold time and keepalive time."""
    default = f"{sessions.HOLD_TIME}s"
    hold_time = section.parsed("hold-time", sessions.parse_hold_time, DURATIONS, default)
    longest = sessions.HOLD_TIME if hold_time is None else hold_time
    if hold_time is None and section.given("hold-time"):
        # What it should be nobody knows: it has a finding of its own.
        longest = sessions.LONGEST_HOLD_TIME
    convert = partial(sessions.parse_keepalive, longest=longest)
    return hold_time, section.parsed("keepalive-time", convert, DURATIONS, "a third of hold-time")
