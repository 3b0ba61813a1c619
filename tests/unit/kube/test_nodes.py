"""Nodes become values: labels, addresses and whether the network is there; or findings."""

from __future__ import annotations

from ipaddress import ip_address

import pytest

from tests.unit.kube.parsing import everything, refused
from vipcast.kube.defaults import with_defaults
from vipcast.kube.parse import parse_node
from vipcast.model.errors import Finding
from vipcast.model.objects import Node
from vipcast.model.raw import NODE


def test_what_could_be_read_of_a_node_is_at_hand() -> None:
    status = {
        "addresses": [
            {"type": "InternalIP", "address": "192.0.2.1"},
            {"type": "InternalIP", "address": "192.0.2"},
        ]
    }
    raw = {"metadata": {"name": "n1", "labels": {"zone": 1, "row": "a"}}, "status": status}
    error = everything(raw, parse_node)
    assert [found.field for found in error.findings] == [
        "metadata.labels.zone",
        "status.addresses[1].address",
    ]
    read = error.partial
    assert isinstance(read, Node)
    assert read.addresses == (ip_address("192.0.2.1"),)


def test_a_node_has_labels_addresses_and_a_network() -> None:
    raw = {
        "metadata": {"name": "n1", "labels": {"zone": "a"}},
        "spec": {"podCIDR": "10.1.0.0/24", "podCIDRs": ["10.1.0.0/24", "fd00::/64"]},
        "status": {
            "addresses": [
                {"type": "InternalIP", "address": "192.0.2.11"},
                {"type": "Hostname", "address": "n1"},
                {"type": "ExternalIP", "address": "2001:db8::11"},
            ],
            "conditions": [
                {"type": "Ready", "status": "True"},
                {"type": "NetworkUnavailable", "status": "True"},
            ],
        },
    }
    assert parse_node(with_defaults(NODE, raw)) == Node(
        name="n1",
        labels={"zone": "a"},
        addresses=(ip_address("192.0.2.11"), ip_address("2001:db8::11")),
        network_unavailable=True,
        pod_cidrs=("10.1.0.0/24", "fd00::/64"),
    )
    assert parse_node({"metadata": {"name": "n1"}}) == Node("n1")


@pytest.mark.parametrize(
    ("conditions", "ready"),
    [
        ([], True),
        ([{"type": "Ready", "status": "True"}, {"type": "DiskPressure", "status": "False"}], True),
        ([{"type": "Ready", "status": "False"}], False),
        ([{"type": "Ready", "status": "Unknown"}], False),
    ],
)
def test_a_node_is_ready_unless_its_condition_says_otherwise(
    conditions: list[dict[str, str]], *, ready: bool
) -> None:
    raw = {"metadata": {"name": "n1"}, "status": {"conditions": conditions}}
    assert parse_node(raw).ready is ready


def test_a_node_that_cannot_be_read_is_named() -> None:
    raw = {"metadata": {"name": "n1"}, "status": {"addresses": [{"type": "InternalIP"}]}}
    assert refused(raw, parse_node) == Finding(
        "Node n1",
        "status.addresses[0].address",
        "",
        "'' is not an IP address.",
        "Write an IPv4 or IPv6 address.",
    )
