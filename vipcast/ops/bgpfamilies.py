"""Metrics of BGP by name, as `families` has all others. Each goes with its router.

`peer` is the router's address and port. `vrf` is there for MetalLB's names alone, and always "".
Messages are counted since the router was configured or the speaker started.
"""

from __future__ import annotations

from typing import Final

from vipcast.ops.family import Family

PEER: Final = ("peer",)
IN_FRR: Final = ("peer", "vrf")

UP: Final = Family(
    "metallb_bgp_session_up",
    "gauge",
    "1 while the BGP session with the router is established.",
    PEER,
    alarm="0: run `vipcast status bgp`, which says why and what to look at.",
)
UPDATES: Final = Family(
    "metallb_bgp_updates_total",
    "counter",
    "UPDATE messages sent to the router.",
    PEER,
)
ANNOUNCED: Final = Family(
    "metallb_bgp_announced_prefixes_total",
    "gauge",
    "Routes that the router has been told.",
    PEER,
)
PENDING: Final = Family(
    "metallb_bgp_pending_prefixes_total",
    "gauge",
    "Routes that the router is still to be told, or told to forget.",
    PEER,
    alarm="Above 0 for long: look at the load of the router, which reads too slowly.",
)
OPENS_SENT: Final = Family(
    "metallb_bgp_opens_sent",
    "counter",
    "OPEN messages sent: attempts at a session.",
    IN_FRR,
)
OPENS_RECEIVED: Final = Family(
    "metallb_bgp_opens_received",
    "counter",
    "OPEN messages received.",
    IN_FRR,
)
NOTIFICATIONS_SENT: Final = Family(
    "metallb_bgp_notifications_sent",
    "counter",
    "NOTIFICATION messages sent, each the end of a session.",
    IN_FRR,
    alarm="Rising: run `vipcast status bgp`, which says what was wrong.",
)
UPDATES_RECEIVED: Final = Family(
    "metallb_bgp_updates_total_received",
    "counter",
    "UPDATE messages received; no route in them is taken.",
    IN_FRR,
)
KEEPALIVES_SENT: Final = Family(
    "metallb_bgp_keepalives_sent",
    "counter",
    "KEEPALIVE messages sent.",
    IN_FRR,
)
KEEPALIVES_RECEIVED: Final = Family(
    "metallb_bgp_keepalives_received",
    "counter",
    "KEEPALIVE messages received.",
    IN_FRR,
)
REFRESHES_SENT: Final = Family(
    "metallb_bgp_route_refresh_sent",
    "counter",
    "ROUTE-REFRESH messages sent: none, since no route is taken.",
    IN_FRR,
)
SENT: Final = Family(
    "metallb_bgp_total_sent",
    "counter",
    "Messages sent, of every type.",
    IN_FRR,
)
RECEIVED: Final = Family(
    "metallb_bgp_total_received",
    "counter",
    "Messages received, of every type.",
    IN_FRR,
)
DOWN: Final = Family(
    "vipcast_bgp_session_down",
    "gauge",
    "1 while there is no session with the router, with the reason why there is none.",
    ("peer", "reason"),
    alarm="1: run `vipcast status bgp`, which says what to look at.",
)
LAST_ERROR: Final = Family(
    "vipcast_bgp_last_error",
    "gauge",
    "1 for the last NOTIFICATION that was sent to the router, and the last that it sent.",
    ("peer", "direction", "error"),
)
WITHOUT_BFD: Final = Family(
    "vipcast_bgp_without_bfd",
    "gauge",
    "1 for a router with a BFD profile: BFD is not spoken, so its session is without.",
    PEER,
    alarm="1: give it a shorter holdTime if it must notice sooner that a node is dead.",
)
ALL: Final = (
    UP,
    UPDATES,
    ANNOUNCED,
    PENDING,
    OPENS_SENT,
    OPENS_RECEIVED,
    NOTIFICATIONS_SENT,
    UPDATES_RECEIVED,
    KEEPALIVES_SENT,
    KEEPALIVES_RECEIVED,
    REFRESHES_SENT,
    SENT,
    RECEIVED,
    DOWN,
    LAST_ERROR,
    WITHOUT_BFD,
)
