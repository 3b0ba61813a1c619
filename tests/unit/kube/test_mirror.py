"""Lists and events of one kind, and the changes that they make."""

from __future__ import annotations

from typing import Any

import pytest

from vipcast.kube.mirror import LAST_APPLIED, Mirror, lean
from vipcast.kube.writers import writer
from vipcast.model.objects import Key
from vipcast.model.raw import ENDPOINT_SLICE, NODE, SECRET, SERVICE, Delta, Ref

WEB, DB = Ref(SERVICE, Key("default", "web")), Ref(SERVICE, Key("default", "db"))


def item(ref: Ref, version: int = 1, **parts: Any) -> dict[str, Any]:
    """A Service as it stands in a list: without its kind."""
    metadata = {"name": ref.key.name, "namespace": ref.key.namespace}
    return {"metadata": {**metadata, "resourceVersion": str(version)}, **parts}


def listed(mirror: Mirror, *pages: list[Any]) -> list[Delta]:
    """What a list of these pages changes."""
    mirror.begin()
    deltas = [delta for page in pages for delta in mirror.page(page)]
    return [*deltas, *mirror.end("9")]


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
    assert mirror.drop(WEB, item(WEB, 2)) == Delta(WEB, None)
    assert mirror.drop(WEB, item(WEB, 2)) is None


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


def served(version: int) -> dict[str, Any]:
    """The Service web with something that tells its versions apart."""
    return item(WEB, version, spec={"is": version})


def told(version: int) -> Delta:
    """The news of it."""
    return Delta(WEB, kept(WEB, spec={"is": version}))


def written(mirror: Mirror, version: int, *meanwhile: int) -> Delta | None:
    """The server answers a write of ours, while a watch tells of other versions."""
    mirror.ahead.begin(WEB)
    for other in meanwhile:
        mirror.put(WEB, served(other))
    delta = mirror.answer(WEB, served(version))
    mirror.ahead.end(WEB)
    return delta


def test_an_answer_is_news_so_that_what_undoes_it_is_news_too() -> None:
    mirror = Mirror(SERVICE)
    listed(mirror, [served(1)])
    assert written(mirror, 5) == told(5)
    undone = item(WEB, 8, spec={"is": 1})
    assert listed(mirror, [undone]) == [told(1)]


def test_after_an_answer_a_watch_that_lags_behind_tells_nothing_old() -> None:
    mirror = Mirror(SERVICE)
    listed(mirror, [served(1)])
    written(mirror, 5)
    assert mirror.put(WEB, served(3)) is None
    assert mirror.drop(WEB, served(4)) is None
    assert mirror.put(WEB, served(5)) is None
    assert mirror.get(WEB) == kept(WEB, spec={"is": 5})
    assert mirror.put(WEB, served(6)) == told(6)
    mirror.ahead.passed("6")
    assert mirror.put(WEB, served(2)) == told(2), "versions of what is not written do not count"


def test_an_answer_that_comes_after_something_newer_is_no_news() -> None:
    mirror = Mirror(SERVICE)
    listed(mirror, [served(1)])
    assert written(mirror, 5, 6) is None
    assert mirror.get(WEB) == kept(WEB, spec={"is": 6})
    mirror.ahead.begin(WEB)
    mirror.drop(WEB, served(8))
    assert mirror.answer(WEB, served(7)) is None
    assert mirror.get(WEB) is None


def test_what_was_created_while_a_list_was_on_its_way_is_not_gone() -> None:
    mirror = Mirror(SERVICE)
    mirror.begin()
    assert written(mirror, 7) == told(7)
    assert mirror.end("6") == ()
    assert listed(mirror, []) == [Delta(WEB, None)]


def test_what_was_deleted_before_a_list_does_not_come_back_by_an_answer_that_is_late() -> None:
    mirror = Mirror(SERVICE)
    listed(mirror, [served(1)])
    mirror.ahead.begin(WEB)
    assert listed(mirror, []) == [Delta(WEB, None)]
    assert mirror.answer(WEB, served(5)) is None
    mirror.ahead.end(WEB)
    mirror.ahead.passed("9")
    assert mirror.put(WEB, served(4)) == told(4)


def test_where_versions_are_no_numbers_answers_do_not_count() -> None:
    mirror = Mirror(SERVICE)
    odd = served(1)
    odd["metadata"]["resourceVersion"] = "a1"
    mirror.ahead.begin(WEB)
    assert mirror.answer(WEB, odd) is None
    assert mirror.put(WEB, odd) == told(1)
    mirror.ahead.end(WEB)


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


@pytest.mark.parametrize(
    ("kind", "kept_key"),
    [("kubernetes.io/basic-auth", "password"), ("Opaque", "secretkey"), ("a.b/c", "secretkey")],
)
def test_only_the_secrets_that_are_read_are_kept(kind: str, kept_key: str) -> None:
    data = {"password": "YQ==", "secretkey": "Yg==", "tls.key": "Yw=="}
    names = {"name": "router", "namespace": "metallb-system"}
    raw = {"metadata": {**names, "uid": "u", "labels": {"a": "b"}}, "type": kind, "data": data}
    assert lean(SECRET, raw) == {
        "apiVersion": "v1",
        "kind": "Secret",
        "metadata": names,
        "type": kind,
        "data": {kept_key: data[kept_key]},
    }
    assert raw["data"] is data
    assert lean(SECRET, {"metadata": names, "type": kind})["data"] is None


def test_of_a_secret_that_nobody_reads_a_renewal_is_no_change() -> None:
    ref = Ref(SECRET, Key("metallb-system", "certificate"))
    mirror = Mirror(SECRET)
    listed(mirror, [item(ref, type="kubernetes.io/tls", data={"tls.key": "YQ=="})])
    renewed = item(ref, 2, type="kubernetes.io/tls", data={"tls.key": "Yg=="})
    assert mirror.put(ref, renewed) is None


def test_what_is_odd_is_kept_for_the_parser_to_name() -> None:
    node = lean(NODE, {"metadata": {"name": "n1"}, "spec": 7, "status": {"conditions": [None]}})
    assert (node["spec"], node["status"]) == (7, {"conditions": [None]})
    endpoints = [7, {"addresses": "x", "targetRef": {}, "nodeName": "n1"}]
    slice_ = lean(ENDPOINT_SLICE, {"metadata": {}, "endpoints": endpoints})
    assert slice_["endpoints"] == [7, {"addresses": "x", "nodeName": "n1"}]
    assert lean(ENDPOINT_SLICE, {"metadata": {}, "endpoints": None})["endpoints"] is None
