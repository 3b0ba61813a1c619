"""Raw objects become values, or one finding that names object, field, value and fix.

Services, Secrets, and anything at all; Nodes and EndpointSlices have files of their own.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from tests.unit.config.test_inputs import objects
from tests.unit.kube.parsing import everything, refused
from vipcast.kube.defaults import with_defaults
from vipcast.kube.parse import (
    annotation,
    parse_endpoint_slice,
    parse_node,
    parse_secret_key,
    parse_service,
)
from vipcast.model.addresses import Family
from vipcast.model.errors import Finding, ParseError
from vipcast.model.objects import FamilyPolicy, Key, Port, Recorded, Service, TrafficPolicy
from vipcast.model.raw import ENDPOINT_SLICE, NODE, SECRET, SERVICE

QUOTES = "Write it as text; put it in quotes if it looks like a number, a date or yes or no."


def service(spec: Any = None, annotations: Any = None, status: Any = None, **metadata: Any) -> Any:
    """A Service with the defaults."""
    raw = {
        "metadata": {"name": "web", "annotations": annotations, **metadata},
        "spec": {"type": "LoadBalancer", **(spec or {})} if not isinstance(spec, list) else spec,
        "status": status,
    }
    return with_defaults(SERVICE, raw)


def test_a_service_says_all_that_is_decided_on() -> None:
    raw = service(
        {
            "loadBalancerIP": " 192.0.2.7 ",
            "loadBalancerClass": "example.com/other",
            "externalTrafficPolicy": "Local",
            "clusterIP": "10.96.0.1",
            "publishNotReadyAddresses": True,
            "ipFamilyPolicy": "PreferDualStack",
            "selector": {"app": "web"},
            "ports": [{"port": 80}, {"port": 53, "protocol": "UDP"}],
        },
        annotations={
            "metallb.io/address-pool": "lan",
            "metallb.universe.tf/allow-shared-ip": "key",
            "metallb.io/ip-allocated-from-pool": "lan",
        },
        status={
            "loadBalancer": {"ingress": [{"ip": "192.0.2.7"}, {"hostname": "a.example"}, {}]},
            "conditions": [
                {"type": "Other", "status": "False"},
                {
                    "type": "vipcast.io/AddressAssigned",
                    "status": "True",
                    "reason": "allocated",
                    "message": "192.0.2.7 from pool lan.",
                    "lastTransitionTime": "2024-05-01T00:00:00Z",
                },
            ],
        },
        namespace="shop",
        labels={"tier": "front"},
        creationTimestamp="2024-01-01T00:00:00Z",
        deletionTimestamp="2024-02-01T00:00:00Z",
        uid="u-1",
    )
    parsed = parse_service(raw)
    assert parsed == Service(
        key=Key("shop", "web"),
        load_balancer=True,
        families=(Family.IPV4,),
        family_policy=FamilyPolicy.PREFER_DUAL,
        load_balancer_class="example.com/other",
        policy=TrafficPolicy.LOCAL,
        ports=(Port("TCP", 80), Port("UDP", 53)),
        labels={"tier": "front"},
        selector={"app": "web"},
        requested=("192.0.2.7",),
        pool_wish="lan",
        sharing_key="key",
        deprecated=("metallb.universe.tf/allow-shared-ip",),
        publish_not_ready=True,
        ingress=("192.0.2.7", "a.example"),
        recorded=Recorded("lan", True, "allocated", "192.0.2.7 from pool lan."),
        created="2024-01-01T00:00:00Z",
        uid="u-1",
        deleting=True,
    )
    assert parsed.recorded.since == "2024-05-01T00:00:00Z"


def test_the_service_of_an_input_is_parsed_with_its_defaults() -> None:
    raw = with_defaults(SERVICE, objects("l2-range.yaml")["Service"])
    assert parse_service(raw) == Service(
        key=Key("default", "nginx"),
        load_balancer=True,
        families=(Family.IPV4,),
        ports=(Port("TCP", 8080),),
        labels={"app": "nginx"},
        selector={"app": "nginx"},
    )


def test_annotations_that_nobody_reads_are_kept_with_what_to_do() -> None:
    annotations = {"metallb.io/adress-pool": "lan", "example.com/x": "", "metallb.io/x": ""}
    assert parse_service(service(annotations=annotations)).misspelled == (
        ("metallb.io/adress-pool", "Did you mean metallb.io/address-pool?"),
        ("metallb.io/x", "Known are: address-pool, loadBalancerIPs, allow-shared-ip."),
    )


@pytest.mark.parametrize(
    ("annotations", "found"),
    [
        ({}, None),
        ({"address-pool": "bare"}, None),
        ({"metallb.universe.tf/address-pool": "old"}, "old"),
        ({"metallb.universe.tf/address-pool": "old", "metallb.io/address-pool": "new"}, "new"),
        ({"metallb.io/address-pool": "new", "vipcast.io/address-pool": "own"}, "own"),
        ({"metallb.io/address-pool": "new", "vipcast.io/address-pool": ""}, ""),
    ],
)
def test_the_strongest_prefix_that_exists_wins(annotations: dict[str, str], found: str) -> None:
    assert annotation(annotations, "address-pool") == found
    assert parse_service(service(annotations=annotations)).pool_wish == (found or None)


@pytest.mark.parametrize(
    ("raw", "field", "value", "message", "fix"),
    [
        (service([]), "spec", "[]", "It must be a mapping of keys to values.", "Write key: value."),
        (
            service({"type": "Loadbalancer"}),
            "spec.type",
            "Loadbalancer",
            "There is no such value.",
            "Write one of ClusterIP, NodePort, LoadBalancer, ExternalName.",
        ),
        (
            service({"ports": [{"port": 0}]}),
            "spec.ports[0].port",
            "0",
            "It must be a number from 1 to 65535.",
            "Correct it.",
        ),
        (
            service({"ports": [{"port": 80}, {"port": "81"}]}),
            "spec.ports[1].port",
            '"81"',
            "It must be a number, and this is text.",
            "Write it without quotes.",
        ),
        (
            service({"ports": [{"port": "http"}]}),
            "spec.ports[0].port",
            "http",
            "It must be a number from 1 to 65535.",
            "Correct it.",
        ),
        (
            service({"ports": [{"port": True}]}),
            "spec.ports[0].port",
            "true",
            "It must be a number from 1 to 65535.",
            "Correct it.",
        ),
        (
            service({"ports": [{}]}),
            "spec.ports[0].port",
            "",
            "It must be a number from 1 to 65535.",
            "Write one.",
        ),
        (
            service({"ports": {"port": 80}}),
            "spec.ports",
            "{...}",
            "It must be a list.",
            "Begin each item with a dash.",
        ),
        (
            service({"ports": [80]}),
            "spec.ports[0]",
            "80",
            "It must be a mapping of keys to values.",
            "Write key: value.",
        ),
        (
            service({"ports": [{"port": 80, "protocol": "tcp"}]}),
            "spec.ports[0].protocol",
            "tcp",
            "There is no such value.",
            "Write one of TCP, UDP, SCTP.",
        ),
        (service({"loadBalancerIP": 5}), "spec.loadBalancerIP", "5", "It must be text.", QUOTES),
        (
            service({"externalTrafficPolicy": "local"}),
            "spec.externalTrafficPolicy",
            "local",
            "There is no such value.",
            "Write one of Cluster, Local.",
        ),
        (
            service({"ipFamilies": ["IPv5"]}),
            "spec.ipFamilies",
            "[...]",
            "'IPv5' is no IP family.",
            "Write IPv4 or IPv6.",
        ),
        (
            service({"clusterIP": "10.96.0"}),
            "spec.clusterIP",
            "10.96.0",
            "'10.96.0' is not an IP address.",
            "Write an IPv4 or IPv6 address.",
        ),
        (
            service({"publishNotReadyAddresses": "yes"}),
            "spec.publishNotReadyAddresses",
            "yes",
            "It must be true or false.",
            "Write true or false, without quotes.",
        ),
        (service(labels={"on": True}), "metadata.labels.on", "true", "It must be text.", QUOTES),
        (service(annotations={"a": 1}), "metadata.annotations.a", "1", "It must be text.", QUOTES),
        (
            service(status=[]),
            "status",
            "[]",
            "It must be a mapping of keys to values.",
            "Write key: value.",
        ),
    ],
)
def test_a_service_that_cannot_be_read_is_named(
    raw: Any, field: str, value: str, message: str, fix: str
) -> None:
    assert refused(raw) == Finding("Service default/web", field, value, message, fix)


def test_everything_wrong_with_a_service_is_told_at_once() -> None:
    spec = {"type": "Balancer", "ports": [{"port": 0}, {"port": 80}, 5], "clusterIP": "x"}
    error = everything(service(spec, annotations={"a": 1}, status=[], labels={"b": True}))
    assert [found.field for found in error.findings] == [
        "metadata.annotations.a", "spec.type", "spec.clusterIP", "spec.ports[0].port",
        "spec.ports[2]", "spec.ports[2].port", "metadata.labels.b", "status",
    ]  # fmt: skip
    assert error.finding == error.findings[0]
    assert all(str(found) in str(error) for found in error.findings)


def test_a_requested_address_is_kept_as_written_for_the_allocator_to_judge() -> None:
    assert parse_service(service({"loadBalancerIP": "nonsense"})).requested == ("nonsense",)


def test_the_secret_of_an_input_gives_the_bytes_that_every_speaker_derives_its_key_from() -> None:
    raw = objects("memberlist-secret.yaml")["Secret"]
    value = parse_secret_key(with_defaults(SECRET, raw))
    assert value.count(b"\n") == 3
    assert value.endswith(b"\n")
    probe = hashlib.sha256(b"vipcast probe v1\0" + value).hexdigest()[:32]
    assert probe == "cf8f53be56453cb5240e901e8e4fd09d"


def secret(data: Any) -> dict[str, Any]:
    return {"metadata": {"name": "memberlist", "namespace": "metallb-system"}, "data": data}


def test_line_breaks_inside_of_base64_do_not_count() -> None:
    assert parse_secret_key(secret({"secretkey": "aGVs\nbG8=\r\n"})) == b"hello"


@pytest.mark.parametrize(
    ("data", "field", "message"),
    [
        (None, "data.secretkey", "There is no such key, or it holds nothing."),
        ({"secretkey": ""}, "data.secretkey", "There is no such key, or it holds nothing."),
        ({"secretkey": "hunter2!"}, "data.secretkey", "The value is not base64."),
        ({"secretkey": "aGVsbG8"}, "data.secretkey", "The value is not base64."),
        ({"secretkey": "aGVs bG8="}, "data.secretkey", "The value is not base64."),
        ({"secretkey": "aGÖ="}, "data.secretkey", "The value is not base64."),
        ({"secretkey": 12345678}, "data.secretkey", "It must be text."),
    ],
)
def test_a_secret_that_cannot_be_read_is_named_but_not_shown(
    data: Any, field: str, message: str
) -> None:
    found = refused(secret(data), parse_secret_key)
    assert (found.object, found.field) == ("Secret metallb-system/memberlist", field)
    assert (found.value, found.message) == ("", message)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner),
    max_leaves=8,
)
PATHS = st.sampled_from(
    [
        "metadata", "metadata.labels", "metadata.annotations", "metadata.uid", "spec", "spec.type",
        "spec.ports", "spec.clusterIP", "spec.clusterIPs", "spec.ipFamilies", "spec.selector",
        "spec.loadBalancerIP", "status", "status.conditions", "status.loadBalancer",
        "status.addresses", "addressType", "endpoints", "data", "data.secretkey", "spec.podCIDRs",
        "status.loadBalancer.ingress",
    ]
)  # fmt: skip


@given(st.sampled_from([SERVICE, ENDPOINT_SLICE, NODE, SECRET]), st.dictionaries(PATHS, JSON))
@example(SERVICE, {"spec.ipFamilies": True})
def test_any_object_is_answered_by_a_value_or_by_one_finding(
    kind: Any, values: dict[str, Any]
) -> None:
    raw: dict[str, Any] = {"metadata": {"name": "x"}}
    for path, value in values.items():
        *parents, last = path.split(".")
        place = raw
        for parent in parents:
            below = place.get(parent)
            place[parent] = below if isinstance(below, dict) else {}
            place = place[parent]
        place[last] = value
    parsers: dict[Any, Callable[[Any], object]] = {
        SERVICE: parse_service,
        ENDPOINT_SLICE: parse_endpoint_slice,
        NODE: parse_node,
        SECRET: parse_secret_key,
    }
    found = Finding("", "", "", ".", ".")
    try:
        parsers[kind](with_defaults(kind, raw))
    except ParseError as error:
        found = error.finding
    assert found.message.endswith(".")
    assert found.fix
    assert len(found.value) <= 80
