"""What the control plane is built from: one version of everything, and a name for the result."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from lab.errors import Unfit
from lab.kubernetes import programs, toolchain
from lab.kubernetes.toolchain import Toolchain

GO_MOD = (programs.SOURCES / "go.mod").read_text()


def test_every_part_of_kubernetes_has_the_version_of_the_whole() -> None:
    whole = programs.version()
    part = whole.replace("v1.", "v0.")

    replaced = re.findall(r"^\t(k8s\.io/\S+) => (\S+) (\S+)$", GO_MOD, re.MULTILINE)

    assert re.fullmatch(r"v1\.\d+\.\d+", whole)
    assert len(replaced) > 25
    assert {(to == name, version) for name, to, version in replaced} == {(True, part)}


def test_the_pinned_go_is_new_enough() -> None:
    wanted = re.search(r"^go (\S+)$", GO_MOD, re.MULTILINE)
    pinned = re.search(r"==(\S+)", toolchain.LOCK.read_text())

    assert wanted is not None
    assert pinned is not None
    assert tuple(map(int, pinned[1].split("."))) >= tuple(map(int, wanted[1].split(".")))


def test_another_go_or_other_sources_are_another_build(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def key(version: str) -> str:
        return programs._key(Toolchain(Path("/go"), version))

    first = key("1.26.8")
    assert key("1.26.8") == first
    assert key("1.26.9") != first
    for name in ("go.mod", "go.sum", "main.go"):
        (tmp_path / name).write_bytes((programs.SOURCES / name).read_bytes())
    monkeypatch.setattr(programs, "SOURCES", tmp_path)
    assert key("1.26.8") == first
    (tmp_path / "main.go").write_text("package main\n")
    assert key("1.26.8") != first


def test_a_machine_that_lacks_a_command_is_told_the_package(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))

    with pytest.raises(Unfit, match=r"run `apt-get install apt coreutils curl dpkg openssl`"):
        programs.provide(print)
