"""EndpointSlices become values: where endpoints run and whether they serve; or findings."""

from __future__ import annotations

from ipaddress import ip_address
from typing import Any

import pytest

from tests.unit.kube.parsing import everything, refused
from vipcast.kube.defaults import with_defaults
from vipcast.kube.parse import parse_endpoint_slice
from vipcast.model.addresses import Family
from vipcast.model.objects import Endpoint, EndpointSlice, Key
from vipcast.model.raw import ENDPOINT_SLICE


def slice_(**parts: Any) -> dict[str, Any]:
    """A slice of the Service web with the defaults."""
    raw = {
        "metadata": {"name": "web-1", "labels": {"kubernetes.io/service-name": "web"}},
        "addressType": "IPv4",
        **parts,
    }
    return with_defaults(ENDPOINT_SLICE, raw)


def test_everything_wrong_with_a_slice_is_told_at_once_whoever_it_belongs_to() -> None:
    parts: dict[str, Any] = {"addressType": "IPv5", "endpoints": [{"addresses": ["x"]}, 5]}
    fields = ["addressType", "endpoints[0].addresses", "endpoints[1]"]
    mine = everything(slice_(**parts), parse_endpoint_slice)
    assert [found.field for found in mine.findings] == fields
    nobodys = everything(slice_(metadata={"name": "web-1"}, **parts), parse_endpoint_slice)
    assert [found.field for found in nobodys.findings] == fields


def test_a_slice_lists_where_endpoints_run_and_whether_they_serve() -> None:
    raw = slice_(
        endpoints=[
            {"addresses": ["10.1.0.2"], "nodeName": "n1", "conditions": {"ready": True}},
            {"addresses": ["10.1.0.3"], "nodeName": "n2"},
            {"addresses": ["10.1.0.4"], "conditions": {"ready": None, "serving": None}},
            {"addresses": ["10.1.0.5"], "conditions": {"ready": False, "serving": True}},
            {"addresses": ["10.1.0.6"], "conditions": {"ready": False, "serving": False}},
        ]
    )

    def at(last: int, node: str | None, ready: bool, serving: bool) -> Endpoint:
        return Endpoint((ip_address(f"10.1.0.{last}"),), node, ready, serving)

    assert parse_endpoint_slice(raw) == EndpointSlice(
        key=Key("default", "web-1"),
        service=Key("default", "web"),
        family=Family.IPV4,
        endpoints=(
            at(2, "n1", True, True),
            at(3, "n2", True, True),
            at(4, None, True, True),
            at(5, None, False, True),
            at(6, None, False, False),
        ),
    )


def test_a_slice_without_endpoints_is_empty() -> None:
    parsed = parse_endpoint_slice(slice_(endpoints=None))
    assert parsed is not None
    assert parsed.endpoints == ()


def test_slices_of_names_or_of_no_service_do_not_matter() -> None:
    assert parse_endpoint_slice(slice_(addressType="FQDN")) is None
    assert parse_endpoint_slice(slice_(metadata={"name": "web-1"})) is None


@pytest.mark.parametrize(
    ("parts", "field", "message"),
    [
        ({"addressType": None}, "addressType", "There is no such value."),
        (
            {"endpoints": [{"addresses": ["x"]}]},
            "endpoints[0].addresses",
            "'x' is not an IP address.",
        ),
        ({"endpoints": [{"addresses": [5]}]}, "endpoints[0].addresses[0]", "It must be text."),
        (
            {"endpoints": [{"addresses": [], "conditions": {"ready": "true"}}]},
            "endpoints[0].conditions.ready",
            "It must be true or false.",
        ),
        ({"endpoints": ["10.1.0.2"]}, "endpoints[0]", "It must be a mapping of keys to values."),
    ],
)
def test_a_slice_that_cannot_be_read_is_named(
    parts: dict[str, Any], field: str, message: str
) -> None:
    found = refused(slice_(**parts), parse_endpoint_slice)
    assert (found.object, found.field) == ("EndpointSlice default/web-1", field)
    assert found.message == message
