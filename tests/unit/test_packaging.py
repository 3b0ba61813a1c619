"""What a package and a checkout promise: all sources, working commands, pinned dependencies."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
import tomllib
import zipfile
from importlib.metadata import entry_points
from pathlib import Path

import pytest
from packaging.requirements import Requirement

PROJECT = Path(__file__).parents[2]
SHIPPED = ("vipcast", "controller", "speaker", "native", "bpf")


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> list[str]:
    """Names of the files in a wheel, built from a copy so that nothing is left in the checkout."""
    copy = tmp_path_factory.mktemp("checkout") / "vipcast"
    shutil.copytree(
        PROJECT,
        copy,
        ignore=shutil.ignore_patterns(".*", "build", "*.egg-info", "__pycache__", "*.so", "_*.c"),
    )
    options = "--disable-pip-version-check --quiet --no-deps --no-index --no-build-isolation"
    subprocess.run(
        [sys.executable, "-m", "pip", "wheel", *options.split(), "--wheel-dir", copy, copy],
        check=True,
        capture_output=True,
    )
    (built,) = copy.glob("*.whl")
    with zipfile.ZipFile(built) as archive:
        return archive.namelist()


def test_the_bpf_sources_and_their_licence_are_shipped(wheel: list[str]) -> None:
    sources = {f"bpf/{path.name}" for path in (PROJECT / "bpf").glob("*.[ch]")}
    assert "bpf/l2_responder.c" in sources
    assert sources | {"bpf/LICENSE"} <= set(wheel)


def test_every_module_of_the_five_packages_is_shipped_and_nothing_else(wheel: list[str]) -> None:
    expected = {
        str(path.relative_to(PROJECT))
        for package in SHIPPED
        for path in (PROJECT / package).rglob("*.py*")
        if path.suffix in (".py", ".pyi")
    }
    shipped = {name for name in wheel if name.endswith((".py", ".pyi"))}
    assert shipped == expected
    assert {name.split("/")[0] for name in wheel if ".dist-info/" not in name} == set(SHIPPED)


def test_each_cffi_module_is_built_once_and_ships_its_types(wheel: list[str]) -> None:
    modules = {name.split(".")[0] for name in wheel if name.endswith(".so")}
    assert len(modules) == len(list((PROJECT / "native").glob("*_build.py"))) > 0
    for module in modules:
        assert f"{module}.pyi" in wheel


@pytest.mark.parametrize("name", ["vipcast", "vipcast-controller", "vipcast-speaker"])
def test_each_command_leads_to_a_function(name: str) -> None:
    (command,) = entry_points(group="console_scripts", name=name)
    assert callable(command.load())
    assert (Path(sys.prefix) / "bin" / name).is_file()


def test_every_dependency_is_locked_at_a_version_that_the_project_allows() -> None:
    project = tomllib.loads((PROJECT / "pyproject.toml").read_text())["project"]
    wanted = [*project["dependencies"], *project["optional-dependencies"]["dev"]]
    lock = (PROJECT / "requirements.lock").read_text()
    locked = dict(re.findall(r"^([\w.-]+)==(\S+) \\$", lock, re.MULTILINE))
    for requirement in map(Requirement, wanted):
        assert requirement.specifier.contains(locked[requirement.name.lower()]), requirement


def test_the_readme_shows_commands_that_the_makefile_has() -> None:
    readme = (PROJECT / "README.md").read_text()
    targets = re.findall(r"^([a-z]+):", (PROJECT / "Makefile").read_text(), re.MULTILINE)
    shown = re.findall(r"^\s*make ([a-z]+)", readme, re.MULTILINE)
    assert {"demo", "test"} <= set(shown) <= set(targets)


def test_the_project_runs_on_the_system_s_own_python() -> None:
    """bcc is Debian's package, built for Debian's interpreter, and has to be importable."""
    assert Path(sys.executable).resolve() == Path("/usr/bin/python3").resolve()
    found = subprocess.run(
        [sys.executable, "-c", "import bcc; print(bcc.__file__)"],
        check=True,
        capture_output=True,
        text=True,
    )
    assert found.stdout.startswith("/usr/lib/python3/dist-packages/")
