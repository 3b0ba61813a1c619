"""native.bpfmap against the kernel: every call, and every failure with its errno, call and pin."""

from __future__ import annotations

import errno
import os
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from native import bpfmap
from native.bpfmap import Map
from tests.support.bpf import Bench

ENOTSUPP = 524
"""linux/errno.h: a word inside the kernel, which mmap of a hash lets out."""


@pytest.fixture
def small(pin_path: Path) -> Iterator[Map]:
    """A hash with room for four: keys of 4 bytes, values of 8."""
    with made(pin_path, "hash", "key", "4", "value", "8", "entries", "4") as one:
        yield one


def made(directory: Path, kind: str, *words: str) -> Map:
    directory.mkdir()
    path = directory / "small"
    command = ["bpftool", "map", "create", str(path), "type", kind, "name", "small", *words]
    subprocess.run(command, check=True)
    return Map.open(path)


def key(number: int) -> bytes:
    return number.to_bytes(4, "big")


def value(number: int) -> bytes:
    return number.to_bytes(8, "big")


def test_a_hash_gives_back_what_was_put(small: Map) -> None:
    assert small.get(key(1)) is None
    small.put(key(1), value(10))
    small.put(key(1), value(11))
    assert small.get(key(1)) == value(11)
    assert small.items() == [(key(1), value(11))]
    assert (small.remove(key(1)), small.remove(key(1))) == (True, False)
    assert small.items() == []


def test_many_are_put_and_removed_in_one_call_each_and_missing_ones_are_fine(small: Map) -> None:
    small.put_many([])
    small.put_many((key(number), value(number)) for number in (1, 2, 3))
    small.remove_many([])
    small.remove_many([key(9), key(1), key(8), key(8), key(3), key(7)])
    assert small.items() == [(key(2), value(2))]


def test_of_several_values_for_one_key_the_last_one_stays(small: Map) -> None:
    small.put_many([(key(1), value(1)), (key(2), value(2)), (key(1), value(3))])
    assert sorted(small.items()) == [(key(1), value(3)), (key(2), value(2))]


def test_a_full_hash_takes_what_fits_and_says_how_many(small: Map) -> None:
    with pytest.raises(OSError, match=r"BPF_MAP_UPDATE_BATCH \(after 4 of 6\)") as refused:
        small.put_many((key(number), value(number)) for number in range(6))
    assert (refused.value.errno, refused.value.filename) == (errno.E2BIG, str(small.where))
    assert sorted(small.items()) == [(key(number), value(number)) for number in range(4)]


@pytest.mark.parametrize("wrong", [b"", b"123", b"12345"])
def test_bytes_of_another_length_never_reach_the_kernel(small: Map, wrong: bytes) -> None:
    for call in (
        lambda: small.get(wrong),
        lambda: small.put(wrong, value(1)),
        lambda: small.put(key(1), wrong),
        lambda: small.remove(wrong),
        lambda: small.put_many([(key(1), value(1)), (wrong, value(1))]),
        lambda: small.remove_many([key(1), wrong]),
        lambda: small.zero_per_cpu(wrong),
    ):
        with pytest.raises(ValueError, match="bytes where the map has"):
            call()
    assert small.items() == []


def test_a_map_says_what_it_is(small: Map) -> None:
    assert small.info.id > 0
    assert (small.info.name, small.info.type, small.info.flags) == ("small", 1, 0)
    assert (small.info.key_size, small.info.value_size, small.info.max_entries) == (4, 8, 4)


def test_memory_is_the_map_itself(pin_path: Path) -> None:
    words = ("key", "4", "value", "16", "entries", "3", "flags", "0x400")
    with made(pin_path, "array", *words) as array, array.memory() as memory:
        assert len(memory) * 8 == os.sysconf("SC_PAGE_SIZE")
        memory[2 * 2 + 1] = 1 << 63
        assert array.get((2).to_bytes(4, "little")) == bytes(15) + b"\x80"
        array.put((1).to_bytes(4, "little"), b"\x01".ljust(16, b"\0"))
        assert memory[1 * 2] == 1


def test_a_map_that_cannot_be_memory_says_so(small: Map) -> None:
    with pytest.raises(OSError, match="mmap: ") as refused:
        small.memory()
    assert (refused.value.errno, refused.value.filename) == (ENOTSUPP, str(small.where))


def test_numbers_of_all_cpus_are_summed_and_set_to_zero(bench: Bench) -> None:
    frames = (bench.counters.sums([3, 4]), bench.counters.sums([]))
    assert frames == ([(0,) * 8, (0,) * 8], [])
    for index, first in ((3, 5), (4, 7)):
        key_bytes = [str(byte) for byte in index.to_bytes(4, "little")]
        one_cpu = [str(first), *["0"] * 63]  # bpftool writes it for every CPU
        command = ["bpftool", "map", "update", "pinned", str(bench.counters.where), "key"]
        subprocess.run([*command, *key_bytes, "value", *one_cpu], check=True)
    cpus = bpfmap.possible_cpus()
    rest = (0,) * 7
    assert bench.counters.sums([4, 3, 4]) == [
        (7 * cpus, *rest),
        (5 * cpus, *rest),
        (7 * cpus, *rest),
    ]
    for index in (3, 4):
        bench.counters.zero_per_cpu(index.to_bytes(4, "little"))
    assert bench.counters.sums([3, 4]) == [(0,) * 8, (0,) * 8]


def test_a_value_of_a_per_cpu_map_is_the_parts_of_all_cpus(pin_path: Path) -> None:
    words = ("key", "4", "value", "12", "entries", "2")
    with made(pin_path, "percpu_hash", *words) as small:
        whole = b"".join(bytes([cpu + 1]) * 12 + bytes(4) for cpu in range(bpfmap.possible_cpus()))
        with pytest.raises(ValueError, match="12 bytes where the map has"):
            small.put(key(1), whole[:12])
        small.put(key(1), whole)
        assert small.get(key(1)) == whole
        small.put_many([(key(2), whole)])
        assert sorted(small.items()) == [(key(1), whole), (key(2), whole)]
        small.zero_per_cpu(key(2))
        assert small.get(key(2)) == bytes(len(whole))


@pytest.mark.parametrize(("kind", "size"), [("percpu_array", "12"), ("array", "8")])
def test_only_a_per_cpu_array_of_whole_words_is_summed(
    pin_path: Path, kind: str, size: str
) -> None:
    with (
        made(pin_path, kind, "key", "4", "value", size, "entries", "1") as other,
        pytest.raises(ValueError, match="no per-CPU array of 64-bit words"),
    ):
        other.sums([0])


def test_an_index_beyond_the_array_is_an_error(bench: Bench) -> None:
    with pytest.raises(FileNotFoundError, match="BPF_MAP_LOOKUP_ELEM"):
        bench.counters.sums([bench.counters.info.max_entries])


def test_a_pin_that_is_not_there_is_named(pin_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match="BPF_OBJ_GET") as refused:
        Map.open(pin_path / "nothing")
    assert refused.value.filename == str(pin_path / "nothing")


def test_a_program_is_no_map(bench: Bench) -> None:
    with pytest.raises(OSError, match="not a BPF map") as refused:
        Map(bench.program, Path("program"))
    assert refused.value.errno == errno.EINVAL


def test_a_pin_is_made_once_and_never_with_a_dot(small: Map) -> None:
    other = small.where.with_name("other")
    bpfmap.pin(small.fd, other)
    with Map.open(other) as again:
        assert again.info == small.info
    with pytest.raises(FileExistsError, match="BPF_OBJ_PIN"):
        bpfmap.pin(small.fd, other)
    with pytest.raises(PermissionError, match="BPF_OBJ_PIN"):
        bpfmap.pin(small.fd, small.where.with_name("other.one"))


def test_a_program_is_found_by_its_id_and_tells_its_maps(bench: Bench) -> None:
    info = bpfmap.program_info(bench.program)
    fd = bpfmap.program_by_id(info.id)
    try:
        assert bpfmap.program_info(fd) == info
    finally:
        os.close(fd)
    maps = (bench.entries, bench.slots, bench.counters)
    assert sorted(info.map_ids) == sorted(one.info.id for one in maps)
    assert (len(info.tag), info.loaded_ns > 0) == (16, True)


def test_a_program_that_does_not_exist_is_named() -> None:
    with pytest.raises(FileNotFoundError, match="BPF_PROG_GET_FD_BY_ID 2147483647"):
        bpfmap.program_by_id(2**31 - 1)


def test_a_run_on_an_interface_that_does_not_exist_is_an_error(bench: Bench) -> None:
    with pytest.raises(OSError, match="BPF_PROG_TEST_RUN") as refused:
        bpfmap.run(bench.program, bytes(64), 2**31 - 1)
    assert refused.value.errno in (errno.EINVAL, errno.ENODEV)


def test_a_file_system_is_told_apart(pin_path: Path, tmp_path: Path) -> None:
    pin_path.mkdir()
    assert (bpfmap.is_bpffs(pin_path), bpfmap.is_bpffs(tmp_path)) == (True, False)
    with pytest.raises(FileNotFoundError, match="statfs"):
        bpfmap.is_bpffs(tmp_path / "nothing")


def test_the_c_part_compiles_without_a_warning(tmp_path: Path) -> None:
    source = Path(bpfmap.__file__).with_name("bpfmap.c")
    strict = ["-std=gnu11", "-O2", "-Wall", "-Wextra", "-Wconversion", "-Werror"]
    subprocess.run(["gcc", *strict, "-c", source, "-o", tmp_path / "o"], check=True)
