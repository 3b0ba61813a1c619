"""`vipcast lint` says of a set of objects what would come of it: addresses, ports, announcing."""

from __future__ import annotations

from typing import Any

import pytest
import yaml

from vipcast.cli.linting import check

SYSTEM = "metallb-system"
TYPO = "metadata.annotations.metallb.io/adress-pool"


def pool(name: str = "home", addresses: str = "192.0.2.0/28", **spec: Any) -> dict[str, Any]:
    return {
        "apiVersion": "metallb.io/v1beta1",
        "kind": "IPAddressPool",
        "metadata": {"name": name, "namespace": SYSTEM},
        "spec": {"addresses": [addresses], **spec},
    }


def l2(**spec: Any) -> dict[str, Any]:
    return {
        "apiVersion": "metallb.io/v1beta1",
        "kind": "L2Advertisement",
        "metadata": {"name": "all", "namespace": SYSTEM},
        "spec": spec,
    }


def node(name: str, **labels: str) -> dict[str, Any]:
    return {"apiVersion": "v1", "kind": "Node", "metadata": {"name": name, "labels": labels}}


def service(annotations: Any = None, name: str = "web", **spec: Any) -> dict[str, Any]:
    return {
        "apiVersion": "v1",
        "kind": "Service",
        "metadata": {"name": name, "annotations": annotations or {}},
        "spec": {"type": "LoadBalancer", "ports": [{"port": 80}], **spec},
    }


def told(*objects: dict[str, Any]) -> list[tuple[str, str, str, bool]]:
    """Object, field, value and whether it is a warning, of what is found in one file."""
    checked = check({"a.yaml": yaml.safe_dump_all(objects)}, SYSTEM, "config", ())
    return [
        (spot.finding.object, spot.finding.field, spot.finding.value, spot.warning)
        for spot in checked.spots
    ]


def text(*objects: dict[str, Any]) -> str:
    """The only finding as a sentence."""
    (spot,) = check({"a.yaml": yaml.safe_dump_all(objects)}, SYSTEM, "config", ()).spots
    assert spot.line > 0
    return str(spot.finding)


WEB = "Service default/web"
ADDRESSES = "metadata.annotations.metallb.io/loadBalancerIPs"
POOL = "metadata.annotations.metallb.io/address-pool"


def asks(**wishes: str) -> dict[str, str]:
    return {f"metallb.io/{name.replace('_', '-')}": value for name, value in wishes.items()}


@pytest.mark.parametrize(
    ("asking", "field", "value", "message"),
    [
        (
            service(asks(loadBalancerIPs="192.0.2.1,192.0.2.2")),
            ADDRESSES,
            "192.0.2.1,192.0.2.2",
            "The Service asks for two IPv4 addresses, 192.0.2.1 and 192.0.2.2. Ask for one.",
        ),
        (
            service(loadBalancerIP="1.2.3.400"),
            "spec.loadBalancerIP",
            "1.2.3.400",
            (
                "The requested address '1.2.3.400' is not an IP address. Write an address of a"
                " pool, or leave it out."
            ),
        ),
        (
            service(asks(loadBalancerIPs="192.0.2.1"), loadBalancerIP="192.0.2.1"),
            ADDRESSES,
            "192.0.2.1",
            (
                "The Service asks for an address by the annotation loadBalancerIPs and by"
                " spec.loadBalancerIP. Remove one of the two."
            ),
        ),
    ],
)
def test_a_request_that_cannot_be_read_is_told_with_and_without_a_configuration(
    asking: dict[str, Any], field: str, value: str, message: str
) -> None:
    expected = f"{WEB}: {field} = {value!r}: {message}"
    assert text(asking) == expected
    assert text(pool(), l2(), asking) == expected


@pytest.mark.parametrize(
    ("asking", "field", "value", "message"),
    [
        (
            service(asks(address_pool="hone")),
            POOL,
            "hone",
            (
                "The annotation address-pool asks for pool hone, which does not exist (pools:"
                " home). Name a pool of the configuration."
            ),
        ),
        (
            service(loadBalancerIP="198.51.100.1"),
            "spec.loadBalancerIP",
            "198.51.100.1",
            (
                "198.51.100.1 is in no configured pool (pools: home). Ask for an address of a pool,"
                " or add this one to a pool."
            ),
        ),
    ],
)
def test_a_request_is_put_before_the_pools_where_there_are_any(
    asking: dict[str, Any], field: str, value: str, message: str
) -> None:
    assert told(asking) == []
    assert text(pool(), l2(), asking) == f"{WEB}: {field} = {value!r}: {message}"


def test_services_that_can_have_what_they_ask_for_are_in_order() -> None:
    asking = (
        service(asks(loadBalancerIPs="192.0.2.1")),
        service(asks(address_pool="home"), name="db"),
        service(name="internal", type="ClusterIP", loadBalancerIP="nonsense", ports=[]),
        service(name="other", loadBalancerClass="example.com/lb", loadBalancerIP="nonsense"),
        service(asks(ip_allocated_from_pool="home"), name="given"),
    )
    assert told(pool(), l2(), *asking) == []


def test_a_pool_for_others_is_in_doubt_while_a_namespace_is_in_no_file() -> None:
    selectors = [{"matchLabels": {"team": "a"}}]
    mine = pool(serviceAllocation={"namespaceSelectors": selectors})
    asking = service(asks(address_pool="home"))
    assert told(mine, l2(), asking) == [(WEB, POOL, "home", True)]
    labels = {"name": "default", "labels": {"team": "b"}}
    here = {"apiVersion": "v1", "kind": "Namespace", "metadata": labels}
    assert told(mine, l2(), asking, here) == [(WEB, POOL, "home", False)]
    labels["labels"] = {"team": "a"}
    assert told(mine, l2(), asking, here) == []


def test_sharing_and_service_selectors_do_not_go_together() -> None:
    asking = service(asks(allow_shared_ip="key"))
    selectors = [{"matchExpressions": [{"key": "x", "operator": "DoesNotExist"}]}]
    field = "metadata.annotations.metallb.io/allow-shared-ip"
    assert told(pool(), l2(), asking) == []
    assert told(pool(), l2(serviceSelectors=selectors), asking) == [(WEB, field, "key", False)]


def test_labels_that_no_advertisement_matches_are_a_warning() -> None:
    selectors = [{"matchLabels": {"app": "web"}}]
    assert told(pool(), l2(serviceSelectors=selectors), service()) == [
        (WEB, "metadata.labels", "", True)
    ]


def test_ports_are_there_and_each_once() -> None:
    twice = [{"port": 80}, {"port": 80, "protocol": "UDP"}, {"port": 80, "protocol": "TCP"}]
    assert text(service(ports=twice)) == (
        f"{WEB}: spec.ports[2].port = 80: TCP 80 is in the list already: spec.ports[0]."
        " Remove one of the two."
    )
    assert text(service(ports=[])) == (
        f"{WEB}: spec.ports: A Service of type LoadBalancer needs a port. Write at least one."
    )


def test_two_ports_that_cannot_be_read_are_no_twins() -> None:
    fields = [field for _, field, _, _ in told(service(ports=[{"port": "80"}, {"port": "81"}]))]
    assert fields == ["spec.ports[0].port", "spec.ports[1].port"]


def test_what_an_api_server_wants_to_be_text_is_asked_for_once() -> None:
    ready, unavailable = {"type": "Ready"}, {"type": "NetworkUnavailable"}
    conditions = [{**ready, "status": True}, {**unavailable, "status": False}, {**ready, "type": 1}]
    odd = {**node("n1", zone="a"), "status": {"conditions": conditions}}
    assert sorted(told(odd)) == [
        ("Node n1", "status.conditions[0].status", "true", False),
        ("Node n1", "status.conditions[1].status", "false", False),
        ("Node n1", "status.conditions[2].type", "1", False),
    ]
    for one in (pool(), l2(), node("n1"), service()):
        for texts in ("labels", "annotations"):
            one["metadata"][texts] = {"ready": True}
        assert sorted((field, value) for _, field, value, warning in told(one) if not warning) == [
            ("metadata.annotations.ready", "true"),
            ("metadata.labels.ready", "true"),
        ]


def test_selectors_that_match_none_of_the_nodes_are_a_warning() -> None:
    one = l2(nodeSelectors=[{"matchLabels": {"rack": "1"}}])
    name = f"L2Advertisement {SYSTEM}/all"
    assert told(pool(), one) == []
    assert told(pool(), one, node("n1", rack="1"), node("n2")) == []
    assert told(pool(), one, node("n1", rack="2"), node("n2")) == [
        (name, "spec.nodeSelectors", "", True)
    ]


def bgp(kind: str, **spec: Any) -> dict[str, Any]:
    version = "v1beta2" if kind == "BGPPeer" else "v1beta1"
    metadata = {"name": "tor", "namespace": SYSTEM}
    return {
        "apiVersion": f"metallb.io/{version}",
        "kind": kind,
        "metadata": metadata,
        "spec": spec,
    }


PEER = {"myASN": 64512, "peerASN": 64513, "peerAddress": "10.0.0.1"}


def test_selectors_of_bgp_that_match_none_of_the_nodes_are_a_warning() -> None:
    rack = [{"matchLabels": {"rack": "1"}}]
    objects = [
        pool(),
        bgp("BGPPeer", **PEER, nodeSelectors=rack),
        bgp("BGPAdvertisement", nodeSelectors=rack),
    ]
    assert told(*objects, node("n1", rack="1")) == []
    assert told(*objects, node("n1")) == [
        (f"BGPPeer {SYSTEM}/tor", "spec.nodeSelectors", "", True),
        (f"BGPAdvertisement {SYSTEM}/tor", "spec.nodeSelectors", "", True),
    ]
    document = (
        "peers: [{my-asn: 1, peer-asn: 2, peer-address: 10.0.0.2}, {my-asn: 1, peer-asn: 2,"
        " peer-address: 10.0.0.1, node-selectors: [{match-labels: {rack: '1'}}]}]"
    )
    old = {
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "metadata": {"name": "config", "namespace": SYSTEM},
        "data": {"config": document},
    }
    assert told(old, node("n1", rack="1")) == []
    assert told(old, node("n1")) == [
        (f"ConfigMap {SYSTEM}/config", "peers[1].node-selectors", "", True)
    ]
    assert text(old, node("n1")).endswith(
        "They do not match the one node in these files, so no node speaks with it. Correct them, or"
        " the labels of the nodes."
    )


def test_a_secret_that_holds_no_password_is_found_beside_the_peer_that_wants_one() -> None:
    peer = bgp("BGPPeer", **PEER, passwordSecret={"name": "router"})
    metadata = {"name": "router", "namespace": SYSTEM}
    data = {"stringData": {"password": "hunter2"}}
    secret = {"apiVersion": "v1", "kind": "Secret", "metadata": metadata, **data}
    name = f"Secret {SYSTEM}/router"
    assert told(peer) == []
    assert told(peer, secret) == [(name, "type", "Opaque", False)]
    typed = {**secret, "type": "kubernetes.io/basic-auth"}
    assert told(peer, typed) == []
    long = {**typed, "stringData": {"password": "x" * 81}}
    assert told(peer, long) == [(name, "data.password", "", False)]


@pytest.mark.parametrize(
    ("key", "fix"),
    [
        ("metallb.io/adress-pool", "Did you mean metallb.io/address-pool?"),
        (
            "metallb.universe.tf/loadbalancerips",
            "Did you mean metallb.universe.tf/loadBalancerIPs?",
        ),
        ("vipcast.io/share", "Known are: address-pool, loadBalancerIPs, allow-shared-ip."),
    ],
)
def test_an_annotation_that_nobody_reads_is_a_warning(key: str, fix: str) -> None:
    asking = service({key: "x", "example.com/adress-pool": "z"})
    assert told(asking) == [(WEB, f"metadata.annotations.{key}", "x", True)]
    assert text(asking).endswith(f"Nothing reads an annotation of this name. {fix}")


def test_a_key_of_spec_that_looks_like_one_that_is_read_is_a_warning() -> None:
    odd: dict[str, Any] = {
        "selectr": {"a": "b"},
        "loadBalancerIp": "192.0.2.1",
        "clusterIPs": [],
        "foo": 1,
    }
    assert told(service(**odd)) == [
        (WEB, "spec.loadBalancerIp", "192.0.2.1", True),
        (WEB, "spec.selectr", "{...}", True),
    ]
    assert text(service(selectr={})).endswith("A Service has no such key. Did you mean selector?")


def test_a_slice_of_no_service_is_a_warning_and_its_endpoints_are_read() -> None:
    stray = {
        "apiVersion": "discovery.k8s.io/v1",
        "kind": "EndpointSlice",
        "metadata": {"name": "web-1"},
        "addressType": "IPv4",
        "endpoints": {"addresses": ["10.0.0.1"]},
    }
    name = "EndpointSlice default/web-1"
    assert sorted(told(stray)) == [
        (name, "endpoints", "{...}", False),
        (name, "metadata.labels", "", True),
    ]
