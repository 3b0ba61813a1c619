"""A cluster of its own, of one node, on which the manifests were applied as people apply them."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from lab.cluster import Lab
from lab.kubernetes.cluster import Cluster
from lab.kubernetes.programs import provide
from tests.support.labs import unique_name
from tests.support.manifests import MANIFESTS


def say(_sentence: str) -> None:
    """Nothing: the cluster that the tests beside these share has said it."""


@pytest.fixture(scope="package")
def cluster() -> Iterator[Cluster]:
    """One node, and Kubernetes with Vipcast's objects; nothing runs of it."""
    programs = provide(say)
    with Lab(unique_name(), nodes=1, control_plane=True) as lab:
        standing = Cluster(lab, programs)
        standing.start()
        files = (MANIFESTS / "namespace.yaml", MANIFESTS / "vipcast.yaml")
        standing.kubectl("apply", *(word for file in files for word in ("-f", str(file))))
        yield standing
