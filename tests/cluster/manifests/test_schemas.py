"""The API server refuses what the schemas are said to refuse, and nothing else."""

from __future__ import annotations

import json

import pytest

from lab.errors import CommandFailed
from lab.kubernetes.cluster import Cluster
from tests.support.manifests import Object, definition
from tests.support.schemas import FULL, mistakes, problem

MISTAKES = [mistake for good in FULL for mistake in mistakes(good, definition(good["kind"]).schema)]


def refused(cluster: Cluster, raw: Object) -> bool:
    """Whether the API server would not have an object."""
    command = ("create", "--dry-run=server", "--validate=false", "-f", "-")
    try:
        cluster.kubectl(*command, text=json.dumps(raw))
    except CommandFailed as error:
        if "is invalid" in str(error) or "cannot unmarshal" in str(error):
            return True
        raise
    return False


def test_the_server_takes_the_full_objects_and_refuses_each_mistake_of_theirs(
    cluster: Cluster,
) -> None:
    assert not any(refused(cluster, good) for good in FULL)
    judged = {
        str(mistake): (
            refused(cluster, mistake.raw),
            problem(definition(mistake.raw["kind"]).schema, mistake.raw) != "",
        )
        for mistake in MISTAKES
    }
    assert {name: both for name, both in judged.items() if both[0] != both[1]} == {}
    assert any(both[0] for both in judged.values())


def test_an_unknown_field_is_an_error_for_kubectl(cluster: Cluster) -> None:
    raw = {**FULL[0], "spec": {**FULL[0]["spec"], "autoAsign": False}}
    with pytest.raises(CommandFailed, match=r'unknown field "spec\.autoAsign"'):
        cluster.kubectl("create", "--dry-run=server", "-f", "-", text=json.dumps(raw))
