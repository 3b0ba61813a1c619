"""A BPF file system for the session, and a bench with the real program for whole packets."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from bpf import SOURCES
from tests.support.bpf import Bench, changed, loaded, mounted

SHORT_HAUNT = 20
"""Seconds instead of ten minutes, so that a machine that has just booted can look back that far."""


@pytest.fixture(scope="session")
def bpffs() -> Iterator[Path]:
    """A BPF file system of the tests' own."""
    with mounted() as path:
        yield path


@pytest.fixture
def pin_path(bpffs: Path, tmp_path: Path) -> Path:
    """A place for pins that no other test uses; there is nothing yet."""
    return bpffs / tmp_path.name.replace(".", "_")


@pytest.fixture(scope="session")
def _program(bpffs: Path) -> Iterator[Bench]:
    with Bench(bpffs / "packets", loaded(bpffs / "packets")) as bench:
        yield bench


@pytest.fixture(scope="session")
def _hasty_program(bpffs: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Bench]:
    hasty = changed(
        tmp_path_factory.mktemp("hasty") / "bpf",
        "shared.h",
        "VIP_HAUNT_NS 600000000000ULL",
        f"VIP_HAUNT_NS {SHORT_HAUNT}000000000ULL",
    )
    with Bench(bpffs / "hasty", loaded(bpffs / "hasty", hasty)) as bench:
        yield bench


@pytest.fixture
def bench(_program: Bench) -> Bench:
    """The program as it is shipped, with fresh maps."""
    _program.reset()
    return _program


@pytest.fixture
def hasty(_hasty_program: Bench) -> Bench:
    """The same program with SHORT_HAUNT, with fresh maps."""
    _hasty_program.reset()
    return _hasty_program


@pytest.fixture
def loaded_pins(pin_path: Path) -> Path:
    """A pin path of the test's own with the program loaded."""
    loaded(pin_path, SOURCES)
    return pin_path
