"""Services, nodes and configurations of the tests about routes."""

from __future__ import annotations

from dataclasses import replace
from ipaddress import IPv4Address, ip_address, ip_network

from speaker.bgp.facets import Facets
from speaker.bgp.prefixes import Record, record
from speaker.bgp.routes import Offer, Routes
from vipcast.config.config import Config
from vipcast.model.addresses import AddressRange, Family
from vipcast.model.advertisement import BgpAdvertisement
from vipcast.model.objects import Endpoint, EndpointSlice, Key, Node, Service, TrafficPolicy
from vipcast.model.peer import Peer
from vipcast.model.pool import Pool
from vipcast.model.selectors import Operator, Requirement, Selector

WEB = Key("default", "web")
VIP, VIP6 = "192.0.2.240", "2001:db8::f0"


def pool(name: str, *blocks: str) -> Pool:
    """A pool of whole blocks."""
    entries = []
    for block in map(ip_network, blocks):
        family = Family.IPV4 if block.version == 4 else Family.IPV6
        entries.append(
            AddressRange(family, int(block.network_address), int(block.broadcast_address))
        )
    return Pool(name, tuple(entries))


def matching(key: str, value: str) -> Selector:
    return Selector((Requirement(key, Operator.IN, (value,)),))


def ad(name: str = "all", *pools: str, **fields: object) -> BgpAdvertisement:
    """An advertisement for these pools, for the pool lan if none is named."""
    made = BgpAdvertisement(name, frozenset(pools or ("lan",)))
    return replace(made, **fields)  # type: ignore[arg-type]


def peer(name: str, address: str = "10.0.0.254", **fields: object) -> Peer:
    made = Peer(name, 64512, 64513, ip_address(address))
    return replace(made, **fields)  # type: ignore[arg-type]


LAN = pool("lan", "192.0.2.0/24", "2001:db8::/64")
TOR = peer("tor", dual_stack=True)
NODE = Node("node1", {"rack": "1"})


def config(*ads: BgpAdvertisement, peers: tuple[Peer, ...] = (TOR,)) -> Config:
    return Config((LAN, pool("dmz", "198.51.100.0/24")), bgp=ads or (ad(),), peers=peers)


def service(name: str = "web", *ingress: str, **fields: object) -> Service:
    made = Service(
        Key("default", name), True, (Family.IPV4,), ingress=ingress or (VIP,), labels={"app": name}
    )
    return replace(made, **fields)  # type: ignore[arg-type]


LOCAL = service(policy=TrafficPolicy.LOCAL)


def endpoint(node: str | None = "node2", *, serving: bool = True) -> Endpoint:
    return Endpoint((IPv4Address("10.9.0.1"),), node, serving, serving)


def slices(*endpoints: Endpoint) -> tuple[EndpointSlice, ...]:
    return (EndpointSlice(Key("default", "web-1"), WEB, Family.IPV4, endpoints),)


SOME = slices(endpoint())


def prefix(text: str) -> Record:
    """A prefix as it is written; without a length it is one address."""
    block = ip_network(text)
    return record(block.network_address, block.prefixlen)


def told(routes: Routes) -> list[tuple[str, str, Facets, tuple[str, ...]]]:
    """What is offered, in values that compare: prefix, advertisement, facets, peers."""
    return [_shown(offer) for offer in routes.offers]


def _shown(offer: Offer) -> tuple[str, str, Facets, tuple[str, ...]]:
    block = ip_network((offer.prefix[1:], offer.prefix[0]))
    return str(block), offer.terms.advertisement, offer.terms.facets, offer.terms.peers
