"""The contract suite of the Source, on a real API server."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from lab.kubernetes.cluster import Cluster
from tests.contract.test_source import *  # noqa: F403 - every test of the suite, and its fixtures
from tests.support.apiproxy import ApiProxy
from tests.support.kubesources import KubeHarness, Users, prepare


@pytest.fixture
def harness(  # type: ignore[no-redef] # the suite's own, for the other adapters
    cluster: Cluster,
    inside_lab: None,  # noqa: ARG001 - sockets are to be there
    tmp_path: Path,
) -> Iterator[KubeHarness]:
    prepare(cluster)
    users = Users(cluster)
    server = cluster.credentials
    with ApiProxy(cluster.lab.cp.namespace, server.url, server.ca) as proxy:
        standing = KubeHarness(users, proxy, tmp_path)
        yield standing
        standing.close()
    users.close()
