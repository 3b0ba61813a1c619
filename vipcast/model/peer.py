"""BGP neighbours as configured: parsed and checked now, spoken to when BGP is.

Times are seconds; None stands for "not written", and the default is said where it is used.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from ipaddress import IPv4Address

from vipcast.model.addresses import Address
from vipcast.model.selectors import Selector


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


@dataclass(frozen=True, slots=True)
class Peer:
    """One neighbour. `nodes` are the nodes that speak to it; an empty list means every node.

    `hold_time` and `keepalive_time` are whole seconds. `password` is never printed.
    """

    name: str
    my_asn: int
    peer_asn: int
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
