"""BGP neighbours as configured.

Times are seconds; None stands for "not written", and the default is said where it is used.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from ipaddress import IPv4Address

from vipcast.model.addresses import Address
from vipcast.model.objects import Key
from vipcast.model.selectors import Selector

LONGEST_PASSWORD = 80
"""Bytes that Linux takes as a key of TCP-MD5 (TCP_MD5SIG_MAXKEYLEN in linux/tcp.h)."""


@dataclass(frozen=True, slots=True)
class BfdProfile:
    """Timers for bidirectional forwarding detection (RFC 5880); intervals in milliseconds."""

    name: str
    receive_interval: int | None = None
    transmit_interval: int | None = None
    detect_multiplier: int | None = None
    echo_interval: int | None = None
    echo_mode: bool = False
    passive_mode: bool = False
    minimum_ttl: int | None = None


class DynamicAsn(StrEnum):
    """Which AS number is taken from a neighbour whose own is not written."""

    INTERNAL = "internal"
    """The same as ours."""
    EXTERNAL = "external"
    """Any other."""


@dataclass(frozen=True, slots=True)
class Peer:
    """One neighbour. `nodes` are the nodes that speak to it; an empty list means every node.

    Either `peer_asn` or `dynamic_asn` is there. `local_asn` is told to this neighbour in place of
    `my_asn`. `hold_time`, `keepalive_time` and `connect_time` are whole seconds. `password` is
    never printed; where `password_secret` names a Secret, the password stands there.
    `dual_stack`: routes of both families go over the one session; else those of its address.
    """

    name: str
    my_asn: int
    peer_asn: int | None
    address: Address
    port: int = 179
    source: Address | None = None
    hold_time: int | None = None
    keepalive_time: int | None = None
    router_id: IPv4Address | None = None
    nodes: tuple[Selector, ...] = ()
    password: str = field(default="", repr=False)
    bfd_profile: str = ""
    ebgp_multihop: bool = False
    dynamic_asn: DynamicAsn | None = None
    local_asn: int | None = None
    connect_time: int | None = None
    password_secret: Key | None = None
    graceful_restart: bool = False
    dual_stack: bool = False
