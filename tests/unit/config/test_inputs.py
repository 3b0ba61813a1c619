"""Configurations as users have them: each file of tests/inputs loads unchanged."""

from __future__ import annotations

from ipaddress import IPv4Address
from pathlib import Path
from typing import Any

import pytest

from vipcast.config import Config, parse_config_map
from vipcast.config.nodes import plain
from vipcast.config.yamltext import compose, split
from vipcast.model.addresses import Family
from vipcast.model.pool import Protocol

INPUTS = Path(__file__).parents[2] / "inputs"


def objects(name: str) -> dict[str, Any]:
    """The objects of an input by their kind."""
    nodes = (compose(chunk, name) for chunk in split((INPUTS / name).read_text()))
    found = [plain(node, name) for node in nodes if node is not None]
    return {raw["kind"]: raw for raw in found}


def config(name: str) -> Config:
    return parse_config_map(objects(name)["ConfigMap"])


def entries(name: str) -> list[str]:
    return [str(entry) for pool in config(name).pools for entry in pool.entries]


def test_l2_range_is_one_pool_of_three_addresses() -> None:
    (pool,) = config("l2-range.yaml").pools
    assert (pool.name, pool.protocol) == ("default", Protocol.LAYER2)
    assert entries("l2-range.yaml") == ["10.200.200.120-10.200.200.122"]
    assert pool.capacity(Family.IPV4) == 3


def test_l2_mask_is_the_network_of_sixteen_addresses_around_its_host_bits() -> None:
    (pool,) = config("l2-mask.yaml").pools
    assert entries("l2-mask.yaml") == ["192.168.31.240-192.168.31.255"]
    assert pool.capacity(Family.IPV4) == 16
    assert pool.allows(IPv4Address("192.168.31.255"))


def test_l2_home_is_twenty_addresses() -> None:
    (pool,) = config("l2-home.yaml").pools
    assert entries("l2-home.yaml") == ["192.168.1.30-192.168.1.49"]
    assert pool.capacity(Family.IPV4) == 20


@pytest.mark.parametrize(
    ("name", "ranges"),
    [
        ("bgp-edge.yaml", ["192.168.131.0-192.168.131.255"]),
        ("bgp-nxos.yaml", ["172.19.100.0-172.19.100.255"]),
        ("bgp-soft-router.yaml", ["192.168.0.30-192.168.0.49"]),
        (
            "everything-0.12.yaml",
            ["198.51.100.0-198.51.100.255", "2001:db8:0:1::-2001:db8:0:1::ff"],
        ),
    ],
)
def test_pools_of_protocol_bgp_load(name: str, ranges: list[str]) -> None:
    assert {pool.protocol for pool in config(name).pools} == {Protocol.BGP}
    assert entries(name) == ranges
    assert "peers" in config(name).later


def test_the_pool_of_bgp_nxos_avoids_buggy_addresses() -> None:
    (pool,) = config("bgp-nxos.yaml").pools
    assert not pool.allows(IPv4Address("172.19.100.0"))
    assert pool.allows(IPv4Address("172.19.100.1"))


def test_everything_loads_with_each_of_its_keys() -> None:
    found = config("everything.yaml")
    space, lan = found.pools
    assert (space.protocol, space.auto_assign, space.avoid_buggy) == (Protocol.BGP, False, True)
    assert (lan.protocol, lan.auto_assign, lan.avoid_buggy) == (Protocol.LAYER2, True, False)
    assert entries("everything.yaml") == [
        "198.51.100.0-198.51.100.255",
        "192.168.0.150-192.168.0.200",
        "192.168.144.0-192.168.159.255",
    ]
    assert set(found.later) == {
        "peers",
        "bgp-communities",
        "address-pools[0].bgp-advertisements",
    }


def test_a_community_stays_text() -> None:
    later = config("everything.yaml").later
    assert later["address-pools[0].bgp-advertisements"] == [
        {"aggregation-length": "32", "localpref": "100", "communities": ["64512:1", "no-export"]}
    ]
    assert later["bgp-communities"] == {
        "no-export": "65535:65281",
        "no-advertise": "65535:65282",
    }


def test_every_input_is_tried_here() -> None:
    assert sorted(path.name for path in INPUTS.glob("*.yaml")) == [
        "bgp-edge.yaml",
        "bgp-nxos.yaml",
        "bgp-soft-router.yaml",
        "everything-0.12.yaml",
        "everything.yaml",
        "l2-home.yaml",
        "l2-mask.yaml",
        "l2-range.yaml",
        "memberlist-secret.yaml",
    ]
