"""What users ask for by annotations, pools and namespaces, over a real directory."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.support.waiting import eventually_async
from tests.unit.config.making import ip_pool
from tests.unit.controller.running import Place, address_of, has, running

DNS: dict[str, dict[str, Any]] = {
    "tcp": {"ports": [{"name": "dns", "port": 53, "protocol": "TCP"}]},
    "udp": {"ports": [{"name": "dns", "port": 53, "protocol": "UDP"}]},
}
SHARING = {"metallb.io/allow-shared-ip": "dns"}


@pytest.fixture
def place(tmp_path: Path) -> Place:
    return Place(tmp_path)


def namespace(name: str, **labels: str) -> dict[str, Any]:
    return {
        "apiVersion": "v1",
        "kind": "Namespace",
        "metadata": {"name": name, "labels": labels},
    }


async def test_tcp_and_udp_services_share_an_address_also_after_a_restart(place: Place) -> None:
    place.pools({"name": "home", "addresses": ["192.0.2.10-192.0.2.12"]})
    async with running(place):
        for name, spec in DNS.items():
            place.service(name, annotations=SHARING, **spec)
        await has(place, tcp="192.0.2.10", udp="192.0.2.10")
        place.service("web")
        await has(place, web="192.0.2.11")
    async with running(place) as controller:
        place.service("tcp", annotations=SHARING, ports=[{"port": 853}])
        place.service("more", annotations=SHARING, **DNS["tcp"])
        await has(place, tcp="192.0.2.10", udp="192.0.2.10", more="192.0.2.10")
        assert controller.metric("metallb_allocator_addresses_in_use_total") == 2
        assert controller.metric("metallb_allocator_services_allocated_total") == 4


async def test_pools_are_tried_by_priority_and_labels_of_a_namespace_open_them(
    place: Place,
) -> None:
    gold = [{"matchLabels": {"tier": "gold"}}]
    shop = [{"matchLabels": {"kubernetes.io/metadata.name": "shop"}}]
    place.put(
        "pools.yaml",
        ip_pool("aaa", "192.0.2.0/28"),
        ip_pool("second", "198.51.100.0/28", allocation={"namespaceSelectors": gold}),
        ip_pool("first", "203.0.113.0/28", allocation={"priority": 1, "namespaceSelectors": gold}),
        ip_pool("named", "10.0.0.0/28", allocation={"priority": 9, "namespaceSelectors": shop}),
    )
    place.put("namespace.yaml", namespace("default"))
    async with running(place):
        place.service("plain")
        await has(place, plain="192.0.2.0")
        place.service("web", namespace="shop")
        assert await address_of(place, "web", "shop") == "10.0.0.0"
        waiting = {"metallb.io/address-pool": "first"}
        place.service("waiting", annotations=waiting)
        await eventually_async(
            lambda: place.condition("waiting").get("reason") == "poolNotForService",
            what="it is told that the pool is for others",
        )
        place.put("namespace.yaml", namespace("default", tier="gold"))
        await has(place, plain="192.0.2.0", waiting="203.0.113.0")
        place.service("new")
        await has(place, new="203.0.113.1")
        place.remove("namespace.yaml")
        await has(place, plain="192.0.2.0", waiting=None, new="192.0.2.1")


async def test_an_address_that_is_asked_for_twice_changes_nothing_but_the_condition(
    place: Place,
) -> None:
    place.pools({"name": "home", "addresses": ["192.0.2.10-192.0.2.12"]})
    asking = {"metallb.universe.tf/loadBalancerIPs": "192.0.2.12"}
    async with running(place):
        place.service("web", annotations=asking)
        await has(place, web="192.0.2.12")
        place.service("web", annotations=asking, loadBalancerIP="192.0.2.11")
        await eventually_async(
            lambda: place.condition("web").get("reason") == "invalidRequestedIP",
            what="it is told that it asks twice",
        )
        assert place.address("web") == "192.0.2.12"
        await eventually_async(lambda: len(place.events("web")) == 3, what="three Events")
        assert [reason for reason, _, _ in place.events("web")] == [
            "IPAllocated",
            "deprecatedAnnotation",
            "LoadBalancerFailed",
        ]
