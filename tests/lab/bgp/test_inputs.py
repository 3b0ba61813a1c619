"""Users' own configurations, unchanged, with FRR as the router that each of them names."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

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


@contextmanager
def installed(
    segment: str, nodes: int, address: str, asn: int, theirs: int, *networks: str
) -> Iterator[tuple[Lab, Vipcast, Router]]:
    """Vipcast, without a configuration yet, and a router with that address and AS number; the
    nodes are in AS `theirs`."""
    with Lab(unique_name(), segments=[segment], nodes=nodes, routers=1) as lab:
        host = lab.routers[0]
        kernel.ip(host.namespace, [f"address add {address}/24 dev lan0"])
        settings = Settings(asn, neighbours_of(lab.nodes, theirs), networks)
        with MAKES["frr"](host, settings) as router:
            vipcast = Vipcast(lab)
            vipcast.start()
            yield lab, vipcast, router


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
    eventually(
        lambda: next_hops(lab.routers[0], vip) == wanted, what=f"paths by {wanted}", deadline=60.0
    )


def told(router: Router, node: Host) -> set[str]:
    """What the router announces to a node."""
    words = f"show bgp ipv4 unicast neighbors {node.address} advertised-routes json"
    return set(json.loads(router.ask("-c", words))["advertisedRoutes"])


def test_bgp_edge_leads_to_eight_nodes_which_ignore_the_default_route_of_their_router() -> None:
    edge = ("192.168.129.0/24", 8, "192.168.129.254", 65001, 65002, DEFAULT)
    with installed(*edge) as (lab, vipcast, router):
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


def test_bgp_nxos_has_its_addresses_on_every_node_too_and_a_node_that_reboots_comes_back() -> None:
    with installed("10.10.2.0/24", 3, "10.10.2.210", 65210, 65211) as (lab, vipcast, router):
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
        assert {node: count for (node, _), count in begun(lab).items()} == {
            one.name: 1,
            two.name: 2,
            three.name: 1,
        }


def test_bgp_soft_router_over_l2_home_moves_every_service_behind_the_router() -> None:
    names = ["web0", "web1", "web2"]
    with installed("192.168.1.0/24", 3, "192.168.1.2", 65000, 65001) as (lab, vipcast, router):
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
