"""Kinds and names as paths of the API."""

from __future__ import annotations

import pytest

from vipcast.kube.paths import collection, plural, single
from vipcast.model.objects import Key
from vipcast.model.raw import (
    ENDPOINT_SLICE,
    IP_ADDRESS_POOL,
    NODE,
    SERVICE,
    SERVICE_BGP_STATUS,
    SERVICE_L2_STATUS,
    SPEAKER_STATUS,
    Kind,
    Ref,
)


@pytest.mark.parametrize(
    ("kind", "plurals"),
    [
        (SERVICE, "services"),
        (ENDPOINT_SLICE, "endpointslices"),
        (IP_ADDRESS_POOL, "ipaddresspools"),
        (SERVICE_L2_STATUS, "servicel2statuses"),
        (SERVICE_BGP_STATUS, "servicebgpstatuses"),
        (SPEAKER_STATUS, "speakerstatuses"),
        (Kind("metallb.io", "Community"), "communities"),
    ],
)
def test_a_kind_is_spelled_in_the_plural(kind: Kind, plurals: str) -> None:
    assert plural(kind) == plurals


def test_the_core_group_and_others_have_different_roots() -> None:
    assert collection(SERVICE) == "/api/v1/services"
    assert collection(SERVICE, "default") == "/api/v1/namespaces/default/services"
    pools = "/apis/metallb.io/v1beta1/namespaces/metallb-system/ipaddresspools"
    assert collection(IP_ADDRESS_POOL, "metallb-system") == pools


def test_an_object_that_is_cluster_wide_is_in_no_namespace() -> None:
    assert single(Ref(NODE, Key("", "n1"))) == "/api/v1/nodes/n1"


def test_the_status_is_a_part_of_its_own() -> None:
    ref = Ref(SERVICE, Key("default", "web"))
    assert single(ref, "status") == "/api/v1/namespaces/default/services/web/status"


def test_a_name_leads_nowhere_else() -> None:
    assert single(Ref(NODE, Key("", "../a?b"))) == "/api/v1/nodes/..%2Fa%3Fb"
