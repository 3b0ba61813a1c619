"""The kind BGPPeer, metallb.io/v1beta2 and v1beta1: one BGP neighbour.

The API server hands out what was stored under either version unchanged, so every field is taken
under both; those that both have mean the same. A peer that is not right is left out with its
findings and spoils nothing else: docs/decisions/0037.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from functools import partial
from typing import Any

from vipcast.config import sessions
from vipcast.config.communities import MOST_32_BITS
from vipcast.config.config import RefusedPeer
from vipcast.config.durations import FORMS as DURATIONS
from vipcast.config.durations import nanoseconds, whole_seconds
from vipcast.config.schema import Notes, Section, nearest
from vipcast.config.selectors import CAMEL, read_selectors
from vipcast.config.sessions import Placed
from vipcast.config.specs import EVERY_NODE, metadata_of, name_of, reader_of, spec_of
from vipcast.model.addresses import Address
from vipcast.model.objects import Key
from vipcast.model.peer import DynamicAsn, Peer
from vipcast.model.raw import BGP_PEER
from vipcast.model.selectors import Selector

ADDRESS = "peerAddress"
KEYS = (
    "myASN",
    "peerASN",
    "dynamicASN",
    "localASN",
    ADDRESS,
    "interface",
    "sourceAddress",
    "peerPort",
    "holdTime",
    "keepaliveTime",
    "connectTime",
    "routerID",
    "nodeSelectors",
    "password",
    "passwordSecret",
    "bfdProfile",
    "enableGracefulRestart",
    "ebgpMultiHop",
    "vrf",
    "disableMP",
    "dualStackAddressFamily",
)
SECRET_KEYS = ("name", "namespace")

_EITHER = "internal or external"
_HOLD_TIME = f"{sessions.HOLD_TIME}s, or three times keepaliveTime"
_CONNECT_TIME = f"{sessions.CONNECT_TIME}s"
_CREATE_PROFILE = "Create the BFDProfile, or remove its name here."
_LONGEST_CONNECT_TIME = 65535
_SECOND = 10**9


def read_peer(
    raw: Mapping[str, Any], profiles: Collection[str], notes: Notes
) -> Placed | RefusedPeer:
    """A peer, or why it is none. `profiles` are the names of BFD profiles that exist.

    Settings and warnings go to the notes, findings stay with the peer.
    """
    own = Notes(settings=notes.settings, warnings=notes.warnings)
    reader = reader_of(raw, BGP_PEER, own)
    spec = spec_of(reader, raw, KEYS)
    name = name_of(raw)
    nodes: tuple[Selector, ...] = ()
    if spec is not None:
        nodes = read_selectors(spec, "nodeSelectors", CAMEL, EVERY_NODE)
        if own.findings:
            nodes = ()  # nobody knows which were meant
        peer = _peer(spec, name, nodes, str(metadata_of(raw).get("namespace", "")), profiles)
        if peer is not None and not own.findings:
            return Placed(peer, reader.name, reader.name, f"spec.{ADDRESS}")
    return RefusedPeer(name, nodes, tuple(own.findings))


def _peer(
    spec: Section,
    name: str,
    nodes: tuple[Selector, ...],
    namespace: str,
    profiles: Collection[str],
) -> Peer | None:
    """The peer; None after a finding about what no peer can do without."""
    mine = sessions.read_asn(spec, "myASN")
    theirs, dynamic = _remote_asn(spec)
    local = spec.number("localASN", 1, MOST_32_BITS, default="myASN")
    multihop = spec.flag("ebgpMultiHop", default=False)
    address = _address(spec)
    source = sessions.read_source(spec, "sourceAddress")
    port = sessions.read_port(spec, "peerPort")
    hold_time, keepalive = _timers(spec)
    connect_time = spec.parsed("connectTime", _connect_time, DURATIONS, _CONNECT_TIME)
    router_id = sessions.read_router_id(spec, "routerID")
    password = sessions.read_password(spec, "password")
    secret = _secret(spec, namespace, password=bool(password))
    profile = sessions.read_profile(spec, "bfdProfile", profiles, _CREATE_PROFILE)
    graceful = spec.flag("enableGracefulRestart", default=False)
    dual_stack = spec.flag("dualStackAddressFamily", default=False)
    _without_effect(spec)
    if mine is None or address is None:
        return None
    _refuse_other_family(spec, address, source)
    sessions.refuse_same_end(spec, "sourceAddress", address, source)
    if dynamic is DynamicAsn.INTERNAL or theirs == mine:
        _refuse_within_one_as(spec, local, multihop=multihop)
    elif local is not None and local == theirs:
        message = "It is the peer's own AS, so both ends would be in one."
        spec.reader.refuse(spec.at("localASN"), str(local), message, "Write another, or remove it.")
    return Peer(
        name,
        mine,
        theirs,
        address,
        port,
        source,
        hold_time,
        keepalive,
        router_id,
        nodes,
        password,
        profile,
        multihop,
        dynamic,
        local,
        connect_time,
        secret,
        graceful,
        dual_stack,
    )


def _remote_asn(spec: Section) -> tuple[int | None, DynamicAsn | None]:
    """The neighbour's AS number, or which ones are taken: exactly one of the two."""
    asn = spec.number("peerASN", 0, MOST_32_BITS)
    word = spec.text("dynamicASN", f"Write {_EITHER}.", "peerASN alone")
    dynamic = next((each for each in DynamicAsn if each == word), None)
    if word and dynamic is None:
        hint = nearest(word, tuple(DynamicAsn))
        fix = hint if "?" in hint else f"Write {_EITHER}."
        spec.reader.refuse(spec.at("dynamicASN"), word, "There is no such choice.", fix)
    elif dynamic and asn:
        message = "There are two answers to which AS the peer is in."
        fix = "Keep one of peerASN and dynamicASN."
        spec.reader.refuse(spec.at("dynamicASN"), word, message, fix)
    elif not spec.given("dynamicASN") and (asn == 0 or spec.node("peerASN") is None):
        fix = f"Write peerASN with a number from 1 to {MOST_32_BITS}, or dynamicASN: {_EITHER}."
        sessions.refuse_missing_asn(spec, "peerASN", asn, fix)
    return asn or None, dynamic


def _address(spec: Section) -> Address | None:
    """The neighbour's address; other ways to reach one are refused."""
    refuse = spec.reader.refuse
    if vrf := spec.text("vrf", "Write the name of a VRF.", "none"):
        message = "Sessions inside of a VRF are not spoken in this version."
        fix = "Remove it, if the peer can be reached by the node's main routing table."
        refuse(spec.at("vrf"), vrf, message, fix)
    interface = spec.text("interface", "Write the name of an interface.", "none")
    if not interface:
        return sessions.read_peer_address(spec, ADDRESS)
    message = "Sessions without addresses, over an interface alone, are not spoken in this version."
    refuse(spec.at("interface"), interface, message, "Write peerAddress instead.")
    return spec.parsed(ADDRESS, sessions.parse_peer_address, sessions.ADDRESS)


def _timers(spec: Section) -> tuple[int | None, int | None]:
    """Hold time and keepalive time; the first is three of the second if only that is written."""
    hold_time = spec.parsed("holdTime", sessions.parse_hold_time, DURATIONS, _HOLD_TIME)
    convert = _lone_keepalive
    if spec.given("holdTime"):
        # What it should be where it has a finding, nobody knows.
        longest = sessions.LONGEST_HOLD_TIME if hold_time is None else hold_time
        convert = partial(sessions.parse_keepalive, longest=longest)
    keepalive = spec.parsed("keepaliveTime", convert, DURATIONS, "a third of holdTime")
    if hold_time is None and keepalive is not None and not spec.given("holdTime"):
        hold_time = 3 * keepalive
    return hold_time, keepalive


def _lone_keepalive(text: str) -> int:
    """A third of a hold time."""
    seconds, most = whole_seconds(text), sessions.LONGEST_HOLD_TIME // 3
    if not 0 <= seconds <= most:
        raise ValueError(f"Three times as long would be no hold time: it must be 0s to {most}s.")
    return seconds


def _connect_time(text: str) -> int:
    """Whole seconds between two attempts to connect."""
    seconds, rest = divmod(nanoseconds(text), _SECOND)
    if rest or not 1 <= seconds <= _LONGEST_CONNECT_TIME:
        raise ValueError(f"It must be 1 to {_LONGEST_CONNECT_TIME} whole seconds.")
    return seconds


def _secret(spec: Section, namespace: str, *, password: bool) -> Key | None:
    """The Secret that has the password; it is of the peer's own namespace."""
    reader, key = spec.reader, "passwordSecret"
    node = spec.node(key)
    if node is None:
        reader.note(spec.at(key), "none", "none", given=False)
        return None
    section = reader.section(node, spec.at(key), SECRET_KEYS)
    if section is None:
        return None
    name = section.text("name", "Write the name of a Secret.", "none")
    other = section.text("namespace", "Write the name of a namespace.", namespace)
    if not name:
        if other:
            fix = "Add the name of a Secret, or remove passwordSecret."
            reader.refuse(section.at("name"), "", "The Secret has no name.", fix)
        return None
    if password:
        message, fix = "There are two passwords.", "Keep one of password and passwordSecret."
        reader.refuse(spec.at(key), name, message, fix)
    if other not in ("", namespace):
        message = f"It has no effect: the Secret is looked for in namespace {namespace}."
        fix = "Put the Secret there, and leave namespace out."
        reader.warn(section.at("namespace"), other, message, fix)
    return Key(namespace, name)


def _without_effect(spec: Section) -> None:
    if spec.flag("disableMP", default=False):
        message = "It has no effect, as in MetalLB since 0.15."
        fix = "Remove it; dualStackAddressFamily says which families a session carries."
        spec.reader.warn(spec.at("disableMP"), "true", message, fix)


def _refuse_other_family(spec: Section, address: Address, source: Address | None) -> None:
    if source is not None and source.version != address.version:
        message = "It is of another IP family than peerAddress."
        fix = f"Write an IPv{address.version} address of the node, or leave it out."
        spec.reader.refuse(spec.at("sourceAddress"), str(source), message, fix)


def _refuse_within_one_as(spec: Section, local: int | None, *, multihop: bool) -> None:
    """Both ends are in one AS: what is for sessions between two is a mistake."""
    fix = "Remove it, or correct myASN, peerASN or dynamicASN."
    if multihop:
        sessions.refuse_multihop(spec, "ebgpMultiHop", fix)
    if local is not None:
        message = "Both ends are in one AS, and another number is for eBGP sessions only."
        spec.reader.refuse(spec.at("localASN"), str(local), message, fix)
