"""What one writer owns of a status, as a patch."""

from __future__ import annotations

from vipcast.kube.patches import NOTHING, Part, merging, strategic

READY = {"type": "Ready", "status": "True"}
OTHER = {"type": "Other", "status": "False"}
OWNED = Part(frozenset({"loadBalancer"}), frozenset({"Ready"}), frozenset({"pool"}))


def test_a_part_is_named_by_what_is_given() -> None:
    status = {"loadBalancer": {"ingress": []}, "conditions": [READY]}
    assert Part.of(status, {"pool": "lan"}) == OWNED
    assert Part.of({}, {}) == NOTHING
    assert not NOTHING


def test_parts_are_joined_and_taken_from_each_other() -> None:
    other = Part(frozenset({"x"}), frozenset({"Other"}), frozenset({"pool"}))
    joined = OWNED | other
    assert joined == Part(
        frozenset({"loadBalancer", "x"}), frozenset({"Ready", "Other"}), frozenset({"pool"})
    )
    assert joined - other == Part(frozenset({"loadBalancer"}), frozenset({"Ready"}))


def test_what_is_given_is_stated_whole_and_what_is_not_is_taken_away() -> None:
    status = {"loadBalancer": {"ingress": [{"ip": "192.0.2.7"}]}}
    assert strategic(OWNED, status, {}, "u") == {
        "metadata": {"uid": "u", "annotations": {"pool": None}},
        "status": {
            "loadBalancer": {"$patch": "replace", "ingress": [{"ip": "192.0.2.7"}]},
            "conditions": [{"$patch": "delete", "type": "Ready"}],
        },
    }


def test_nothing_given_takes_all_back() -> None:
    assert strategic(OWNED, {}, {}) == {
        "metadata": {"annotations": {"pool": None}},
        "status": {
            "loadBalancer": None,
            "conditions": [{"$patch": "delete", "type": "Ready"}],
        },
    }


def test_what_is_not_owned_is_not_mentioned() -> None:
    patch = strategic(NOTHING, {"conditions": [READY]}, {"pool": "lan"})
    assert patch == {
        "metadata": {"annotations": {"pool": "lan"}},
        "status": {"conditions": [READY]},
    }
    assert strategic(NOTHING, {}, {}) == {"metadata": {}, "status": {}}


def test_a_custom_resource_keeps_the_conditions_of_others() -> None:
    before = {"conditions": [{**READY, "status": "False"}, OTHER], "count": 1}
    status = {"count": 2, "conditions": [READY]}
    assert merging(OWNED, status, {}, before)["status"] == {
        "loadBalancer": None,
        "count": 2,
        "conditions": [OTHER, READY],
    }
    assert merging(OWNED, {}, {}, before)["status"] == {
        "loadBalancer": None,
        "conditions": [OTHER],
    }
    assert merging(NOTHING, {"count": 3}, {}, before) == {"metadata": {}, "status": {"count": 3}}
