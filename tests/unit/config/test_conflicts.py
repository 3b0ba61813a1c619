"""BGP objects that are right by themselves and cannot be together."""

from __future__ import annotations

from typing import Any

import pytest

from tests.unit.config.making import (
    SYSTEM,
    bgp_ad,
    bgp_peer,
    ip_pool,
    loaded,
    match,
    refused,
)
from vipcast.config import Context
from vipcast.model.errors import Finding
from vipcast.model.objects import Node

NODES = Context((Node("n1", {"rack": "1"}), Node("n2", {"rack": "2", "disk": "ssd"})))
NOTHING = Context()


def rack(number: int) -> dict[str, Any]:
    return {"nodeSelectors": [match(rack=str(number))]}


SSD = {"nodeSelectors": [match(disk="ssd")]}


@pytest.mark.parametrize(
    ("first", "second", "context"),
    [
        ({}, {}, NOTHING),
        ({}, {}, NODES),
        ({}, {"peerPort": 179}, NODES),
        (rack(1), rack(1), NOTHING),
        (rack(9), rack(9), NODES),
        ({}, rack(1), NODES),
        (SSD, rack(2), NODES),
        ({"sourceAddress": "10.0.0.9"}, {"sourceAddress": "10.0.0.9"}, NODES),
    ],
)
def test_two_peers_of_one_node_over_the_same_connection_are_both_refused(
    first: dict[str, Any], second: dict[str, Any], context: Context
) -> None:
    found = refused(bgp_peer("a", **first), bgp_peer("b", **second), context=context)
    what = "has the same address, port and source, and a node in common."
    fix = "Delete one of the two, or give them nodes of their own (nodeSelectors)."
    assert found == tuple(
        Finding(
            f"BGPPeer {SYSTEM}/{mine}",
            "spec.peerAddress",
            "10.0.0.1",
            f"BGPPeer {SYSTEM}/{other} {what}",
            fix,
        )
        for mine, other in (("a", "b"), ("b", "a"))
    )


@pytest.mark.parametrize(
    ("first", "second", "context"),
    [
        ({}, {"peerAddress": "10.0.0.2"}, NODES),
        ({}, {"peerPort": 1179}, NODES),
        ({}, {"sourceAddress": "10.0.0.9"}, NODES),
        (rack(1), rack(2), NOTHING),
        (rack(1), rack(2), NODES),
        (rack(1), SSD, NODES),
        ({}, rack(1), NOTHING),
        ({}, rack(9), NODES),
    ],
)
def test_peers_that_differ_or_have_no_node_in_common_go_together(
    first: dict[str, Any], second: dict[str, Any], context: Context
) -> None:
    assert len(loaded(bgp_peer("a", **first), bgp_peer("b", **second), context=context).peers) == 2


POOLS = (
    ip_pool("v4", "192.0.2.0/24"),
    ip_pool("v6", "2001:db8::/64"),
    ip_pool("both", "198.51.100.0/24", "2001:db8:1::/64"),
)
PEERS = (bgp_peer("tor"), bgp_peer("spine", peerAddress="10.0.0.2"))


def ads(first: dict[str, Any], second: dict[str, Any]) -> tuple[dict[str, Any], ...]:
    """Two advertisements that differ in their preference at least."""
    return (
        *(*POOLS, *PEERS),
        bgp_ad("a", **{"localPref": 100, **first}),
        bgp_ad("b", **{"localPref": 200, **second}),
    )


@pytest.mark.parametrize(
    ("first", "second", "context"),
    [
        ({}, {}, NOTHING),
        ({"ipAddressPools": ["v4"]}, {"ipAddressPools": ["v4", "v6"]}, NODES),
        ({"peers": ["tor"]}, {"peers": ["spine", "tor"]}, NODES),
        ({"peers": ["tor"]}, {}, NODES),
        (SSD, rack(2), NODES),
        ({"aggregationLength": 24}, {}, NODES),
        ({"localPref": 0}, {}, NODES),
    ],
)
def test_the_same_route_with_two_preferences_is_refused(
    first: dict[str, Any], second: dict[str, Any], context: Context
) -> None:
    other = first.get("localPref", 100)
    assert refused(*ads(first, second), context=context) == (
        Finding(
            f"BGPAdvertisement {SYSTEM}/b",
            "spec.localPref",
            "200",
            f"BGPAdvertisement {SYSTEM}/a gives the same routes the preference {other}.",
            "Give both the same, or other pools, peers, nodes or aggregation lengths.",
        ),
    )


@pytest.mark.parametrize(
    ("first", "second", "context"),
    [
        ({"localPref": 200}, {}, NODES),
        ({"ipAddressPools": ["v4"]}, {"ipAddressPools": ["v6"]}, NODES),
        ({"ipAddressPools": ["v4"], "aggregationLength": 24}, {"ipAddressPools": ["v4"]}, NODES),
        ({"aggregationLength": 24, "aggregationLengthV6": 64}, {}, NODES),
        ({"peers": ["tor"]}, {"peers": ["spine"]}, NODES),
        (rack(1), rack(2), NODES),
        (rack(1), SSD, NODES),
        ({"serviceSelectors": [match(tier="x")]}, {}, NODES),
        ({}, {"serviceSelectors": [match(tier="x")]}, NODES),
    ],
)
def test_preferences_of_routes_that_differ_or_go_elsewhere_stand(
    first: dict[str, Any], second: dict[str, Any], context: Context
) -> None:
    assert len(loaded(*ads(first, second), context=context).bgp) == 2
