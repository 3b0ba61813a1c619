"""What L2Advertisements say, policy Local and shared addresses, on the real kernel path.

From a directory with an IPAddressPool; the speakers see two segments, lan0 and lan1.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator
from typing import Any

import pytest

from lab import measure, objects
from lab.cluster import Lab
from lab.objects import Object
from lab.services import ServiceRule
from lab.vipcast import Vipcast, service
from lab.waiting import until
from speaker.leadership import rank
from tests.support.labs import unique_name
from tests.support.racks import POOL
from vipcast.model.addresses import parse_address

ECHO = """\
import socket, sys
server = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
server.bind(("", 8053))
while True:
    data, peer = server.recvfrom(512)
    server.sendto(data + sys.argv[1].encode(), peer)
"""
QUESTION = """\
import socket, sys
client = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
client.settimeout(1)
client.sendto(b"from ", (sys.argv[1], 53))
print(client.recv(512).decode())
"""
SECOND = 1_000_000_000


def of_metallb(kind: str, name: str, spec: dict[str, Any]) -> Object:
    """An object of group metallb.io in the programs' namespace."""
    metadata = {"name": name, "namespace": "metallb-system"}
    return {"apiVersion": "metallb.io/v1beta1", "kind": kind, "metadata": metadata, "spec": spec}


def selector(**labels: str) -> dict[str, Any]:
    """A LabelSelector."""
    return {"matchLabels": labels}


class Standing(Vipcast):
    """The product on a lab, with one pool and the advertisements of a test."""

    def advertise(self, *specs: dict[str, Any]) -> None:
        """These advertisements and no others."""
        named = [of_metallb("L2Advertisement", f"ad{i}", spec) for i, spec in enumerate(specs)]
        self.apply("advertisements", *named)

    def label(self, labels: dict[str, dict[str, str]]) -> None:
        """Give nodes these labels beside their own, and the others only their own."""
        nodes = objects.nodes(self.lab.topology)
        for node in nodes:
            node["metadata"]["labels"] |= labels.get(node["metadata"]["name"], {})
        objects.write(self.directory / "lab-nodes.yaml", nodes)

    def service(self, name: str, *, metadata: dict[str, Any] | None = None, **spec: Any) -> str:
        """A Service with endpoints on every node; its address."""
        raw = service(name, **spec)
        raw["metadata"] |= metadata or {}
        self.apply(name, raw)
        self.lab.write_endpoints(self.directory, name)
        return self.await_address(name)

    def refusals(self, node: str) -> dict[str, str]:
        """What a node's speaker does not announce: address → reason and message."""
        found = self.status_object(f"speaker-{node}", "SpeakerStatus", "metallb-system", node)
        listed = (found or {}).get("status", {}).get("unannounced", [])
        return {one["address"]: f"{one['reason']}: {one['message']}" for one in listed}

    def await_silence(self, vip: str, segment: int = 0) -> None:
        """Wait until nobody answers."""
        until(lambda: self.answering(vip, segment) is None, f"nobody answers for {vip}")


@pytest.fixture(scope="module")
def vipcast() -> Iterator[Standing]:
    with Lab(unique_name(), segments=["192.0.2.0/24", "198.51.100.0/24"]) as lab:
        standing = Standing(lab)
        standing.start()
        standing.apply("pool", of_metallb("IPAddressPool", "default", {"addresses": [POOL]}))
        standing.advertise({})
        standing.await_ready()
        yield standing


@pytest.fixture(autouse=True)
def _clean(vipcast: Standing) -> Iterator[None]:
    """A test leaves neither Services nor labels behind."""
    kept = {path.name for path in vipcast.directory.glob("*.yaml")}
    yield
    for path in vipcast.directory.glob("*.yaml"):
        if path.name not in kept:
            path.unlink()
    vipcast.label({})
    vipcast.advertise({})


def test_an_address_is_answered_on_the_interface_that_is_named_and_on_no_other(
    vipcast: Standing,
) -> None:
    vipcast.advertise({"interfaces": ["lan1"]})
    vip = vipcast.service("web")
    vipcast.await_answer(vip, segment=1)
    asked = measure.ask(vipcast.lab.client, vip, count=20, timeout=0.05)
    assert asked.answered == 0

    vipcast.advertise({"interfaces": ["lan7"]})
    vipcast.await_silence(vip, segment=1)
    for node in vipcast.lab.nodes:
        until(
            lambda node=node: "name lan7, and" in vipcast.refusals(node.name).get(vip, ""),  # type: ignore[misc]
            f"{node.name} names the interface that it lacks",
        )


def test_the_node_of_most_weight_takes_an_address_and_new_weights_move_nothing(
    vipcast: Standing,
) -> None:
    names = [node.name for node in vipcast.lab.nodes]
    vipcast.label({name: {"rank": str(number)} for number, name in enumerate(names)})
    best, *_, worst = rank(names, parse_address("192.0.2.240"))

    def prefer(name: str) -> None:
        preference = selector(rank=str(names.index(name)))
        vipcast.advertise({"preferredNodeSelectors": [{"weight": 100, "preference": preference}]})

    prefer(worst)
    vip = vipcast.service("web", loadBalancerIP="192.0.2.240")
    assert vipcast.await_answer(vip) == worst
    with measure.watch(vipcast.lab.client, vip) as watch:
        prefer(best)
        vipcast.service("later", loadBalancerIP="192.0.2.241")
        assert vipcast.await_answer("192.0.2.241") == best
    seen = watch.seen[vip]
    assert (seen.lost, [vipcast.lab.owner(mac) for mac in seen.macs]) == (0, [worst])


def test_a_holder_that_is_no_longer_selected_hands_the_address_on_within_a_second(
    vipcast: Standing,
) -> None:
    edge = {node.name: {"edge": "yes"} for node in vipcast.lab.nodes}
    vipcast.label(edge)
    vipcast.advertise({"nodeSelectors": [selector(edge="yes")]})
    vip = vipcast.service("web")
    holder = vipcast.lab.host(vipcast.await_answer(vip))
    with measure.watch(vipcast.lab.client, vip) as watch:
        began = time.monotonic_ns()
        vipcast.label({name: labels for name, labels in edge.items() if name != holder.name})
        _, at = watch.moved(vip, away_from=holder.mac)
        vipcast.label(edge)
        vipcast.service("later")
        vipcast.await_answer(vipcast.await_address("later"))
    seen = watch.seen[vip]
    assert 0 < at - began < SECOND
    assert (len(seen.macs), seen.two_macs) == (2, ())


def test_services_are_announced_by_the_nodes_of_their_own_advertisements(
    vipcast: Standing,
) -> None:
    first, second, _ = (node.name for node in vipcast.lab.nodes)
    vipcast.label({first: {"for": "web"}, second: {"for": "db"}})
    vipcast.advertise(
        *(
            {
                "serviceSelectors": [selector(tier=tier)],
                "nodeSelectors": [selector(**{"for": tier})],
            }
            for tier in ("web", "db")
        )
    )
    web = vipcast.service("web", metadata={"labels": {"tier": "web"}})
    db = vipcast.service("db", metadata={"labels": {"tier": "db"}})
    none = vipcast.service("none")
    assert (vipcast.await_answer(web), vipcast.await_answer(db)) == (first, second)
    until(
        lambda: vipcast.refusals(first).get(none, "").startswith("noMatchingAdvertisement"),
        "the Service that no advertisement is for has its reason",
    )
    assert vipcast.answering(none) is None


def test_with_policy_local_the_last_endpoint_takes_the_address_with_it_within_a_second(
    vipcast: Standing,
) -> None:
    lab = vipcast.lab
    vip = vipcast.service("web", externalTrafficPolicy="Local")
    lab.program_services([ServiceRule(vip, 80, lab.backends(), local=True)])
    holder = lab.host(vipcast.await_answer(vip))
    taker = next(node.name for node in lab.nodes if node.name != holder.name)
    lab.write_endpoints(vipcast.directory, "web", nodes=[holder.name, taker])
    with measure.watch(lab.client, vip) as watch:
        began = time.monotonic_ns()
        lab.write_endpoints(vipcast.directory, "web", nodes=[taker])
        mac, at = watch.moved(vip, away_from=holder.mac)
    seen = watch.seen[vip]
    page = lab.client.run(["curl", "-sS", "--max-time", "5", f"http://{vip}/"]).stdout
    assert lab.owner(mac) == taker
    assert f"on {taker}" in page
    assert 0 < at - began < SECOND
    assert (seen.two_macs, seen.doubled) == ((), ())

    lab.write_endpoints(vipcast.directory, "web", nodes=[])
    vipcast.await_silence(vip)
    until(
        lambda: vipcast.refusals(taker).get(vip, "").startswith("noEndpoints"),
        "the reason is that no endpoint is left",
    )


def test_tcp_and_udp_services_on_one_address_both_answer_and_neither_needs_the_other(
    vipcast: Standing,
) -> None:
    lab = vipcast.lab
    for pod in lab.pods:
        pod.start([sys.executable, "-c", ECHO, pod.name], name="udp")
    shared = {"metallb.io/allow-shared-ip": "dns", "metallb.io/loadBalancerIPs": "192.0.2.245"}
    udp = [{"port": 53, "protocol": "UDP", "targetPort": 8053}]
    vip = vipcast.service("tcp", metadata={"annotations": shared})
    assert vipcast.service("udp", metadata={"annotations": shared}, ports=udp) == vip
    lab.program_services(
        [
            ServiceRule(vip, 80, lab.backends()),
            ServiceRule(vip, 53, lab.backends(8053), protocol="udp"),
        ]
    )
    holder = vipcast.await_answer(vip)
    for name in ("tcp", "udp"):
        vipcast.await_holder(name, holder)

    def question() -> str:
        return lab.client.run([sys.executable, "-c", QUESTION, vip]).stdout

    page = lab.client.run(["curl", "-sS", "--max-time", "5", f"http://{vip}/"]).stdout
    assert page.startswith("pod")
    assert question().startswith("from pod")
    with measure.watch(lab.client, vip) as watch:
        lab.write_endpoints(vipcast.directory, "tcp", nodes=[])
        until(
            lambda: vipcast.refusals(holder).get(vip, "").startswith("noEndpoints"),
            "the Service without endpoints has its reason",
        )
        vipcast.delete("tcp")
        until(lambda: not vipcast.refusals(holder), "the deleted Service is forgotten")
        assert question().startswith("from pod")
    seen = watch.seen[vip]
    assert (seen.lost, seen.doubled) == (0, ())
    assert [lab.owner(mac) for mac in seen.macs] == [holder]
