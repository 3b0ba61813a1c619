"""Bad input on a real cluster: what the API server lets pass is named, and replaces nothing."""

from __future__ import annotations

import pytest

from lab.errors import CommandFailed
from lab.objects import Object
from tests.lab.test_bad_input import (
    everywhere,
    test_a_bad_configuration_is_named_everywhere_and_replaces_nothing,
    test_a_changed_pool_moves_the_service_without_a_restart,
    test_a_configuration_that_is_taken_away_stays_in_force,
    test_restarts_under_a_bad_configuration_lose_nothing,
    undisturbed,
)
from tests.support.installed import ClusterRack

__all__ = [
    "test_a_bad_configuration_is_named_everywhere_and_replaces_nothing",
    "test_a_changed_pool_moves_the_service_without_a_restart",
    "test_a_configuration_that_is_taken_away_stays_in_force",
    "test_restarts_under_a_bad_configuration_lose_nothing",
]


def address_pool(*addresses: str) -> Object:
    return {
        "apiVersion": "metallb.io/v1beta1",
        "kind": "IPAddressPool",
        "metadata": {"name": "other", "namespace": "metallb-system"},
        "spec": {"addresses": list(addresses)},
    }


def test_a_pool_beside_the_config_map_is_named_with_it_and_replaces_nothing(
    standing: ClusterRack,
) -> None:
    with undisturbed(standing):
        standing.vipcast.apply("other", address_pool("192.0.2.200-192.0.2.209"))
        everywhere(
            standing,
            lambda state: (
                state["result"] == "Invalid"
                and "ConfigMap metallb-system/config" in state["errorSummary"]
                and "IPAddressPool metallb-system/other" in state["errorSummary"]
            ),
            "every program names both",
        )
        standing.vipcast.delete("other")
        everywhere(standing, lambda state: state["result"] == "Valid", "all are content again")


def test_what_the_schema_forbids_is_refused_to_the_user_and_reaches_nobody(
    standing: ClusterRack,
) -> None:
    wrong = address_pool()
    wrong["spec"]["addresses"] = [7]
    with undisturbed(standing), pytest.raises(CommandFailed, match=r"spec\.addresses.*integer"):
        standing.vipcast.apply("wrong", wrong)
