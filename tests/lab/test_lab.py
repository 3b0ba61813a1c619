"""The lab itself: what it builds is there, and what it takes down leaves nothing."""

from __future__ import annotations

import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest

from lab import kernel, measure
from lab.cluster import Lab
from lab.errors import Busy, LabError
from lab.host import ROOT, Host
from lab.services import ServiceRule
from tests.support.labs import unique_name
from tests.support.leftovers import leftovers
from tests.support.waiting import eventually

VIP = "192.0.2.240"


@pytest.fixture
def holder(lab: Lab) -> Iterator[Host]:
    """The node that has the VIP on lo, so that its kernel answers ARP for it."""
    node = lab.node(2)
    node.add_to_lo(VIP)
    yield node
    node.remove_from_lo(VIP)
    lab.client.run(["ip", "neighbour", "flush", "all"])


def get(host: Host, url: str) -> str:
    return host.run(["curl", "--silent", "--show-error", "--max-time", "10", url]).stdout.strip()


def reaches(host: Host, other: Host, segment: int = 0) -> bool:
    ask = ["arping", "-c", "1", "-w", "1", "-I", f"lan{segment}"]
    address = str(other.ports[segment].address)
    return host.run([*ask, address], check=False).returncode == 0


def has_carrier(host: Host) -> bool:
    return "LOWER_UP" in kernel.links(host.namespace)["lan0"]["flags"]


def test_what_was_up_is_gone_after_down() -> None:
    before = leftovers()
    with Lab(unique_name(), nodes=2, clients=2) as own:
        server = own.pods[0].processes[0]
        assert set(kernel.namespaces(f"vipcast-{own.name}-")) == set(own.topology.namespaces)
        assert f"mount {own.run.bpf}" in leftovers()
    assert leftovers() == before
    assert not server.alive
    assert not own.run.path.exists()
    assert not own.run.lock.file.exists()


def test_nothing_of_the_lab_is_in_the_namespace_of_its_maker(lab: Lab) -> None:
    links = subprocess.run(["ip", "-o", "link"], capture_output=True, text=True, check=True).stdout

    assert not any(port.switch_port in links for host in lab.nodes for port in host.ports)


def test_every_host_of_a_segment_reaches_every_other_on_each_segment() -> None:
    segments = ("10.200.200.0/24", "192.168.0.0/18")
    with Lab(unique_name(), nodes=2, segments=segments, pods=False) as own:
        for node in own.nodes:
            assert reaches(own.client, node, segment=0)
            assert reaches(own.client, node, segment=1)


def test_requests_to_a_service_reach_the_pods_of_every_node(lab: Lab, holder: Host) -> None:
    lab.program_services([ServiceRule(VIP, 80, lab.backends())])

    bodies = Counter(get(lab.client, f"http://{VIP}/") for _ in range(6))

    assert bodies == {"pod1 on node1": 2, "pod2 on node2": 2, "pod3 on node3": 2}
    assert lab.owner(lab.client.neighbour(VIP) or "") == holder.name


def test_the_local_policy_reaches_the_holders_own_pod_alone(lab: Lab, holder: Host) -> None:
    lab.program_services([ServiceRule(VIP, 80, lab.backends(), local=True)])

    assert holder.name == "node2"
    assert {get(lab.client, f"http://{VIP}/") for _ in range(4)} == {"pod2 on node2"}


def test_services_that_are_programmed_replace_the_ones_before(lab: Lab, holder: Host) -> None:
    assert holder.name == "node2"
    many = [ServiceRule(VIP, port, lab.backends()) for port in range(1000, 2000)]
    lab.program_services(many)
    assert get(lab.client, f"http://{VIP}:1999/").startswith("pod")
    lab.program_services(many[:1])
    with pytest.raises(LabError, match="exit status 7"):
        get(lab.client, f"http://{VIP}:1999/")


def test_a_pulled_port_loses_its_carrier_until_it_is_put_back(lab: Lab) -> None:
    node, other = lab.nodes[:2]
    lab.switch.pull(node)
    eventually(lambda: not has_carrier(node), what="carrier gone")
    assert not reaches(other, node)
    lab.switch.put_back(node)
    eventually(lambda: has_carrier(node), what="carrier back")
    eventually(lambda: reaches(other, node), what="node reached again")


def test_a_partition_keeps_the_carrier_and_cuts_only_whom_it_names(lab: Lab) -> None:
    first, second, third = lab.nodes
    lab.switch.partition(first, second)
    assert not reaches(first, second)
    assert reaches(first, third)
    assert reaches(lab.client, first)
    lab.switch.partition(third)
    assert not reaches(third, first)
    assert not reaches(lab.client, third)
    assert all(has_carrier(node) for node in lab.nodes)
    lab.switch.heal()
    assert reaches(first, second)
    assert reaches(lab.client, third)


def test_a_closed_loop_of_requests_names_its_holder_and_loses_none(lab: Lab, holder: Host) -> None:
    asked = measure.ask(lab.client, VIP, count=2000)

    assert (asked.sent, asked.lost, asked.doubled) == (2000, 0, 0)
    assert asked.macs == {holder.mac: 2000}
    assert 0 < asked.ns["min"] <= asked.ns["p50"] <= asked.ns["p99"] <= asked.ns["max"]


def test_two_nodes_that_answer_are_counted_as_two(lab: Lab, holder: Host) -> None:
    other = lab.node(3)
    other.add_to_lo(VIP)
    try:
        asked = measure.ask(lab.client, VIP, count=500)
        with measure.watch(lab.client, VIP, every_ms=2) as watch:
            eventually(
                lambda: {e["mac"] for e in watch.events()} == {holder.mac, other.mac},
                what="answers of both",
            )
    finally:
        other.remove_from_lo(VIP)

    assert asked.macs.keys() == {holder.mac, other.mac}
    assert asked.doubled > 0
    seen = watch.seen[VIP]
    assert set(seen.macs) == {holder.mac, other.mac}
    assert seen.doubled
    assert seen.two_macs


def test_an_address_that_nobody_has_gets_no_answer(lab: Lab) -> None:
    asked = measure.ask(lab.client, "192.0.2.250", count=3, timeout=0.2)

    assert (asked.sent, asked.answered, asked.lost) == (3, 0, 3)


def test_a_watch_measures_the_silence_of_a_pulled_port_and_the_move(lab: Lab, holder: Host) -> None:
    heir = lab.node(1)
    with measure.watch(lab.client, VIP, every_ms=2) as watch:
        assert watch.moved(VIP)[0] == holder.mac
        pulled = time.monotonic_ns()
        lab.switch.pull(holder)
        assert measure.ask(lab.client, VIP, count=3).lost == 3  # so the watch has lost one, too
        heir.add_to_lo(VIP)
        mac, at = watch.moved(VIP, away_from=holder.mac)
    heir.remove_from_lo(VIP)
    lab.switch.put_back(holder)
    eventually(lambda: reaches(lab.client, holder), what="holder reached again")

    seen = watch.seen[VIP]
    assert mac == heir.mac
    assert seen.macs == (holder.mac, heir.mac)
    assert not seen.two_macs
    assert seen.lost == sum(lost for _, lost in seen.silences) > 0
    span = max((span for span, _ in seen.silences), key=lambda span: span.seconds)
    assert span.last_ns == at
    assert span.first_ns < at
    assert at > pulled


def test_a_thousand_requests_a_second_are_all_answered(lab: Lab, holder: Host) -> None:
    lab.program_services([ServiceRule(VIP, 80, lab.backends())])
    assert holder.name == "node2"
    with measure.load(lab.client, f"http://{VIP}/", rate=1000) as load:
        eventually(
            lambda: any(event["answered"] >= 1500 for event in load.events()), what="1,500 answers"
        )

    loaded = load.loaded
    assert loaded.errors == {}
    assert loaded.answered == loaded.sent == sum(loaded.answers.values())
    assert loaded.answers.keys() == {f"pod{i} on node{i}" for i in (1, 2, 3)}


def test_a_client_behind_a_router_reaches_a_service_on_every_node() -> None:
    """The router's paths to the VIP are the test's own."""
    with Lab(unique_name(), nodes=2, routers=1) as own:
        hops = " ".join(f"nexthop via {node.address}" for node in own.nodes)
        kernel.ip(own.routers[0].namespace, [f"route add {VIP} {hops}"])
        own.program_services([ServiceRule(VIP, 80, own.backends(), local=True)])

        bodies = {get(own.remote, f"http://{VIP}/") for _ in range(32)}

        assert bodies == {"pod1 on node1", "pod2 on node2"}


def test_with_ipv6_every_host_reaches_every_other_at_once(tmp_path: Path) -> None:
    with Lab(unique_name(), nodes=2, routers=2, ipv6=True, pods=False) as own:
        node = own.node(2)
        serve = [
            "-m",
            "http.server",
            "80",
            "--bind",
            str(node.address6),
            "--directory",
            str(tmp_path),
        ]
        node.start([sys.executable, *serve], name="http")
        others = [own.node(1), own.client, *own.routers, *own.remotes]
        listening = ["sh", "-c", "ss -6Hltn | grep -q :80"]
        eventually(lambda: node.run(listening, check=False).returncode == 0, what="it listens")

        for host in others:
            assert get(host, f"http://[{node.address6}]/").startswith("<!DOCTYPE")


def test_requests_that_nobody_answers_are_lost(lab: Lab) -> None:
    with measure.load(lab.client, f"http://{lab.node(1).address}:9/", rate=50) as load:
        eventually(load.events, what="a second has passed")

    loaded = load.loaded
    assert loaded.answered == 0
    assert loaded.errors == {"ECONNREFUSED": loaded.sent}


def test_a_native_switch_runs_a_program_on_every_port_and_still_carries_services() -> None:
    with Lab(unique_name()) as own:
        own.native_switch()
        links = kernel.links(own.topology.switch)
        ports = [port.switch_port for host in own.topology.hosts for port in host.ports]
        own.node(1).add_to_lo(VIP)
        own.program_services([ServiceRule(VIP, 80, own.backends())])
        # 1 is XDP_ATTACHED_DRV (linux/if_link.h): native.
        assert [links[port]["xdp"]["mode"] for port in ports] == [1] * 4
        assert get(own.client, f"http://{VIP}/") == "pod1 on node1"


def test_a_lab_in_use_is_refused_to_others_and_its_holder_is_named(lab: Lab) -> None:
    second = subprocess.run(
        [sys.executable, "-m", "lab", "up", "--name", lab.name],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )

    assert second.returncode == 1
    assert f"lab '{lab.name}' is in use by process" in second.stderr
    with pytest.raises(Busy):
        Lab(lab.name).down()
    assert reaches(lab.client, lab.node(1))


def test_objects_for_the_lab_are_what_stands(lab: Lab, tmp_path: Path) -> None:
    lab.write_nodes(tmp_path)
    lab.write_endpoints(tmp_path, "nginx", nodes=["node1", "node3"])

    assert {path.name for path in tmp_path.iterdir()} == {
        "lab-nodes.yaml",
        "lab-endpoints-default-nginx.yaml",
    }
    endpoints = (tmp_path / "lab-endpoints-default-nginx.yaml").read_text()
    assert [str(pod.address) in endpoints for pod in lab.pods] == [True, False, True]
