"""Which programs are ours: those that use our pinned maps, of whatever layout, or bear our name.

The name alone is enough for a program whose pins were lost (a BPF file system that went away with
its container): nobody else could ever take it off again. A program that is pinned is opened by its
pin; only for others does the kernel want SYS_ADMIN, which a speaker in a Pod does not have. It
leaves what it may not look at alone.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

from bpf import layouts, program_pins
from bpf.abi import MAPS, PROGRAM
from native.bpfmap import Map, ProgramInfo, open_pin, program_by_id, program_info


@contextmanager
def opened(program: int, pin_path: Path) -> Iterator[int]:
    """A descriptor of a loaded program while it lasts.

    Raises FileNotFoundError if the program is gone, PermissionError if it may not be looked at.
    """
    fd = _pinned(program, pin_path)
    if fd is None:
        fd = program_by_id(program)
    try:
        yield fd
    finally:
        os.close(fd)


def info_of(program: int, pin_path: Path) -> ProgramInfo:
    """What the kernel says about a loaded program; raises as `opened` does."""
    with opened(program, pin_path) as fd:
        return program_info(fd)


def maps_of(program: int, pin_path: Path) -> frozenset[int]:
    """The ids of the maps that a program uses; none if it has been unloaded meanwhile."""
    try:
        return frozenset(info_of(program, pin_path).map_ids)
    except FileNotFoundError:
        return frozenset()


def map_ids(directories: Iterable[Path]) -> frozenset[int]:
    """The ids of all our maps that are pinned in some directories."""
    paths = (directory / shape.name for directory in directories for shape in MAPS)
    return frozenset(_map_id(path) for path in paths if path.exists())


def is_ours(info: ProgramInfo, pin_path: Path) -> bool:
    """Whether a program may be replaced or taken off by us."""
    return info.name == PROGRAM or not map_ids(layouts(pin_path)).isdisjoint(info.map_ids)


def remove(directory: Path) -> None:
    """Remove a directory of pins; a program that is attached runs on without them."""
    for pin in sorted(directory.iterdir()):
        pin.unlink()
    directory.rmdir()


def _pinned(program: int, pin_path: Path) -> int | None:
    """A descriptor by the program's pin, None if it has none below the path."""
    for pin in (pin for directory in layouts(pin_path) for pin in program_pins(directory)):
        fd = open_pin(pin)
        if program_info(fd).id == program:
            return fd
        os.close(fd)
    return None


def _map_id(path: Path) -> int:
    with Map.open(path) as one:
        return one.info.id
