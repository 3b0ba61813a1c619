"""What messages.py names as bytes: a door to the C of native/bgpwire, which does all of it.

    announce(IPV4_UNICAST, attributes, prefixes, four_octet=True)

`prefixes` is one packed array of records: a byte of length, then the whole address in network byte
order, so 5 bytes each for IPv4 and 17 for IPv6. They come out in their order, in UPDATEs as full as
4,096 bytes allow, one after the other. What has no form in BGP raises EncodeError.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from native import bgpwire
from speaker.bgp.codes import Safi
from speaker.bgp.messages import (
    AfiSafi,
    Attributes,
    Capabilities,
    GracefulRestart,
    Notification,
    Open,
    RouteRefresh,
)
from vipcast.model.errors import EncodeError


def open_message(message: Open) -> bytes:
    """OPEN (RFC 4271, section 4.2), with the capabilities in one parameter (RFC 5492, section 4).

    AS_TRANS stands for an AS number of four octets, which capability 65 must say then (RFC 6793,
    section 4.1). The form of RFC 9072 is taken only where the parameters exceed 255 octets.
    """
    with _told("OPEN"):
        return bgpwire.open_message(
            version=message.version,
            asn=message.asn,
            hold_time=message.hold_time,
            router_id=int(message.router_id),
            capabilities=_capabilities(message.capabilities),
        )


def keepalive() -> bytes:
    """KEEPALIVE (RFC 4271, section 4.4)."""
    return bgpwire.keepalive()


def notification(message: Notification) -> bytes:
    """NOTIFICATION (RFC 4271, section 4.5). Data that does not fit into 4,096 bytes is cut."""
    with _told("NOTIFICATION"):
        return bgpwire.notification(message.code, message.subcode, message.data)


def shutdown(text: str) -> bytes:
    """The data of a NOTIFICATION that tells an administrator's reason (RFC 9003, section 2).

    For Cease, administrative shutdown or reset. Of the text 255 bytes of UTF-8 are sent, cut
    between characters.
    """
    return bgpwire.shutdown(text)


def route_refresh(message: RouteRefresh) -> bytes:
    """ROUTE-REFRESH (RFC 2918, section 3), with the subtype of RFC 7313, section 3.2."""
    with _told("ROUTE-REFRESH"):
        return bgpwire.route_refresh(message.family.afi, message.family.safi, message.subtype)


def end_of_rib(family: AfiSafi) -> bytes:
    """The marker of RFC 4724, section 2: an UPDATE that withdraws nothing."""
    with _told("End-of-RIB"):
        return bgpwire.end_of_rib(family.afi, family.safi)


def announce(
    family: AfiSafi, attributes: Attributes, prefixes: bytes, *, four_octet: bool
) -> bytes:
    """All UPDATEs for these prefixes. `four_octet`: the peer knows AS numbers of that size.

    IPv4 goes in the fields of RFC 4271, but with an IPv6 next hop in MP_REACH_NLRI (RFC 8950), as
    IPv6 does. A link-local address follows the next hop (RFC 2545, section 3). To a peer with AS
    numbers of two octets AS4_PATH is sent only where one does not fit (RFC 6793, section 4.2.2).
    """
    link_local = attributes.link_local
    with _told("UPDATE"):
        return bgpwire.announce(
            _unicast(family),
            prefixes,
            next_hop=attributes.next_hop.packed + (link_local.packed if link_local else b""),
            as_path=attributes.as_path,
            four_octet=four_octet,
            local_pref=attributes.local_pref,
            communities=attributes.communities,
            large_communities=attributes.large_communities,
        )


def withdraw(family: AfiSafi, prefixes: bytes) -> bytes:
    """All UPDATEs that withdraw these prefixes; IPv4 in the field of RFC 4271, else MP_UNREACH.

    So, too, of IPv4 that was announced behind an IPv6 next hop (docs/decisions/0052).
    """
    with _told("UPDATE"):
        return bgpwire.withdraw(_unicast(family), prefixes)


def _capabilities(said: Capabilities) -> bgpwire.Capabilities:
    return bgpwire.Capabilities(
        families=[(family.afi, family.safi) for family in said.families],
        four_octet_asn=said.four_octet_asn,
        route_refresh=said.route_refresh,
        enhanced_refresh=said.enhanced_refresh,
        extended_message=said.extended_message,
        next_hops=[(family.afi, family.safi, hop) for family, hop in said.extended_next_hop],
        restart=None if said.graceful_restart is None else _restart(said.graceful_restart),
        others=b"".join(bytes((code, len(value))) + value for code, value in said.others),
    )


def _restart(said: GracefulRestart) -> bgpwire.Restart:
    families = [(family.afi, family.safi, forwards) for family, forwards in said.families]
    return bgpwire.Restart(said.restart_time, said.restarting, said.notification, families)


def _unicast(family: AfiSafi) -> int:
    if family.safi != Safi.UNICAST:
        raise EncodeError(f"UPDATE: {family}: only unicast routes are announced")
    return family.afi


@contextmanager
def _told(message: str) -> Iterator[None]:
    """Whatever C or its face refuses becomes an error of ours that names the message."""
    try:
        yield
    except (ValueError, OverflowError) as error:
        raise EncodeError(f"{message}: {error}") from error
