"""A thousand Services: what it costs to give them addresses, and then to leave them as they are."""

from __future__ import annotations

import itertools
from collections import Counter
from pathlib import Path

from controller.upkeep import COUNTING
from tests.support.waiting import eventually_async
from tests.unit.controller.counted import Counted
from tests.unit.controller.running import (
    NAMESPACE,
    Place,
    address_of,
    everywhere,
    pool,
    running,
    service,
)
from vipcast.ports import IP_ADDRESS_POOL

COUNT = 1000


def assigned(place: Place) -> int:
    """How many addresses the pool says are assigned."""
    found = place.written("IPAddressPool", "home", NAMESPACE)
    return 0 if found is None else int(found["status"]["assignedIPv4"])


async def test_a_thousand_services_are_a_thousand_writes_and_events_and_then_nothing_is_written(
    tmp_path: Path,
) -> None:
    place = Place(tmp_path)
    place.put("pool.yaml", pool("home", "198.18.0.0/16"), everywhere())
    place.put("services.yaml", *(service(f"s{number}") for number in range(COUNT)))
    first = Counted(place.path)
    async with running(first, heartbeat=False):
        await eventually_async(lambda: assigned(place) == COUNT, what="all are counted")
    written = first.kinds()
    counting = written.pop("IPAddressPool")
    assert written == {"Service": COUNT, "ConfigurationState": 1, "Secret": 1}
    assert Counter(note.reason for note in first.notes) == {"IPAllocated": COUNT}
    assert len({note.about for note in first.notes}) == COUNT
    pairs = zip(first.writes, first.times, strict=True)
    times = [time for ref, time in pairs if ref.kind == IP_ADDRESS_POOL]
    assert len(times) == counting
    assert all(later - sooner >= COUNTING for sooner, later in itertools.pairwise(times))
    second = Counted(place.path)
    async with running(second, heartbeat=False):
        place.service("last", "elsewhere")  # its turn comes after that of all others
        await address_of(place, "last", "elsewhere")
        await eventually_async(lambda: assigned(place) == COUNT + 1, what="it is counted")
    assert second.kinds() == {"Service": 1, "IPAddressPool": 1}
    assert [str(note.about.key) for note in second.notes] == ["elsewhere/last"]
