"""Who is preferred, and on which interfaces: the rank it gives, and what a holder does about it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import TYPE_CHECKING

from speaker.leadership import (
    Candidate,
    Candidates,
    Changed,
    RemoveEntry,
    Send,
    SetEntry,
    SetLease,
    State,
)
from speaker.leadership.hello import unpack_holdings
from tests.unit.leadership.talking import SIXTEEN, SLACK, TEN, TURN, TWELVE, Other, Talk, settled
from vipcast.model.reasons import Reason

if TYPE_CHECKING:
    from _collections_abc import dict_items

# Weights


def weighed(**weights: int) -> Candidates:
    """Candidates on whatever interface, with these weights."""
    return {node: Candidate(weight) for node, weight in weights.items()}


def test_the_heaviest_claims_at_once_and_the_hash_decides_among_equals() -> None:
    for weights, steps in (
        ({"node1": 1, "node2": 0, "node3": 0}, 0),
        ({"node1": 1, "node2": 1, "node3": 0}, 1),
        ({"node1": 7, "node2": 70, "node3": 8}, 2),
    ):
        talk = Talk(Other("node2"), Other("node3"), wanted={TEN: weighed(**weights)})
        talk.wait(3.0)
        at = talk.answered_at(TEN) - 101.3
        assert TURN[steps] - 1e-9 <= at <= TURN[steps] + SLACK, (weights, at)


def test_a_holder_that_is_outweighed_keeps_its_address() -> None:
    talk = settled(Other("node2"), vips=(SIXTEEN,))
    talk.log.clear()
    assert talk.want({SIXTEEN: weighed(node1=0, node2=100)}) == ()
    talk.wait(5.0)
    assert {type(effect) for _, effect in talk.log} == {Send, SetLease}
    assert talk.answers(SIXTEEN)


def test_a_node_that_outweighs_the_holder_waits_for_it_to_go() -> None:
    node2 = Other("node2", {SIXTEEN: 4})
    talk = settled(node2, vips=(SIXTEEN,))
    talk.want({SIXTEEN: weighed(node1=100, node2=0)})
    talk.wait(5.0)
    assert talk.view().vips[SIXTEEN].holder == "node2"
    node2.holds = {}
    talk.says("node2")
    talk.wait(SLACK)
    assert talk.answers(SIXTEEN)


def test_new_weights_count_for_an_address_that_is_free_already() -> None:
    talk = settled(Other("node2"), Other("node3"), vips=())
    talk.want({TWELVE: weighed(node1=0, node2=0, node3=0)})
    talk.wait(0.1)
    talk.want({TWELVE: weighed(node1=1, node2=0, node3=0)})
    talk.wait(SLACK)
    assert talk.answers(TWELVE)


class Walked(dict[str, Candidate]):  # noqa: PLW1641 - as a dict, it has none
    """Candidates that count how often somebody looks at all of them; nobody has to."""

    walks = 0

    def _walk(self) -> None:
        Walked.walks += 1

    def __iter__(self) -> Iterator[str]:
        self._walk()
        return super().__iter__()

    def items(self) -> dict_items[str, Candidate]:
        self._walk()
        return super().items()

    def __eq__(self, other: object) -> bool:
        self._walk()
        return super().__eq__(other)


def test_addresses_of_the_same_candidates_cost_no_look_at_all_nodes_of_the_cluster_each() -> None:
    cluster = {f"node{number}": Candidate() for number in range(1, 1000)}
    vips = [TEN + number for number in range(100)]
    Walked.walks = 0
    talk = settled(Other("node2"), vips=())
    same = Walked(cluster)
    talk.want(dict.fromkeys(vips, same))
    talk.wait(3.0)
    assert all(talk.answers(vip) for vip in vips)
    assert talk.view().vips.keys() == set(vips)
    assert Walked.walks == 0
    again = Walked(cluster)
    assert talk.want(dict.fromkeys(vips, again)) == ()
    assert Walked.walks == 1, "two mappings are compared once"
    talk.want(dict.fromkeys(vips, again))
    assert Walked.walks == 1


# Interfaces


def through(*interfaces: str) -> Candidates:
    """All three nodes, on interfaces of these names alone."""
    return {node: Candidate(0, frozenset(interfaces)) for node in ("node1", "node2", "node3")}


def test_a_node_whose_interface_is_not_named_claims_nothing_and_says_why() -> None:
    talk = settled(vips=())
    talk.want({TEN: through("lan1", "lan2")})
    assert talk.entries == {TEN: (State.ELSEWHERE, 0)}
    talk.wait(3.0 + SLACK)
    assert talk.entries == {}
    assert RemoveEntry(TEN, Reason.NOT_MATCH_INTERFACE) in [effect for _, effect in talk.log]
    view = talk.view().vips[TEN]
    assert (view.holder, view.reason) == (None, Reason.NOT_MATCH_INTERFACE)


def test_a_better_ranked_node_that_is_here_through_another_interface_is_not_waited_for() -> None:
    node2 = Other("node2", interface="lan1")
    talk = Talk(node2, Other("node3"), wanted={TEN: through("lan0")})
    talk.wait(1.3 + SLACK)
    assert talk.answers(TEN)


def test_a_holder_whose_interface_is_no_longer_named_gives_the_address_up_entry_first() -> None:
    talk = settled(Other("node2"), vips=(SIXTEEN,))
    effects = talk.want({SIXTEEN: through("lan1")})
    assert effects == (
        SetEntry(SIXTEEN, State.ELSEWHERE, 0, Reason.NOT_MATCH_INTERFACE),
        Changed(SIXTEEN, "node1", None, Reason.NOT_MATCH_INTERFACE, None),
    )
    talk.wait(SLACK)
    assert not list(unpack_holdings(talk.said[-1].holdings))


def test_a_holder_whose_interface_is_renamed_gives_up_what_it_may_not_announce_there() -> None:
    talk = settled(Other("node2"), vips=())
    talk.want({SIXTEEN: through("lan0"), TEN: {"node1": Candidate()}})
    talk.wait(1.0)
    assert talk.answers(SIXTEEN)
    assert talk.answers(TEN)
    effects = talk.do(talk.core.set_port(talk.now, replace(talk.port, interface="eth0")))
    assert effects[0] == SetEntry(SIXTEEN, State.ELSEWHERE, 0, Reason.NOT_MATCH_INTERFACE)
    talk.wait(SLACK)
    assert talk.said[-1].interface == "eth0"
    assert [vip for vip, _ in unpack_holdings(talk.said[-1].holdings)] == [TEN]
    assert talk.answers(TEN)


def test_a_name_that_is_named_lets_a_node_claim_what_nobody_holds() -> None:
    talk = settled(vips=())
    talk.want({SIXTEEN: through("eth0")})
    talk.wait(5.0)
    assert talk.entries == {}
    talk.do(talk.core.set_port(talk.now, replace(talk.port, interface="eth0")))
    talk.wait(SLACK)
    assert talk.answers(SIXTEEN)


def test_a_holder_on_an_interface_that_we_think_is_not_named_is_believed() -> None:
    talk = settled(Other("node2", {SIXTEEN: 4}, interface="lan1"), vips=())
    talk.want({SIXTEEN: through("lan0")})
    talk.wait(5.0)
    assert talk.entries == {SIXTEEN: (State.ELSEWHERE, 4)}
    assert talk.view().vips[SIXTEEN].holder == "node2"


def test_what_was_adopted_on_an_interface_that_is_not_named_is_given_up_entry_first() -> None:
    talk = Talk(Other("node2"))
    talk.adopt({SIXTEEN: 4}, {}, lease=5.0)
    assert talk.answers(SIXTEEN)
    effects = talk.want({SIXTEEN: through("lan1")})
    assert effects[0] == SetEntry(SIXTEEN, State.ELSEWHERE, 0, Reason.NOT_MATCH_INTERFACE)
    talk.wait(1.0)
    assert not talk.answers(SIXTEEN)


def test_a_name_that_changes_before_anything_is_wanted_leaves_what_was_adopted() -> None:
    talk = Talk()
    talk.adopt({SIXTEEN: 4}, {}, lease=5.0)
    talk.do(talk.core.set_port(talk.now, replace(talk.port, interface="eth0")))
    assert talk.answers(SIXTEEN)
    talk.want({SIXTEEN: through("eth0")})
    talk.wait(3.0)
    assert talk.answers(SIXTEEN)
    assert talk.entries == {SIXTEEN: (State.ANSWER, 4)}
