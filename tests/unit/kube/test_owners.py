"""What reports go with, and what a kubelet says of that."""

from __future__ import annotations

from typing import Any

import pytest

from tests.support.pods import CRASHED, RUNNING, owner, pod, reference
from vipcast.kube.owners import goes_with, owned, owner_of, why_not_running
from vipcast.model.errors import ParseError

REPORT: dict[str, Any] = {"kind": "SpeakerStatus", "metadata": {"name": "n1", "namespace": "lb"}}


def test_a_report_names_its_pod_and_is_known_by_it() -> None:
    raw = owned(REPORT, owner())
    assert raw["metadata"] == {**REPORT["metadata"], "ownerReferences": [reference(owner())]}
    assert "ownerReferences" not in REPORT["metadata"]
    found = owner_of(raw)
    assert found is not None
    assert (found.ref.key.name, str(found.ref.key.namespace), found.uid) == (
        "speaker-x",
        "lb",
        "u1",
    )


def test_without_a_pod_a_report_is_nobodys_and_anybodys() -> None:
    assert owned(REPORT, None) == REPORT
    assert owner_of(REPORT) is None
    assert goes_with(REPORT, None)
    assert goes_with(owned(REPORT, owner()), None)


def test_a_report_goes_with_one_pod_and_not_with_its_successor() -> None:
    raw = owned(REPORT, owner())
    assert goes_with(raw, owner())
    assert not goes_with(raw, owner(uid="u2"))
    assert not goes_with(REPORT, owner())


def test_what_is_owned_by_something_else_has_no_pod() -> None:
    references = [{**reference(owner()), "kind": "DaemonSet"}, {"kind": "Node", "name": "n1"}]
    assert owner_of({**REPORT, "metadata": {"ownerReferences": references}}) is None


def test_an_owner_that_is_none_is_named() -> None:
    with pytest.raises(ParseError, match=r"SpeakerStatus .*metadata\.ownerReferences\[0\]\.kind"):
        owner_of({**REPORT, "metadata": {"ownerReferences": [{"kind": 7}]}})


@pytest.mark.parametrize(
    ("states", "why"),
    [
        ({"speaker": RUNNING}, ""),
        ({"speaker": RUNNING, "proxy": CRASHED}, ""),
        ({"speaker": CRASHED, "proxy": RUNNING}, "CrashLoopBackOff"),
        ({"speaker": {"terminated": {"reason": "OOMKilled"}}}, "OOMKilled"),
        ({"speaker": {"waiting": {}}}, "Running"),
        ({"ours": RUNNING, "proxy": CRASHED}, ""),
        ({"ours": CRASHED}, "CrashLoopBackOff"),
        ({}, "Running"),
    ],
)
def test_a_program_runs_if_its_container_does(states: dict[str, Any], why: str) -> None:
    assert why_not_running(pod(owner(), **states), "speaker") == why


@pytest.mark.parametrize(
    ("status", "why"),
    [
        ({"phase": "Failed", "reason": "Evicted"}, "Evicted"),
        ({"phase": "Pending"}, "Pending"),
        ({}, "Pending"),
    ],
)
def test_a_pod_without_containers_says_why(status: dict[str, Any], why: str) -> None:
    assert why_not_running({**pod(owner()), "status": status}, "speaker") == why
