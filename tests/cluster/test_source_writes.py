"""What a KubeSource writes, as kubectl and the API server's rights see it."""

from __future__ import annotations

import re
from functools import partial
from pathlib import Path

import pytest

from lab.kubernetes.cluster import Cluster
from tests.support.kubesources import NAMESPACE, KubeHarness
from tests.support.sources import START, Follower, service, service_ref
from tests.support.waiting import eventually_async
from vipcast.kube.api import Access, Api
from vipcast.kube.render import event_ref, whole
from vipcast.kube.source import KubeSource
from vipcast.model.errors import RefusedError
from vipcast.model.objects import Key
from vipcast.model.raw import (
    CONFIGURATION_STATE,
    NODE,
    SERVICE,
    SERVICE_L2_STATUS,
    EventNote,
    EventType,
    Ref,
)
from vipcast.ops.flags import Objects
from vipcast.sources import open_source

WEB = service_ref("web")
STATE = Ref(CONFIGURATION_STATE, Key(NAMESPACE, "controller"))
NOTE = EventNote(WEB, EventType.NORMAL, "IPAllocated", "192.0.2.7 from pool lan.")
RIGHTS = {
    "apiVersion": "rbac.authorization.k8s.io/v1",
    "kind": "ClusterRole",
    "metadata": {"name": "reader-of-nodes"},
    "rules": [{"apiGroups": [""], "resources": ["nodes"], "verbs": ["list", "watch"]}],
}


async def opened(source: KubeSource) -> Follower:
    """A reader that has the snapshot."""
    follower = Follower(source)
    await follower.until(lambda: follower.batches, "the snapshot has come")
    return follower


async def test_kubectl_shows_an_event_with_its_service(cluster: Cluster, kube: KubeHarness) -> None:
    kube.apply(service("web"))
    async with kube.source() as source:
        await opened(source)
        await source.record(NOTE)
        told = re.compile(r"Normal +IPAllocated .* controller +192\.0\.2\.7 from pool lan\.")
        await eventually_async(
            lambda: told.search(cluster.kubectl("describe", "svc", "web")), what="it is described"
        )


async def test_a_later_run_goes_on_counting_an_event(kube: KubeHarness) -> None:
    for count in (1, 2):
        async with kube.source(clock=lambda now=START + count: now) as source:
            await opened(source)
            await source.record(NOTE)
        assert event_of(kube)["count"] == count
    assert event_of(kube)["firstTimestamp"] == "2024-05-01T00:00:01Z"
    assert event_of(kube)["lastTimestamp"] == "2024-05-01T00:00:02Z"


def event_of(kube: KubeHarness) -> dict[str, object]:
    """The Event of NOTE, {} if there is none."""
    return dict(kube.users.get(event_ref(NOTE, "controller")) or {})


async def test_an_event_that_has_expired_is_created_again(kube: KubeHarness) -> None:
    async with kube.source() as source:
        await source.record(NOTE)
        await eventually_async(lambda: event_of(kube), what="it is there")
        kube.remove(event_ref(NOTE, "controller"))
        await source.record(NOTE)
        await eventually_async(lambda: event_of(kube).get("count") == 2, what="it is there again")


async def test_the_last_events_are_written_before_the_end(kube: KubeHarness) -> None:
    async with kube.source(event_repeat=3600.0) as source:
        await opened(source)
        await source.record(NOTE)
        await eventually_async(lambda: event_of(kube), what="it is there")
        await source.record(NOTE)
    assert event_of(kube)["count"] == 2


async def test_an_event_that_is_refused_for_good_keeps_no_other_back(
    kube: KubeHarness, caplog: pytest.LogCaptureFixture
) -> None:
    nowhere = EventNote(service_ref("web", "nowhere"), EventType.NORMAL, "IPAllocated", "x")
    async with kube.source() as source:
        await source.record(nowhere)
        await source.record(NOTE)
        await eventually_async(lambda: event_of(kube), what="the other one is there")
        assert "an Event was dropped" in caplog.text
        assert source.health().message == ""


async def test_events_that_cannot_be_written_now_are_written_later(kube: KubeHarness) -> None:
    async with kube.source() as source:
        await opened(source)
        with kube.refusing():
            await source.record(NOTE)
            await eventually_async(
                lambda: "Events cannot be written" in source.health().message, what="it says so"
            )
            assert source.health().alive
        await eventually_async(lambda: event_of(kube), what="it is there")
        await eventually_async(lambda: not source.health().message, what="all is well")


async def test_a_status_object_is_created_and_then_patched(kube: KubeHarness) -> None:
    async with kube.source() as source:
        follower = await opened(source)
        kube.proxy.freeze()  # no watch tells of what is written here
        for result, calls in (("Valid", ["POST", "PATCH"]), ("Invalid", ["PATCH"])):
            kube.proxy.asked.clear()
            await source.put(STATE, whole(STATE, status={"result": result}, labels={"a": "b"}))
            assert [one.method for one in kube.proxy.asked if one.method != "GET"] == calls
        await follower.until(partial(shows, follower, "Invalid"), "it is back")
        await source.put(STATE, whole(STATE, status={}, labels={"a": "c"}))
        await follower.until(
            lambda: follower.objects[STATE]["metadata"]["labels"] == {"a": "c"}, "it is back"
        )
        assert follower.status(STATE) == {}, "all of the status is replaced"


def shows(follower: Follower, result: str) -> bool:
    """Whether this is all of the status."""
    return follower.status(STATE) == {"result": result}


async def test_a_status_object_that_somebody_has_deleted_is_made_again(kube: KubeHarness) -> None:
    async with kube.source(kinds=[CONFIGURATION_STATE]) as source:
        follower = await opened(source)
        await source.put(STATE, whole(STATE, status={"result": "Valid"}))
        await follower.until(lambda: follower.status(STATE), "it is there")
        kube.proxy.freeze()
        for parts in ({}, {"labels": {"a": "b"}}):
            kube.remove(STATE)
            await source.put(STATE, whole(STATE, status={"result": "Invalid"}, **parts))
            assert kube.users.get(STATE)["status"] == {"result": "Invalid"}


async def test_only_what_a_program_itself_has_written_is_brought_to_it(kube: KubeHarness) -> None:
    for node in ("n1", "n2"):
        ref = Ref(SERVICE_L2_STATUS, Key(NAMESPACE, f"web.{node}"))
        kube.apply(whole(ref, labels={"metallb.io/node": node}))
        kube.apply(whole(Ref(CONFIGURATION_STATE, Key(NAMESPACE, f"speaker-{node}"))))
    objects = Objects(kubeconfig=(kube.kubeconfig,))
    brought: dict[str | None, set[str]] = {
        "n1": {"web.n1", "speaker-n1"},
        "": set(),
        None: {"web.n1", "web.n2", "speaker-n1", "speaker-n2"},
    }
    for whose, names in brought.items():
        kinds = [SERVICE_L2_STATUS, CONFIGURATION_STATE]
        async with open_source(
            objects, "test", kinds, namespace=NAMESPACE, config="config", node=whose
        ) as source:
            batch = await anext(source.changes())
            assert {delta.ref.key.name for delta in batch.deltas} == names


async def test_a_right_that_is_missing_is_named(cluster: Cluster, kube: KubeHarness) -> None:
    cluster.kubectl("create", "serviceaccount", "poor", "-n", NAMESPACE)
    cluster.apply(RIGHTS)
    account = f"--serviceaccount={NAMESPACE}:poor"
    cluster.kubectl(
        "create", "clusterrolebinding", "poor", account, "--clusterrole=reader-of-nodes"
    )
    token = cluster.token("poor", NAMESPACE)
    config = kube.proxy.kubeconfig(kube.kubeconfig.with_name("poor"), token=token)
    try:
        async with KubeSource(
            Access((config,)), "controller", [NODE, SERVICE], namespace=NAMESPACE
        ) as source:
            await eventually_async(lambda: not source.health().alive, what="it is late")
            message = source.health().message
            assert "services. " in message
            assert "nodes" not in message
            assert (
                f'403: services is forbidden: User "system:serviceaccount:{NAMESPACE}:poor"'
                in message
            )
    finally:
        cluster.kubectl("delete", "clusterrolebinding/poor", "clusterrole/reader-of-nodes")
        cluster.kubectl("delete", "serviceaccount", "poor", "-n", NAMESPACE)


async def test_a_pod_finds_its_api_server_and_reads_its_token_anew(
    cluster: Cluster,
    kube: KubeHarness,  # noqa: ARG001 - made the namespace
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    account = ("serviceaccount", "rotated", "-n", NAMESPACE)
    cluster.kubectl("create", *account)
    token = tmp_path / "token"
    token.write_text(cluster.token("rotated", NAMESPACE))
    (tmp_path / "ca.crt").write_text(cluster.credentials.ca.read_text())
    monkeypatch.setenv("KUBERNETES_SERVICE_HOST", str(cluster.lab.cp.address))
    monkeypatch.setenv("KUBERNETES_SERVICE_PORT", "6443")
    review = {"apiVersion": "authentication.k8s.io/v1", "kind": "SelfSubjectReview"}
    path = "/apis/authentication.k8s.io/v1/selfsubjectreviews"
    async with Api(Access(account=tmp_path)) as api:
        assert (await api.version())[:2] >= (1, 21)
        assert await user(api, path, review) == f"system:serviceaccount:{NAMESPACE}:rotated"
        cluster.kubectl("delete", *account)  # all of its tokens are void with it
        await eventually_async(lambda: refused(api, path, review), what="the token is void")
        cluster.kubectl("create", *account)
        token.write_text(cluster.token("rotated", NAMESPACE))
        assert await user(api, path, review) == f"system:serviceaccount:{NAMESPACE}:rotated"
        token.unlink()
        cluster.kubectl("delete", *account)


async def user(api: Api, path: str, review: dict[str, str]) -> str:
    """As whom the API server sees us."""
    answer = await api.call("POST", path, None, review)
    return str(answer["status"]["userInfo"]["username"])


async def refused(api: Api, path: str, review: dict[str, str]) -> bool:
    """Whether our token is not taken."""
    try:
        await api.call("POST", path, None, review)
    except RefusedError as error:
        return error.code == 401
    return False
