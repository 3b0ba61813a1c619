"""The contract suite of the Source, on a real API server."""

from __future__ import annotations

import pytest

from tests.contract.test_source import *  # noqa: F403 - every test of the suite, and its fixtures
from tests.support.kubesources import KubeHarness


@pytest.fixture  # type: ignore[no-redef] # the suite's own, for the other adapters
def harness(kube: KubeHarness) -> KubeHarness:
    return kube
