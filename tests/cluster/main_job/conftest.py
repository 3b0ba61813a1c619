"""A cluster of its own, on which the manifests were applied; Vipcast runs anew for each module."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from lab.cluster import Lab
from lab.kubernetes.audit import Audit
from lab.kubernetes.cluster import Cluster
from lab.kubernetes.programs import provide
from tests.support.installed import ClusterRack, installed_rack
from tests.support.labs import unique_name


def say(_sentence: str) -> None:
    """Nothing: the cluster that the tests beside these share has said it."""


@pytest.fixture(scope="package")
def main_lab() -> Iterator[Lab]:
    """Three nodes, one client, one segment (192.0.2.0/24)."""
    with Lab(unique_name(), control_plane=True) as lab:
        yield lab


@pytest.fixture(scope="package")
def audit(main_lab: Lab) -> Audit:
    """What the programs have asked of the API server."""
    return Audit(main_lab.run.path)


@pytest.fixture(scope="package")
def cluster(main_lab: Lab, audit: Audit) -> Cluster:
    """Kubernetes on it."""
    standing = Cluster(main_lab, provide(say), audit.flags)
    standing.start()
    return standing


@pytest.fixture(scope="module")
def standing(cluster: Cluster) -> Iterator[ClusterRack]:
    """The rack on which the module's tests run, in turn."""
    with installed_rack(cluster) as one:
        yield one
