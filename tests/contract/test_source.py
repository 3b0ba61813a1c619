"""What every Source does: on a directory, in memory, and by tests/cluster on a real API server."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from pathlib import Path

import pytest

from tests.support.sources import (
    DirectoryHarness,
    Follower,
    Harness,
    MemoryHarness,
    service,
    service_ref,
)
from tests.support.waiting import eventually_async
from vipcast.kube.render import secret, secret_ref, whole
from vipcast.model.errors import ConflictError, SourceError
from vipcast.model.objects import Key
from vipcast.ports import (
    CONFIGURATION_STATE,
    EVENT,
    NODE,
    SERVICE,
    EventNote,
    EventType,
    Ref,
    Source,
)

WEB, DB = service_ref("web"), service_ref("db")
SECRET_REF = secret_ref("metallb-system")
STATE = Ref(CONFIGURATION_STATE, Key("metallb-system", "controller"))
SHOWN = {"loadBalancer": {"ingress": [{"ip": "192.0.2.7"}]}}
ADDRESSES = ["192.0.2.7"]
POOL = {"metallb.io/ip-allocated-from-pool": "lan"}


@pytest.fixture(params=["directory", "memory"])
def harness(request: pytest.FixtureRequest, tmp_path: Path) -> Harness:
    return DirectoryHarness(tmp_path) if request.param == "directory" else MemoryHarness()


@pytest.fixture
async def source(harness: Harness) -> AsyncIterator[Source]:
    async with harness.source() as opened:
        yield opened


@pytest.fixture
async def follower(source: Source) -> Follower:
    """A reader that has the snapshot."""
    reader = Follower(source)
    await reader.until(lambda: reader.batches, "the snapshot has come")
    return reader


async def test_the_first_batch_is_the_whole_snapshot(harness: Harness) -> None:
    node = {"apiVersion": "v1", "kind": "Node", "metadata": {"name": "n1"}}
    harness.apply(service("web"), service("db"), node)
    async with harness.source() as source:
        async for batch in source.changes():
            assert batch.synced
            assert {delta.ref for delta in batch.deltas} == {WEB, DB, Ref(NODE, Key("", "n1"))}
            break
        assert source.health().alive
        assert source.health().synced


async def test_the_snapshot_comes_also_where_there_is_nothing(follower: Follower) -> None:
    assert follower.batches[0].deltas == ()
    assert follower.batches[0].synced


async def test_only_the_kinds_that_were_asked_for_come(harness: Harness) -> None:
    harness.apply(service(), {"apiVersion": "v1", "kind": "Node", "metadata": {"name": "n1"}})
    async with harness.source(kinds=[NODE]) as source:
        follower = Follower(source)
        await follower.until(lambda: follower.batches, "the snapshot has come")
        assert list(follower.objects) == [Ref(NODE, Key("", "n1"))]


async def test_objects_come_with_an_api_servers_defaults(
    harness: Harness, follower: Follower
) -> None:
    raw = service()
    del raw["metadata"]["namespace"]
    harness.apply(raw)
    await follower.until(lambda: WEB in follower.objects, "the Service has come")
    spec = follower.objects[WEB]["spec"]
    assert spec["externalTrafficPolicy"] == "Cluster"
    assert spec["ipFamilies"] == ["IPv4"]
    (port,) = spec["ports"]
    assert (port["port"], port["protocol"], port["targetPort"]) == (80, "TCP", 80)


async def test_a_change_and_a_deletion_come_alone(harness: Harness, follower: Follower) -> None:
    harness.apply(service("web"), service("db"))
    await follower.until(lambda: len(follower.objects) == 2, "both Services have come")
    seen = len(follower.batches)
    harness.apply(service("web", port=81))
    await follower.until_port(WEB, 81)
    harness.remove(WEB)
    await follower.until(lambda: WEB not in follower.objects, "the Service has gone")
    later = [delta.ref for batch in follower.batches[seen:] for delta in batch.deltas]
    assert later == [WEB, WEB]
    assert DB in follower.objects


async def test_a_slow_reader_gets_each_object_once_as_it_is_last(
    harness: Harness, source: Source
) -> None:
    changes = source.changes()
    await anext(changes)
    for port in range(1, 6):
        harness.apply(service("web", port=port), service("db", port=port))
    ports: dict[Ref, int] = {}
    while ports != {WEB: 5, DB: 5}:
        batch = await anext(changes)
        refs = [delta.ref for delta in batch.deltas]
        assert len(refs) == len(set(refs))
        for delta in batch.deltas:
            assert delta.raw is not None
            ports[delta.ref] = delta.raw["spec"]["ports"][0]["port"]


async def test_a_status_comes_back_over_what_the_user_wrote(
    harness: Harness, source: Source, follower: Follower
) -> None:
    kept = {"conditions": [condition("Kept")]}
    harness.apply(service(metadata={"annotations": {"a": "b"}}, status=kept))
    await follower.until(lambda: follower.conditions(WEB) == ["Kept"], "the Service has come")
    await source.write_status(WEB, SHOWN, POOL)
    await follower.until(lambda: follower.addresses(WEB) == ADDRESSES, "it is back")
    assert follower.conditions(WEB) == ["Kept"]
    assert follower.annotations(WEB) == {"a": "b", **POOL}
    assert follower.port(WEB) == 80


def condition(kind: str) -> dict[str, str]:
    """A condition with all that an API server asks for."""
    since = "2024-05-01T00:00:00Z"
    reason = {"reason": "Tested", "message": "", "lastTransitionTime": since}
    return {"type": kind, "status": "True", **reason}


async def test_the_users_changes_leave_the_status_in_place(
    harness: Harness, source: Source, follower: Follower
) -> None:
    harness.apply(service())
    await follower.until(lambda: WEB in follower.objects, "the Service has come")
    await source.write_status(WEB, SHOWN, POOL)
    harness.apply(service(port=81))
    await follower.until(
        lambda: follower.port(WEB) == 81 and follower.addresses(WEB) == ADDRESSES, "both are there"
    )


async def test_an_annotation_that_is_not_given_again_goes(
    harness: Harness, source: Source, follower: Follower
) -> None:
    harness.apply(service())
    await follower.until(lambda: WEB in follower.objects, "the Service has come")
    await source.write_status(WEB, SHOWN, POOL)
    await source.write_status(WEB, {"loadBalancer": {}, "conditions": [condition("A")]})
    await follower.until(lambda: follower.conditions(WEB) == ["A"], "the status is there")
    assert follower.addresses(WEB) == []
    assert follower.annotations(WEB) == {}


async def test_an_empty_status_takes_back_what_was_written(
    harness: Harness, source: Source, follower: Follower
) -> None:
    harness.apply(service())
    await follower.until(lambda: WEB in follower.objects, "the Service has come")
    before = follower.objects[WEB]
    await source.write_status(WEB, SHOWN, POOL)
    await follower.until(lambda: follower.addresses(WEB) == ADDRESSES, "the status is there")
    await source.write_status(WEB, {})
    await follower.until(lambda: follower.objects[WEB] == before, "it is as the user wrote it")


async def test_two_writers_each_own_their_part_of_a_status(
    harness: Harness, source: Source, follower: Follower
) -> None:
    harness.apply(service())
    await follower.until(lambda: WEB in follower.objects, "the Service has come")
    async with harness.source("speaker-n1") as other:
        theirs = Follower(other)
        await theirs.until(lambda: WEB in theirs.objects, "the other one has it too")
        await source.write_status(WEB, {"conditions": [condition("A")]})
        await other.write_status(WEB, {"conditions": [condition("B")]})
        for reader in (follower, theirs):
            await reader.until(shows(reader, "A", "B"), "both conditions are there")
        await other.write_status(WEB, {})
        await follower.until(shows(follower, "A"), "one is left")


def shows(reader: Follower, *types: str) -> Callable[[], bool]:
    """Whether the Service has conditions of these types."""
    return lambda: sorted(reader.conditions(WEB)) == [*types]


async def test_the_status_of_an_object_that_is_gone_is_refused(
    harness: Harness, source: Source, follower: Follower
) -> None:
    harness.apply(service())
    await follower.until(lambda: WEB in follower.objects, "the Service has come")
    harness.remove(WEB)
    await follower.until(lambda: WEB not in follower.objects, "the Service has gone")
    with pytest.raises(SourceError, match="Service default/web is gone"):
        await source.write_status(WEB, SHOWN)


async def test_a_status_goes_with_its_object_and_does_not_come_back_with_its_name(
    harness: Harness, source: Source, follower: Follower
) -> None:
    harness.apply(service())
    await follower.until(lambda: WEB in follower.objects, "the Service has come")
    await source.write_status(WEB, SHOWN, POOL)
    await follower.until(lambda: follower.addresses(WEB) == ADDRESSES, "the status is there")
    harness.remove(WEB)
    await follower.until(lambda: WEB not in follower.objects, "the Service has gone")
    harness.apply(service())
    await follower.until(lambda: WEB in follower.objects, "there is a new one")
    assert follower.addresses(WEB) == []
    assert follower.annotations(WEB) == {}


async def test_an_own_object_is_put_replaced_and_deleted(
    source: Source, follower: Follower
) -> None:
    await source.put(STATE, whole(STATE, status={"result": "Valid"}))
    await follower.until(lambda: STATE in follower.objects, "the object has come")
    await source.put(STATE, whole(STATE, status={"result": "Invalid"}))
    await follower.until(
        lambda: follower.objects[STATE]["status"] == {"result": "Invalid"}, "it was replaced"
    )
    await source.delete(STATE)
    await follower.until(lambda: STATE not in follower.objects, "it was deleted")
    await source.delete(STATE)


async def test_an_object_is_created_once(source: Source, follower: Follower) -> None:
    await source.create(SECRET_REF, secret(SECRET_REF, b"key"))
    await follower.until(lambda: SECRET_REF in follower.objects, "the Secret has come")
    with pytest.raises(ConflictError):
        await source.create(SECRET_REF, secret(SECRET_REF, b"other"))
    assert follower.objects[SECRET_REF]["data"] == {"secretkey": "a2V5"}


async def test_what_the_user_has_made_is_not_created_again(
    harness: Harness, source: Source, follower: Follower
) -> None:
    harness.apply(secret(SECRET_REF, b"users"))
    with pytest.raises(ConflictError):
        await source.create(SECRET_REF, secret(SECRET_REF, b"key"))
    await follower.until(lambda: SECRET_REF in follower.objects, "the Secret has come")
    assert follower.objects[SECRET_REF]["data"] == {"secretkey": "dXNlcnM="}


async def test_what_another_writer_has_made_is_not_created_again(
    harness: Harness, source: Source
) -> None:
    async with harness.source("other") as other:
        await other.create(SECRET_REF, secret(SECRET_REF, b"theirs"))
        with pytest.raises(ConflictError):
            await source.create(SECRET_REF, secret(SECRET_REF, b"key"))


def note(message: str = "192.0.2.7 from pool lan.") -> EventNote:
    return EventNote(WEB, EventType.NORMAL, "IPAllocated", message)


async def test_an_event_tells_of_its_object(source: Source, follower: Follower) -> None:
    await source.record(note())
    await follower.until(lambda: follower.objects, "the Event has come")
    ((ref, raw),) = follower.objects.items()
    assert ref.kind == EVENT
    assert raw["involvedObject"]["name"] == "web"
    assert (raw["type"], raw["reason"]) == ("Normal", "IPAllocated")
    assert raw["message"] == "192.0.2.7 from pool lan."
    assert (raw["count"], raw["firstTimestamp"]) == (1, "2024-05-01T00:00:00Z")


async def test_equal_events_are_counted(source: Source, follower: Follower) -> None:
    for _ in range(3):
        await source.record(note())
    await follower.until(
        lambda: [raw["count"] for raw in follower.objects.values()] == [3], "it was counted"
    )


async def test_the_newest_events_are_kept(source: Source, follower: Follower) -> None:
    for number in range(9):
        await source.record(note(f"number {number}"))
    await source.record(note("number 5"))
    await follower.until(
        lambda: sorted(raw["message"][-1] for raw in follower.objects.values()) == [*"45678"],
        "five are kept",
    )


async def test_an_object_that_cannot_be_read_stays_as_it_was_while_others_work_on(
    harness: Harness, source: Source, follower: Follower
) -> None:
    harness.apply(service("web"), service("db"))
    await follower.until(lambda: len(follower.objects) == 2, "both Services have come")
    harness.spoil(WEB)
    await follower.until(lambda: follower.problems, "the problem is named")
    (problem,) = follower.problems
    assert problem.field.startswith(harness.spoilt)
    assert problem.fix
    assert source.health().problems == (problem,)
    assert source.health().alive
    harness.apply(service("db", port=81))
    await follower.until_port(DB, 81)
    assert follower.port(WEB) == 80
    await source.write_status(WEB, SHOWN)
    await follower.until(lambda: "status" in follower.objects[WEB], "the status is there")
    harness.apply(service("web", port=82))
    await follower.until_port(WEB, 82)
    assert follower.problems == ()


async def test_a_source_that_is_cut_off_says_so_and_takes_nothing_away(
    harness: Harness, source: Source, follower: Follower
) -> None:
    harness.apply(service())
    await follower.until(lambda: WEB in follower.objects, "the Service has come")
    harness.cut_off()
    await eventually_async(lambda: not source.health().alive, what="the source is not alive")
    assert source.health().message
    with pytest.raises(SourceError):
        await source.write_status(WEB, SHOWN)
    harness.bring_back()
    await eventually_async(lambda: source.health().alive, what="the source is alive again")
    harness.apply(service(port=81))
    await follower.until_port(WEB, 81)
    deltas = [delta for batch in follower.batches for delta in batch.deltas]
    assert all(delta.raw is not None for delta in deltas)


async def test_a_write_that_is_refused_can_be_tried_again(
    harness: Harness, source: Source, follower: Follower
) -> None:
    harness.apply(service())
    await follower.until(lambda: WEB in follower.objects, "the Service has come")
    with harness.refusing():
        with pytest.raises(SourceError):
            await source.write_status(WEB, SHOWN)
        with pytest.raises(SourceError):
            await source.put(STATE, whole(STATE))
        with pytest.raises(SourceError):
            await source.create(SECRET_REF, secret(SECRET_REF, b"key"))
    await source.write_status(WEB, SHOWN)
    await source.put(STATE, whole(STATE))
    await source.create(SECRET_REF, secret(SECRET_REF, b"key"))
    await follower.until(
        lambda: (
            {STATE, SECRET_REF} <= follower.objects.keys() and follower.addresses(WEB) == ADDRESSES
        ),
        "all is there",
    )


async def test_the_changes_end_with_the_source(harness: Harness) -> None:
    async with harness.source() as source:
        follower = Follower(source)
        await follower.until(lambda: follower.batches, "the snapshot has come")
    await follower.until_end()


async def test_what_was_written_is_there_for_the_next_run(harness: Harness) -> None:
    harness.apply(service())
    async with harness.source() as source:
        follower = Follower(source)
        await follower.until(lambda: WEB in follower.objects, "the Service has come")
        await source.write_status(WEB, SHOWN, POOL)
        await source.put(STATE, whole(STATE))
    async with harness.source(kinds=[SERVICE, CONFIGURATION_STATE]) as source:
        follower = Follower(source)
        await follower.until(lambda: follower.batches, "the snapshot has come")
        assert follower.objects.keys() == {WEB, STATE}
        assert follower.addresses(WEB) == ADDRESSES
