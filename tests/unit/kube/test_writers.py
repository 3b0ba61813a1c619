"""Who wrote a Service's addresses, by an API server's account of it."""

from __future__ import annotations

from typing import Any

import pytest

from vipcast.kube.defaults import with_defaults
from vipcast.kube.parse import parse_service
from vipcast.kube.writers import writer
from vipcast.model.raw import SERVICE

INGRESS: dict[str, Any] = {"f:status": {"f:loadBalancer": {"f:ingress": {}}}}


def entry(manager: Any, fields: Any = INGRESS) -> Any:
    return {"manager": manager, "fieldsV1": fields}


@pytest.mark.parametrize(
    ("account", "name"),
    [
        pytest.param([entry("k3s")], "k3s", id="one"),
        pytest.param([entry("vipcast-controller"), entry("zeta")], "zeta", id="not us"),
        pytest.param([entry("vipcast-controller")], "vipcast-controller", id="us alone"),
        pytest.param([entry("k3s", {"f:status": {"f:conditions": {}}})], "", id="a condition"),
        pytest.param([entry("k3s", {"f:metadata": {}})], "", id="not the status"),
        pytest.param([entry(7), entry("a", "b"), None, "x", {}, entry("k", None)], "", id="odd"),
        pytest.param("odd", "", id="no list"),
        pytest.param(None, "", id="none"),
    ],
)
def test_it_is_the_one_whose_fields_they_are_and_not_us_if_anybody_else(
    account: Any, name: str
) -> None:
    assert writer({"managedFields": account}) == name
    metadata = {"namespace": "default", "name": "web", "managedFields": account}
    raw = with_defaults(SERVICE, {"metadata": metadata, "spec": {"type": "LoadBalancer"}})
    assert parse_service(raw).status_writer == name
    unknown = with_defaults(SERVICE, {**raw, "metadata": {**metadata, "managedFields": None}})
    assert parse_service(raw) == parse_service(unknown)
