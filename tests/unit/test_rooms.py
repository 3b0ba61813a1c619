"""The contracts in .importlinter leave no room out: what they do not name, they do not watch.

import-linter itself checks the imports (`make check`). Here the file is compared with the modules
that exist, so that a new module cannot stand beside the rules.
"""

from __future__ import annotations

import configparser
from pathlib import Path

PROJECT = Path(__file__).parents[2]

# Compiled or generated code and the C beside it have no rules of purity, and speak to the kernel.
BELOW_THE_CORES = {"native", "bpf"}


def _contracts() -> configparser.ConfigParser:
    contracts = configparser.ConfigParser()
    contracts.read(PROJECT / ".importlinter")
    return contracts


def _layers() -> list[list[str]]:
    """Layers from the highest down; a module that may be missing keeps its parentheses."""
    lines = _contracts()["importlinter:contract:rooms"]["layers"].split("\n")
    return [line.replace("|", " ").replace(":", " ").split() for line in lines if line]


def _exists(module: str) -> bool:
    path = PROJECT.joinpath(*module.split("."))
    return (path / "__init__.py").is_file() or path.with_suffix(".py").is_file()


def _inside(module: str, rooms: set[str]) -> bool:
    return any(module == room or module.startswith(f"{room}.") for room in rooms)


def test_a_module_that_exists_stands_without_parentheses() -> None:
    optional = {name.strip("()") for layer in _layers() for name in layer if "(" in name}
    assert not [module for module in sorted(optional) if _exists(module)]


def test_every_module_of_the_programs_and_of_what_they_share_has_a_layer() -> None:
    rooms = {name.strip("()") for layer in _layers() for name in layer}
    modules = {
        ".".join(path.relative_to(PROJECT).with_suffix("").parts)
        for package in ("vipcast", "controller", "speaker")
        for path in (PROJECT / package).rglob("*.py")
        if path.name != "__init__.py"
    }
    assert not [module for module in sorted(modules) if not _inside(module, rooms)]


def test_every_room_below_the_ports_is_held_to_be_pure() -> None:
    layers = _layers()
    ports = next(number for number, layer in enumerate(layers) if layer == ["vipcast.ports"])
    cores = {name for layer in layers[ports + 1 :] for name in layer if "(" not in name}
    pure = set(_contracts()["importlinter:contract:pure"]["source_modules"].split())
    assert pure == cores - BELOW_THE_CORES
