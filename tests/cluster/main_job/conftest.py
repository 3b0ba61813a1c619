"""A cluster of its own, on which the manifests were applied; Vipcast runs anew for each module."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from lab.cluster import Lab
from lab.kubernetes.cluster import Cluster
from lab.kubernetes.programs import provide
from tests.support.installed import ClusterRack, installed_rack
from tests.support.labs import unique_name


def say(_sentence: str) -> None:
    """Nothing: the cluster that the tests beside these share has said it."""


@pytest.fixture(scope="package")
def cluster() -> Iterator[Cluster]:
    """Three nodes, one client, one segment (192.0.2.0/24), and Kubernetes."""
    programs = provide(say)
    with Lab(unique_name(), control_plane=True) as lab:
        standing = Cluster(lab, programs)
        standing.start()
        yield standing


@pytest.fixture(scope="module")
def standing(cluster: Cluster) -> Iterator[ClusterRack]:
    """The rack on which the module's tests run, in turn."""
    with installed_rack(cluster) as one:
        yield one
