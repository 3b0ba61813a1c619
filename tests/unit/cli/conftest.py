"""Fixtures for tests of the command `vipcast`."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.unit.cli.cluster import EVERYWHERE, HOME, Directory, healthy
from tests.unit.cli.commands import Explain, Vipcast


@pytest.fixture
def vipcast(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Vipcast:
    """Runs a command on the test's directory."""
    return Vipcast(tmp_path, capsys)


@pytest.fixture
def explain(vipcast: Vipcast) -> Explain:
    """Explains the Service web, where a test names nothing else."""

    def run(service: str = "web", *arguments: str) -> tuple[int, list[str], str]:
        return vipcast.said("explain", service, *arguments)

    return run


@pytest.fixture
def directory(tmp_path: Path) -> Directory:
    """Three nodes, a pool, one Service, which node2 answers for."""
    made = healthy(tmp_path)
    made.put("pools.yaml", HOME, EVERYWHERE)
    return made
