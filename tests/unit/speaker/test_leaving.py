"""How a node leaves: asked for, waited for, and taken back."""

from __future__ import annotations

from dataclasses import replace

import pytest

from speaker.bgp.routes import Standing
from speaker.leaving import WAIT, Leaving, Wish, staying, wish_of
from vipcast.model.objects import EXCLUDE_LABEL, Node


@pytest.mark.parametrize(
    ("node", "wish"),
    [
        (None, Wish.STAY),
        (Node("node1"), Wish.STAY),
        (Node("node1", unschedulable=True), Wish.YIELD),
        (Node("node1", draining=True), Wish.LEAVE),
        (Node("node1", labels={EXCLUDE_LABEL: ""}), Wish.LEAVE),
        (Node("node1", unschedulable=True, draining=True), Wish.LEAVE),
    ],
)
def test_a_node_object_says_what_is_asked_for(node: Node | None, wish: Wish) -> None:
    assert wish_of(node) is wish


def test_a_node_that_leaves_is_used_last_for_a_while_and_then_gone() -> None:
    leaving = Leaving()

    def look(wish: Wish, now: float) -> tuple[Standing, float | None]:
        return leaving.look(wish, now), leaving.deadline

    assert look(Wish.STAY, 0.0) == (Standing.STAYS, None)
    assert look(Wish.LEAVE, 1.0) == (Standing.LEAVES, 1.0 + WAIT)
    assert look(Wish.LEAVE, 0.9 + WAIT) == (Standing.LEAVES, 1.0 + WAIT)
    assert look(Wish.LEAVE, 1.0 + WAIT) == (Standing.LEFT, None)
    assert look(Wish.LEAVE, 99.0) == (Standing.LEFT, None)
    assert look(Wish.STAY, 100.0) == (Standing.STAYS, None)
    assert look(Wish.LEAVE, 101.0) == (Standing.LEAVES, 101.0 + WAIT)
    assert look(Wish.STAY, 102.0) == (Standing.STAYS, None)
    assert look(Wish.LEAVE, 103.0) == (Standing.LEAVES, 103.0 + WAIT)


def test_a_speaker_that_starts_on_a_node_that_leaves_tells_nothing() -> None:
    assert Leaving().look(Wish.LEAVE, 0.0) is Standing.LEFT


def test_a_cordoned_node_yields_for_as_long_as_it_is_cordoned() -> None:
    leaving = Leaving()
    assert leaving.look(Wish.YIELD, 0.0) is Standing.YIELDS
    assert leaving.look(Wish.YIELD, 1e6) is Standing.YIELDS
    assert leaving.look(Wish.STAY, 1e6) is Standing.STAYS


def test_a_cordoned_node_that_is_drained_goes_on_with_what_it_still_tells_and_then_leaves() -> None:
    leaving = Leaving()
    leaving.look(Wish.YIELD, 0.0)
    assert leaving.look(Wish.LEAVE, 1e6) is Standing.YIELDS
    assert leaving.deadline == 1e6 + WAIT
    assert leaving.look(Wish.LEAVE, 1e6 + WAIT) is Standing.LEFT
    assert leaving.look(Wish.YIELD, 2e6) is Standing.YIELDS
    assert leaving.look(Wish.STAY, 3e6) is Standing.STAYS
    assert leaving.look(Wish.LEAVE, 4e6) is Standing.LEAVES


def test_routes_are_left_to_nodes_that_are_able_and_asked_for_nothing() -> None:
    stays = Node("node1")
    others = (
        replace(stays, unschedulable=True),
        replace(stays, draining=True),
        replace(stays, labels={EXCLUDE_LABEL: ""}),
        replace(stays, ready=False),
        replace(stays, network_unavailable=True),
    )
    assert staying((*others, stays)) == (stays,)
    assert staying(others) == ()
