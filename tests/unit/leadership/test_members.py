"""Which hellos are believed, and how many nodes there may be."""

from __future__ import annotations

import pytest

from speaker.leadership import Condition
from speaker.leadership.hello import Echo, node_id, unpack_echoes
from tests.unit.leadership.talking import BOOT, LINK, SIXTEEN, TEN, Other, Talk, everyone, settled
from vipcast.model.reasons import Reason


def ours(talk: Talk, age: float = 0.0, boot: int = BOOT, link: int = LINK) -> Echo:
    """An echo of a clock of ours."""
    return Echo(node_id("node1"), boot, link, round((talk.now - age) * 1e9))


def believed(talk: Talk) -> set[str]:
    """Live nodes."""
    return {member.node for member in talk.view().members if member.live}


def test_a_node_is_believed_as_soon_as_it_echoes_a_fresh_clock_of_ours() -> None:
    talk = settled()
    node2 = Other("node2", {TEN: 4})
    talk.hear(node2.hello(talk.now, None)[0])
    assert talk.rejected() == {"stale_echo": 1}
    assert believed(talk) == set()
    assert talk.view().vips[TEN].holder == "node1"
    talk.hear(node2.hello(talk.now, ours(talk))[0])
    assert believed(talk) == {"node2"}


@pytest.mark.parametrize(
    ("echo", "rejection"),
    [
        ({"age": 1.01}, "stale_echo"),
        ({"age": -0.1}, "stale_echo"),
        ({"boot": BOOT + 1}, "stale_echo"),
        ({"link": LINK + 1}, "foreign_segment"),
    ],
)
def test_an_echo_that_proves_nothing_makes_nobody_known(
    echo: dict[str, int], rejection: str
) -> None:
    talk = settled()
    talk.hear(Other("node2").hello(talk.now, ours(talk, **echo))[0])
    assert talk.rejected() == {rejection: 1}
    assert believed(talk) == set()


def test_a_stranger_is_echoed_so_that_it_can_believe_us() -> None:
    talk = settled()
    node2 = Other("node2")
    talk.hear(node2.hello(talk.now, None)[0])
    talk.wait(0.2)
    echo = Echo(node_id("node2"), node2.boot, node2.link, node2.clock)
    assert list(unpack_echoes(talk.said[-1].echoes)) == [echo]
    assert talk.said[-1].asks


def test_a_recording_does_not_displace_a_stranger_s_newest_hello() -> None:
    talk = settled()
    node2 = Other("node2")
    recorded, newest = (node2.hello(talk.now, None)[0] for _ in range(2))
    talk.hear(newest)
    talk.hear(recorded)
    talk.wait(0.2)
    assert [echo.clock for echo in unpack_echoes(talk.said[-1].echoes)] == [node2.clock]


def test_a_replayed_hello_is_dropped_and_counted() -> None:
    node2 = Other("node2")
    talk = settled(node2)
    node2.present = False
    recorded = [node2.hello(talk.now, talk.echo())[0] for _ in range(3)]
    for datagram in recorded:
        talk.hear(datagram)
    for datagram in recorded:
        talk.hear(datagram)
    assert talk.rejected() == {"replay": 3}


def test_a_recording_does_not_keep_a_dead_holder_alive() -> None:
    node2 = Other("node2", {SIXTEEN: 4})
    talk = settled(node2, vips=(SIXTEEN,))
    node2.present = False
    recorded = [node2.hello(talk.now + i / 5, talk.echo())[0] for i in range(50)]
    for datagram in recorded[:5]:
        talk.wait(0.2)
        talk.hear(datagram)
    talk.wait(2.0)
    assert talk.answers(SIXTEEN)
    for datagram in recorded:
        talk.wait(0.2)
        talk.hear(datagram)
    assert talk.answers(SIXTEEN)
    assert talk.rejected() == {"replay": 5, "stale_echo": 45}


def test_a_node_that_restarted_cannot_be_fed_a_recording() -> None:
    talk = settled(Other("node2", {SIXTEEN: 4}), vips=(SIXTEEN,))
    node2 = talk.others["node2"]
    recorded = [node2.hello(talk.now, talk.echo())[0] for _ in range(20)]
    talk.wait(2.0)
    again = Talk(wanted=everyone(SIXTEEN))
    again.now = talk.now
    for datagram in recorded:
        again.hear(datagram)
        again.wait(0.2)
    assert again.answers(SIXTEEN)
    assert again.rejected() == {"stale_echo": 20}


def test_what_was_recorded_on_one_segment_is_worthless_on_another() -> None:
    one = settled(Other("node2", {SIXTEEN: 4}), vips=(SIXTEEN,), link=2)
    two = settled(vips=(SIXTEEN,), link=3)
    for datagram in one.others["node2"].hello(one.now, one.echo()):
        two.hear(datagram)
    assert two.rejected() == {"foreign_segment": 1}
    assert two.answers(SIXTEEN)


def test_a_hello_that_was_long_on_its_way_revives_nobody() -> None:
    node2 = Other("node2", {SIXTEEN: 4})
    talk = settled(node2, vips=(SIXTEEN,))
    node2.present = False
    held_back = node2.hello(talk.now, talk.echo())[0]
    talk.wait(5.0)
    talk.hear(held_back)
    assert talk.rejected() == {"stale_echo": 1}
    assert believed(talk) == set()
    assert talk.answers(SIXTEEN)


def test_a_clock_that_runs_slower_than_ours_is_followed_from_echo_to_echo() -> None:
    node2 = Other("node2")
    talk = settled(node2)
    for _ in range(600):  # two minutes, in which its clock loses 2.4 s
        talk.wait(0.2)
        node2.offset -= 0.004
    talk.hear(node2.hello(talk.now, None)[0])
    assert talk.rejected() == {}


def test_a_node_whose_clock_stood_still_is_believed_again_once_it_echoes() -> None:
    node2 = Other("node2")
    talk = settled(node2)
    node2.offset -= 60.0  # a virtual machine that was paused for a minute
    node2.clock = 0
    talk.until(talk.now + 0.01)
    talk.hear(node2.hello(talk.now + 60.1, None)[0])
    node2.present = False
    talk.wait(30.0)
    talk.hear(node2.hello(talk.now + 31.0, None)[0])
    assert talk.rejected() == {"stale_echo": 1}
    talk.hear(node2.hello(talk.now + 31.0, ours(talk))[0])
    assert believed(talk) == {"node2"}


def test_a_rebooted_node_has_to_echo_before_its_new_boot_counts() -> None:
    node2 = Other("node2", {TEN: 3})
    talk = settled(node2)
    node2.boot, node2.holds, node2.clock, node2.offset = 23, {}, 0, -100.0
    talk.hear(node2.hello(talk.now, None)[0])
    assert talk.view().vips[TEN].holder == "node2"
    talk.hear(node2.hello(talk.now, ours(talk))[0])
    assert talk.view().vips[TEN].holder is None
    talk.hear(Other("node2", {TEN: 3}).hello(talk.now, None)[0])
    assert talk.view().vips[TEN].holder is None


def test_of_two_links_of_a_node_the_lower_one_counts_whichever_came_first() -> None:
    second = Other("node2", link=6, present=False)
    talk = settled()
    talk.hear(second.hello(talk.now, ours(talk))[0])
    talk.hear(Other("node2", link=5).hello(talk.now, ours(talk))[0])
    talk.hear(second.hello(talk.now, ours(talk))[0])
    assert [(m.link, m.live) for m in talk.view().members if m.verified] == [(5, True)]
    assert talk.rejected() == {"other_link": 1}


def test_the_higher_link_of_a_node_counts_when_the_lower_is_silent() -> None:
    node2 = Other("node2", {TEN: 3})
    second = Other("node2", link=6)
    talk = settled(node2)
    talk.hear(second.hello(talk.now, ours(talk))[0])
    assert talk.rejected() == {"other_link": 1}
    assert talk.view().vips[TEN].holder == "node2"
    node2.present = False
    talk.wait(1.31)
    talk.hear(second.hello(talk.now, ours(talk))[0])
    assert [(m.link, m.live) for m in talk.view().members if m.verified] == [(6, True)]


def test_another_node_with_our_name_is_a_problem_that_is_told_not_obeyed() -> None:
    talk = settled(vips=(SIXTEEN,))
    double = Other("node1", {SIXTEEN: 99})
    talk.hear(double.hello(talk.now, ours(talk))[0])
    assert talk.rejected() == {"duplicate": 1}
    assert Reason.DUPLICATE_NODE in talk.view().conditions
    assert talk.answers(SIXTEEN)
    talk.wait(2.0)
    assert Reason.DUPLICATE_NODE not in talk.view().conditions


def test_a_node_that_hears_its_name_says_so_to_the_other_in_an_echo() -> None:
    talk = settled()
    double = Other("node1")
    for _ in range(2):
        talk.hear(double.hello(talk.now, ours(talk))[0])
        talk.wait(0.25)
        echo = Echo(node_id("node1"), double.boot, double.link, double.clock)
        assert list(unpack_echoes(talk.said[-1].echoes)) == [echo]


def heard_double(talk: Talk, double: Other, seconds: float) -> None:
    """For so long another node of our name says hello as often as any, and echoes ours."""
    end = talk.now + seconds
    while talk.now < end:
        talk.hear(double.hello(talk.now, talk.echo())[0])
        talk.wait(0.2)


def test_who_starts_under_a_name_in_use_speaks_on_and_holds_nothing_until_it_is_free() -> None:
    talk = Talk(wanted=everyone(SIXTEEN))
    talk.wait(0.1)
    heard_double(talk, Other("node1", {SIXTEEN: 4}), 10.0)
    assert talk.lease <= talk.now
    assert not talk.answers(SIXTEEN)
    assert talk.view().vips[SIXTEEN].reason is Reason.DUPLICATE_NODE
    assert (talk.said[-1].yields, talk.said[-1].learning) == (True, True)
    assert talk.now - talk.said[-1].clock / 1e9 < 0.25
    (began,) = [e for _, e in talk.log if isinstance(e, Condition) and e.begins]
    assert began.detail == (
        "It is 192.0.2.2 (02:00:00:00:00:05). This one answers for nothing as long as it is heard."
    )
    talk.wait(6.0)
    assert talk.answers(SIXTEEN)
    assert not talk.said[-1].yields


def test_who_has_the_name_keeps_what_it_holds_and_says_where_the_other_is() -> None:
    talk = settled(vips=(SIXTEEN,))
    heard_double(talk, Other("node1", learning=True), 3.0)
    heard_double(talk, Other("node1", learning=True, yields=True), 3.0)
    assert talk.answers(SIXTEEN)
    (began,) = [e for _, e in talk.log if isinstance(e, Condition) and e.begins]
    assert began.detail == (
        "It is 192.0.2.2 (02:00:00:00:00:05). It answers for nothing as long as this one is heard."
    )


def test_who_yields_waits_for_a_planned_restart_of_the_other() -> None:
    talk = Talk(wanted=everyone(SIXTEEN))
    talk.wait(0.1)
    double = Other("node1", {SIXTEEN: 4})
    heard_double(talk, double, 1.0)
    double.away = 10.0
    talk.hear(double.hello(talk.now, talk.echo())[0])
    talk.wait(9.9)
    assert talk.said[-1].yields
    talk.wait(5.0)
    assert talk.answers(SIXTEEN)


@pytest.mark.parametrize(("boot", "stays"), [(BOOT + 1, True), (BOOT - 1, False)])
def test_of_two_that_both_answer_the_lower_boot_stays(boot: int, stays: bool) -> None:
    talk = settled(vips=(SIXTEEN,))
    heard_double(talk, Other("node1", {SIXTEEN: 4}, boot=boot), 1.0)
    assert talk.answers(SIXTEEN) is stays


def test_another_machine_takes_no_name_from_one_that_is_live() -> None:
    node2 = Other("node2", {SIXTEEN: 4})
    talk = settled(node2, vips=(SIXTEEN,))
    double = Other("node2", {TEN: 9}, boot=23, mac=b"\x02\x00\x00\x00\x00\x99")
    talk.hear(double.hello(talk.now, ours(talk))[0])
    assert talk.rejected() == {"duplicate": 1}
    assert talk.view().vips[SIXTEEN].holder == "node2"
    node2.away = 10.0
    talk.says("node2")
    node2.present = False
    talk.wait(9.5)
    talk.hear(double.hello(talk.now, ours(talk))[0])
    assert talk.view().vips[SIXTEEN].holder == "node2"
    talk.wait(1.0)
    talk.hear(double.hello(talk.now, ours(talk))[0])
    assert believed(talk) == {"node2"}
    assert talk.rejected() == {"duplicate": 2}


def test_a_name_that_its_node_yields_is_believed_of_the_other_at_once() -> None:
    node2 = Other("node2", {SIXTEEN: 4})
    talk = settled(node2, vips=(SIXTEEN,))
    node2.yields, node2.learning, node2.holds = True, True, {}
    talk.says("node2")
    double = Other("node2", {SIXTEEN: 9}, boot=23, mac=b"\x02\x00\x00\x00\x00\x99")
    talk.hear(double.hello(talk.now, ours(talk))[0])
    assert talk.rejected() == {}
    assert talk.view().vips[SIXTEEN].counter == 9


def test_our_own_hello_of_before_a_reboot_proves_nothing() -> None:
    talk = settled()
    talk.hear(Other("node1", boot=BOOT - 1).hello(talk.now, None)[0])
    assert talk.rejected() == {"stale_echo": 1}
    assert talk.view().conditions == frozenset()


def test_our_own_hello_come_back_changes_nothing() -> None:
    talk = settled(vips=(SIXTEEN,))
    own = Other("node1", {SIXTEEN: 9}, boot=BOOT, link=LINK)
    assert talk.hear(own.hello(talk.now, ours(talk))[0]) == ()
    assert talk.rejected() == {"own": 1}


def test_a_recording_of_our_other_interface_makes_nobody_stand_down() -> None:
    talk = settled(vips=(SIXTEEN,), link=9)
    twin = Other("node1", boot=BOOT, link=2, offset=-1.5)
    assert talk.hear(twin.hello(talk.now, None)[0]) == ()
    assert talk.answers(SIXTEEN)


def test_sixty_four_nodes_are_remembered_and_the_next_is_refused() -> None:
    talk = settled()
    for number in range(65):
        talk.hear(Other(f"worker{number}").hello(talk.now, ours(talk))[0])
    assert talk.rejected() == {"full": 1}
    assert len(believed(talk)) == 64


def test_a_lost_node_makes_room_for_a_new_one() -> None:
    talk = settled()
    for number in range(64):
        talk.hear(Other(f"worker{number}").hello(talk.now, ours(talk))[0])
    talk.wait(2.0)
    talk.hear(Other("worker64").hello(talk.now, ours(talk))[0])
    assert believed(talk) == {"worker64"}
    assert len(talk.view().members) == 64


def test_a_flood_of_strangers_is_bounded_and_displaces_nobody() -> None:
    node2 = Other("node2", {TEN: 3})
    talk = settled(node2)
    for number in range(5000):
        talk.hear(Other(f"stranger{number}").hello(talk.now, None)[0])
    members = talk.view().members
    assert sum(not member.verified for member in members) == 64
    assert believed(talk) == {"node2"}
    talk.wait(2.0)
    assert talk.view().vips[TEN].holder == "node2"
    assert len(talk.view().members) == 1  # strangers that went on their way are not shown


def test_a_lost_node_is_forgotten_after_ten_minutes() -> None:
    node2 = Other("node2")
    talk = settled(node2)
    node2.present = False
    talk.wait(10.0)
    assert [(m.node, m.live) for m in talk.view().members] == [("node2", False)]
    talk.wait(600.0)
    assert talk.view().members == ()


def test_who_asks_is_echoed_first_and_all_others_in_turn() -> None:
    others = [Other(f"worker{number}") for number in range(40)]
    talk = settled()
    for other in others:
        talk.hear(other.hello(talk.now, ours(talk))[0])
    asking = Other("worker7", asks=True)
    asking.clock = others[7].clock + 1
    echoed: set[bytes] = set()
    for _ in range(4):
        talk.hear(asking.hello(talk.now, ours(talk))[0])
        talk.wait(0.2)
        echoes = [echo.node for echo in unpack_echoes(talk.said[-1].echoes)]
        assert len(echoes) == 16
        assert echoes[0] == node_id("worker7")
        echoed.update(echoes)
    assert echoed == {node_id(other.node) for other in others}


def test_the_view_shows_every_member() -> None:
    node2 = Other("node2", {TEN: 3}, away=0.0)
    talk = settled(node2)
    talk.hear(Other("node3").hello(talk.now, None)[0])
    known, stranger = talk.view().members
    assert (known.node, known.address, known.boot, known.link) == ("node2", "192.0.2.2", 22, 5)
    assert (known.verified, known.live, known.holds, known.away) == (True, True, 1, 0.0)
    assert known.heard_ago <= 0.2
    assert (stranger.node, stranger.verified, stranger.live) == ("node3", False, False)
