"""The holder goes, on a real cluster: cable, process, split; and it comes back."""

from __future__ import annotations

from tests.lab.test_failover import (
    test_a_frozen_node_that_never_held_the_address_keeps_its_own_stack_silent,
    test_a_frozen_speaker_falls_silent_before_another_answers_and_stays_silent_when_woken,
    test_a_killed_speaker_falls_silent_before_another_answers_and_takes_nothing_back,
    test_a_node_cut_off_with_its_carrier_up_yields_when_it_is_heard_again,
    test_a_pulled_port_moves_the_address_and_nothing_moves_back,
    test_with_the_address_on_lo_of_every_node_the_holder_alone_answers,
    watch,
)

__all__ = [
    "test_a_frozen_node_that_never_held_the_address_keeps_its_own_stack_silent",
    "test_a_frozen_speaker_falls_silent_before_another_answers_and_stays_silent_when_woken",
    "test_a_killed_speaker_falls_silent_before_another_answers_and_takes_nothing_back",
    "test_a_node_cut_off_with_its_carrier_up_yields_when_it_is_heard_again",
    "test_a_pulled_port_moves_the_address_and_nothing_moves_back",
    "test_with_the_address_on_lo_of_every_node_the_holder_alone_answers",
    "watch",
]
