"""The configuration of a controller in every form, with the cluster around it, from a directory."""

from __future__ import annotations

import logging
from ipaddress import IPv4Address, IPv4Network
from pathlib import Path
from typing import Any

import pytest

from tests.support.waiting import eventually_async
from tests.unit.controller.running import Place, config_map, has, pool, running
from vipcast.config import parse, restored
from vipcast.ports import Raw

INPUTS = Path(__file__).parents[2] / "inputs"
HOME = {"name": "home", "addresses": ["192.0.2.10-192.0.2.19"]}


@pytest.fixture
def place(tmp_path: Path) -> Place:
    """A directory without any configuration."""
    return Place(tmp_path)


def node(name: str, address: str) -> dict[str, Any]:
    addresses = [{"type": "InternalIP", "address": address}]
    return {
        "apiVersion": "v1",
        "kind": "Node",
        "metadata": {"name": name},
        "status": {"addresses": addresses},
    }


async def says(place: Place, text: str, result: str = "Invalid") -> None:
    """Wait until the controller's ConfigurationState says something."""
    await eventually_async(
        lambda: place.state().get("result") == result and text in place.state()["errorSummary"],
        what=f"it is {result}: {text}",
    )


async def test_pools_that_are_objects_of_their_own_are_used_by_priority(place: Place) -> None:
    first = pool("z", "198.51.100.0/31", serviceAllocation={"priority": 1})
    place.put("pools.yaml", pool("a", "192.0.2.0/31"), first)
    async with running(place):
        for name in "one", "two", "three":
            place.service(name)
            await eventually_async(lambda name=name: place.address(name), what=name)
        await has(place, one="198.51.100.0", two="198.51.100.1", three="192.0.2.0")
        assert place.state()["result"] == "Valid"


async def test_both_forms_at_once_are_an_error_that_names_both_and_change_nothing(
    place: Place,
) -> None:
    place.put("config.yaml", config_map(HOME))
    place.service("web")
    async with running(place):
        await has(place, web="192.0.2.10")
        place.put("pools.yaml", pool("a", "198.51.100.0/31"))
        await says(
            place,
            "ConfigMap metallb-system/config: There are two configurations: this ConfigMap, and"
            " objects of group metallb.io: IPAddressPool metallb-system/a.",
        )
        place.service("db")
        await has(place, web="192.0.2.10", db="192.0.2.11")
        place.remove("config.yaml")
        await has(place, db="198.51.100.0", web="198.51.100.1")
        assert place.state()["result"] == "Valid"


async def test_a_node_that_has_an_address_of_a_pool_makes_it_wrong_and_takes_nothing(
    place: Place,
) -> None:
    place.put("pools.yaml", pool("a", "192.0.2.0/28"))
    place.service("web")
    async with running(place):
        await has(place, web="192.0.2.0")
        place.put("node.yaml", node("n1", "192.0.2.9"))
        await says(place, "It contains 192.0.2.9, an address of node n1.")
        place.service("db")
        await has(place, web="192.0.2.0", db="192.0.2.1")
        place.put("node.yaml", node("n1", "192.0.2.99"))
        await says(place, "", result="Valid")


async def test_a_pool_within_the_cluster_ips_is_refused(place: Place) -> None:
    place.put("pools.yaml", pool("a", "10.96.7.0/28"))
    async with running(place, service_cidrs=(IPv4Network("10.96.0.0/12"),)):
        await says(place, "It shares addresses with 10.96.0.0/12, the cluster IPs")


async def test_a_pool_in_another_namespace_is_pointed_at(place: Place) -> None:
    place.put("pools.yaml", pool("a", "192.0.2.0/28", namespace="default"))
    async with running(place):
        await says(place, "The IPAddressPool was found in namespace default")


def peer(address: str) -> dict[str, Any]:
    return {
        "apiVersion": "metallb.io/v1beta1",
        "kind": "BGPPeer",
        "metadata": {"name": "tor", "namespace": "metallb-system"},
        "spec": {"myASN": 64512, "peerASN": 64513, "peerAddress": address},
    }


async def test_a_bgp_peer_that_is_wrong_is_told_and_holds_up_no_pool(place: Place) -> None:
    saved: list[Raw] = []
    place.put("pools.yaml", pool("home", HOME["addresses"][0]))
    place.put("peer.yaml", peer("10.0.0.1"))
    place.service("web")
    async with running(place, saved=saved):
        await has(place, web="192.0.2.10")
        place.put("peer.yaml", peer("10.0.0.300"))
        await says(place, "BGPPeer metallb-system/tor: spec.peerAddress = '10.0.0.300'")
        place.put("pools.yaml", pool("home", "198.51.100.0/31"))
        await has(place, web="198.51.100.0")
    peers = [each.address for each in parse(restored(saved[-1], "metallb-system")).peers]
    assert peers == [IPv4Address("10.0.0.1")]


@pytest.mark.parametrize(
    "good", [pool("home", HOME["addresses"][0]), config_map(HOME)], ids=["objects", "ConfigMap"]
)
async def test_a_restart_under_a_bad_configuration_goes_on_with_the_last_good_one(
    place: Place, good: dict[str, Any]
) -> None:
    saved: list[Raw] = []
    place.put("config.yaml", good)
    place.service("web")
    async with running(place, saved=saved):
        await has(place, web="192.0.2.10")
    place.put("config.yaml", pool("home", "192.0.2.19-192.0.2.10"))
    async with running(place, saved=saved):
        await says(place, "The range ends before it begins.")
        place.service("db")
        await has(place, web="192.0.2.10", db="192.0.2.11")
    assert len(saved) == 1


async def test_a_restart_with_a_pool_in_a_file_that_cannot_be_read_takes_nothing(
    place: Place,
) -> None:
    saved: list[Raw] = []
    place.put("home.yaml", pool("home", "192.0.2.10-192.0.2.19"))
    place.put("far.yaml", pool("far", "198.51.100.0/28", autoAssign=False))
    place.service("web", annotations={"metallb.io/address-pool": "far"})
    async with running(place, saved=saved):
        await has(place, web="198.51.100.0")
    place.text("far.yaml", "spec: [")
    async with running(place, saved=saved):
        await says(place, "IPAddressPool metallb-system/far: It is not seen")
        place.service("db")
        await has(place, web="198.51.100.0", db="192.0.2.10")
        place.remove("far.yaml")
        await has(place, web=None, db="192.0.2.10")


async def test_what_has_no_effect_is_told_in_status_event_metric_and_log(
    place: Place, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    place.text("config.yaml", (INPUTS / "everything-0.12.yaml").read_text())
    async with running(place) as controller:
        await eventually_async(
            lambda: len(place.state().get("conditions", ())) == 3, what="it says"
        )
        told = place.state()["conditions"][2]
        without_bfd = "The session comes up without BFD. BFD is not spoken in this version."
        assert (told["type"], told["status"]) == ("vipcast.io/withoutEffect", "True")
        assert f"peers[0].bfd-profile = 'fast': {without_bfd}" in told["message"]
        assert place.state()["result"] == "Valid"
        assert controller.metric("vipcast_config_warnings") == 2
        await eventually_async(lambda: len(place.events("config")) == 2, what="the Events")
        assert ("ConfigurationWarning", f"peers[0].bfd-profile: {without_bfd}", 1) in (
            place.events("config")
        )
        lines = [record.__dict__["vipcast"]["event"] for record in caplog.records]
        assert lines.count("configWarning") == 2
        place.put("config.yaml", config_map(HOME))
        await eventually_async(lambda: len(place.state()["conditions"]) == 2, what="it is over")
        assert controller.metric("vipcast_config_warnings") == 0
