"""What one session is to be, and the OPEN that says so.

An OPEN offers all that we can do. Routers that cannot read capabilities, or some of them, refuse it
(RFC 5492, section 3): to those the next OPEN offers less.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import IntEnum
from ipaddress import IPv4Address, IPv6Address

from speaker.bgp.codes import AS_TRANS, Afi, CapabilityCode, ErrorCode, OpenError
from speaker.bgp.messages import (
    IPV4_UNICAST,
    AfiSafi,
    Capabilities,
    GracefulRestart,
    Notification,
    Open,
)
from vipcast.model.peer import DynamicAsn


@dataclass(frozen=True, slots=True)
class Graceful:
    """A restart that routers are to bridge (RFC 4724), with the N bit of RFC 8538.

    `restart_time` in seconds, at most 4095. `restarting`: this process takes up after another that
    left gracefully (R bit). `forwarding`: packets were forwarded meanwhile (F bits); not so on a
    node that was down. Both are about the time before the first session.
    """

    restart_time: int = 30
    restarting: bool = False
    forwarding: bool = True


@dataclass(frozen=True, slots=True)
class SessionSettings:
    """One peer, as configured and checked. Times are whole seconds.

    `families` are what is to be carried, in the order of the OPEN. `hold_time` is 0 or at least 3.
    `keepalive_time` None is a third of the hold time. `connect_time` is how long one attempt to
    connect may take, and the longest wait after one that failed. `md5`: the connection is signed
    (RFC 2385).
    """

    local_asn: int
    peer_asn: int | DynamicAsn
    address: IPv4Address | IPv6Address
    router_id: IPv4Address
    families: tuple[AfiSafi, ...]
    port: int = 179
    hold_time: int = 90
    keepalive_time: int | None = None
    connect_time: int = 10
    md5: bool = False
    graceful_restart: Graceful | None = None


def after_a_session(settings: SessionSettings) -> SessionSettings:
    """The settings once a session has stood: packets are forwarded ever since, so a router that
    bridges the loss of a connection is to keep the routes until it has them again."""
    if settings.graceful_restart is None:
        return settings
    graceful = replace(settings.graceful_restart, restarting=False, forwarding=True)
    return replace(settings, graceful_restart=graceful)


class Offer(IntEnum):
    """How much an OPEN says that we can do."""

    FULL = 0
    PLAIN = 1  # families and four-octet AS numbers alone
    NOTHING = 2  # not even that there are capabilities


def open_of(settings: SessionSettings, offer: Offer) -> Open:
    """Our OPEN (RFC 4271, section 4.2).

    Without capabilities AS_TRANS stands for an AS number of four octets (RFC 6793, section 9).
    """
    short = offer is Offer.NOTHING and settings.local_asn > 0xFFFF
    return Open(
        asn=AS_TRANS if short else settings.local_asn,
        hold_time=settings.hold_time,
        router_id=settings.router_id,
        capabilities=_offered(settings, offer),
    )


def next_offer(settings: SessionSettings, offer: Offer, said: Notification) -> Offer:
    """What to offer after a peer answered an offer with this NOTIFICATION (RFC 5492, section 3).

    Who knows no capabilities is offered none; after the least that can be, everything again. But
    without capabilities there is IPv4 alone (RFC 4760, section 8): where that is not to be carried,
    they are never left out. Who refuses some gets the plain ones and all in turn. Who misses
    families would miss them in any offer.
    """
    told = (said.code, said.subcode)
    if told == (ErrorCode.OPEN_MESSAGE, OpenError.UNSUPPORTED_OPTIONAL_PARAMETER):
        least = Offer.NOTHING if IPV4_UNICAST in settings.families else Offer.PLAIN
        return Offer.FULL if offer == least else least
    if told == (ErrorCode.OPEN_MESSAGE, OpenError.UNSUPPORTED_CAPABILITY):
        if names_families_alone(said.data):
            return offer
        return Offer.PLAIN if offer is Offer.FULL else Offer.FULL
    return offer


def names_families_alone(data: bytes) -> bool:
    """Whether the capabilities that a peer refused are families, and nothing else."""
    while len(data) >= 2 and data[0] == CapabilityCode.MULTIPROTOCOL:
        data = data[2 + data[1] :]
        if not data:
            return True
    return False


def _offered(settings: SessionSettings, offer: Offer) -> Capabilities:
    if offer is Offer.NOTHING:
        return Capabilities()
    plain = Capabilities(families=settings.families, four_octet_asn=settings.local_asn)
    if offer is Offer.PLAIN:
        return plain
    return Capabilities(
        families=settings.families,
        four_octet_asn=settings.local_asn,
        route_refresh=True,
        enhanced_refresh=True,
        extended_message=True,
        extended_next_hop=_next_hops(settings),
        graceful_restart=_graceful(settings),
    )


def _next_hops(settings: SessionSettings) -> tuple[tuple[AfiSafi, int], ...]:
    """An IPv6 session that carries IPv4 has no IPv4 next hop of its own (RFC 8950, section 4)."""
    if settings.address.version == 6 and IPV4_UNICAST in settings.families:
        return ((IPV4_UNICAST, Afi.IPV6),)
    return ()


def _graceful(settings: SessionSettings) -> GracefulRestart | None:
    graceful = settings.graceful_restart
    if graceful is None:
        return None
    return GracefulRestart(
        restarting=graceful.restarting,
        notification=True,
        restart_time=graceful.restart_time,
        families=tuple((family, graceful.forwarding) for family in settings.families),
    )
