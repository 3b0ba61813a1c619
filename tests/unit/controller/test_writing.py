"""The order of writes, and what becomes of them when the store is slow or refuses them."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

import pytest

from tests.support.memory_source import MemoryCluster, MemorySource
from tests.support.waiting import eventually_async
from tests.unit.controller.running import NOON, config_map, running, service
from vipcast.model.errors import SourceError
from vipcast.model.objects import Key
from vipcast.ports import CONFIG_MAP, CONFIGURATION_STATE, SECRET, SERVICE, EventNote, Raw, Ref

KINDS = (SERVICE, CONFIG_MAP, SECRET, CONFIGURATION_STATE)
NOTHING: Mapping[str, str] = MappingProxyType({})


class Hindered(MemorySource):
    """A store that is slow with some names, and refuses others."""

    def __init__(self, cluster: MemoryCluster) -> None:
        super().__init__(cluster, "controller", KINDS, clock=lambda: NOON)
        self.slow: dict[str, asyncio.Event] = {}
        self.refused: set[str] = set()
        self.attempts: list[tuple[str, str]] = []
        self.done: list[tuple[str, str, str]] = []

    async def write_status(
        self, ref: Ref, status: Raw, annotations: Mapping[str, str] = NOTHING
    ) -> None:
        await self._pass("status", ref.key.name)
        await super().write_status(ref, status, annotations)
        ingress = status.get("loadBalancer", {}).get("ingress") or [{"ip": ""}]
        self.done.append(("status", ref.key.name, ingress[0]["ip"]))

    async def record(self, note: EventNote) -> None:
        await self._pass("event", note.about.key.name)
        await super().record(note)
        self.done.append(("event", note.about.key.name, note.reason))

    async def _pass(self, what: str, name: str) -> None:
        self.attempts.append((what, name))
        if name in self.slow:
            await self.slow[name].wait()
        if f"{what} {name}" in self.refused:
            raise SourceError(f"The {what} of {name} is refused.")


@pytest.fixture
def cluster() -> MemoryCluster:
    made = MemoryCluster()
    made.apply(config_map({"name": "home", "addresses": ["192.0.2.10-192.0.2.12"]}))
    return made


@pytest.fixture
def source(cluster: MemoryCluster) -> Hindered:
    return Hindered(cluster)


def ref(name: str) -> Ref:
    return Ref(SERVICE, Key("default", name))


def addresses(cluster: MemoryCluster) -> dict[str, str]:
    found: dict[str, Any] = {
        one.key.name: raw["status"]["loadBalancer"].get("ingress")
        for one, raw in cluster.now().items()
        if one.kind == SERVICE and "status" in raw
    }
    return {name: ingress[0]["ip"] for name, ingress in found.items() if ingress}


async def test_a_status_is_written_before_its_event_and_each_of_them_once(
    cluster: MemoryCluster, source: Hindered
) -> None:
    async with running(source):
        cluster.apply(service("a"))
        await eventually_async(lambda: len(source.done) == 2, what="status and Event")
        cluster.apply(service("b"))
        await eventually_async(lambda: len(source.done) == 4, what="the next ones")
    assert source.done == [
        ("status", "a", "192.0.2.10"),
        ("event", "a", "IPAllocated"),
        ("status", "b", "192.0.2.11"),
        ("event", "b", "IPAllocated"),
    ]


async def test_a_write_that_hangs_holds_up_nobody_else_and_the_end_waits_for_it(
    cluster: MemoryCluster, source: Hindered
) -> None:
    source.slow["a"] = asyncio.Event()
    cluster.apply(service("a"))
    cluster.apply(service("b"))
    async with running(source):
        await eventually_async(lambda: addresses(cluster) == {"b": "192.0.2.11"}, what="b has one")
        asyncio.get_running_loop().call_later(0.05, source.slow["a"].set)
    assert addresses(cluster) == {"a": "192.0.2.10", "b": "192.0.2.11"}
    assert ("event", "a", "IPAllocated") in source.done


async def test_what_changes_while_a_status_is_written_is_decided_after_that(
    cluster: MemoryCluster, source: Hindered
) -> None:
    source.slow["a"] = asyncio.Event()
    cluster.apply(service("a"))
    async with running(source):
        await eventually_async(lambda: ("status", "a") in source.attempts, what="it is written")
        cluster.apply(service("a", loadBalancerIP="192.0.2.12"))
        cluster.apply(service("b", loadBalancerIP="192.0.2.10"))
        await eventually_async(lambda: ("status", "b", "") in source.done, what="b is refused")
        source.slow["a"].set()
        await eventually_async(
            lambda: addresses(cluster) == {"a": "192.0.2.12", "b": "192.0.2.10"},
            what="both have what they ask for",
        )
    written = [entry[1:] for entry in source.done if entry[0] == "status"]
    assert written == [
        ("b", ""),
        ("a", "192.0.2.10"),
        ("a", "192.0.2.12"),
        ("b", "192.0.2.10"),
    ]


async def test_an_address_is_free_only_when_no_status_shows_it_any_more(
    cluster: MemoryCluster, source: Hindered
) -> None:
    async with running(source) as controller:
        for name in ("a", "b", "c"):
            cluster.apply(service(name))
        await eventually_async(lambda: len(addresses(cluster)) == 3, what="all have addresses")
        source.refused.add("status a")
        cluster.apply(service("a", type="ClusterIP"))
        cluster.apply(service("d"))
        await eventually_async(lambda: ("status", "d", "") in source.done, what="the pool is dry")
        await eventually_async(
            lambda: controller.metric("metallb_k8s_client_update_errors_total") >= 2,
            what="the write is refused, and refused again",
        )
        assert "d" not in addresses(cluster)
        source.refused.clear()
        await eventually_async(
            lambda: addresses(cluster) == {"d": "192.0.2.10", "b": "192.0.2.11", "c": "192.0.2.12"},
            what="d has the address that a had",
        )


async def test_a_refused_event_is_recorded_later_and_holds_up_no_other(
    cluster: MemoryCluster, source: Hindered
) -> None:
    source.refused.add("event a")
    async with running(source):
        cluster.apply(service("a"))
        await eventually_async(lambda: ("event", "a") in source.attempts, what="it is refused")
        cluster.apply(service("b"))
        await eventually_async(lambda: ("event", "b", "IPAllocated") in source.done, what="b's")
        source.refused.clear()
        await eventually_async(lambda: ("event", "a", "IPAllocated") in source.done, what="a's")
    assert [entry[1] for entry in source.done if entry[0] == "event"] == ["b", "a"]


async def test_an_event_that_is_always_refused_is_given_up_when_its_service_is_gone(
    cluster: MemoryCluster, source: Hindered
) -> None:
    source.refused.add("event a")
    async with running(source):
        cluster.apply(service("a"))
        await eventually_async(lambda: ("event", "a") in source.attempts, what="it is refused")
        cluster.remove(ref("a"))
        cluster.apply(service("b"))
        await eventually_async(lambda: addresses(cluster) == {"b": "192.0.2.10"}, what="a is gone")
        tried = source.attempts.count(("event", "a"))
        cluster.apply(service("c"))
        await eventually_async(lambda: ("event", "c", "IPAllocated") in source.done, what="c's")
        assert source.attempts.count(("event", "a")) <= tried + 1


async def test_what_cannot_be_told_before_the_end_is_told_to_the_log(
    cluster: MemoryCluster, source: Hindered, caplog: pytest.LogCaptureFixture
) -> None:
    source.refused.add("event a")
    async with running(source):
        cluster.apply(service("a"))
        await eventually_async(lambda: ("event", "a") in source.attempts, what="it is refused")
    lines = [record.__dict__["vipcast"] for record in caplog.records]
    (lost,) = [line for line in lines if line.get("op") == "recordEvents"]
    assert lost == {"op": "recordEvents", "count": 1, "error": "The event of a is refused."}


async def test_a_store_that_refuses_everything_for_a_while_gets_everything_afterwards(
    cluster: MemoryCluster, source: Hindered
) -> None:
    cluster.refuses = True
    cluster.apply(service("a"))
    async with running(source) as controller:
        await eventually_async(
            lambda: controller.metric("metallb_k8s_client_update_errors_total") >= 3,
            what="status, state and Secret are refused",
        )
        cluster.refuses = False
        await eventually_async(lambda: addresses(cluster) == {"a": "192.0.2.10"}, what="status")
        await eventually_async(
            lambda: {SECRET, CONFIGURATION_STATE} <= {one.kind for one in cluster.now()},
            what="Secret and ConfigurationState",
        )
    (told,) = [event for event in source.done if event[0] == "event"]
    assert told == ("event", "a", "IPAllocated")
