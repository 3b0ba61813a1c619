"""The counters in the status of IPAddressPools: what they are, and when they are written."""

from __future__ import annotations

import asyncio
import itertools
from pathlib import Path
from typing import Any

import pytest
import yaml

from controller.counters import LARGEST, counters, differs
from controller.ledger import Ledger
from controller.upkeep import COUNTING
from tests.support.waiting import eventually_async
from tests.unit.controller import making
from tests.unit.controller.counted import Counted
from tests.unit.controller.running import (
    NAMESPACE,
    Place,
    address_of,
    has,
    pool,
    running,
    service,
)
from vipcast.ports import IP_ADDRESS_POOL

HOME = "192.0.2.0/29"


@pytest.fixture
def place(tmp_path: Path) -> Place:
    made = Place(tmp_path)
    made.put("pools.yaml", pool("home", HOME), pool("spare", "198.51.100.0/31", autoAssign=False))
    return made


def four(v4: int, free4: int, v6: int = 0, free6: int = 0) -> dict[str, int]:
    return {
        "assignedIPv4": v4,
        "availableIPv4": free4,
        "assignedIPv6": v6,
        "availableIPv6": free6,
    }


def counted(place: Place, name: str = "home") -> dict[str, Any] | None:
    found = place.written("IPAddressPool", name, NAMESPACE)
    return None if found is None else found["status"]


def test_addresses_are_counted_by_family_shared_ones_once_and_avoided_ones_not() -> None:
    ledger = Ledger(
        (
            making.pool("home", "192.0.2.0/30", "2001:db8::/127"),
            making.pool("lab", "198.51.100.0/30", avoid_buggy=True),
            making.pool("vast", "2001:db8:1::/48"),
        )
    )
    ledger.hold(making.key("a"), making.ip("192.0.2.1"), None)
    ledger.hold(making.key("b"), making.ip("192.0.2.1"), None)
    ledger.hold(making.key("c"), making.ip("2001:db8::1"))
    ledger.hold(making.key("d"), making.ip("198.51.100.0"))
    assert counters(ledger.usage()) == {
        "home": four(1, 3, 1, 1),
        "lab": four(0, 3),
        "vast": four(0, 0, 0, LARGEST),
    }


@pytest.mark.parametrize(
    ("stands", "last", "written"),
    [
        pytest.param(None, None, True, id="nothing stands there"),
        pytest.param(four(1, 1), None, False, id="a restart finds what it would write"),
        pytest.param(four(2, 0), None, True, id="a restart finds something else"),
        pytest.param(four(0, 2), four(1, 1), False, id="the last write has not come back"),
        pytest.param(four(1, 1), four(0, 2), True, id="the last write but one has come back"),
        pytest.param(four(2, 0), four(1, 1), False, id="somebody else counts differently"),
        pytest.param({"assignedIPv4": 1}, four(1, 1), True, id="somebody has taken some away"),
        pytest.param("odd", four(1, 1), True, id="something odd stands there"),
    ],
)
def test_what_was_counted_is_written_once(stands: Any, last: Any, *, written: bool) -> None:
    raw = {} if stands is None else {"status": stands}
    assert differs(four(1, 1), raw, last) is written


async def test_the_pools_say_how_many_addresses_are_assigned_and_how_many_are_left(
    place: Place,
) -> None:
    async with running(place):
        place.service("web")
        await eventually_async(lambda: counted(place) == four(1, 7), what="one is counted")
        assert counted(place, "spare") == four(0, 2)
        place.service("other", loadBalancerIP="198.51.100.1")
        await eventually_async(lambda: counted(place, "spare") == four(1, 1), what="it is counted")
        place.remove("default-web.yaml")
        await eventually_async(lambda: counted(place) == four(0, 8), what="it is free again")
        place.put("pools.yaml", pool("home", "192.0.2.0/30"))
        await eventually_async(lambda: counted(place) == four(0, 4), what="the pool is smaller")
        await eventually_async(lambda: counted(place, "spare") is None, what="the other is gone")


async def test_a_storm_of_services_is_at_most_one_write_a_second_for_each_pool(
    place: Place,
) -> None:
    source = Counted(place.path)
    place.put("pools.yaml", pool("home", "192.0.2.0/24"), pool("spare", "198.51.100.0/31"))
    async with running(source):
        for number in range(1, 101):
            place.service(f"s{number}")
            await asyncio.sleep(0)
        await eventually_async(lambda: counted(place) == four(100, 156), what="all are counted")
    times = [
        time
        for ref, time in zip(source.writes, source.times, strict=True)
        if ref.kind == IP_ADDRESS_POOL and ref.key.name == "home"
    ]
    assert all(later - sooner >= COUNTING for sooner, later in itertools.pairwise(times))
    assert [ref.key.name for ref in source.writes if ref.kind == IP_ADDRESS_POOL].count(
        "spare"
    ) == 1


async def test_a_restart_writes_no_counters_that_stand_already(place: Place) -> None:
    async with running(place):
        place.service("web")
        await eventually_async(lambda: counted(place) == four(1, 7), what="one is counted")
    source = Counted(place.path)
    async with running(source):
        place.put("pools.yaml", pool("home", HOME), pool("fresh", "203.0.113.0/31"))
        await eventually_async(lambda: counted(place, "fresh") == four(0, 2), what="the new one")
    assert [ref.key.name for ref in source.writes if ref.kind == IP_ADDRESS_POOL] == ["fresh"]


async def test_counters_that_somebody_else_writes_are_left_until_there_is_news(
    place: Place,
) -> None:
    source = Counted(place.path)
    file = place.file("IPAddressPool", "home", NAMESPACE)
    async with running(source):
        await eventually_async(lambda: counted(place) == four(0, 8), what="they are counted")
        raw = yaml.safe_load(file.read_text())
        file.write_text(yaml.safe_dump({**raw, "status": four(5, 5)}))
        place.service("web", loadBalancerIP="198.51.100.0")
        await eventually_async(lambda: counted(place, "spare") == four(1, 1), what="the other's")
        assert counted(place) == four(5, 5)
        place.put("more.yaml", service("b"), service("c"))
        assert await address_of(place, "b") == "192.0.2.0"
        await eventually_async(lambda: counted(place) == four(2, 6), what="they are counted anew")
        await has(place, b="192.0.2.0", c="192.0.2.1")
