"""The order of candidates, with MetalLB's results as vectors."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from speaker.leadership import rank
from vipcast.model.addresses import Family, make_address, parse_address

NODES = ["node1", "node2", "node3"]


@pytest.mark.parametrize(
    ("nodes", "vip", "order"),
    [
        (["iris1", "iris2"], "10.20.30.1", ("iris2", "iris1")),
        (NODES, "192.0.2.10", ("node2", "node1", "node3")),
        (NODES, "192.0.2.11", ("node3", "node1", "node2")),
        (NODES, "2001:db8::10", ("node1", "node2", "node3")),
    ],
)
def test_nodes_are_ordered_as_metallb_orders_them(
    nodes: list[str], vip: str, order: tuple[str, ...]
) -> None:
    assert rank(nodes, parse_address(vip)) == order


def test_a_higher_weight_comes_before_any_digest() -> None:
    vip = parse_address("192.0.2.10")
    assert rank(NODES, vip, {"node3": 5, "node1": -1}) == ("node3", "node2", "node1")


@given(st.permutations(NODES), st.integers(0, 2**32 - 1))
def test_the_order_does_not_depend_on_the_order_of_asking(nodes: list[str], number: int) -> None:
    vip = make_address(Family.IPV4, number)
    assert rank(nodes, vip) == rank(NODES, vip)


@given(st.sets(st.text("abc", min_size=1), min_size=1), st.integers(0, 2**32 - 1))
def test_a_node_that_goes_changes_nothing_among_the_others(nodes: set[str], number: int) -> None:
    vip = make_address(Family.IPV4, number)
    first, *rest = rank(nodes, vip)
    assert rank(nodes - {first}, vip) == tuple(rest)
