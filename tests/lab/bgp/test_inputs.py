"""Users' own configurations, unchanged, with FRR as the router that each of them names."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from lab import kernel
from lab.cluster import Lab
from lab.host import Host
from lab.routers import MAKES, neighbours_of
from lab.routers.port import Router, Settings
from lab.services import ServiceRule
from lab.vipcast import Vipcast, service
from tests.lab.bgp.logs import begun
from tests.support.labs import unique_name
from tests.support.paths import next_hops, reach_every_pod
from tests.support.waiting import eventually

INPUTS = Path(__file__).parents[2] / "inputs"
DEFAULT = "0.0.0.0/0"


@dataclass(frozen=True, slots=True)
class Site:
    """A network as an input has it: its segment, and the router's address and AS."""

    segment: str
    nodes: int
    router: str
    asn: int
    networks: tuple[str, ...] = ()


EDGE = Site("192.168.129.0/24", 8, "192.168.129.254", 65001, (DEFAULT,))
NXOS = Site("10.10.2.0/24", 3, "10.10.2.210", 65210)
SOFT_ROUTER = Site("192.168.1.0/24", 3, "192.168.1.2", 65000)
ASN = {EDGE: 65002, NXOS: 65211, SOFT_ROUTER: 65001}
"""The nodes' own."""


@pytest.fixture
def site(request: pytest.FixtureRequest) -> Site:
    found: Site = request.param
    return found


@pytest.fixture
def lab(site: Site) -> Iterator[Lab]:
    with Lab(unique_name(), segments=[site.segment], nodes=site.nodes, routers=1) as standing:
        yield standing


@pytest.fixture
def router(lab: Lab, site: Site) -> Iterator[Router]:
    host = lab.routers[0]
    kernel.ip(host.namespace, [f"address add {site.router}/24 dev lan0"])
    settings = Settings(site.asn, neighbours_of(lab.nodes, ASN[site]), site.networks)
    with MAKES["frr"](host, settings) as started:
        yield started


@pytest.fixture
def vipcast(lab: Lab, router: Router) -> Vipcast:  # noqa: ARG001 - it is there first
    """Without a configuration yet."""
    product = Vipcast(lab)
    product.start()
    return product


def use(vipcast: Vipcast, name: str) -> None:
    """Apply an input in place of what was applied before."""
    (vipcast.directory / "input.yaml").write_bytes((INPUTS / name).read_bytes())


def serve(lab: Lab, vipcast: Vipcast, name: str, port_name: str = "") -> str:
    """Pods on all nodes for a Service, each node using its own; returns the address."""
    lab.write_endpoints(vipcast.directory, name, port_name=port_name)
    vip = vipcast.await_address(name)
    lab.program_services([ServiceRule(vip, 80, lab.backends(), local=True)])
    return vip


def paths_by(lab: Lab, vip: str, *nodes: Host) -> None:
    """Wait until the router's kernel has a path by each of these nodes, and by no other."""
    wanted = {str(node.address) for node in nodes}

    def look() -> bool:
        assert next_hops(lab.routers[0], vip) == wanted
        return True

    eventually(look, what="paths by these nodes", deadline=60.0)


def told(router: Router, node: Host) -> set[str]:
    """What the router announces to a node."""
    words = f"show bgp ipv4 unicast neighbors {node.address} advertised-routes json"
    return set(json.loads(router.ask("-c", words))["advertisedRoutes"])


@pytest.mark.parametrize("site", [EDGE], indirect=True, ids=["edge"])
def test_bgp_edge_leads_to_eight_nodes_which_ignore_the_default_route_of_their_router(
    lab: Lab, router: Router, vipcast: Vipcast
) -> None:
    use(vipcast, "bgp-edge.yaml")
    vipcast.apply("web", service("web"))
    vip = serve(lab, vipcast, "web")
    paths_by(lab, vip, *lab.nodes)
    reach_every_pod(lab, vip)

    assert vip.startswith("192.168.131.")
    for node in lab.nodes:
        eventually(lambda node=node: DEFAULT in told(router, node), what="a default route")  # type: ignore[misc]
        assert node.run(["ip", "route", "show", "default"]).stdout == ""
    assert sorted(begun(lab).values()) == [1] * len(lab.nodes)


@pytest.mark.parametrize("site", [NXOS], indirect=True, ids=["nxos"])
def test_bgp_nxos_has_its_addresses_on_every_node_too_and_a_node_that_reboots_comes_back(
    lab: Lab, router: Router, vipcast: Vipcast
) -> None:
    one, two, three = lab.nodes
    use(vipcast, "bgp-nxos.yaml")
    vip = serve(lab, vipcast, "ng-svc", "http")
    for node in lab.nodes:
        node.add_to_lo(vip)
    paths_by(lab, vip, one, two, three)
    reach_every_pod(lab, vip)

    vipcast.speaker(two).stop()
    lab.switch.pull(two)
    paths_by(lab, vip, one, three)
    lab.switch.put_back(two)
    vipcast.start_speaker(two)
    paths_by(lab, vip, one, two, three)
    reach_every_pod(lab, vip)

    assert vip == "172.19.100.1"
    assert set(router.routes()) == {f"{vip}/32"}
    up = {node: count for (node, _), count in begun(lab).items()}
    assert up == {one.name: 1, two.name: 2, three.name: 1}


@pytest.mark.parametrize("site", [SOFT_ROUTER], indirect=True, ids=["soft-router"])
def test_bgp_soft_router_over_l2_home_moves_every_service_behind_the_router(
    lab: Lab, router: Router, vipcast: Vipcast
) -> None:
    names = ["web0", "web1", "web2"]
    use(vipcast, "l2-home.yaml")
    vipcast.apply("services", *(service(name) for name in names))
    for name in names:
        lab.write_endpoints(vipcast.directory, name)
    home = {vipcast.await_address(name) for name in names}
    for vip in home:
        vipcast.await_answer(vip)

    use(vipcast, "bgp-soft-router.yaml")
    soft = {f"192.168.0.{last}" for last in (30, 31, 32)}
    eventually(lambda: {vipcast.address(name) for name in names} == soft, what="new addresses")
    lab.program_services(ServiceRule(vip, 80, lab.backends(), local=True) for vip in soft)
    for vip in soft:
        paths_by(lab, vip, *lab.nodes)
        reach_every_pod(lab, vip)

    assert home == {f"192.168.1.{last}" for last in (30, 31, 32)}
    assert set(router.routes()) == {f"{vip}/32" for vip in soft}
    for vip in home:
        eventually(lambda vip=vip: vipcast.answering(vip) is None, what=f"silence for {vip}")  # type: ignore[misc]
