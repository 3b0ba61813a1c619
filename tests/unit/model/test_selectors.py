"""Label selectors mean what Kubernetes says they mean."""

from __future__ import annotations

import pytest

from vipcast.model.selectors import Operator, Requirement, Selector, any_matches

LABELS = {"rack": "b1", "zone": ""}


@pytest.mark.parametrize(
    ("requirement", "holds", "text"),
    [
        (Requirement("rack", Operator.IN, ("a1", "b1")), True, "rack in (a1,b1)"),
        (Requirement("rack", Operator.IN, ("a1",)), False, "rack=a1"),
        (Requirement("gpu", Operator.IN, ("yes",)), False, "gpu=yes"),
        (Requirement("rack", Operator.NOT_IN, ("a1",)), True, "rack notin (a1)"),
        (Requirement("rack", Operator.NOT_IN, ("b1",)), False, "rack notin (b1)"),
        (Requirement("gpu", Operator.NOT_IN, ("yes",)), True, "gpu notin (yes)"),
        (Requirement("zone", Operator.EXISTS), True, "zone"),
        (Requirement("gpu", Operator.EXISTS), False, "gpu"),
        (Requirement("gpu", Operator.DOES_NOT_EXIST), True, "!gpu"),
        (Requirement("zone", Operator.DOES_NOT_EXIST), False, "!zone"),
    ],
)
def test_a_requirement_holds_as_kubernetes_says(
    requirement: Requirement, holds: bool, text: str
) -> None:
    assert (requirement.holds(LABELS), str(requirement)) == (holds, text)


def test_every_requirement_of_a_selector_must_hold() -> None:
    rack = Requirement("rack", Operator.IN, ("b1",))
    gpu = Requirement("gpu", Operator.EXISTS)
    assert Selector.of([rack]).matches(LABELS)
    assert not Selector.of([rack, gpu]).matches(LABELS)
    assert str(Selector.of([rack, gpu])) == "gpu,rack=b1"


def test_an_empty_selector_matches_everything_and_so_does_an_empty_list() -> None:
    assert Selector().matches({})
    assert str(Selector()) == "everything"
    assert any_matches((), {})


def test_one_matching_selector_of_a_list_is_enough() -> None:
    other = Selector.of([Requirement("gpu", Operator.EXISTS)])
    mine = Selector.of([Requirement("rack", Operator.EXISTS)])
    assert any_matches((other, mine), LABELS)
    assert not any_matches((other,), LABELS)


def test_the_order_in_which_requirements_are_written_is_no_difference() -> None:
    rack = Requirement("rack", Operator.EXISTS)
    gpu = Requirement("gpu", Operator.EXISTS)
    assert Selector.of([rack, gpu]) == Selector.of([gpu, rack])
