"""The Dockerfiles: pinned, of one making, and with everything that is shipped."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

import pytest
from packaging.requirements import Requirement

PROJECT = Path(__file__).parents[3]
DOCKERFILES = {
    name: (PROJECT / name / "Dockerfile").read_text() for name in ("controller", "speaker")
}
BLOCK = re.compile(r"^([\w.-]+)==(\S+) \\\n((?:    --hash=\S+(?: \\)?\n)+)", re.MULTILINE)


def locked(name: str) -> dict[str, tuple[str, ...]]:
    """Version and hashes of each package of a lock."""
    found = BLOCK.findall((PROJECT / name).read_text())
    return {name: (version, *re.findall(r"sha256:\w+", hashes)) for name, version, hashes in found}


def test_both_are_built_in_the_same_way_from_the_same_base() -> None:
    shared = {text.partition("\n")[2].partition("ENV PATH")[0] for text in DOCKERFILES.values()}
    assert len(shared) == 1


@pytest.mark.parametrize("name", DOCKERFILES)
def test_the_base_is_one_dated_build_of_debian_slim(name: str) -> None:
    text = DOCKERFILES[name]
    assert re.findall(r"^ARG DEBIAN=(.*)$", text, re.MULTILINE) == ["debian:bookworm-20251229-slim"]
    stages = dict(re.findall(r"^FROM (\S+) AS (\w+)$", text, re.MULTILINE))
    assert stages.keys() == {"${DEBIAN}", "run"}


@pytest.mark.parametrize("name", DOCKERFILES)
def test_python_packages_are_installed_by_their_hashes(name: str) -> None:
    installs = re.findall(r"pip.*? install ((?:.*\\\n)*.*)", DOCKERFILES[name])
    assert installs
    for each in installs:
        assert "--require-hashes" in each or "--no-index" in each


def test_what_is_installed_is_a_part_of_the_lock_and_all_that_is_needed() -> None:
    image, whole = locked("requirements-image.lock"), locked("requirements.lock")
    project = tomllib.loads((PROJECT / "pyproject.toml").read_text())
    needed = [*project["project"]["dependencies"], *project["build-system"]["requires"]]

    assert image.items() <= whole.items()
    assert {Requirement(each).name.lower() for each in needed} <= image.keys()
    assert not {"pytest", "mypy", "ruff", "hypothesis", "scapy"} & image.keys()


def test_every_package_that_is_shipped_goes_into_the_build() -> None:
    given = set(re.findall(r"^!(\S+)$", (PROJECT / ".dockerignore").read_text(), re.MULTILINE))
    assert {"vipcast", "controller", "speaker", "native", "bpf", "setup.py"} <= given
    assert all((PROJECT / each).exists() for each in given)
