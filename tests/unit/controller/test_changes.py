"""A Service changes in each field that matters, and what comes of it, from raw objects on.

Before each change `a` and `b` share 10.0.0.0: one key, ports 80 and 443, policy Cluster.
"""

from __future__ import annotations

from typing import Any

import pytest

from tests.unit.config.making import SYSTEM, ip_pool
from tests.unit.controller.cluster import Cluster
from tests.unit.controller.making import key
from tests.unit.controller.running import service
from vipcast.model.objects import Key
from vipcast.model.raw import IP_ADDRESS_POOL, NAMESPACE, SERVICE, Raw, Ref

A, B = Ref(SERVICE, key("a")), Ref(SERVICE, key("b"))
SHARING = "metallb.io/allow-shared-ip"
ADDRESSES = "metallb.io/loadBalancerIPs"
POOL = "metallb.io/address-pool"

MOVES = ["ClearAssignment", "IPAllocated"]
LOSES = ["ClearAssignment", "AllocationFailed"]


def shared() -> Cluster:
    """Two Services on one address, and pools for this and that."""
    gold = {"priority": 1, "namespaceSelectors": [{"matchLabels": {"tier": "gold"}}]}
    web = {"priority": 2, "serviceSelectors": [{"matchLabels": {"app": "web"}}]}
    cluster = Cluster()
    for raw in (
        ip_pool("home", "10.0.0.0/29", "fd00::/64"),
        ip_pool("gold", "10.0.1.0/30", allocation=gold),
        ip_pool("spare", "10.0.2.0/30", autoAssign=False),
        ip_pool("web", "10.0.3.0/30", allocation=web),
    ):
        cluster.put((Ref(IP_ADDRESS_POOL, Key(SYSTEM, raw["metadata"]["name"])), raw))
    cluster.put((A, make("a", 80)), (B, make("b", 443)))
    cluster.work()
    assert cluster.addresses() == {A.key: "10.0.0.0", B.key: "10.0.0.0"}
    cluster.events.clear()
    return cluster


def make(name: str, port: int, annotations: dict[str, str] | None = None, **spec: Any) -> Raw:
    """One of the two; `labels` go into the metadata, None leaves an annotation out."""
    labels = spec.pop("labels", {})
    annotations = {SHARING: "k", **(annotations or {})}
    spec = {"ports": [{"port": port}], "selector": {"app": name}, **spec}
    raw = service(name, annotations={k: v for k, v in annotations.items() if v}, **spec)
    raw["metadata"]["labels"] = labels
    return raw


def noted(**annotations: str) -> dict[str, Any]:
    """A change of annotations."""
    return {"annotations": annotations}


TAKEN = ["ClearAssignment"]

CHANGES: dict[str, tuple[dict[str, Any], str | None, list[str]]] = {
    "type ClusterIP": ({"type": "ClusterIP"}, None, TAKEN),
    "type NodePort": ({"type": "NodePort"}, None, TAKEN),
    "type ExternalName": ({"type": "ExternalName"}, None, TAKEN),
    "another class": ({"loadBalancerClass": "example.com/other"}, None, TAKEN),
    "headless": ({"clusterIP": "None"}, None, LOSES),
    "IPv6 alone": ({"ipFamilies": ["IPv6"]}, "fd00::", MOVES),
    "IPv6 alone, and an address": (
        {"ipFamilies": ["IPv6"], "loadBalancerIP": "fd00::5"},
        "fd00::5",
        MOVES,
    ),
    "IPv6 alone, of a pool without": (
        {**noted(**{POOL: "spare"}), "ipFamilies": ["IPv6"]},
        None,
        LOSES,
    ),
    "an address of the other family": (
        {"loadBalancerIP": "fd00::5"},
        "10.0.0.0",
        ["LoadBalancerFailed"],
    ),
    "both families": ({"ipFamilies": ["IPv4", "IPv6"]}, "10.0.0.0", ["NotAnnounced"]),
    "both if possible": (
        {"ipFamilies": ["IPv6", "IPv4"], "ipFamilyPolicy": "PreferDualStack"},
        "10.0.0.0",
        [],
    ),
    "another port": ({"ports": [{"port": 81}]}, "10.0.0.0", []),
    "one more port": ({"ports": [{"port": 80}, {"port": 81}]}, "10.0.0.0", []),
    "the other's number as UDP": (
        {"ports": [{"port": 443, "protocol": "UDP"}]},
        "10.0.0.0",
        [],
    ),
    "the other's port": ({"ports": [{"port": 443}]}, "10.0.0.1", MOVES),
    "the other's port besides": ({"ports": [{"port": 80}, {"port": 443}]}, "10.0.0.1", MOVES),
    "policy Local": ({"externalTrafficPolicy": "Local"}, "10.0.0.1", MOVES),
    "selector": ({"selector": {"app": "b"}}, "10.0.0.0", []),
    "no selector": ({"selector": None}, "10.0.0.0", []),
    "publishNotReadyAddresses": ({"publishNotReadyAddresses": True}, "10.0.0.0", []),
    "labels that a better pool takes": ({"labels": {"app": "web"}}, "10.0.0.0", []),
    "another sharing key": (noted(**{SHARING: "l"}), "10.0.0.1", MOVES),
    "no sharing key": (noted(**{SHARING: ""}), "10.0.0.1", MOVES),
    "the same key, old prefix": (
        noted(**{SHARING: "", "metallb.universe.tf/allow-shared-ip": "k"}),
        "10.0.0.0",
        ["deprecatedAnnotation"],
    ),
    "the same key, our prefix": (
        noted(**{SHARING: "", "vipcast.io/allow-shared-ip": "k"}),
        "10.0.0.0",
        [],
    ),
    "its own address": ({"loadBalancerIP": "10.0.0.0"}, "10.0.0.0", []),
    "another address": ({"loadBalancerIP": "10.0.0.5"}, "10.0.0.5", MOVES),
    "an address that is kept back": ({"loadBalancerIP": "10.0.2.1"}, "10.0.2.1", MOVES),
    "an address in no pool": ({"loadBalancerIP": "10.9.9.9"}, None, LOSES),
    "an address of a pool for others": ({"loadBalancerIP": "10.0.1.1"}, None, LOSES),
    "an address, by annotation": (noted(**{ADDRESSES: " 10.0.0.5 "}), "10.0.0.5", MOVES),
    "an address of each family": (
        {**noted(**{ADDRESSES: "fd00::5,10.0.0.5"}), "ipFamilies": ["IPv4", "IPv6"]},
        "10.0.0.5",
        [*MOVES, "NotAnnounced"],
    ),
    "two addresses of one family": (
        noted(**{ADDRESSES: "10.0.0.5,10.0.0.6"}),
        "10.0.0.0",
        ["LoadBalancerFailed"],
    ),
    "no address, by annotation": (
        noted(**{ADDRESSES: "10.0.0"}),
        "10.0.0.0",
        ["LoadBalancerFailed"],
    ),
    "an address and a comma": (
        noted(**{ADDRESSES: "10.0.0.5,"}),
        "10.0.0.0",
        ["LoadBalancerFailed"],
    ),
    "an address twice": (
        {**noted(**{ADDRESSES: "10.0.0.5"}), "loadBalancerIP": "10.0.0.5"},
        "10.0.0.0",
        ["LoadBalancerFailed"],
    ),
    "its own pool": (noted(**{POOL: "home"}), "10.0.0.0", []),
    "another pool": (noted(**{POOL: "spare"}), "10.0.2.0", MOVES),
    "a pool for others": (noted(**{POOL: "gold"}), None, LOSES),
    "a pool for it": ({**noted(**{POOL: "web"}), "labels": {"app": "web"}}, "10.0.3.0", MOVES),
    "no such pool": (noted(**{POOL: "nowhere"}), None, LOSES),
}


@pytest.mark.parametrize(("changed", "address", "events"), CHANGES.values(), ids=CHANGES)
def test_a_change_of_one_service_has_its_due_effect_and_none_on_the_other(
    changed: dict[str, Any], address: str | None, events: list[str]
) -> None:
    cluster = shared()
    cluster.put((A, make("a", 80, **changed)))
    cluster.work()
    found = cluster.addresses()
    assert (found.get(A.key), found.get(B.key)) == (address, "10.0.0.0")
    assert [note.reason for note in cluster.events if note.about == A] == events
    assert [note for note in cluster.events if note.about == B] == []
    assert cluster.desk.ledger.holdings().keys() == found.keys()


@pytest.mark.parametrize("changed", [change for change, _, _ in CHANGES.values()], ids=CHANGES)
def test_a_change_that_is_undone_leaves_the_service_with_an_address(
    changed: dict[str, Any],
) -> None:
    cluster = shared()
    cluster.put((A, make("a", 80, **changed)))
    cluster.work()
    moved = cluster.addresses().get(A.key)
    cluster.put((A, make("a", 80)))
    cluster.work()
    stays = moved is not None and moved != "10.0.3.0" and ":" not in moved
    elsewhere = moved if stays else "10.0.0.0"
    assert cluster.addresses() == {A.key: elsewhere, B.key: "10.0.0.0"}


def test_a_service_that_is_deleted_frees_its_port_and_the_last_one_frees_the_address() -> None:
    cluster = shared()
    cluster.put((A, None))
    cluster.work()
    assert cluster.addresses() == {B.key: "10.0.0.0"}
    cluster.put((B, None))
    cluster.work()
    assert cluster.desk.ledger.holdings() == {}
    assert [usage.in_use for usage in cluster.desk.ledger.usage()] == [0] * 8


def test_labels_of_a_namespace_open_and_close_a_pool() -> None:
    cluster = shared()
    space = Ref(NAMESPACE, Key("", "default"))
    cluster.put((space, {"metadata": {"name": "default", "labels": {"tier": "gold"}}}))
    cluster.work()
    assert (cluster.addresses()[A.key], cluster.events) == ("10.0.0.0", [])
    cluster.put((A, make("a", 80, **noted(**{POOL: "gold"}))))
    cluster.work()
    assert cluster.addresses()[A.key] == "10.0.1.0"
    cluster.put((Ref(SERVICE, key("c")), make("c", 80)))
    cluster.work()
    assert cluster.addresses()[key("c")] == "10.0.1.1"
    cluster.put((space, None))
    cluster.work()
    assert cluster.addresses() == {B.key: "10.0.0.0", key("c"): "10.0.0.0"}


def test_a_service_that_becomes_ours_joins_those_who_share() -> None:
    cluster = shared()
    cluster.put((Ref(SERVICE, key("c")), make("c", 53, type="ClusterIP")))
    cluster.work()
    assert key("c") not in cluster.addresses()
    cluster.put((Ref(SERVICE, key("c")), make("c", 53)))
    cluster.work()
    assert cluster.addresses()[key("c")] == "10.0.0.0"
