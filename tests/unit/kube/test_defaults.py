"""What an API server would fill in."""

from __future__ import annotations

import copy
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vipcast.kube.defaults import with_defaults
from vipcast.kube.parse import parse_secret_key, parse_service
from vipcast.model.raw import NAMESPACE, NODE, SECRET, SERVICE, VERSIONS


def service(**spec: Any) -> dict[str, Any]:
    """A Service with that spec, with its defaults."""
    return with_defaults(SERVICE, {"metadata": {"name": "web"}, "spec": spec})


def test_a_service_as_users_write_it_becomes_one_as_an_api_server_has_it() -> None:
    assert service(type="LoadBalancer", ports=[{"port": 80}]) == {
        "metadata": {"name": "web", "namespace": "default"},
        "spec": {
            "type": "LoadBalancer",
            "externalTrafficPolicy": "Cluster",
            "ipFamilies": ["IPv4"],
            "ipFamilyPolicy": "SingleStack",
            "ports": [{"port": 80, "protocol": "TCP", "targetPort": 80}],
        },
    }


def test_what_is_written_stays() -> None:
    raw = {
        "metadata": {"name": "web", "namespace": "shop"},
        "spec": {
            "type": "LoadBalancer",
            "externalTrafficPolicy": "Local",
            "ipFamilies": ["IPv6", "IPv4"],
            "ipFamilyPolicy": "PreferDualStack",
            "ports": [{"port": 53, "protocol": "UDP", "targetPort": "dns"}],
        },
    }
    assert with_defaults(SERVICE, raw) == raw


@pytest.mark.parametrize(
    ("spec", "families"),
    [
        ({}, ["IPv4"]),
        ({"ipFamilies": ["IPv6"]}, ["IPv6"]),
        ({"clusterIP": "10.96.0.1", "ipFamilies": ["IPv6"]}, ["IPv4"]),
        ({"clusterIP": "fd00::1"}, ["IPv6"]),
        ({"clusterIP": "10.96.0.1", "clusterIPs": ["10.96.0.1", "fd00::1"]}, ["IPv4", "IPv6"]),
        ({"clusterIP": "None", "ipFamilies": ["IPv6"]}, ["IPv6"]),
        ({"clusterIP": "nonsense"}, ["IPv4"]),
        ({"clusterIPs": 5}, ["IPv4"]),
    ],
)
def test_families_are_those_of_the_cluster_ips_else_as_asked_for_else_ipv4(
    spec: dict[str, Any], families: list[str]
) -> None:
    assert service(**spec)["spec"]["ipFamilies"] == families


def test_a_load_balancer_without_cluster_ip_is_not_headless() -> None:
    assert not parse_service(service(type="LoadBalancer")).headless
    assert parse_service(service(type="LoadBalancer", clusterIP="None")).headless


def test_a_service_without_a_type_is_none_for_the_outside() -> None:
    spec = service(ports=[{"port": 80}])["spec"]
    assert spec["type"] == "ClusterIP"
    assert "externalTrafficPolicy" not in spec


def test_cluster_wide_objects_have_no_namespace() -> None:
    for kind in (NODE, NAMESPACE):
        raw = with_defaults(kind, {"metadata": {"name": "n1", "namespace": "default"}})
        assert raw["metadata"] == {"name": "n1"}


def test_string_data_of_a_secret_is_its_data() -> None:
    raw = with_defaults(
        SECRET,
        {
            "metadata": {"name": "memberlist"},
            "data": {"secretkey": "b2xk", "other": "eA=="},
            "stringData": {"secretkey": "new"},
        },
    )
    assert raw["data"] == {"secretkey": "bmV3", "other": "eA=="}
    assert "stringData" not in raw
    assert parse_secret_key(raw) == b"new"


KEYS = st.sampled_from(
    ["metadata", "spec", "name", "type", "ports", "port", "clusterIP", "clusterIPs", "ipFamilies"]
)
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(KEYS, inner, max_size=4),
    max_leaves=15,
)


@given(st.sampled_from(sorted(VERSIONS)), st.dictionaries(KEYS | st.just("stringData"), JSON), JSON)
def test_any_object_is_answered_and_left_as_it_was(
    kind: Any, raw: dict[str, Any], data: Any
) -> None:
    raw["data"] = data
    before = copy.deepcopy(raw)
    with_defaults(kind, raw)
    assert raw == before
