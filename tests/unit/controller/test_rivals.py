"""A second program that writes on Services of ours: what the controller does, as users see it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from types import MappingProxyType
from typing import Any

import pytest

from controller.desk import Desk
from tests.support.memory_source import MemoryCluster, MemorySource
from tests.support.waiting import eventually_async
from tests.unit.controller.running import NAMESPACE, NOON, config_map, running, service
from vipcast.kube.render import CONTESTED
from vipcast.model.objects import Key
from vipcast.ports import CONFIG_MAP, CONFIGURATION_STATE, EVENT, SECRET, SERVICE, Raw, Ref

KINDS = (SERVICE, CONFIG_MAP, SECRET, CONFIGURATION_STATE)
NOTHING: Mapping[str, str] = MappingProxyType({})
WEB = Ref(SERVICE, Key("default", "web"))
STATE = Ref(CONFIGURATION_STATE, Key(NAMESPACE, "controller"))
OURS, THEIRS = "192.0.2.10", "10.0.0.1"
RIVAL = "rival"


class Shared(MemorySource):
    """A cluster in which whoever writes a status last has it; counts the controller's writes."""

    def __init__(self, cluster: MemoryCluster) -> None:
        super().__init__(cluster, "controller", KINDS, clock=lambda: NOON)
        self.writes = 0

    async def write_status(
        self, ref: Ref, status: Raw, annotations: Mapping[str, str] = NOTHING
    ) -> None:
        self.writes += 1
        self._cluster.parts.pop((ref, RIVAL), None)
        await super().write_status(ref, status, annotations)


@pytest.fixture
def cluster() -> MemoryCluster:
    made = MemoryCluster()
    made.apply(config_map({"name": "home", "addresses": ["192.0.2.10-192.0.2.12"]}))
    made.apply(service("web"))
    return made


def shown(cluster: MemoryCluster, ref: Ref = WEB) -> str:
    """The address in a Service's status."""
    ingress = cluster.now()[ref].get("status", {}).get("loadBalancer", {}).get("ingress")
    return str(ingress[0]["ip"]) if ingress else ""


def fought_over(cluster: MemoryCluster) -> str | None:
    """What the controller's state says of it, None if nothing."""
    conditions = cluster.now().get(STATE, {}).get("status", {}).get("conditions", ())
    return next((one["message"] for one in conditions if one["type"] == CONTESTED), None)


def events(cluster: MemoryCluster) -> dict[str, int]:
    """The Events of each reason, and how often."""
    found: dict[str, int] = {}
    for ref, raw in cluster.now().items():
        if ref.kind == EVENT:
            found[raw["reason"]] = found.get(raw["reason"], 0) + raw["count"]
    return found


@asynccontextmanager
async def rival(cluster: MemoryCluster) -> AsyncIterator[None]:
    """A program that puts its own address on the Service whenever another one stands there."""
    news = asyncio.Event()
    cluster.join(news.set)

    async def work() -> None:
        version = 0
        while True:
            if shown(cluster) != THEIRS:
                version += 1
                part: dict[str, Any] = {
                    "metadata": {"annotations": {"version": str(version)}},
                    "status": {"loadBalancer": {"ingress": [{"ip": THEIRS}]}},
                }
                cluster.parts[WEB, RIVAL] = part
                cluster.tell()
            news.clear()
            await news.wait()

    task = asyncio.create_task(work())
    try:
        yield
    finally:
        task.cancel()
        await asyncio.wait((task,))
        cluster.leave(news.set)


async def test_writing_stops_after_two_rounds_and_others_are_served_as_ever(
    cluster: MemoryCluster,
) -> None:
    source = Shared(cluster)
    async with running(source) as controller, rival(cluster):
        await eventually_async(lambda: fought_over(cluster), what="it is told")
        assert fought_over(cluster) == "default/web"
        assert source.writes == 2
        assert events(cluster)["StatusContested"] == 1
        assert controller.metric("vipcast_services_without_address") == 1
        cluster.apply(service("other"))
        other = Ref(SERVICE, Key("default", "other"))
        await eventually_async(lambda: shown(cluster, other) == "192.0.2.11", what="the other's")
        assert source.writes == 3
        assert shown(cluster) == THEIRS


class Undone(Shared):
    """Its first write is undone, and that is seen, before the controller has its answer."""

    desk: Desk

    async def write_status(
        self, ref: Ref, status: Raw, annotations: Mapping[str, str] = NOTHING
    ) -> None:
        await super().write_status(ref, status, annotations)
        if self.writes == 1:
            balancer = {"loadBalancer": {"ingress": [{"ip": THEIRS}]}}
            self._cluster.parts[ref, RIVAL] = {"status": balancer}
            self._cluster.tell()
            await eventually_async(self._is_seen, what="it is seen")

    def _is_seen(self) -> bool:
        seen = self.desk.service(WEB.key)
        return seen is not None and seen.ingress == (THEIRS,)


async def test_what_is_undone_before_its_write_is_answered_is_written_again(
    cluster: MemoryCluster,
) -> None:
    source = Undone(cluster)
    async with running(source) as controller:
        source.desk = controller.desk
        await eventually_async(lambda: shown(cluster) == OURS and source.writes > 1, what="ours")
        assert source.writes == 2


async def test_a_change_of_the_service_is_answered_at_once_and_ends_it_where_nobody_minds(
    cluster: MemoryCluster,
) -> None:
    source = Shared(cluster)
    async with running(source):
        async with rival(cluster):
            await eventually_async(lambda: fought_over(cluster), what="it is told")
            cluster.apply(service("web", externalTrafficPolicy="Local"))
            await eventually_async(
                lambda: events(cluster)["StatusContested"] == 2, what="it is told again"
            )
            assert source.writes == 4
        cluster.apply(service("web"))
        await eventually_async(lambda: shown(cluster) == OURS, what="our address")
        await eventually_async(lambda: fought_over(cluster) is None, what="it is over")


async def test_a_rival_that_has_gone_is_noticed_at_the_next_try(
    cluster: MemoryCluster, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("controller.feuds.FIRST_PAUSE", 1.5)
    monkeypatch.setattr("controller.feuds.STANDS", 3.0)
    async with running(Shared(cluster)):
        async with rival(cluster):
            await eventually_async(lambda: fought_over(cluster), what="it is told")
        await eventually_async(lambda: shown(cluster) == OURS, what="our address")
        await eventually_async(lambda: fought_over(cluster) is None, what="it is over")
