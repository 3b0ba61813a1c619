"""Serving on a real cluster: what a directory's tests find, and what kubectl shows."""

from __future__ import annotations

import re

from tests.lab.test_main_job import (
    test_a_client_sees_one_mac_and_every_question_is_answered,
    test_answers_are_counted_where_they_are_given,
    test_http_requests_reach_pods_on_every_node,
    test_status_and_explain_name_the_holder_and_its_reason,
    test_the_best_ranked_node_holds_the_address_at_first,
    test_the_client_s_neighbour_entry_is_the_holder_s_mac,
    test_the_first_address_of_the_pool_is_given,
    test_the_running_speaker_has_neither_bcc_nor_a_compiler_in_memory,
)
from tests.support.installed import ClusterRack
from tests.support.racks import SERVICE
from tests.support.waiting import eventually

__all__ = [
    "test_a_client_sees_one_mac_and_every_question_is_answered",
    "test_answers_are_counted_where_they_are_given",
    "test_http_requests_reach_pods_on_every_node",
    "test_status_and_explain_name_the_holder_and_its_reason",
    "test_the_best_ranked_node_holds_the_address_at_first",
    "test_the_client_s_neighbour_entry_is_the_holder_s_mac",
    "test_the_first_address_of_the_pool_is_given",
    "test_the_running_speaker_has_neither_bcc_nor_a_compiler_in_memory",
]


def test_kubectl_shows_the_address_and_the_events_of_both_programs(standing: ClusterRack) -> None:
    holder, kubectl = standing.holder().name, standing.cluster.kubectl
    shown = kubectl("get", "svc", SERVICE, "--no-headers").split()
    assert shown[3] == standing.vip

    def told() -> bool:
        described = kubectl("describe", "svc", SERVICE)
        assigned = f"Assigned {re.escape(standing.vip)} from pool default"
        assert re.search(rf"Normal +IPAllocated .*{assigned}", described)
        assert re.search(rf'Normal +nodeAssigned .*announcing from node "{holder}"', described)
        return True

    eventually(told, what="kubectl describe shows who gave the address and who announces it")
    reports = kubectl("get", "servicel2statuses", "-n", "metallb-system", "--no-headers")
    (line,) = reports.splitlines()
    assert line.split()[1:] == [holder, SERVICE, "default", standing.vip]


def test_kubectl_shows_on_which_interfaces_speakers_answer_and_how_many_others_they_hear(
    standing: ClusterRack,
) -> None:
    shown = standing.cluster.kubectl("get", "speakerstatuses", "-n", "metallb-system").splitlines()
    assert shown[0].split()[:4] == ["NAME", "STARTED", "INTERFACES", "MEMBERS"]
    others = str(len(standing.lab.nodes) - 1)
    assert {line.split()[0]: line.split()[2:4] for line in shown[1:]} == {
        node.name: ["lan0", others] for node in standing.lab.nodes
    }
