"""The product and real routers: a path by every node, for what is announced in the old way."""

from __future__ import annotations

from collections.abc import Iterator
from ipaddress import ip_address, ip_network

import pytest

from lab.cluster import Lab
from lab.objects import Object
from lab.routers import MAKES, neighbours_of
from lab.routers.port import IPV6, Neighbour, Path, Router, Settings
from lab.vipcast import Vipcast, config_map, service
from tests.support.labs import unique_name
from tests.support.waiting import eventually

OURS, THEIRS = 64500, 64600
PATIENCE = 60.0
POOL, POOL6 = "203.0.113.0/28", "2001:db8:5::/124"


def configuration(lab: Lab) -> Object:
    """The ConfigMap of old: one pool, announced to the lab's router over IPv4 and IPv6."""
    return config_map(
        f"""
peers:
- my-asn: {OURS}
  peer-asn: {THEIRS}
  peer-address: {lab.routers[0].address}
- my-asn: {OURS}
  peer-asn: {THEIRS}
  peer-address: {lab.routers[0].address6}
address-pools:
- name: default
  protocol: bgp
  addresses: [{POOL}, '{POOL6}']
"""
    )


@pytest.fixture(scope="module")
def lab() -> Iterator[Lab]:
    with Lab(unique_name(), nodes=3, routers=1, ipv6=True) as standing:
        yield standing


@pytest.fixture(scope="module")
def vipcast(lab: Lab) -> Vipcast:
    """On every node, with one Service."""
    product = Vipcast(lab)
    product.start()
    product.apply("config", configuration(lab))
    product.apply("web", service("web"))
    product.serve("web")
    return product


@pytest.fixture(params=MAKES)
def router(request: pytest.FixtureRequest, lab: Lab, vipcast: Vipcast) -> Iterator[Router]:  # noqa: ARG001
    four = neighbours_of(lab.nodes, OURS)
    six = tuple(Neighbour(str(node.address6), OURS, (IPV6,)) for node in lab.nodes)
    with MAKES[request.param](lab.routers[0], Settings(THEIRS, four + six)) as started:
        yield started


def has(router: Router, lab: Lab, *addresses: str) -> None:
    """Wait until the router has routes to these and to nothing else, by every node alike."""
    four = frozenset(Path(str(n.address), str(n.address), (OURS,)) for n in lab.nodes)
    six = frozenset(Path(str(n.address6), str(n.address6), (OURS,)) for n in lab.nodes)
    wanted = {str(ip_network(address)): six if ":" in address else four for address in addresses}

    def look() -> bool:
        assert router.routes() == wanted
        return True

    eventually(look, what=f"{router.name} has {addresses}", deadline=PATIENCE)


def test_every_router_has_a_path_by_every_node_to_addresses_of_either_family(
    router: Router, lab: Lab, vipcast: Vipcast
) -> None:
    vip = vipcast.await_address("web")
    has(router, lab, vip)
    vipcast.apply("more", service("more"))
    vipcast.apply("six", service("six", ipFamilies=["IPv6"]))
    for name in ("more", "six"):
        lab.write_endpoints(vipcast.directory, name)
    more, six = vipcast.await_address("more"), vipcast.await_address("six")
    assert ip_address(six) in ip_network(POOL6)
    has(router, lab, vip, more, six)
    vipcast.delete("more")
    vipcast.delete("six")
    has(router, lab, vip)
