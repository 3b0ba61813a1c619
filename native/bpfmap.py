"""BPF maps and programs for Python: typed, by plain bpf(2) calls, without bcc or libbpf.

    with Map.open("/sys/fs/bpf/vipcast/…/entries") as entries:
        entries.put_many([(key, value), …])     # one system call
        entries.items()
    action, frame = run(program_fd, request, ifindex)

Keys and values are bytes of exactly the map's sizes; a per-CPU value is the parts of all CPUs.
Every failure is an OSError with the kernel's errno and a text that names the operation and the pin.
Linux 5.10 or newer.
"""

from __future__ import annotations

import errno
import mmap
import os
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from native._bpfmap import ffi, lib

# enum bpf_map_type of linux/bpf.h: arrays, hashes, LRU hashes and storage of cgroups.
_PER_CPU_ARRAY = 6
_PER_CPU = frozenset({_PER_CPU_ARRAY, 5, 10, 21})


@dataclass(frozen=True, slots=True)
class MapInfo:
    """struct bpf_map_info of linux/bpf.h, in part."""

    id: int
    name: str
    type: int
    key_size: int
    value_size: int
    max_entries: int
    flags: int


@dataclass(frozen=True, slots=True)
class ProgramInfo:
    """struct bpf_prog_info of linux/bpf.h, in part. `loaded_ns` counts from boot."""

    id: int
    name: str
    type: int
    tag: str
    loaded_ns: int
    map_ids: tuple[int, ...]


def is_bpffs(path: Path) -> bool:
    """Whether a path lies on a BPF file system; raises FileNotFoundError if it does not exist."""
    return bool(_check(lib.bpfmap_is_bpffs(os.fsencode(path)), "statfs", path))


def open_pin(path: Path) -> int:
    """A new descriptor of a pinned map or program."""
    return _check(lib.bpfmap_get_pin(os.fsencode(path)), "BPF_OBJ_GET", path)


def pin(fd: int, path: Path) -> None:
    """Pin a map or program; FileExistsError if the name is taken. A dot in the name is EPERM."""
    _check(lib.bpfmap_pin(fd, os.fsencode(path)), "BPF_OBJ_PIN", path)


def program_by_id(program: int) -> int:
    """A new descriptor of a loaded program; FileNotFoundError if it is gone."""
    return _check(lib.bpfmap_program_fd(program), f"BPF_PROG_GET_FD_BY_ID {program}")


def program_info(fd: int) -> ProgramInfo:
    """What the kernel says about a program."""
    info: Any = ffi.new("struct bpfmap_program_info *")
    _check(lib.bpfmap_program_info(fd, info), "BPF_OBJ_GET_INFO_BY_FD of a program")
    return ProgramInfo(
        id=info.id,
        name=_text(info.name),
        type=info.type,
        tag=bytes(info.tag).hex(),
        loaded_ns=info.loaded_ns,
        map_ids=tuple(info.map_ids[0 : info.maps]),
    )


@cache
def possible_cpus() -> int:
    """How many CPUs a per-CPU value has numbers for: those that could ever come up."""
    text = Path("/sys/devices/system/cpu/possible").read_text().strip()
    return int(text.split(",")[-1].split("-")[-1]) + 1


def run(fd: int, frame: bytes, ifindex: int = 0, *, repeat: int = 1) -> tuple[int, bytes, int]:
    """Run an XDP program on a frame (BPF_PROG_TEST_RUN): action, frame afterwards, ns per run.

    `ifindex` is where the frame came in; 0 leaves it to the kernel, which takes `lo`, index 1. An
    index needs Linux 5.15 and an interface of this network namespace, else EINVAL, as do frames
    of less than 14 bytes. The frame is not restored between runs of one `repeat`.
    """
    out = ffi.new("char[]", len(frame) + 256)
    length = ffi.new("uint32_t *", len(out))
    duration = ffi.new("uint32_t *")
    action = lib.bpfmap_run(fd, ifindex, frame, len(frame), out, length, repeat, duration)
    _check(action, "BPF_PROG_TEST_RUN")
    return action, bytes(ffi.buffer(out, length[0])), int(duration[0])


class Map:
    """One open map. Close it, or use it as a context manager."""

    def __init__(self, fd: int, where: Path) -> None:
        """Take over a descriptor; `where` is for error texts. EINVAL if it is not a map's."""
        self.fd = fd
        self.where = where
        # The kernel tells what it knows of a program just as readily, in the same bytes.
        if not str(Path(f"/proc/self/fd/{fd}").readlink()).endswith("bpf-map"):
            raise _error(errno.EINVAL, "not a BPF map", where)
        info: Any = ffi.new("struct bpfmap_map_info *")
        _check(lib.bpfmap_map_info(fd, info), "BPF_OBJ_GET_INFO_BY_FD of a map", where)
        self.info = MapInfo(
            id=info.id,
            name=_text(info.name),
            type=info.type,
            key_size=info.key_size,
            value_size=info.value_size,
            max_entries=info.max_entries,
            flags=info.flags,
        )

    @classmethod
    def open(cls, path: Path) -> Self:
        """Open a pinned map; EINVAL if the pin is a program's."""
        fd = open_pin(path)
        try:
            return cls(fd, path)
        except OSError:
            os.close(fd)
            raise

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def close(self) -> None:
        """Close the descriptor; memory from `memory` stays valid."""
        if self.fd >= 0:
            os.close(self.fd)
            self.fd = -1

    def get(self, key: bytes) -> bytes | None:
        """The value of a key, None if there is none."""
        self._fits(key, self.info.key_size)
        value = ffi.new("char[]", self._value_bytes)
        result = lib.bpfmap_lookup(self.fd, key, value)
        if result == -errno.ENOENT:
            return None
        _check(result, "BPF_MAP_LOOKUP_ELEM", self.where)
        return bytes(ffi.buffer(value))

    def put(self, key: bytes, value: bytes) -> None:
        """Write one value."""
        self._fits(key, self.info.key_size)
        self._fits(value, self._value_bytes)
        _check(lib.bpfmap_update(self.fd, key, value), "BPF_MAP_UPDATE_ELEM", self.where)

    def zero_per_cpu(self, key: bytes) -> None:
        """Write zeros for every CPU of a per-CPU map's element."""
        self.put(key, bytes(self._value_bytes))

    def remove(self, key: bytes) -> bool:
        """Remove a key; False if it was not there."""
        self._fits(key, self.info.key_size)
        result = lib.bpfmap_delete(self.fd, key)
        if result == -errno.ENOENT:
            return False
        _check(result, "BPF_MAP_DELETE_ELEM", self.where)
        return True

    def items(self) -> list[tuple[bytes, bytes]]:
        """Every key and value of a hash, in one system call."""
        info, value_bytes = self.info, self._value_bytes
        keys = ffi.new("char[]", info.max_entries * info.key_size)
        values = ffi.new("char[]", info.max_entries * value_bytes)
        count = ffi.new("uint32_t *", info.max_entries)
        _check(
            lib.bpfmap_lookup_all(self.fd, keys, values, count), "BPF_MAP_LOOKUP_BATCH", self.where
        )
        return list(
            zip(
                _parts(ffi.buffer(keys, count[0] * info.key_size)[:], info.key_size),
                _parts(ffi.buffer(values, count[0] * value_bytes)[:], value_bytes),
                strict=True,
            )
        )

    def put_many(self, items: Iterable[tuple[bytes, bytes]]) -> None:
        """Write many values of a hash in one system call and in their order; E2BIG if it is full.

        What came before the one that did not fit is written.
        """
        pairs = list(items)
        for key, value in pairs:
            self._fits(key, self.info.key_size)
            self._fits(value, self._value_bytes)
        if not pairs:
            return
        keys = b"".join(key for key, _ in pairs)
        values = b"".join(value for _, value in pairs)
        count = ffi.new("uint32_t *", len(pairs))
        result = lib.bpfmap_update_many(self.fd, keys, values, count)
        _check(result, f"BPF_MAP_UPDATE_BATCH (after {count[0]} of {len(pairs)})", self.where)

    def remove_many(self, keys: Sequence[bytes]) -> None:
        """Remove many keys of a hash; those that are not there are fine."""
        for key in keys:
            self._fits(key, self.info.key_size)
        done = 0
        while done < len(keys):
            count = ffi.new("uint32_t *", len(keys) - done)
            rest = ffi.from_buffer(b"".join(keys[done:]))
            result = lib.bpfmap_delete_many(self.fd, rest, count)
            if result != -errno.ENOENT:
                _check(result, "BPF_MAP_DELETE_BATCH", self.where)
                return
            done += count[0] + 1  # the kernel stops at a key that is not there: go on behind it

    def memory(self) -> memoryview:
        """A BPF_F_MMAPABLE array as 64-bit words, shared with the program; release it when done.

        A store of one word is seen by the program at once and never in half.
        """
        size = _round_up(self.info.max_entries * _round_up(self.info.value_size, 8), mmap.PAGESIZE)
        try:
            memory = mmap.mmap(self.fd, size, mmap.MAP_SHARED, mmap.PROT_READ | mmap.PROT_WRITE)
        except OSError as error:
            raise _error(error.errno or errno.EINVAL, "mmap", self.where) from error
        return memoryview(memory).cast("Q")

    def sums(self, indexes: Sequence[int]) -> list[tuple[int, ...]]:
        """For each index of a per-CPU array of 64-bit words: the words, summed over all CPUs.

        ValueError if the map is another: the kernel would write more than there is room for.
        """
        if self.info.type != _PER_CPU_ARRAY or self.info.value_size % 8:
            raise ValueError(f"{self.where}: no per-CPU array of 64-bit words")
        words, cpus = self.info.value_size // 8, possible_cpus()
        sums = ffi.new("uint64_t[]", len(indexes) * words)
        scratch = ffi.new("uint64_t[]", cpus * words)
        asked = ffi.new("uint32_t[]", list(indexes))
        result = lib.bpfmap_sum_per_cpu(self.fd, asked, len(indexes), sums, words, scratch, cpus)
        _check(result, "BPF_MAP_LOOKUP_ELEM", self.where)
        numbers: Any = ffi.unpack(sums, len(indexes) * words)
        return [tuple(numbers[at : at + words]) for at in range(0, len(numbers), words)]

    @property
    def _value_bytes(self) -> int:
        """How many bytes the kernel reads or writes for one value: a per-CPU map's has one part
        for each possible CPU, rounded up to 8 bytes."""
        if self.info.type in _PER_CPU:
            return possible_cpus() * _round_up(self.info.value_size, 8)
        return self.info.value_size

    def _fits(self, part: bytes, size: int) -> None:
        # The kernel reads as many bytes as the map says, whatever we hand it.
        if len(part) != size:
            raise ValueError(f"{self.where}: {len(part)} bytes where the map has {size}")


def _parts(data: bytes, size: int) -> list[bytes]:
    return [data[at : at + size] for at in range(0, len(data), size)]


def _round_up(number: int, multiple: int) -> int:
    return -(-number // multiple) * multiple


def _text(field: Any) -> str:
    name = ffi.string(field)
    return name.decode("ascii", "replace") if isinstance(name, bytes) else name


def _check(result: int, operation: str, where: Path | None = None) -> int:
    if result < 0:
        raise _error(-result, operation, where)
    return result


def _error(number: int, operation: str, where: Path | None) -> OSError:
    text = f"{operation}: {os.strerror(number)}"
    return OSError(number, text) if where is None else OSError(number, text, str(where))
