"""Users' own configurations, unchanged, applied with kubectl to a cluster that was empty before."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from lab import measure
from lab.cluster import Lab
from lab.kubernetes.cluster import Cluster
from lab.kubernetes.programs import provide
from lab.kubernetes.vipcast import Installed
from lab.vipcast import service
from lab.waiting import until
from tests.cluster.main_job.conftest import say
from tests.support.installed import ClusterRack
from tests.support.labs import unique_name
from tests.support.waiting import eventually

INPUTS = Path(__file__).parents[2] / "inputs"
RANGE, HOME = "10.200.200.0/24", "192.168.1.0/24"
HOME_SEGMENT = 1


@pytest.fixture(scope="module")
def vipcast() -> Iterator[Installed]:
    """Vipcast on a cluster with the networks of both users, and nothing else applied."""
    programs = provide(say)
    with Lab(
        unique_name(), segments=[RANGE, HOME], pod_ports=[8080, 80], control_plane=True
    ) as lab:
        cluster = Cluster(lab, programs)
        cluster.start()
        installed = Installed(cluster)
        installed.start()
        yield installed


def apply(vipcast: Installed, name: str) -> None:
    vipcast.cluster.kubectl("apply", "-f", str(INPUTS / name))


def test_l2_range_serves_nginx_and_moves_it_when_its_node_stops(vipcast: Installed) -> None:
    lab, client = vipcast.lab, vipcast.lab.client
    apply(vipcast, "l2-range.yaml")
    vip = vipcast.serve("nginx")
    leader = lab.host(vipcast.await_answer(vip))

    assert vip == "10.200.200.120"
    answer = client.run(["curl", "-sS", "--max-time", "10", f"http://{vip}:8080/"]).stdout
    assert "pod" in answer
    assert client.neighbour(vip) == leader.mac

    vipcast.speaker(leader).kill()
    taker = lab.host(vipcast.await_answer(vip, leader.name))
    until(lambda: client.neighbour(vip) == taker.mac, "the neighbour entry follows")
    vipcast.start_speaker(leader)
    vipcast.await_ready()
    vipcast.cluster.kubectl("delete", "-f", str(INPUTS / "l2-range.yaml"))


def test_bgp_soft_router_over_l2_home_gives_every_service_an_address_of_the_new_pool(
    vipcast: Installed,
) -> None:
    names = ["web0", "web1", "web2"]
    rack = ClusterRack(vipcast.lab, vipcast, "", vipcast.cluster)
    apply(vipcast, "l2-home.yaml")
    vipcast.cluster.apply(*(service(name, selector={"app": "web0"}) for name in names))
    vipcast.serve("web0")
    first = {f"192.168.1.{last}" for last in (30, 31, 32)}
    eventually(lambda: set(rack.addresses().values()) == first, what="the home pool gives")
    for vip in first:
        vipcast.await_answer(vip, segment=HOME_SEGMENT)

    apply(vipcast, "bgp-soft-router.yaml")

    second = {f"192.168.0.{last}" for last in (30, 31, 32)}
    eventually(lambda: set(rack.addresses().values()) == second, what="the new pool gives")
    for vip in first:
        until(
            lambda vip=vip: vipcast.answering(vip, HOME_SEGMENT) is None,  # type: ignore[misc]
            f"nobody answers for {vip}",
        )
    asked = measure.ask(vipcast.lab.client, min(second), count=3, segment=HOME_SEGMENT, timeout=0.2)
    assert asked.answered == 0
    for name in names:
        described = vipcast.cluster.kubectl("describe", "svc", name)
        assert "from pool default" in described
        assert str(rack.addresses()[name]) in described
