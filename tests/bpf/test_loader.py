"""The loader, run as the process that it is: what it pins, keeps and refuses, and what it says."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

from bpf import SOURCES, program_pins
from bpf.abi import MAPS, PROGRAM
from native.bpfmap import Map, ProgramInfo, open_pin, program_info
from speaker.adapters.loader import (
    NO_BPFFS,
    OTHER_SHAPE,
    REFUSED,
    SYSTEM,
    LoadError,
    load_program,
)
from tests.support.bpf import changed, loaded, run_loader, start_loader
from tests.support.waiting import eventually


def names(directory: Path) -> list[str]:
    return sorted(path.name for path in directory.iterdir())


def pinned(pin: Path) -> ProgramInfo:
    fd = open_pin(pin)
    try:
        return program_info(fd)
    finally:
        os.close(fd)


def without_bcc(directory: Path) -> Path:
    """A directory that hides bcc when Python looks there first."""
    (directory / "bcc.py").write_text('raise ImportError("there is none")\n')
    return directory


def shapes(directory: Path) -> dict[str, tuple[int, int, int, int, int]]:
    found = {}
    for shape in MAPS:
        with Map.open(directory / shape.name) as one:
            info = one.info
        found[info.name] = (
            info.type,
            info.key_size,
            info.value_size,
            info.max_entries,
            info.flags,
        )
    return found


def test_maps_and_program_are_pinned_in_the_shape_that_python_expects(pin_path: Path) -> None:
    done = run_loader(pin_path)
    pins = SOURCES.pins(pin_path)
    pin = SOURCES.program_pin(pin_path)
    assert (done.returncode, done.stdout, done.stderr) == (0, f"loaded {pin}\n", "")
    assert names(pins) == sorted(["entries", "slots", "counters", pin.name])
    assert shapes(pins) == {
        shape.name: (
            shape.type,
            shape.key_size,
            shape.value_size,
            shape.max_entries,
            shape.flags,
        )
        for shape in MAPS
    }
    assert pinned(pin).name == PROGRAM


def test_a_second_call_keeps_the_program_and_does_not_even_import_bcc(
    loaded_pins: Path, tmp_path: Path
) -> None:
    pin = SOURCES.program_pin(loaded_pins)
    before = pinned(pin)
    done = run_loader(loaded_pins, env={"PYTHONPATH": str(without_bcc(tmp_path))})
    assert (done.returncode, done.stdout, done.stderr) == (0, f"kept {pin}\n", "")
    assert pinned(pin) == before


def test_a_host_without_bcc_is_told_which_package_to_install(
    pin_path: Path, tmp_path: Path
) -> None:
    done = run_loader(pin_path, env={"PYTHONPATH": str(without_bcc(tmp_path))})
    assert (done.returncode, done.stdout) == (SYSTEM, "")
    assert done.stderr == (
        "bcc cannot be imported (there is none): apt-get install python3-bpfcc, and use Debian's "
        "own Python in a venv made with --system-site-packages\n"
    )


def test_maps_keep_their_contents_when_a_changed_program_is_loaded(
    loaded_pins: Path, tmp_path: Path
) -> None:
    with Map.open(SOURCES.pins(loaded_pins) / "slots") as slots:
        before = slots.info.id
        slots.put(bytes(4), bytes(range(64)))
    other = loaded(loaded_pins, changed(tmp_path / "a", "arp.h", "RFC 826", "rfc 826"))
    assert other.layout == SOURCES.layout
    assert other.program_pin(loaded_pins).exists()
    with Map.open(other.pins(loaded_pins) / "slots") as slots:
        assert (slots.info.id, slots.get(bytes(4))) == (before, bytes(range(64)))


def test_of_older_programs_only_the_newest_stays_pinned(loaded_pins: Path, tmp_path: Path) -> None:
    versions = [
        changed(tmp_path / word, "parse.h", "Ethernet and ARP", f"Ethernet and ARP {word}")
        for word in ("a", "b", "c")
    ]
    for version in versions:
        loaded(loaded_pins, version)
    assert program_pins(SOURCES.pins(loaded_pins)) == sorted(
        version.program_pin(loaded_pins) for version in versions[1:]
    )


def test_a_changed_layout_gets_a_directory_of_its_own(loaded_pins: Path, tmp_path: Path) -> None:
    other = loaded(
        loaded_pins,
        changed(tmp_path / "a", "shared.h", "VIP_SLOTS    64", "VIP_SLOTS    64 "),
    )
    assert names(loaded_pins) == sorted([SOURCES.layout, other.layout])


def test_a_pinned_map_of_another_shape_is_refused_before_anything_is_compiled(
    loaded_pins: Path,
) -> None:
    pins = SOURCES.pins(loaded_pins)
    SOURCES.program_pin(loaded_pins).unlink()
    (pins / "entries").unlink()
    subprocess.run(
        [
            *("bpftool", "map", "create", pins / "entries", "type", "hash", "name", "entries"),
            *("key", "24", "value", "48", "entries", "16384"),
        ],
        check=True,
    )
    done = run_loader(loaded_pins)
    assert (done.returncode, done.stdout) == (OTHER_SHAPE, "")
    assert done.stderr == (
        f"{pins}/entries is a map of another shape: value_size is 48 where this version needs 40. "
        "Choose another --pin-path, or remove the pins if nothing uses them: "
        f"rm -r {pins}\n"
    )


def test_a_program_in_the_place_of_a_map_is_refused(loaded_pins: Path) -> None:
    pins = SOURCES.pins(loaded_pins)
    (pins / "slots").unlink()
    SOURCES.program_pin(loaded_pins).rename(pins / "slots")
    done = run_loader(loaded_pins)
    assert done.returncode == OTHER_SHAPE
    assert f"{pins}/slots is not a map that can be opened" in done.stderr


def test_a_path_that_is_not_on_a_bpf_file_system_is_refused_with_the_command_that_helps(
    tmp_path: Path,
) -> None:
    place = tmp_path / "not" / "there"
    done = run_loader(place)
    assert (done.returncode, done.stdout) == (NO_BPFFS, "")
    assert done.stderr == (
        f"--pin-path {place}: {tmp_path} is not on a BPF file system, so nothing can be pinned "
        f"there. Mount one: mkdir -p {place} && mount -t bpf bpf {place}\n"
    )
    assert not (tmp_path / "not").exists()


def test_a_program_that_does_not_compile_is_refused_with_the_compilers_words(
    pin_path: Path, tmp_path: Path
) -> None:
    broken = changed(tmp_path / "a", "l2_responder.c", "XDP_DROP;", "XDP_DORP;")
    done = run_loader(pin_path, broken)
    assert done.returncode == REFUSED
    assert "use of undeclared identifier 'XDP_DORP'" in done.stderr
    assert done.stderr.splitlines()[-1].startswith(
        f"{broken.main} was refused by compiler or kernel: "
    )
    assert not broken.program_pin(pin_path).exists()


def test_a_program_that_the_kernel_refuses_is_refused_with_the_verifiers_words(
    pin_path: Path, tmp_path: Path
) -> None:
    unchecked = changed(
        tmp_path / "a", "l2_responder.c", "if (!node || !lease)\n\t\treturn XDP_PASS;", ""
    )
    done = run_loader(pin_path, unchecked)
    assert done.returncode == REFUSED
    assert "invalid mem access 'map_value_or_null'" in done.stderr
    assert done.stderr.splitlines()[-1].startswith(
        f"{unchecked.main} was refused by compiler or kernel: "
    )
    assert not unchecked.program_pin(pin_path).exists()


def test_four_loaders_at_once_load_one_program(pin_path: Path) -> None:
    started = [start_loader(pin_path) for _ in range(4)]
    said = [process.communicate(timeout=120) for process in started]
    pin = SOURCES.program_pin(pin_path)
    assert [process.returncode for process in started] == [0, 0, 0, 0], said
    assert sorted(output for output, _ in said) == [f"kept {pin}\n"] * 3 + [f"loaded {pin}\n"]


def test_a_loader_that_was_killed_is_made_good_by_the_next(pin_path: Path, tmp_path: Path) -> None:
    killed = start_loader(pin_path, env={"TMPDIR": str(tmp_path)})
    first = SOURCES.pins(pin_path) / MAPS[0].name
    eventually(lambda: first.exists() or killed.poll() is not None, what="the first map is pinned")
    killed.kill()
    killed.communicate()
    assert run_loader(pin_path).returncode == 0


def test_the_speaker_runs_the_loader_and_gets_its_line_or_its_words(
    pin_path: Path, tmp_path: Path
) -> None:
    pin = SOURCES.program_pin(pin_path)
    assert load_program(pin_path) == f"loaded {pin}"
    assert load_program(pin_path) == f"kept {pin}"
    with pytest.raises(LoadError, match="is not on a BPF file system") as refused:
        load_program(tmp_path)
    assert refused.value.status == NO_BPFFS
