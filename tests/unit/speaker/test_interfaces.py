"""Interfaces of whole speakers: they come, go, change, are refused, and share one map."""

from __future__ import annotations

from dataclasses import replace

import pytest

from speaker.interfaces import CHECK
from speaker.layer2.table import EntryKey, EntryState
from tests.support.logged import logged
from tests.support.virtual import pass_time, until
from tests.unit.speaker.world import LAN, VIP, Machine, World, lan, story
from vipcast.model.errors import HostError
from vipcast.model.reasons import Reason


@pytest.fixture(autouse=True)
def _log(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("INFO")


@story("node1", "node2")
async def test_a_link_that_goes_takes_its_entries_along_and_the_other_node_takes_over(
    world: World,
) -> None:
    world.serve("web", VIP)
    holder = world[await world.holder()]
    await world.settled()
    holder.links.remove(LAN)
    await world.silent(within=0.2)
    assert holder.maps.entries == {}
    assert world.hub.listening(holder.name) == set()
    (second,) = world.others(holder.name)
    assert await world.holder() == second
    holder.links.set(lan(holder.number))
    await world.settled()
    assert world.answering() == [second]
    assert holder.maps.entries[EntryKey(LAN, VIP)].state is EntryState.ELSEWHERE


@story("node1", "node2")
async def test_a_carrier_that_flaps_within_the_lease_moves_nothing(world: World) -> None:
    world.serve("web", VIP)
    holder = world[await world.holder()]
    await world.settled()
    greeted = len(holder.greeter.frames)
    holder.links.set(replace(lan(holder.number), carrier=False))
    await pass_time(0.1)
    holder.links.set(lan(holder.number))
    await pass_time(5.0)
    assert world.answering() == [holder.name]
    assert len(holder.greeter.frames) > greeted


@story("node1", "node2")
async def test_a_carrier_that_stays_away_moves_the_address_and_nothing_moves_back(
    world: World,
) -> None:
    world.serve("web", VIP)
    holder = world[await world.holder()]
    await world.settled()
    holder.links.set(replace(lan(holder.number), carrier=False))
    await world.silent()
    second = await world.holder()
    assert second != holder.name
    assert world.status(holder.name)["segments"][0]["problems"] == ["linkDown"]
    holder.links.set(lan(holder.number))
    await world.settled()
    assert world.answering() == [second]


@story("node1")
async def test_a_new_mac_is_written_and_greeted_for(world: World) -> None:
    world.serve("web", VIP)
    await world.holder()
    await world.settled()
    node = world["node1"]
    node.greeter.frames.clear()
    fresh = bytes.fromhex("0200c0000299")
    node.links.set(replace(lan(1), mac=fresh))
    await pass_time(0.01)
    assert node.maps.entries[EntryKey(LAN, VIP)].mac == fresh
    assert {frame[6:12] for _, frame in node.greeter.frames} == {fresh}
    await pass_time(1.0)
    assert world.status("node1")["interfaces"][0]["mac"] == "02:00:c0:00:02:99"


@story("node1")
async def test_an_interface_that_becomes_a_bridges_port_is_cleared_and_comes_back(
    world: World,
) -> None:
    world.serve("web", VIP)
    await world.holder()
    node = world["node1"]
    node.links.set(replace(lan(1), master=9))
    await world.silent(within=0.2)
    assert node.maps.entries == {}
    assert node.attacher.attached == set()
    await world.settled()
    (interface,) = world.status("node1")["interfaces"]
    assert (interface["answering"], interface["reason"]) == (False, "interfaceEnslaved")
    node.links.set(lan(1))
    assert await world.holder() == "node1"
    assert node.attacher.calls == ["attach lan0", "detach 2", "attach lan0"]


@story("node1")
async def test_a_new_interface_is_announced_on_and_an_excluded_one_never(world: World) -> None:
    world.serve("web", VIP)
    await world.holder()
    node = world["node1"]
    node.links.set(lan(1, 3, "lan1"))
    node.links.set(lan(1, 4, "veth12"))
    await until(lambda: node.answers(ifindex=3), "lan1 answers, too")
    await world.settled()
    assert node.attacher.calls == ["attach lan0", "attach lan1"]
    assert world.status("node1")["interfaces"][2]["reason"] == "interfaceExcluded"


@story("node1")
async def test_two_interfaces_on_one_segment_answer_once(world: World) -> None:
    node = world["node1"]
    node.links.set(lan(1, 3, "lan1"))
    other = Machine(world, "node2", 2)
    world.machines["node2"] = other
    other.start()
    try:
        world.serve("web", VIP, local="node1")
        await pass_time(10.0)
        assert [node.answers(ifindex=LAN), node.answers(ifindex=3)] == [True, False]
        problems = {one["interface"]: one["problems"] for one in world.status("node1")["segments"]}
        assert problems == {"lan0": [], "lan1": ["sameSegment"]}
    finally:
        await other.kill()


# Refused, or without room


@story("node1")
async def test_a_refused_interface_is_tried_again_when_it_changes_and_by_and_by(
    world: World,
) -> None:
    node = world["node1"]
    world.serve("web", VIP)
    node.attacher.refuse[3] = Reason.FOREIGN_PROGRAM, "XDP program 9 (other) is attached."
    node.links.set(lan(1, 3, "lan1"))
    await world.holder()
    await pass_time(1.0)
    (interface,) = [one for one in world.status("node1")["interfaces"] if one["name"] == "lan1"]
    assert interface["reason"] == "foreignProgram"
    assert interface["message"] == "XDP program 9 (other) is attached."
    node.attacher.calls.clear()
    node.links.set(replace(lan(1, 3, "lan1"), addresses=()))
    await pass_time(0.01)
    assert node.attacher.calls == ["attach lan1"]
    del node.attacher.refuse[3]
    took = await until(lambda: node.answers(ifindex=3), "lan1 answers", 35)
    assert took > 1.0
    assert node.speaker.interfaces.failed == {}
    assert world.answering() == ["node1"]


@story("node1")
async def test_pauses_between_tries_grow_to_half_a_minute_and_one_line_tells_of_all(
    world: World, caplog: pytest.LogCaptureFixture
) -> None:
    node = world["node1"]
    node.attacher.refuse[3] = Reason.ATTACH_FAILED, "no XDP mode can be used."
    node.links.set(lan(1, 3, "lan1"))
    await pass_time(0.01)
    node.attacher.calls.clear()
    await pass_time(300.0)
    assert len(node.attacher.calls) == 5 + 8  # after 1, 3, 7, 15, 31 s, then every 30 s
    assert [line["error"] for line in logged(caplog, "attach")] == ["no XDP mode can be used."]
    node.attacher.refuse[3] = Reason.ATTACH_FAILED, "another thing."
    await pass_time(31.0)
    assert [line["error"] for line in logged(caplog, "attach")][1:] == ["another thing."]
    node.links.remove(3)
    await world.settled()
    assert node.speaker.interfaces.failed == {}
    assert [one["name"] for one in world.status("node1")["interfaces"]] == ["lan0"]
    node.links.set(lan(1, 3, "veth3"))  # the same index, and nothing of ours
    await world.settled()
    assert node.attacher.calls[-1] == "attach lan1"


@story("node1")
async def test_with_no_lease_slot_left_one_interface_fails_and_the_others_work(
    world: World,
) -> None:
    node = world["node1"]
    world.serve("web", VIP)
    await world.holder()
    for ifindex in range(100, 161):
        node.responder.segment(ifindex, range(200))
        node.links.set(replace(lan(1, ifindex, f"veth{ifindex}")))
    node.links.set(lan(1, 3, "lan1"))
    await world.settled()
    (failed,) = node.speaker.interfaces.failed.values()
    assert (failed[1].interface, failed[1].reason) == ("lan1", Reason.SEGMENT_FAILED)
    assert "lease slots are taken" in failed[1].detail
    assert world.answering() == ["node1"]
    node.links.remove(100)
    await until(lambda: node.answers(ifindex=3), "lan1 has the slot of a link that is gone", 40)


@story("node1")
async def test_a_link_that_is_gone_or_enslaved_before_it_is_attached_is_not_opened(
    world: World,
) -> None:
    node = world["node1"]
    world.serve("web", VIP)
    await world.holder()
    gone, slave = lan(1, 3, "lan1"), lan(1, 4, "lan2")
    node.attacher.meanwhile = lambda: node.links.remove(3)
    node.links.set(gone)
    await pass_time(1.0)
    node.attacher.meanwhile = lambda: node.links.set(replace(slave, master=9))
    node.links.set(slave)
    await pass_time(3.0)
    assert {key.ifindex for key in node.maps.entries} == {LAN}
    assert len(node.speaker.segments) == 1
    assert node.attacher.attached == {LAN, 3}  # 3 went with its link
    assert node.attacher.calls[-1] == "detach 4"


@story("node1")
async def test_trouble_while_older_pins_or_programs_go_is_logged_and_no_more(world: World) -> None:
    node = world["node1"]
    world.serve("web", VIP)
    await world.holder()
    node.attacher.trouble = HostError("EBUSY: somebody holds it")
    node.links.set(lan(1, 3, "lan1"))
    await until(lambda: node.answers(ifindex=3), "lan1 answers")
    node.links.set(replace(lan(1, 3, "lan1"), master=9))
    await world.settled()
    assert {key.ifindex for key in node.maps.entries} == {LAN}
    assert world.answering() == ["node1"]


@story("node1")
async def test_entries_that_an_older_agent_left_where_nothing_is_announced_now_go(
    world: World,
) -> None:
    node = world["node1"]
    world.serve("web", VIP)
    node.links.set(lan(1, 3, "lan1"))
    node.links.set(lan(1, 4, "lan2"))
    await until(lambda: all(node.answers(ifindex=i) for i in (2, 3, 4)), "all three answer")
    await node.stop()
    node.links.links[3] = replace(lan(1, 3, "lan1"), master=9)
    del node.links.links[4]
    node.start()
    await until(lambda: {key.ifindex for key in node.maps.entries} == {LAN}, "only lan0 is left")
    assert world.answering() == ["node1"]
    assert node.attacher.attached == {2, 4}


@story("node1")
async def test_a_full_map_takes_what_fits_says_what_does_not_and_takes_it_when_it_can(
    world: World,
) -> None:
    node = world["node1"]
    await world.settled()
    await node.kill()
    node.maps.size = 16 + 3
    world.serve("b", VIP, VIP + 1)
    node.start(places=3)
    await world.holder(VIP + 1)
    world.serve("a", VIP + 2, VIP + 3)
    await world.settled()
    assert [world.answering(VIP + i) for i in range(4)] == [["node1"]] * 3 + [[]]
    assert world.unannounced("node1") == {str(VIP + 3): "mapFull"}
    assert world.status("node1")["unannounced"][0]["message"] == (
        "The responder's map has no room left for another address on this node."
        " It has no entry on lan0."
    )
    node.links.set(lan(1, 3, "lan1"))
    await world.settled()
    assert [world.answering(VIP + i) for i in range(4)] == [["node1"]] * 3 + [[]]
    assert not any(node.answers(VIP + i, ifindex=3) for i in range(4))
    node.links.remove(LAN)
    await world.settled()
    assert [node.answers(VIP + i, ifindex=3) for i in range(4)] == [True, False, True, True]
    assert world.unannounced("node1") == {str(VIP + 1): "mapFull"}  # the last by Service
    node.links.set(lan(1))
    world.serve("b", VIP)
    await world.settled()
    assert [node.answers(VIP + i, ifindex=3) for i in range(4)] == [True, False, True, True]
    assert world.status("node1")["unannounced"][0]["message"].endswith("no entry on lan0.")
    world.delete_service("a")
    await world.settled()
    assert [node.answers(VIP, ifindex=ifindex) for ifindex in (LAN, 3)] == [True, True]
    assert world.unannounced("node1") == {}


@story("node1")
async def test_a_program_that_stays_where_it_was_put_is_only_looked_at(world: World) -> None:
    world.serve("web", VIP)
    await world.holder()
    attacher = world["node1"].attacher
    await pass_time(10 * CHECK)
    assert attacher.attempts == 1
    attacher.attached.clear()
    await pass_time(10 * CHECK)
    assert (attacher.attempts, attacher.attached) == (2, {LAN})


@story("node1", "node2")
async def test_a_program_that_somebody_took_off_is_put_back(
    world: World, caplog: pytest.LogCaptureFixture
) -> None:
    world.serve("web", VIP)
    holder = await world.holder()
    await world.settled()
    node = world[holder]
    node.attacher.attached.clear()
    await pass_time(2 * CHECK)
    assert node.attacher.attached == {LAN}
    assert [line["interface"] for line in logged(caplog, "reattached")] == ["lan0"]
    assert world.answering() == [holder]


@story("node1", "node2")
async def test_where_the_program_cannot_be_put_back_another_node_takes_over(world: World) -> None:
    world.serve("web", VIP)
    holder = await world.holder()
    (other,) = world.others(holder)
    await world.settled()
    node = world[holder]
    node.attacher.attached.clear()
    node.attacher.refuse[LAN] = Reason.FOREIGN_PROGRAM, "XDP program 9 (other) is attached."
    await pass_time(2 * CHECK)
    await world.settled()
    assert world.answering() == [other]
    (interface,) = world.status(holder)["interfaces"]
    assert (interface["answering"], interface["reason"]) == (False, "foreignProgram")
    del node.attacher.refuse[LAN]
    await pass_time(40.0)
    assert node.attacher.attached == {LAN}
    assert world.answering() == [other]
