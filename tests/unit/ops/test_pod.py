"""The Pod of this process, as the downward API tells it."""

from __future__ import annotations

import pytest

from tests.support.manifests import container
from tests.support.pods import NAMESPACE, owner
from vipcast.ops.pod import VARIABLES, own_pod

TOLD = {
    "VIPCAST_POD_NAMESPACE": NAMESPACE,
    "VIPCAST_POD_NAME": "speaker-x",
    "VIPCAST_POD_UID": "u1",
}


def test_what_a_process_writes_goes_with_the_pod_that_it_is_told_of() -> None:
    assert own_pod(NAMESPACE, TOLD) == owner()


def test_the_name_may_come_by_metallb_s_variable_and_ours_counts_more() -> None:
    theirs = {**TOLD, "METALLB_POD_NAME": "other"}
    assert own_pod(NAMESPACE, theirs) == owner()
    del theirs["VIPCAST_POD_NAME"]
    assert own_pod(NAMESPACE, theirs) == owner("other")


@pytest.mark.parametrize("missing", TOLD)
def test_who_is_not_told_all_of_it_is_in_no_pod(missing: str) -> None:
    assert own_pod(NAMESPACE, {**TOLD, missing: ""}) is None
    assert own_pod(NAMESPACE, {key: text for key, text in TOLD.items() if key != missing}) is None


def test_a_pod_owns_nothing_in_another_namespace() -> None:
    assert own_pod("elsewhere", TOLD) is None


@pytest.mark.parametrize("program", ["controller", "speaker"])
def test_the_manifests_tell_all_of_it(program: str) -> None:
    fields = {
        each["name"]: each["valueFrom"]["fieldRef"]["fieldPath"]
        for each in container(program)["env"]
        if each["name"] in VARIABLES
    }
    assert fields == {
        "VIPCAST_POD_NAMESPACE": "metadata.namespace",
        "VIPCAST_POD_NAME": "metadata.name",
        "VIPCAST_POD_UID": "metadata.uid",
    }
