"""Segments out of what speakers hear, and who is lost."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from tests.unit.cli.cluster import NODES, interface, report, segment
from vipcast.cli.segments import Place, Segment, find_segments
from vipcast.model.status import SpeakerReport


def shape(segments: Sequence[Segment]) -> list[tuple[str, tuple[str, ...], set[str]]]:
    """Name, nodes and who is lost."""
    return [(one.name, one.nodes, set(one.lost)) for one in segments]


def test_nodes_that_hear_one_another_are_on_one_segment() -> None:
    found = find_segments(report(node) for node in NODES)
    assert shape(found) == [("lan0", NODES, set())]
    assert [found[0].hears(Place(node, "lan0")) for node in NODES] == [2, 2, 2]


def test_interfaces_of_different_names_are_one_segment_if_they_hear_each_other() -> None:
    one = report("node1", ("node2",))
    other = replace(
        report("node2", ("node1",)),
        interfaces=(replace(interface("node2"), name="eth0"),),
        segments=(replace(segment("node2", ("node1",)), interface="eth0"),),
    )
    assert shape(find_segments((one, other))) == [("eth0/lan0", ("node1", "node2"), set())]


def test_two_segments_whose_interfaces_have_one_name_are_told_apart() -> None:
    racks = (("node1", "node2"), ("node3", "node4"))
    found = find_segments(report(node, rack) for rack in racks for node in rack)
    assert shape(found) == [
        ("lan0@node1", ("node1", "node2"), set()),
        ("lan0@node3", ("node3", "node4"), set()),
    ]


def test_a_node_on_two_segments_is_on_both() -> None:
    def both(node: str) -> SpeakerReport:
        names = ("lan0", "lan1")
        return replace(
            report(node),
            interfaces=tuple(interface(node, name) for name in names),
            segments=tuple(segment(node, NODES, name) for name in names),
        )

    assert shape(find_segments(both(node) for node in NODES)) == [
        ("lan0", NODES, set()),
        ("lan1", NODES, set()),
    ]


def test_a_dead_node_still_names_the_others_and_is_lost_for_nobody_names_it() -> None:
    reports = (report("node1", ("node3",)), report("node2"), report("node3", ("node1",)))
    found = find_segments(reports)
    assert shape(found) == [("lan0", NODES, {"node2"})]
    assert found[0].live == ("node1", "node3")


def test_nodes_that_died_one_after_the_other_are_all_lost_but_the_last() -> None:
    reports = (report("node1"), report("node2", ("node3",)), report("node3", ()))
    assert shape(find_segments(reports)) == [("lan0", NODES, {"node1", "node2"})]


def test_a_node_that_hears_nobody_does_not_make_the_others_lost() -> None:
    reports = (report("node1"), report("node2"), report("node3", ()))
    assert shape(find_segments(reports)) == [("lan0", NODES, set())]


def test_a_single_node_is_believed() -> None:
    assert shape(find_segments((report("node1", ()),))) == [("lan0", ("node1",), set())]


def test_a_place_that_no_report_names_is_a_segment_of_its_own() -> None:
    found = find_segments((report("node1", ()),), (Place("node9", "lan0"),))
    assert shape(found) == [("lan0@node1", ("node1",), set()), ("lan0@node9", ("node9",), set())]


@given(st.lists(st.sets(st.integers(1, 6)), min_size=6, max_size=6))
def test_whoever_hears_whom_every_place_is_on_one_segment_and_somebody_lives(
    heard: list[set[int]],
) -> None:
    names = [f"node{number}" for number in range(1, 7)]
    reports = [
        report(node, [f"node{number}" for number in sorted(named)])
        for node, named in zip(names, heard, strict=True)
    ]
    found = find_segments(reports)
    assert sorted(node for one in found for node in one.nodes) == names
    assert all(one.live for one in found)
    assert len({one.name for one in found}) == len(found)
