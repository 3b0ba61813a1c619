"""Fixtures for tests of the controller."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.unit.controller.running import HOME, Place


@pytest.fixture
def place(tmp_path: Path) -> Place:
    """A directory with one pool of two addresses."""
    made = Place(tmp_path)
    made.pools(HOME)
    return made
