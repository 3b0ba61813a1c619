"""Rules and objects that stand for Services and Nodes in the lab."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml

from lab import objects
from lab.errors import LabError
from lab.services import Backend, ServiceRule, ruleset
from lab.topology import plan

PODS = (Backend("10.244.1.2", 8080, "node1"), Backend("10.244.2.2", 8080, "node2"))


def test_services_with_the_same_pods_share_a_chain() -> None:
    rules = ruleset("node1", [ServiceRule(f"192.0.2.{i}", 80, PODS) for i in range(200, 250)])

    assert rules.count("goto pods0") == 50
    assert rules.count("chain pods") == 1


def test_the_local_policy_keeps_to_the_nodes_own_pods_and_the_clients_address() -> None:
    service = ServiceRule("192.0.2.240", 80, PODS, local=True)

    assert "mod 1 map { 0 : 10.244.2.2 . 8080 }" in ruleset("node2", [service])
    assert "mark set" not in ruleset("node2", [service])
    assert "chain pods0 {\n    drop\n" in ruleset("node3", [service])


def test_two_services_on_one_address_and_port_are_refused() -> None:
    services = [ServiceRule("192.0.2.240", 80, PODS), ServiceRule("192.0.2.240", 80, PODS[:1])]

    with pytest.raises(LabError, match=r"192\.0\.2\.240 \. tcp \. 80"):
        ruleset("node1", services)


def test_node_objects_have_an_internal_address_for_each_segment(tmp_path: Path) -> None:
    drawn = plan("x", nodes=1, segments=("192.0.2.0/24", "198.51.100.0/24"))
    target = tmp_path / "objects" / "nodes.yaml"

    objects.write(target, objects.nodes(drawn))

    [node] = yaml.safe_load_all(target.read_text())
    assert node["metadata"]["name"] == "node1"
    assert node["status"]["addresses"] == [
        {"type": "InternalIP", "address": "192.0.2.11"},
        {"type": "InternalIP", "address": "198.51.100.11"},
        {"type": "Hostname", "address": "node1"},
    ]
    assert list(target.parent.iterdir()) == [target]


def test_an_endpoint_slice_names_its_service_its_pods_and_their_nodes() -> None:
    assert objects.endpoint_slice("nginx", "default", "http", PODS) == {
        "apiVersion": "discovery.k8s.io/v1",
        "kind": "EndpointSlice",
        "metadata": {
            "name": "nginx-lab",
            "namespace": "default",
            "labels": {"kubernetes.io/service-name": "nginx"},
        },
        "addressType": "IPv4",
        "endpoints": [
            {
                "addresses": [pod.address],
                "conditions": {"ready": True, "serving": True, "terminating": False},
                "nodeName": pod.node,
            }
            for pod in PODS
        ],
        "ports": [{"name": "http", "port": 8080, "protocol": "TCP"}],
    }
