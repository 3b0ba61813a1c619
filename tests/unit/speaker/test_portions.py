"""Many changes, a few at a time."""

from __future__ import annotations

from ipaddress import IPv4Address

from speaker.portions import AT_ONCE, LONGEST_REST, portions, rest
from tests.support.virtual import pass_time, until
from tests.unit.speaker.world import VIP, World, story
from vipcast.model.errors import Finding
from vipcast.model.objects import Key
from vipcast.model.raw import ENDPOINT_SLICE, NODE, SECRET, SERVICE, Batch, Delta, Kind, Ref

COUNT = 300


def changes(kind: Kind, count: int) -> tuple[Delta, ...]:
    return tuple(Delta(Ref(kind, Key("default", f"n{number}")), None) for number in range(count))


def test_what_is_few_stays_as_it_is() -> None:
    batch = Batch(changes(SERVICE, AT_ONCE), synced=True)
    assert list(portions(batch)) == [batch]


def test_every_change_is_in_one_portion_and_what_decides_about_many_comes_first() -> None:
    problem = Finding("file x", "", "", "It is odd.")
    few = (*changes(NODE, AT_ONCE + 1), *changes(SECRET, 1))
    many = changes(SERVICE, AT_ONCE + 3)
    batch = Batch((*many[:5], *few, *many[5:]), synced=True, problems=(problem,))
    first, second = portions(batch)
    assert first.deltas[: len(few)] == few
    assert len(first.deltas) == len(few) + AT_ONCE
    assert {*first.deltas, *second.deltas} == set(batch.deltas)
    assert len(second.deltas) == 3
    assert first.problems == second.problems == (problem,)
    assert first.synced
    assert second.synced


def test_a_service_and_its_endpoints_are_in_one_portion() -> None:
    services, slices = changes(SERVICE, 2 * AT_ONCE), changes(ENDPOINT_SLICE, 2 * AT_ONCE)
    for portion in portions(Batch((*services, *reversed(slices)), synced=True)):
        kinds: dict[Key, list[Kind]] = {}
        for delta in portion.deltas:
            kinds.setdefault(delta.ref.key, []).append(delta.ref.kind)
        assert all(both == [SERVICE, ENDPOINT_SLICE] for both in kinds.values())


def test_changes_that_stay_together_are_one_portion() -> None:
    batch = Batch(changes(NODE, 3 * AT_ONCE), synced=True)
    assert list(portions(batch)) == [batch]


def test_changes_gather_for_longer_than_a_batch_takes_but_not_for_ever() -> None:
    assert 0.01 < rest(0.01) < 0.1
    assert rest(5.0) == LONGEST_REST


@story("node1", "node2")
async def test_a_burst_of_services_is_taken_in_portions_and_each_is_answered_for(
    world: World,
) -> None:
    world.configure("10.0.0.0/22")
    world.serve("web", VIP)
    await pass_time(5.0)
    intents, sizes = world["node1"].speaker.intents, []
    take = intents.take

    def counted(batch: Batch, now: float) -> object:
        sizes.append(len(batch.deltas))
        return take(batch, now)

    intents.take = counted  # type: ignore[method-assign, assignment]
    addresses = [IPv4Address("10.0.0.1") + number for number in range(COUNT)]
    for number, address in enumerate(addresses):
        world.serve(f"s{number}", address)
    await until(
        lambda: all(len(world.answering(address)) == 1 for address in addresses),
        "each has one who answers",
    )
    assert max(sizes) == AT_ONCE
    assert len(intents.claims) >= COUNT
