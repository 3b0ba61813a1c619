"""Each rule that docs/parity.md calls the same or better is shown by tests, named here."""

from __future__ import annotations

import re
from collections.abc import Mapping

import pytest

from tests.support.parity import TESTS, lines

SHOWN_BY: Mapping[str, tuple[str, ...]] = {
    "an address asked for, then the pool": (
        "test_a_requested_address_is_given_from_whatever_pool_it_is_in",
        "test_a_pool_named_by_annotation_is_used_though_it_hands_out_nothing_by_itself",
        "test_a_service_gets_an_address_of_the_first_pool_that_is_for_it",
    ),
    "pools of equal priority": (
        "test_pools_are_tried_by_priority_and_labels_of_a_namespace_open_them",
        "test_pools_are_used_in_their_order_and_the_next_one_when_one_is_full",
    ),
    "in a pool the first address": (
        "test_a_newcomer_joins_the_first_address_in_order_that_is_free_or_shared",
    ),
    "`spec.loadBalancerIP`": ("test_a_requested_address_is_given_from_whatever_pool_it_is_in",),
    "`spec.loadBalancerIP` and": (
        "test_an_address_that_is_asked_for_twice_changes_nothing_but_the_condition",
    ),
    "`spec.loadBalancerClass`": (
        "test_a_service_is_ours_by_its_class",
        "test_services_are_served_by_their_class",
    ),
    "Services share an address with one key": (
        "test_two_services_share_an_address_exactly_if_every_condition_is_met",
        "test_who_cannot_share_is_told_what_stands_against_it_and_with_whom",
    ),
    "a Service of policy Local without": (
        "test_two_services_share_an_address_exactly_if_every_condition_is_met",
    ),
    "one that changes so": (
        "test_a_service_that_takes_the_port_of_another_moves_away_from_their_address",
        "test_of_those_who_share_the_one_that_changes_moves_whoever_is_decided_first",
    ),
    "after a restart, those": ("test_holders_come_before_those_who_wait_however_old_these_are",),
    "a freed address goes": (
        "test_a_freed_address_goes_to_the_one_that_has_waited_longest_not_to_the_newest",
    ),
    "another program that keeps writing": (
        "test_after_two_rounds_nothing_is_written_and_it_is_told_once_who_and_what_to_do",
        "test_writing_stops_after_two_rounds_and_others_are_served_as_ever",
    ),
    "a Service without an address": (
        "test_a_dry_pool_says_so_and_a_freed_address_goes_to_the_one_that_waits_longest",
    ),
    "a Service gets an address of its family": (
        "test_a_service_of_ipv6_gets_the_first_free_address_of_its_family",
        "test_an_address_of_the_other_family_is_taken_back_and_one_of_its_own_given",
        "test_a_vast_pool_gives_addresses_as_quickly_as_a_small_one",
    ),
    "a node that may announce has": (
        "test_nodes_are_ordered_as_metallb_orders_them",
        "test_a_higher_weight_comes_before_any_digest",
        "test_the_best_ranked_node_holds_the_address_at_first",
    ),
    "a better node that comes back": (
        "test_a_live_holder_keeps_its_address_whatever_its_rank",
        "test_a_node_that_comes_back_takes_nothing_back",
    ),
    "a dead node is noticed": ("test_a_pulled_port_moves_the_address_and_nothing_moves_back",),
    "after a partition": (
        "test_a_node_cut_off_with_its_carrier_up_yields_when_it_is_heard_again",
        "test_the_higher_epoch_keeps_the_address_says_so_at_once_and_greets_again",
    ),
    "memberlist on 7946": (
        "test_forged_truncated_and_mutated_hellos_are_dropped_and_counted",
        "test_a_node_without_the_key_takes_nothing_though_it_is_alone",
    ),
    "nobody announces without": ("test_endpoints_decide_whether_and_where",),
    "`spec.externalTrafficPolicy` Local": (
        "test_policy_local_moves_the_address_to_where_the_endpoint_is",
        "test_endpoints_decide_whether_and_where",
    ),
    "the node's label": (
        "test_nodes_decide_who_may",
        "test_an_excluded_node_gives_up_and_the_other_takes_over",
    ),
    "a Node that is deleted": ("test_nodes_decide_who_may",),
    "each Service that shares": (
        "test_what_is_shared_is_announced_by_nodes_that_may_serve_all",
        "test_where_no_node_may_serve_all_those_of_the_first_by_name_have_it_and_the_rest_are_told",
    ),
    "no advertisement for": (
        "test_a_pool_that_nothing_advertises_is_named_with_what_to_do",
        "test_advertisements_that_no_able_node_matches_are_named",
    ),
    "a Service that may share": (
        "test_an_address_that_may_be_shared_is_not_announced_by_selectors_over_services",
    ),
    "the elected node has none": (
        "test_a_node_that_lacks_the_interface_is_passed_over_and_says_why",
        "test_a_node_whose_interface_is_not_named_claims_nothing_and_says_why",
    ),
    "interfaces that are down": (
        "test_what_else_speaks_against_a_link_is_said_in_a_word",
        "test_names_on_metallbs_list_are_not",
    ),
    "interfaces are looked at": (
        "test_a_link_comes_changes_and_goes",
        "test_a_new_mac_is_written_and_greeted_for",
    ),
    "ARP is answered in user": (
        "test_a_client_is_answered_from_the_map_and_each_answer_is_counted",
    ),
    "the kernel of another node": (
        "test_with_the_address_on_lo_of_every_node_the_holder_alone_answers",
    ),
    "gratuitous ARP for 5 s": (
        "test_greetings_are_ten_frames_in_five_rounds_and_counted",
        "test_a_short_loss_of_carrier_changes_nothing_but_is_followed_by_a_greeting",
        "test_the_holder_greets_again_when_a_node_comes_back_that_was_not_heard",
    ),
}
"""How a line begins (the longest that fits counts), and the tests that show it."""

RULES = [line.metallb for line in lines("Allocation rules", "Layer-2 rules") if line.here]


def begin(rule: str) -> str:
    """The longest beginning that fits a rule, "" if there is none."""
    return max((each for each in SHOWN_BY if rule.startswith(each)), key=len, default="")


@pytest.fixture(scope="module")
def known() -> set[str]:
    """The name of every test."""
    texts = (path.read_text() for path in TESTS.rglob("test_*.py"))
    return {name for text in texts for name in re.findall(r"def (test_\w+)", text)}


@pytest.mark.parametrize("rule", RULES)
def test_a_rule_names_tests_that_exist(rule: str, known: set[str]) -> None:
    assert begin(rule), f"no test is named for the line {rule!r}"
    assert set(SHOWN_BY[begin(rule)]) <= known


def test_nothing_is_named_for_a_rule_that_is_not_on_the_page() -> None:
    assert {begin(rule) for rule in RULES} == set(SHOWN_BY)
