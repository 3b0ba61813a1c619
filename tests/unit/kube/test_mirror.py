"""Lists and events of one kind, and the changes that they make."""

from __future__ import annotations

from typing import Any

from vipcast.kube.mirror import LAST_APPLIED, Mirror, lean
from vipcast.kube.writers import writer
from vipcast.model.objects import Key
from vipcast.model.raw import ENDPOINT_SLICE, NODE, SERVICE, Delta, Ref

WEB, DB = Ref(SERVICE, Key("default", "web")), Ref(SERVICE, Key("default", "db"))


def item(ref: Ref, version: int = 1, **parts: Any) -> dict[str, Any]:
    """A Service as it stands in a list: without its kind."""
    metadata = {"name": ref.key.name, "namespace": ref.key.namespace}
    return {"metadata": {**metadata, "resourceVersion": str(version)}, **parts}


def listed(mirror: Mirror, *pages: list[Any]) -> list[Delta]:
    """What a list of these pages changes."""
    mirror.begin()
    deltas = [delta for page in pages for delta in mirror.page(page)]
    return [*deltas, *mirror.end()]


def kept(ref: Ref, **parts: Any) -> dict[str, Any]:
    """What is kept of such an item."""
    metadata = {"name": ref.key.name, "namespace": ref.key.namespace}
    return {"apiVersion": "v1", "kind": "Service", "metadata": metadata, **parts}


def test_a_list_in_pages_is_every_object_with_its_kind() -> None:
    mirror = Mirror(SERVICE)
    assert listed(mirror, [item(WEB)], [item(DB)]) == [Delta(WEB, kept(WEB)), Delta(DB, kept(DB))]
    assert mirror.get(WEB) == kept(WEB)


def test_a_later_list_tells_what_has_changed_and_what_is_gone() -> None:
    mirror = Mirror(SERVICE)
    listed(mirror, [item(WEB), item(DB)])
    changed = item(WEB, 2, spec={"type": "ClusterIP"})
    assert listed(mirror, [changed]) == [
        Delta(WEB, kept(WEB, spec={"type": "ClusterIP"})),
        Delta(DB, None),
    ]
    assert len(mirror) == 1


def test_a_version_alone_is_no_change() -> None:
    mirror = Mirror(SERVICE)
    listed(mirror, [item(WEB, 1)])
    assert listed(mirror, [item(WEB, 2)]) == []
    assert mirror.put(WEB, item(WEB, 3)) is None


def test_an_object_goes_once() -> None:
    mirror = Mirror(SERVICE)
    listed(mirror, [item(WEB)])
    assert mirror.drop(WEB) == Delta(WEB, None)
    assert mirror.drop(WEB) is None


def test_a_list_with_something_nameless_takes_nothing_away_and_says_so() -> None:
    mirror = Mirror(SERVICE)
    listed(mirror, [item(WEB), item(DB)])
    nameless: list[Any] = [None, {"metadata": {"namespace": "default"}}, {"metadata": "x"}, 7]
    assert listed(mirror, [nameless[0]], [*nameless[1:], item(DB, 2, spec={})]) == [
        Delta(DB, kept(DB, spec={}))
    ]
    assert mirror.unreadable
    assert mirror.get(WEB) == kept(WEB)
    assert [(problem.field, problem.value, problem.kept) for problem in mirror.problems] == [
        ("items[0]", "", True),
        ("items[1]", "{...}", True),
        ("items[2]", "{...}", True),
        ("items[3]", "7", True),
    ]
    assert listed(mirror, [item(DB, spec={})]) == [Delta(WEB, None)]
    assert mirror.problems == ()


def test_what_a_list_that_broke_off_has_named_is_not_gone() -> None:
    mirror = Mirror(SERVICE)
    listed(mirror, [item(WEB), item(DB)])
    mirror.begin()
    list(mirror.page([item(WEB)]))
    assert listed(mirror, [item(WEB)], [item(DB)]) == []


def test_who_wrote_what_is_not_kept() -> None:
    raw = item(WEB)
    raw["metadata"] |= {
        "managedFields": [{}],
        "generation": 3,
        "uid": "u",
        "annotations": {LAST_APPLIED: "{}", "a": "b"},
    }
    assert lean(SERVICE, raw)["metadata"] == {
        "name": "web",
        "namespace": "default",
        "uid": "u",
        "annotations": {"a": "b"},
    }
    assert raw["metadata"]["generation"] == 3
    raw["metadata"]["annotations"] = {LAST_APPLIED: "{}"}
    assert "annotations" not in lean(SERVICE, raw)["metadata"]


def test_of_a_service_it_is_kept_who_wrote_its_addresses() -> None:
    raw = item(WEB)
    ingress: dict[str, Any] = {
        "f:status": {"f:loadBalancer": {"f:ingress": {}}, "f:conditions": {".": {}}}
    }
    raw["metadata"]["managedFields"] = [
        {"manager": "kubectl", "time": "2026-01-01T00:00:00Z", "fieldsV1": {"f:spec": {}}},
        {"manager": "k3s", "time": "2026-01-01T00:00:00Z", "fieldsV1": ingress},
    ]
    named: dict[str, Any] = {"f:status": {"f:loadBalancer": {"f:ingress": {}}}}
    metadata = lean(SERVICE, raw)["metadata"]
    assert metadata["managedFields"] == [{"manager": "k3s", "fieldsV1": named}]
    assert writer(metadata) == writer(raw["metadata"]) == "k3s"


def test_a_nodes_heartbeats_and_images_are_not_kept() -> None:
    raw = {
        "metadata": {"name": "n1"},
        "spec": {"podCIDR": "10.0.0.0/24", "providerID": "x"},
        "status": {
            "addresses": [{"type": "InternalIP", "address": "192.0.2.11"}],
            "conditions": [{"type": "Ready", "status": "True", "lastHeartbeatTime": "now"}],
            "images": [{}],
        },
    }
    assert lean(NODE, raw) == {
        "apiVersion": "v1",
        "kind": "Node",
        "metadata": {"name": "n1"},
        "spec": {"podCIDR": "10.0.0.0/24"},
        "status": {
            "addresses": [{"type": "InternalIP", "address": "192.0.2.11"}],
            "conditions": [{"type": "Ready", "status": "True"}],
        },
    }


def test_only_addresses_nodes_and_conditions_of_endpoints_are_kept() -> None:
    endpoint = {"addresses": ["10.0.0.1"], "conditions": {"ready": True}, "nodeName": "n1"}
    metadata = {"name": "web-1", "namespace": "default", "labels": {"a": "b"}}
    raw = {
        "metadata": {**metadata, "uid": "u", "annotations": {"last-change": "now"}},
        "addressType": "IPv4",
        "endpoints": [{**endpoint, "targetRef": {"kind": "Pod"}}],
        "ports": [{"port": 80}],
    }
    assert lean(ENDPOINT_SLICE, raw) == {
        "apiVersion": "discovery.k8s.io/v1",
        "kind": "EndpointSlice",
        "metadata": metadata,
        "addressType": "IPv4",
        "endpoints": [endpoint],
    }


def test_equal_conditions_of_endpoints_are_one_object_and_odd_ones_are_kept() -> None:
    def conditions(*stated: Any) -> list[Any]:
        endpoints = [{"conditions": each} for each in stated]
        raw = lean(ENDPOINT_SLICE, {"metadata": {"name": "web-1"}, "endpoints": endpoints})
        return [each["conditions"] for each in raw["endpoints"]]

    ready, gone = {"ready": True, "serving": True}, {"ready": False, "serving": True}
    first, second, other = conditions(dict(ready), dict(ready), gone)
    assert first is second
    assert (first, other) == (ready, gone)
    assert conditions({"ready": 1}, {"ready": None}, "yes", None) == [
        *({"ready": 1}, {"ready": None}, "yes", None),
    ]


def test_what_is_odd_is_kept_for_the_parser_to_name() -> None:
    node = lean(NODE, {"metadata": {"name": "n1"}, "spec": 7, "status": {"conditions": [None]}})
    assert (node["spec"], node["status"]) == (7, {"conditions": [None]})
    endpoints = [7, {"addresses": "x", "targetRef": {}, "nodeName": "n1"}]
    slice_ = lean(ENDPOINT_SLICE, {"metadata": {}, "endpoints": endpoints})
    assert slice_["endpoints"] == [7, {"addresses": "x", "nodeName": "n1"}]
    assert lean(ENDPOINT_SLICE, {"metadata": {}, "endpoints": None})["endpoints"] is None
