"""Whom an advertisement and a pool's service allocation are for."""

from __future__ import annotations

import pytest

from vipcast.model.advertisement import Community, L2Advertisement, Preference
from vipcast.model.pool import Allocation
from vipcast.model.selectors import Operator, Requirement, Selector


def where(key: str, *values: str) -> Selector:
    """A selector of one label."""
    return Selector.of([Requirement(key, Operator.IN, values)])


def test_an_advertisement_without_restrictions_is_for_all_services_and_nodes_of_its_pools() -> None:
    plain = L2Advertisement("plain", frozenset({"lan"}))
    assert plain.applies("lan", {})
    assert not plain.applies("dmz", {})
    assert plain.takes({})
    assert plain.weight({"rack": "a"}) == 0


def test_service_and_node_selectors_restrict_an_advertisement() -> None:
    narrow = L2Advertisement(
        "narrow", frozenset({"lan"}), nodes=(where("rack", "a"),), services=(where("app", "web"),)
    )
    assert narrow.applies("lan", {"app": "web"})
    assert not narrow.applies("lan", {"app": "db"})
    assert narrow.takes({"rack": "a"})
    assert not narrow.takes({"rack": "b"})


def test_the_weights_of_all_matching_preferences_are_summed() -> None:
    preferring = L2Advertisement(
        "preferring",
        frozenset({"lan"}),
        preferences=(
            Preference(40, where("rack", "a")),
            Preference(2, where("disk", "ssd")),
            Preference(100, where("rack", "b")),
        ),
    )
    assert preferring.weight({"rack": "a", "disk": "ssd"}) == 42


@pytest.mark.parametrize(
    ("allocation", "admitted"),
    [
        (Allocation(), True),
        (Allocation(priority=5), True),
        (Allocation(namespaces=frozenset({"shop"})), True),
        (Allocation(namespaces=frozenset({"bank"})), False),
        (Allocation(namespace_selectors=(where("team", "a"),)), True),
        (Allocation(namespace_selectors=(where("team", "b"),)), False),
        (Allocation(0, frozenset({"bank"}), (where("team", "a"),)), True),
        (Allocation(0, frozenset({"shop"}), (), (where("app", "web"),)), True),
        (Allocation(0, frozenset({"shop"}), (), (where("app", "db"),)), False),
        (Allocation(0, frozenset({"bank"}), (), (where("app", "web"),)), False),
        (Allocation(services=(where("app", "db"), where("app", "web"))), True),
    ],
)
def test_a_pool_is_for_a_service_by_namespace_and_by_labels(
    allocation: Allocation, admitted: bool
) -> None:
    assert allocation.admits("shop", {"team": "a"}, {"app": "web"}) is admitted


def test_communities_are_printed_as_they_are_written() -> None:
    assert str(Community((64512, 1))) == "64512:1"
    assert str(Community((64512, 1, 2))) == "large:64512:1:2"
