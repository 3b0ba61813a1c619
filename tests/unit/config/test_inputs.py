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
from vipcast.model.advertisement import BgpAdvertisement, Community, L2Advertisement
from vipcast.model.errors import ConfigError, Finding
from vipcast.model.peer import BfdProfile, Peer
from vipcast.model.selectors import Operator, Requirement, Selector

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
    assert pool.name == "default"
    assert config("l2-range.yaml").l2 == (L2Advertisement("default", frozenset({"default"})),)
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
    assert all(config(name).only_by_bgp(pool.name) for pool in config(name).pools)
    assert entries(name) == ranges
    assert not config(name).l2


def test_the_pool_of_bgp_nxos_avoids_buggy_addresses() -> None:
    (pool,) = config("bgp-nxos.yaml").pools
    assert not pool.allows(IPv4Address("172.19.100.0"))
    assert pool.allows(IPv4Address("172.19.100.1"))


def test_everything_loads_with_each_of_its_keys() -> None:
    found = config("everything.yaml")
    space, lan = found.pools
    assert (space.auto_assign, space.avoid_buggy) == (False, True)
    assert (lan.auto_assign, lan.avoid_buggy) == (True, False)
    assert entries("everything.yaml") == [
        "198.51.100.0-198.51.100.255",
        "192.168.0.150-192.168.0.200",
        "192.168.144.0-192.168.159.255",
    ]
    assert found.bgp == (
        BgpAdvertisement(
            "bgpadvertisement1",
            frozenset({"my-ip-space"}),
            local_pref=100,
            communities=(Community((64512, 1)), Community((65535, 65281))),
        ),
    )
    assert found.l2 == (L2Advertisement("lan", frozenset({"lan"})),)
    prod = Selector.of(
        [
            Requirement("kubernetes.io/hostname", Operator.IN, ("prod-01",)),
            Requirement("beta.kubernetes.io/arch", Operator.IN, ("amd64", "arm")),
        ]
    )
    assert found.peers == (
        Peer(
            "peer1",
            my_asn=64512,
            peer_asn=64512,
            address=IPv4Address("10.0.0.1"),
            hold_time=120,
            router_id=IPv4Address("1.2.3.4"),
            nodes=(prod,),
            password="yourPassword",
        ),
    )
    assert not found.warnings


def test_an_aggregation_wider_than_the_range_s_widest_block_is_refused() -> None:
    raw = objects("everything.yaml")["ConfigMap"]
    text = raw["data"]["config"].replace("aggregation-length: 32", "aggregation-length: 24")
    with pytest.raises(ConfigError) as caught:
        parse_config_map({**raw, "data": {"config": text}})
    assert caught.value.findings == (
        Finding(
            "ConfigMap metallb-system/config",
            "address-pools[0].bgp-advertisements[0].aggregation-length",
            "24",
            "A route of /24 is wider than the widest block of 192.168.0.150-192.168.0.200"
            " (address-pools[0].addresses[1]), a /27.",
            "Write 27 or more, or leave the key out.",
        ),
    )


def test_each_value_of_everything_has_its_origin_and_its_default() -> None:
    found = {
        each.field: (each.value, each.default, each.given)
        for each in config("everything.yaml").settings
    }
    assert found == {
        "bgp-communities.no-export": ("65535:65281", "", True),
        "bgp-communities.no-advertise": ("65535:65282", "", True),
        "address-pools[0].name": ("my-ip-space", "", True),
        "address-pools[0].protocol": ("bgp", "", True),
        "address-pools[0].addresses[0]": ("198.51.100.0/24", "", True),
        "address-pools[0].addresses[1]": ("192.168.0.150-192.168.0.200", "", True),
        "address-pools[0].avoid-buggy-ips": ("true", "false", True),
        "address-pools[0].auto-assign": ("false", "true", True),
        "address-pools[0].bgp-advertisements[0].aggregation-length": ("32", "32", True),
        "address-pools[0].bgp-advertisements[0].aggregation-length-v6": ("128", "128", False),
        "address-pools[0].bgp-advertisements[0].localpref": ("100", "0", True),
        "address-pools[0].bgp-advertisements[0].communities[0]": ("64512:1", "none", True),
        "address-pools[0].bgp-advertisements[0].communities[1]": ("no-export", "none", True),
        "address-pools[1].name": ("lan", "", True),
        "address-pools[1].protocol": ("layer2", "", True),
        "address-pools[1].addresses[0]": ("192.168.144.0/20", "", True),
        "address-pools[1].avoid-buggy-ips": ("false", "false", False),
        "address-pools[1].auto-assign": ("true", "true", False),
        "bfd-profiles": ("none", "none", False),
        "peers[0].my-asn": ("64512", "", True),
        "peers[0].peer-asn": ("64512", "", True),
        "peers[0].peer-address": ("10.0.0.1", "", True),
        "peers[0].hold-time": ("120s", "90s", True),
        "peers[0].keepalive-time": ("a third of hold-time", "a third of hold-time", False),
        "peers[0].ebgp-multihop": ("false", "false", False),
        "peers[0].peer-port": ("179", "179", True),
        "peers[0].source-address": (
            "chosen by the routing table",
            "chosen by the routing table",
            False,
        ),
        "peers[0].router-id": ("1.2.3.4", "the node's", True),
        "peers[0].node-selectors[0]": (
            "beta.kubernetes.io/arch in (amd64,arm),kubernetes.io/hostname=prod-01",
            "every node",
            True,
        ),
        "peers[0].password": ("(hidden)", "none", True),
        "peers[0].bfd-profile": ("none", "none", False),
    }


def test_everything_of_0_12_loads_with_a_warning_for_each_part_that_has_no_effect() -> None:
    found = config("everything-0.12.yaml")
    assert found.peers == (
        Peer(
            "peer1",
            my_asn=64513,
            peer_asn=64512,
            address=IPv4Address("10.0.0.1"),
            source=IPv4Address("10.0.0.7"),
            hold_time=90,
            keepalive_time=30,
            bfd_profile="fast",
            ebgp_multihop=True,
        ),
    )
    assert found.bfd_profiles == (
        BfdProfile("fast", receive_interval=150, transmit_interval=150, detect_multiplier=3),
    )
    assert found.bgp == (BgpAdvertisement("bgpadvertisement1", frozenset({"dual"})),)
    later = "Keep it for later, or remove it."
    assert found.warnings == tuple(
        Finding("ConfigMap metallb-system/config", field, value, message, fix)
        for field, value, message, fix in (
            ("bfd-profiles[0]", "fast", "BFD is not spoken in this version.", later),
            (
                "peers[0].bfd-profile",
                "fast",
                "The session comes up without BFD. BFD is not spoken in this version.",
                later,
            ),
        )
    )


@pytest.mark.parametrize("name", ["bgp-edge.yaml", "bgp-nxos.yaml", "bgp-soft-router.yaml"])
def test_what_is_told_to_routers_has_no_warning(name: str) -> None:
    assert not config(name).warnings


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
