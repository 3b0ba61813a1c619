"""Whole speakers over ports in memory, in virtual time: who answers, and what is said about it."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from itertools import pairwise

import pytest

from speaker import own
from speaker.layer2.table import EntryKey, EntryState
from tests.support.logged import logged
from tests.support.virtual import pass_time, until
from tests.unit.speaker.world import LAN, OTHER, SYSTEM, VIP, World, lan, mac, story
from vipcast.kube.status import speaker_status_ref
from vipcast.model.errors import HostError
from vipcast.model.objects import Key
from vipcast.model.raw import NODE, SECRET, SERVICE, SERVICE_L2_STATUS, Raw, Ref


@pytest.fixture(autouse=True)
def _log(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("INFO")


@story("node1", "node2", "node3")
async def test_exactly_one_node_answers_and_says_so(world: World) -> None:
    world.serve("web", VIP)
    holder = await world.holder()
    await world.settled()
    assert world.answering() == [holder]
    assert world.l2_statuses() == {holder: [str(VIP)]}
    assert len(world.events()) == 1
    assert f'announcing from node "{holder}"' in world.events()[0]
    entry = world[holder].maps.entries[EntryKey(LAN, VIP)]
    assert (entry.state, entry.mac) == (EntryState.ANSWER, mac(world[holder].number))
    for other in world.others(holder):
        assert world[other].maps.entries[EntryKey(LAN, VIP)].state is EntryState.ELSEWHERE
        assert world[other].greeter.frames == []
    assert {frame[1][6:12] for frame in world[holder].greeter.frames} == {entry.mac}


# Leaving and coming


@story("node1", "node2", "node3")
async def test_when_the_holder_is_killed_another_takes_over_within_two_seconds(
    world: World,
) -> None:
    world.serve("web", VIP)
    first = await world.holder()
    await world.settled()
    killed_at = world.now()
    await world[first].kill()
    await world.silent(within=1.0)
    second = await world.holder(among=world.others(first))
    assert 1.0 < world.now() - killed_at < 2.0
    await world.settled()
    assert world.l2_statuses()[second] == [str(VIP)]
    assert "holderLost" in world.events()[-1]


@story("node1", "node2")
async def test_a_killed_agent_that_comes_back_takes_nothing_and_deletes_its_old_report(
    world: World,
) -> None:
    world.serve("web", VIP)
    first = await world.holder()
    await world.settled()
    await world[first].kill()
    await world.silent()
    second = await world.holder()
    world[first].start()
    await world.settled()
    assert world.answering() == [second]
    assert world.l2_statuses() == {second: [str(VIP)]}


@story("node1", "node2")
async def test_a_restart_keeps_the_address_and_every_question_is_answered(world: World) -> None:
    world.serve("web", VIP)
    holder = await world.holder()
    await world.settled()
    epoch = world[holder].maps.entries[EntryKey(LAN, VIP)].epoch
    await world[holder].stop()
    await pass_time(4.0)
    assert world.answering() == [holder]
    world[holder].start()
    end = world.now() + 5.0
    while world.now() < end:
        assert world.answering() == [holder]
        await pass_time(0.05)
    assert world[holder].maps.entries[EntryKey(LAN, VIP)].epoch == epoch
    assert len(world.events()) == 1


@story("node1", "node2")
async def test_a_restart_whose_objects_come_late_does_not_cut_its_own_lease(world: World) -> None:
    world.serve("web", VIP)
    holder = await world.holder()
    await world.settled()
    await world[holder].stop()
    world.cluster.set_reachable(False)
    world[holder].start()
    await pass_time(3.0)
    assert world.answering() == [holder]
    world.cluster.set_reachable(True)
    end = world.now() + 5.0
    while world.now() < end:
        assert world.answering() == [holder]
        await pass_time(0.05)


@story("node1", "node2")
async def test_after_leaving_nothing_is_sent_or_written(world: World) -> None:
    world.serve("web", VIP)
    holder = world[await world.holder()]
    await world.settled()
    sent, begin = len(world.hub.sent), len(holder.responder.journal)
    stopping = asyncio.create_task(holder.stop())
    await asyncio.wait((stopping,))
    mine = [node for node, _, _ in world.hub.sent[sent:] if node == holder.name]
    assert len(mine) == 3  # the last hello, three times over
    assert [line.split()[0] for line in holder.responder.journal[begin:]] == ["lease"]
    assert holder.responder.lease(LAN) == pytest.approx(world.now() + 9.5)
    sent, beat = len(world.hub.sent), holder.maps.heartbeat
    holder.links.set(replace(lan(holder.number), carrier=False))
    world.serve("late", OTHER)
    await pass_time(3.0)
    assert not [node for node, _, _ in world.hub.sent[sent:] if node == holder.name]
    assert holder.maps.heartbeat == beat
    assert [line.split()[0] for line in holder.responder.journal[begin:]] == ["lease"]


@story("node1", "node2")
async def test_a_frozen_speaker_gives_up_before_it_says_anything(world: World) -> None:
    world.serve("web", VIP)
    holder = world[await world.holder()]
    await world.settled()
    begin, sent = len(holder.responder.journal), len(world.hub.sent)
    world.loop.jump(2.0)
    assert world.answering() == []
    await until(lambda: len(world.hub.sent) > sent, "somebody speaks")
    assert holder.responder.journal[begin].split()[:3] == ["elsewhere", str(LAN), str(VIP)]
    assert world.answering() == []
    await world.holder()
    await world.settled()
    gaps = "vipcast_layer2_lease_gaps_total 1.0"
    assert gaps in holder.metrics.take().text().decode()
    holder.links.remove(LAN)
    await world.settled()
    assert gaps in holder.metrics.take().text().decode()


@story("node1", "node2", "node3")
async def test_a_speaker_started_under_a_name_in_use_takes_nothing_and_both_say_so(
    world: World, caplog: pytest.LogCaptureFixture
) -> None:
    world.serve("web", VIP)
    holder = await world.holder()
    await world.settled()
    caplog.clear()
    double = world.double(holder)
    double.start()
    end = world.now() + 8.0
    while world.now() < end:
        assert world.answering() == [holder]
        await pass_time(0.05)
    of_holder, of_double = (
        f"It is 192.0.2.{10 + each.number} ({mac(each.number).hex(':')})."
        for each in (world[holder], double)
    )
    said = "Another speaker uses this node's name."
    warned = [line["msg"] for line in logged(caplog) if line["level"] == "WARNING"]
    assert set(warned) >= {
        f"{said} {of_holder} This one answers for nothing as long as it is heard.",
        f"{said} {of_double} It answers for nothing as long as this one is heard.",
    }
    for each in (world[holder], double):
        assert each.speaker.doubled == (
            "Another speaker uses this node's name. It is heard on lan0."
            " Give each speaker the name of its own Node by --node-name."
        )
        condition = 'vipcast_layer2_condition{interface="lan0",reason="duplicateNodeName"} 1.0'
        assert condition in each.metrics.take().text().decode()
    reported = world.status(holder)
    assert reported["boot"] == f"{world[holder].maps.boot:016x}"
    assert reported["segments"][0]["problems"] == ["duplicateNodeName"]
    assert world.l2_statuses() == {holder: [str(VIP)]}
    await double.kill()
    await until(lambda: world[holder].speaker.doubled is None, "nobody else has the name", 70.0)
    assert world.answering() == [holder]


@story("node1", "node2")
async def test_reports_that_somebody_removes_or_overwrites_are_written_anew(
    world: World, caplog: pytest.LogCaptureFixture
) -> None:
    def reports() -> dict[Ref, Raw]:
        """Those of the holder; when their conditions turned is another matter."""
        return {
            ref: {**raw, "status": {**raw["status"], "conditions": ()}}
            for ref, raw in world.cluster.now().items()
            if ref.kind in own.KINDS and ref.key.name.endswith(holder)
        }

    world.serve("web", VIP)
    holder = await world.holder()
    await world.settled()
    mine = reports()
    assert len(mine) == 3
    for ref in mine:
        world.cluster.remove(ref)
    await pass_time(2.0)
    assert reports() == mine
    theirs = f"web2.default.{holder}"
    for ref, raw in mine.items():
        world.cluster.apply({**raw, "status": {**raw["status"], "boot": "7", "result": "Valid?"}})
        if ref.kind == SERVICE_L2_STATUS:
            world.cluster.apply({**raw, "metadata": {**raw["metadata"], "name": theirs}})
    await pass_time(12.0)
    assert reports() == mine
    assert world.l2_statuses() == {holder: [str(VIP)]}
    assert world.answering() == [holder]
    (line,) = logged(caplog, "reportOverwritten")
    started = mine[speaker_status_ref(SYSTEM, holder)]["status"]["started"]
    assert line["msg"] == (
        f"Another speaker uses this node's name. It reports boot 7, started {started}."
    )


# Services


@story("node1", "node2")
async def test_a_deleted_service_is_released_everywhere_and_named_in_the_log(
    world: World, caplog: pytest.LogCaptureFixture
) -> None:
    world.serve("web", VIP)
    holder = await world.holder()
    await world.settled()
    caplog.clear()
    world.delete_service("web")
    await world.silent(within=0.2)
    await world.settled()
    (line,) = logged(caplog, "serviceWithdrawn")
    assert (line["service"], line["pool"], line["reason"]) == ("default/web", "lan", "notWanted")
    assert world.l2_statuses() == {}
    assert all(not machine.maps.entries for machine in world.machines.values())
    assert world.unannounced(holder) == {}


@story("node1", "node2")
async def test_policy_local_moves_the_address_to_where_the_endpoint_is(world: World) -> None:
    for node in ("node1", "node2", "node1"):
        world.serve("web", VIP, local=node)
        await world.holder(among=[node], within=10)
        await world.settled()
        assert world.answering() == [node]


@story("node1")
async def test_of_two_services_with_one_address_the_first_by_name_has_it(world: World) -> None:
    world.serve("beta", VIP)
    await world.holder()
    world.serve("alpha", VIP)
    await world.settled()
    assert world.answering() == ["node1"]
    assert world["node1"].speaker.intents.claims[VIP].services == (Key("default", "alpha"),)
    (refused,) = world.status("node1")["unannounced"]
    assert (refused["service"], refused["reason"]) == ("default/beta", "conflictingAssignment")
    assert refused["message"] == (
        "Service default/alpha has the same address, and comes first by name."
    )
    world.delete_service("alpha")
    await world.settled()
    assert world["node1"].speaker.intents.claims[VIP].services == (Key("default", "beta"),)
    assert world.unannounced("node1") == {}


@story("node1")
async def test_a_service_deleted_together_with_a_change_of_configuration_is_released(
    world: World,
) -> None:
    world.serve("web", VIP)
    await world.holder()
    world.cluster.set_reachable(False)
    world.delete_service("web")
    world.configure("192.0.2.240-192.0.2.250")
    world.cluster.set_reachable(True)
    await world.silent(within=0.5)
    assert world["node1"].speaker.intents.decisions == {}


@story("node1", "node2")
async def test_an_excluded_node_gives_up_and_the_other_takes_over(world: World) -> None:
    world.serve("web", VIP)
    holder = await world.holder()
    await world.settled()
    label = {"node.kubernetes.io/exclude-from-external-load-balancers": ""}
    world.apply("Node", holder, namespace="", metadata={"labels": label})
    await world.silent(within=0.5)
    assert await world.holder() in world.others(holder)


# Key and configuration


@story("node1", key=False)
async def test_without_the_key_nothing_is_taken_and_with_it_all_is(world: World) -> None:
    world.serve("web", VIP)
    await pass_time(10.0)
    assert world.answering() == []
    assert world.hub.sent == []
    assert world.status("node1")["segments"][0]["key"] is False
    world.give_key()
    assert await world.holder() == "node1"
    await world.settled()
    assert world.status("node1")["segments"][0]["key"] is True


@story("node1", "node2", key=False)
async def test_the_key_that_an_agent_is_started_with_counts_until_the_secret_s_is_there(
    world: World,
) -> None:
    machine = world["node1"]
    await machine.kill()
    machine.key = b"k" * 32
    machine.start()
    world.serve("web", VIP)
    assert await world.holder() == "node1"
    world.give_key(b"n" * 32)
    await world.settled()
    assert [each.speaker.secret_key for each in world.machines.values()] == [b"n" * 32] * 2
    assert world.answering() == ["node1"]


@story("node1", "node2")
async def test_a_secret_that_goes_or_changes_costs_nothing(world: World) -> None:
    world.serve("web", VIP)
    holder = await world.holder()
    await world.settled()
    world.cluster.remove(Ref(SECRET, Key(SYSTEM, "memberlist")))
    await pass_time(5.0)
    world.give_key(b"n" * 32)
    await pass_time(5.0)
    assert world.answering() == [holder]


@story("node1", config=False)
async def test_a_bad_configuration_replaces_no_good_one(world: World) -> None:
    world.serve("web", VIP)
    await world.settled()
    assert world.answering() == []
    assert world.unannounced("node1") == {}
    world.configure("192.0.2.400-192.0.2.401")
    await pass_time(1.0)
    assert world["node1"].remembered == []
    world.configure()
    assert await world.holder() == "node1"
    assert [raw["items"][0]["data"] for raw in world["node1"].remembered] == [
        {
            "config": "address-pools:\n- name: lan\n  protocol: layer2\n"
            "  addresses: ['192.0.2.240-192.0.2.249']\n"
        }
    ]
    world.configure("nonsense")
    await pass_time(3.0)
    assert world.answering() == ["node1"]
    assert world["node1"].speaker.intents.keeper.state.stale
    assert len(world["node1"].remembered) == 1
    world.configure("198.51.100.0/24")
    await world.silent(within=0.5)
    await pass_time(1.0)
    assert world.unannounced("node1") == {str(VIP): "ipNotAllowed"}


# Who is heard


@story("node1", "node2")
async def test_who_is_heard_is_in_the_status_though_nothing_else_changes(world: World) -> None:
    await world.settled()

    def heard() -> list[str]:
        (segment,) = world.status("node1")["segments"]
        return [member["node"] for member in segment["members"]]

    assert heard() == ["node2"]
    await world["node2"].kill()
    await until(lambda: heard() == [], "node2 is not listed any more")


@story("node1", "node2")
async def test_an_announced_absence_is_in_the_status_while_it_lasts(world: World) -> None:
    await world.settled()

    def away() -> bool:
        (segment,) = world.status("node1")["segments"]
        (member,) = segment["members"]
        return bool(member["away"])

    assert not away()
    await world["node2"].stop()
    await until(away, "node2 is away", 2)
    world["node2"].start()
    await until(lambda: not away(), "node2 is back", 2)


# Idle


@story("node1", "node2", "node3")
async def test_an_idle_speaker_wakes_by_itself_for_hellos_alone(world: World) -> None:
    world.serve("web", VIP)
    await world.holder()
    await pass_time(30.0)
    beats: list[float] = []
    looks = 0
    node = world["node1"]
    beat, deadline = node.responder.beat, node.speaker.segments.next_deadline

    def noted(now: float) -> None:
        beats.append(now)
        beat(now)

    def counted() -> float | None:
        nonlocal looks
        looks += 1
        return deadline()

    node.responder.beat = noted  # type: ignore[method-assign]
    node.speaker.segments.next_deadline = counted  # type: ignore[method-assign]
    await pass_time(20.0)
    hellos = [round(second - first, 3) for first, second in pairwise(beats)]
    assert set(hellos) == {0.2}
    assert looks < 3.5 * len(beats), "one for a hello of each node, and little else"


# Trouble


@story("node1")
async def test_an_exception_in_a_callback_ends_the_speaker_and_announces_no_return(
    world: World,
) -> None:
    world.serve("web", VIP)
    await world.holder()
    node = world["node1"]
    assert node.task is not None

    def broken(now: float) -> None:
        raise HostError(f"the map is gone at {now:.0f}")

    node.responder.beat = broken  # type: ignore[method-assign]
    sent = len(world.hub.sent)
    await asyncio.wait((node.task,), timeout=5)
    with pytest.raises(ExceptionGroup) as caught:
        await node.task
    node.task = None
    assert [type(one) for one in caught.value.exceptions] == [HostError]
    assert node.responder.lease(LAN) < world.now() + 0.8
    assert len(world.hub.sent) == sent


@story("node1")
async def test_an_entry_that_cannot_be_written_ends_the_speaker_before_another_hello(
    world: World,
) -> None:
    node = world["node1"]
    await world.settled()

    def broken(changes: object) -> None:
        raise HostError(f"the map cannot be written: {changes}")

    node.responder.apply = broken  # type: ignore[method-assign]
    sent = len(world.hub.sent)
    world.serve("web", VIP)
    assert node.task is not None
    await asyncio.wait((node.task,), timeout=5)
    assert isinstance(node.task.exception(), ExceptionGroup)
    assert len(world.hub.sent) == sent
    node.task = None


@story("node1", "node2")
async def test_a_source_that_cannot_be_written_holds_up_no_answer(world: World) -> None:
    world.cluster.refuses = True
    world.serve("web", VIP)
    first = await world.holder(within=2.5)
    await world[first].kill()
    await world.silent()
    second = await world.holder(among=world.others(first), within=3)
    assert world.l2_statuses() == {}
    world.cluster.refuses = False
    await until(lambda: world.l2_statuses() == {second: [str(VIP)]}, "the status is written", 5)


@story("node1")
async def test_objects_that_cannot_be_parsed_are_reported_and_the_rest_works(world: World) -> None:
    world.serve("web", VIP)
    await world.holder()
    world.cluster.spoil(Ref(SERVICE, Key("default", "web")))
    world.apply("Node", "node1", namespace="", metadata={"labels": ["no", "mapping"]})
    await world.settled()
    assert world.answering() == ["node1"]
    assert [one.object for one in world["node1"].speaker.picture().problems] == [
        str(Ref(SERVICE, Key("default", "web"))),
        str(Ref(NODE, Key("", "node1"))),
    ]
