"""Planned restarts and busy machines on a real cluster, with kube-proxy behind the VIP."""

from __future__ import annotations

from tests.lab.test_restart import (
    test_a_program_taken_off_the_holder_is_put_back_and_answers_again,
    test_every_question_is_answered_while_all_cores_are_busy,
    test_restarting_every_speaker_under_load_loses_no_request_and_moves_nothing,
    test_restarting_with_the_address_on_lo_of_every_node_brings_no_second_answer,
)

__all__ = [
    "test_a_program_taken_off_the_holder_is_put_back_and_answers_again",
    "test_every_question_is_answered_while_all_cores_are_busy",
    "test_restarting_every_speaker_under_load_loses_no_request_and_moves_nothing",
    "test_restarting_with_the_address_on_lo_of_every_node_brings_no_second_answer",
]
