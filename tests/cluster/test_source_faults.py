"""What goes wrong between a KubeSource and its API server: nothing is lost, nothing taken away."""

from __future__ import annotations

import gc
import json
import re
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import contextmanager
from itertools import pairwise

import pytest

from lab.kubernetes.cluster import Cluster
from tests.support.apiproxy import Answer, Asked
from tests.support.kubesources import NAMESPACE, KubeHarness
from tests.support.sources import Follower, service, service_ref
from tests.support.waiting import eventually_async
from vipcast.kube.paths import collection, single
from vipcast.kube.render import whole
from vipcast.kube.source import KubeSource
from vipcast.kube.store import Store
from vipcast.model.errors import ConflictError, HostError, RefusedError, SourceError
from vipcast.model.objects import Key
from vipcast.model.raw import (
    CONFIG_MAP,
    CONFIGURATION_STATE,
    ENDPOINT_SLICE,
    SERVICE,
    Kind,
    Raw,
    Ref,
)
from vipcast.model.raw import (
    NAMESPACE as NAMESPACES,
)

WEB, DB = service_ref("web"), service_ref("db")
SERVICES = collection(SERVICE)
SHOWN = {"loadBalancer": {"ingress": [{"ip": "192.0.2.7"}]}}


@pytest.fixture
async def source(kube: KubeHarness) -> AsyncIterator[KubeSource]:
    async with kube.source() as opened:
        yield opened


@pytest.fixture
async def follower(kube: KubeHarness, source: KubeSource) -> Follower:
    """A reader that has a snapshot with one Service."""
    kube.apply(service("web"))
    reader = Follower(source)
    await reader.until(lambda: WEB in reader.objects, "the Service has come")
    return reader


def taken_away(follower: Follower) -> list[Ref]:
    """What was said to be gone."""
    deltas = [delta for batch in follower.batches for delta in batch.deltas]
    return [delta.ref for delta in deltas if delta.raw is None]


def lists(kube: KubeHarness, kind: Kind = SERVICE) -> list[Asked]:
    """The lists of a kind that were asked for, page by page."""
    ends = collection(kind).rpartition("/")[2]
    return [
        asked
        for asked in kube.proxy.asked
        if asked.method == "GET" and asked.path.endswith(f"/{ends}") and not asked.watches
    ]


class Once:
    """A rule that answers the first `times` requests that `which` is true of."""

    def __init__(self, answer: Answer, which: Callable[[Asked], bool], times: int = 1) -> None:
        self.left = times
        self._answer = answer
        self._which = which

    def __call__(self, asked: Asked) -> Answer | None:
        if not self.left or not self._which(asked):
            return None
        self.left -= 1
        return self._answer


@contextmanager
def killed(cluster: Cluster) -> Iterator[None]:
    """While it is entered, there is no API server."""
    cluster.plane.apiserver.kill()
    try:
        yield
    finally:
        cluster.plane.start_apiserver()
        cluster.plane.await_apiserver()


async def test_an_api_server_that_is_killed_takes_nothing_away_and_comes_back(
    cluster: Cluster, kube: KubeHarness, source: KubeSource, follower: Follower
) -> None:
    with killed(cluster):
        await eventually_async(
            lambda: re.search(r"for \d+ s: .*services.* reached", source.health().message),
            what="it is noticed",
        )
        assert not source.health().alive
        with pytest.raises(SourceError):
            await source.write_status(WEB, SHOWN)
    await eventually_async(lambda: source.health().alive, what="it follows again", deadline=60)
    kube.users.close()
    kube.apply(service("db"))
    await follower.until(lambda: DB in follower.objects, "news come again")
    await source.write_status(WEB, SHOWN)
    await follower.until(lambda: follower.addresses(WEB) == ["192.0.2.7"], "it was written")
    assert taken_away(follower) == []


async def test_an_api_server_that_hangs_is_noticed_and_taken_up_again_where_it_was(
    cluster: Cluster, kube: KubeHarness
) -> None:
    kube.apply(service("web"))
    async with kube.source(life=1.0) as source:
        follower = Follower(source)
        await follower.until(lambda: WEB in follower.objects, "the Service has come")
        cluster.plane.apiserver.freeze()
        try:
            await eventually_async(lambda: not source.health().alive, what="it is noticed")
            message = source.health().message
        finally:
            cluster.plane.apiserver.wake()
        assert "silent" in message
        await eventually_async(lambda: source.health().alive, what="it follows again", deadline=60)
        kube.apply(service("web", port=81))
        await follower.until_port(WEB, 81)
        assert taken_away(follower) == []


async def test_a_connection_that_is_half_open_is_given_up(kube: KubeHarness) -> None:
    kube.apply(service("web"))
    async with kube.source(life=1.0) as source:
        follower = Follower(source)
        await follower.until(lambda: WEB in follower.objects, "the Service has come")
        kube.proxy.freeze()
        kube.apply(service("web", port=81))
        await follower.until_port(WEB, 81)
        assert source.health().alive
        assert taken_away(follower) == []


async def test_watches_that_are_closed_all_the_time_go_on_where_they_were(
    kube: KubeHarness, source: KubeSource, follower: Follower
) -> None:
    listed = len(lists(kube))
    for port in range(81, 86):
        kube.proxy.close_watches()
        kube.apply(service("web", port=port))
        await follower.until_port(WEB, port)
        assert source.health().alive
    assert len(lists(kube)) == listed
    assert taken_away(follower) == []


@pytest.mark.parametrize("status", [410, 404])
async def test_a_watch_from_too_long_ago_is_begun_with_a_new_list(
    kube: KubeHarness, follower: Follower, status: int
) -> None:
    kube.apply(service("db"))
    await follower.until(lambda: DB in follower.objects, "both have come")
    rule = Once(Answer(status), lambda asked: asked.watches and asked.path == SERVICES)
    with kube.proxy.rule(rule):
        listed = len(lists(kube))
        kube.remove(DB)
        kube.proxy.close_watches()
        kube.apply(service("web", port=81))
        await follower.until_port(WEB, 81)
        await follower.until(lambda: DB not in follower.objects, "what went meanwhile is gone")
        await eventually_async(lambda: not rule.left, what="the rule was used")
        await eventually_async(lambda: len(lists(kube)) > listed, what="it was listed again")
    assert taken_away(follower) == [DB]


@pytest.mark.parametrize(
    "line",
    [
        b'{"type":"ERROR","object":{"kind":"Status","code":410,"message":"too old"}}\n',
        b'{"type":"MODIFIED","object":{"metadata":{"resourceVersion":"7"}}}\n',
        b'{"type":"MODIFIED","object":[]}\n',
        b'{"type":"MODIFIED","obj\n',
        b"\xff\n",
        b"\n",
    ],
)
async def test_a_watch_that_says_something_odd_is_begun_with_a_new_list(
    kube: KubeHarness, source: KubeSource, follower: Follower, line: bytes
) -> None:
    spoilt: list[bytes] = []

    def change(asked: Asked, part: bytes) -> bytes:
        if asked.watches and asked.path == SERVICES and not spoilt:
            spoilt.append(part)
            return line
        return part

    kube.proxy.add_change(change)
    kube.users.apply(service("web", port=81))
    await follower.until_port(WEB, 81)
    kube.users.apply(service("web", port=82))
    await follower.until_port(WEB, 82)
    assert spoilt
    assert source.health().alive
    assert follower.problems == ()
    assert taken_away(follower) == []


async def test_a_server_that_is_too_busy_is_asked_again_when_it_says(
    kube: KubeHarness, source: KubeSource, follower: Follower
) -> None:
    busy = Answer(429, '{"message":"too many requests"}', {"Retry-After": "1"})
    times: list[float] = []
    rule = Once(busy, lambda asked: asked.method == "PATCH", times=2)

    def timed(asked: Asked) -> Answer | None:
        if asked.method == "PATCH":
            times.append(kube.now())
        return rule(asked)

    with kube.proxy.rule(timed):
        await source.write_status(WEB, SHOWN)
    assert len(times) == 3
    assert all(later - sooner > 0.9 for sooner, later in pairwise(times))
    await follower.until(lambda: follower.addresses(WEB) == ["192.0.2.7"], "it was written")


async def test_a_server_that_stays_too_busy_is_an_error(
    kube: KubeHarness, source: KubeSource, follower: Follower
) -> None:
    busy = Answer(503, "", {"Retry-After": "0"})
    rule = Once(busy, lambda asked: asked.method == "PATCH", times=100)
    with kube.proxy.rule(rule), pytest.raises(RefusedError, match="503"):
        await source.write_status(WEB, SHOWN)
    assert follower.objects


async def test_a_kind_that_cannot_be_listed_is_named_and_the_others_wait(
    kube: KubeHarness,
) -> None:
    def broken(asked: Asked) -> Answer | None:
        return Answer(500, "out of order") if asked.path == SERVICES else None

    with kube.proxy.rule(broken):
        async with kube.source() as source:
            follower = Follower(source)
            await eventually_async(lambda: not source.health().alive, what="it is late")
            health = source.health()
            assert re.search(r"Not followed for \d+ s: services\. ", health.message)
            assert "500: out of order." in health.message
            assert not health.synced
            assert not follower.batches


async def test_an_old_kubernetes_is_refused(kube: KubeHarness) -> None:
    old = json.dumps({"major": "1", "minor": "20+", "gitVersion": "v1.20.15"})
    rule = Once(Answer(200, old), lambda asked: asked.path == "/version")
    with kube.proxy.rule(rule):
        async with kube.source() as source:
            with pytest.raises(HostError, match=r"v1\.20\.15, which is too old: .* 1\.21 or newer"):
                await anext(source.changes())
            assert not source.health().alive


async def test_a_source_that_was_refused_is_left_in_silence(kube: KubeHarness) -> None:
    old = json.dumps({"major": "1", "minor": "20", "gitVersion": "v1.20.0"})
    with kube.proxy.rule(Once(Answer(200, old), lambda asked: asked.path == "/version")):
        async with kube.source() as source:
            await eventually_async(lambda: not source.health().alive, what="it has ended")
    gc.collect()  # a task whose error nobody has seen says so at its end, and fails the test


async def test_what_is_no_api_server_is_named(kube: KubeHarness) -> None:
    with kube.proxy.rule(lambda _: Answer(200, "<html>")):
        async with kube.source() as source:
            await eventually_async(
                lambda: "sent what is no JSON" in source.health().message, what="it says so"
            )
            assert not source.health().synced


async def test_a_kind_that_the_server_does_not_know_has_no_objects_until_it_does(
    kube: KubeHarness,
) -> None:
    state = Ref(CONFIGURATION_STATE, Key(NAMESPACE, "controller"))
    path = collection(CONFIGURATION_STATE, NAMESPACE)
    rule = Once(Answer(404, "404 page not found"), lambda asked: asked.path == path, times=2)
    kube.apply(whole(state))
    with kube.proxy.rule(rule):
        async with kube.source() as source:
            follower = Follower(source)
            await follower.until(lambda: follower.batches, "the snapshot has come")
            assert state not in follower.objects
            await follower.until(lambda: state in follower.objects, "it is known now")
            assert source.health().alive


async def test_one_answer_that_a_kind_is_unknown_takes_nothing_away(
    kube: KubeHarness, source: KubeSource
) -> None:
    state = Ref(CONFIGURATION_STATE, Key(NAMESPACE, "controller"))
    path = collection(CONFIGURATION_STATE, NAMESPACE)
    kube.apply(whole(state))
    follower = Follower(source)
    await follower.until(lambda: state in follower.objects, "it has come")
    rule = Once(Answer(404, "404 page not found"), lambda asked: asked.path == path, times=2)
    with kube.proxy.rule(rule):
        kube.proxy.close_watches()
        await eventually_async(lambda: not rule.left, what="the watch and one list were answered")
        kube.apply(whole(state, status={"result": "Valid"}))
        await follower.until(lambda: follower.status(state), "it is followed again")
    assert taken_away(follower) == []


async def test_a_list_comes_in_pages(kube: KubeHarness) -> None:
    names = {f"page-{number}" for number in range(260)}
    for name in names:
        raw = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": name}}
        kube.users.ask("POST", collection(CONFIG_MAP, NAMESPACE), raw)
    async with kube.source(kinds=[CONFIG_MAP]) as source:
        follower = Follower(source)
        await follower.until(lambda: follower.batches, "the snapshot has come")
        assert {ref.key.name for ref in follower.objects} == names
        assert len(follower.batches) == 1
    assert ["continue" in asked.query for asked in lists(kube, CONFIG_MAP)] == [False, True]


async def test_an_object_of_a_megabyte_comes_by_watch_and_by_list(
    kube: KubeHarness, source: KubeSource, follower: Follower
) -> None:
    big = Ref(CONFIG_MAP, Key(NAMESPACE, "big"))
    text = "<" * 150_000 + "x" * 850_000
    kube.apply(whole(big, data={"text": text}))
    await follower.until(lambda: big in follower.objects, "it has come by the watch")
    assert follower.objects[big]["data"] == {"text": text}
    async with kube.source(kinds=[CONFIG_MAP]) as other:
        reader = Follower(other)
        await reader.until(lambda: reader.batches, "the snapshot has come")
        assert reader.objects[big] == follower.objects[big]
    assert source.health().alive


async def test_an_odd_endpoint_and_unknown_fields_concern_nobody_else(
    kube: KubeHarness,
) -> None:
    def change(_: Asked, part: bytes) -> bytes:
        part = part.replace(b'"addresses":["10.9.9.9"]', b'"addresses":[null]')
        return part.replace(b'"ready":true', b'"ready":true,"futureField":{"x":[1]}')

    kube.apply(endpoints("odd", "10.9.9.9"), endpoints("good", "10.9.9.8"), service("web"))
    kube.proxy.add_change(change)
    async with kube.source(kinds=[ENDPOINT_SLICE, SERVICE, NAMESPACES]) as source:
        store = Store(NAMESPACE, "config", "memberlist")
        store.apply(await anext(source.changes()))
        (found,) = store.slices(Key("default", "web"))
        assert [str(address) for address in found.endpoints[0].addresses] == ["10.9.9.8"]
        (finding,) = store.findings
        assert finding.object == "EndpointSlice default/odd"


def endpoints(name: str, address: str) -> Raw:
    """An EndpointSlice of the Service web."""
    ref = Ref(ENDPOINT_SLICE, Key("default", name))
    return whole(
        ref,
        labels={"kubernetes.io/service-name": "web"},
        addressType="IPv4",
        ports=[],
        endpoints=[{"addresses": [address], "conditions": {"ready": True}, "nodeName": "node1"}],
    )


async def test_what_was_decided_for_one_service_is_not_written_on_its_successor(
    kube: KubeHarness, source: KubeSource, follower: Follower
) -> None:
    uid = follower.objects[WEB]["metadata"]["uid"]
    kube.proxy.freeze()
    kube.remove(WEB)
    kube.apply(service("web"))
    with pytest.raises(ConflictError):
        await source.write_status(WEB, SHOWN)
    assert kube.users.get(WEB)["metadata"]["uid"] != uid


async def test_what_undoes_a_write_is_news_though_nothing_was_followed_meanwhile(
    kube: KubeHarness, source: KubeSource, follower: Follower
) -> None:
    def late(asked: Asked) -> Answer | None:
        lists = asked.method == "GET" and asked.path == SERVICES
        return Answer(410 if asked.watches else 500) if lists else None

    before = kube.users.get(WEB)["status"]
    with kube.proxy.rule(late):
        kube.proxy.close_watches()
        await source.write_status(WEB, SHOWN)
        await follower.until(lambda: follower.addresses(WEB), "the answer to the write has come")
        kube.users.ask("PUT", single(WEB, "status"), {**kube.users.get(WEB), "status": before})
    await follower.until(lambda: not follower.addresses(WEB), "it is known to be undone")
    assert taken_away(follower) == []


async def test_what_another_controller_has_written_before_is_taken_back_too(
    kube: KubeHarness, source: KubeSource, follower: Follower
) -> None:
    kube.apply(
        service("web", metadata={"annotations": {"metallb.io/ip-allocated-from-pool": "old"}})
        | {"status": SHOWN}
    )
    await follower.until(lambda: follower.addresses(WEB) == ["192.0.2.7"], "it has come")
    await source.write_status(WEB, SHOWN, {"metallb.io/ip-allocated-from-pool": "old"})
    await source.write_status(WEB, {})
    await follower.until(
        lambda: not follower.addresses(WEB) and not follower.annotations(WEB), "all is taken back"
    )
