"""A configured peer as a session takes it: settings, router ID, and the next hops of its routes."""

from __future__ import annotations

import zlib
from collections.abc import Iterable
from ipaddress import IPv4Address, IPv6Address

from speaker.bgp.audiences import families_of
from speaker.bgp.codes import Afi
from speaker.bgp.facets import NextHop
from speaker.bgp.messages import IPV4_UNICAST, IPV6_UNICAST, AfiSafi
from speaker.bgp.negotiate import Negotiated
from speaker.bgp.prefixes import FAMILIES
from speaker.bgp.settings import Graceful, SessionSettings
from vipcast.config.sessions import CONNECT_TIME, HOLD_TIME
from vipcast.model.addresses import Address, Family
from vipcast.model.peer import Peer


def settings_of(
    peer: Peer, router_id: IPv4Address, *, signed: bool, restart: Graceful
) -> SessionSettings:
    """What the session is to be; `restart` holds for peers with enableGracefulRestart alone.

    ValueError for a peer without any AS number, which no configuration has.
    """
    theirs = peer.peer_asn or peer.dynamic_asn
    if theirs is None:
        raise ValueError(f"peer {peer.name} has no AS number")
    carried = families_of(peer)
    return SessionSettings(
        local_asn=peer.local_asn or peer.my_asn,
        peer_asn=theirs,
        address=peer.address,
        router_id=router_id,
        families=tuple(FAMILIES[family] for family in Family if family in carried),
        port=peer.port,
        hold_time=HOLD_TIME if peer.hold_time is None else peer.hold_time,
        keepalive_time=peer.keepalive_time,
        connect_time=peer.connect_time or CONNECT_TIME,
        md5=signed,
        graceful_restart=restart if peer.graceful_restart else None,
    )


def router_id_of(peer: Peer, node: str, candidates: Iterable[Address | None]) -> IPv4Address:
    """The configured one; else the first IPv4 address among the candidates; else one made of the
    node's name, as MetalLB makes it, for nodes that have IPv6 alone (RFC 6286 allows any number).
    """
    if peer.router_id is not None:
        return peer.router_id
    for address in candidates:
        if isinstance(address, IPv4Address):
            return address
    return IPv4Address(zlib.crc32(node.encode()).to_bytes(4, "little"))


def next_hops_of(
    agreed: Negotiated,
    local: Address,
    *,
    ipv4: IPv4Address | None,
    ipv6: IPv6Address | None,
    link_local: IPv6Address | None,
) -> dict[AfiSafi, NextHop]:
    """Where routes of each family lead: to this end of the session, where it is of that family.

    `ipv4` and `ipv6` are the node's global addresses on the interface to the peer, `link_local` its
    address there if the peer shares the link. A family without any next hop is left out. IPv4 goes
    behind an IPv6 next hop only where both sides know RFC 8950.
    """
    found: dict[AfiSafi, NextHop] = {}
    six = _ipv6_hop(local, ipv6, link_local)
    for family in agreed.families:
        hop: NextHop | None = None
        if family == IPV6_UNICAST:
            hop = six
        elif family == IPV4_UNICAST and isinstance(local, IPv4Address):
            hop = NextHop(local)
        elif family == IPV4_UNICAST and (family, Afi.IPV6) in agreed.extended_next_hop:
            hop = six
        elif family == IPV4_UNICAST and ipv4 is not None:
            hop = NextHop(ipv4)
        if hop is not None:
            found[family] = hop
    return found


def _ipv6_hop(
    local: Address, ipv6: IPv6Address | None, link_local: IPv6Address | None
) -> NextHop | None:
    """The session's own address if it is a global one, else the interface's; RFC 2545, section 3:
    the link-local address goes with it where the peer shares the link.
    """
    if isinstance(local, IPv6Address) and not local.is_link_local:
        return NextHop(local, link_local)
    if ipv6 is not None:
        return NextHop(ipv6, link_local)
    return None if link_local is None else NextHop(link_local)
