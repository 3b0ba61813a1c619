"""Compiles the XDP program and pins it, in a short-lived process: the only importer of bcc.

    python -m speaker.adapters.loader --pin-path /sys/fs/bpf/vipcast

Importing bcc and compiling take some 128 MB at their peak, so the speaker starts this file as a
process (`load_program`) and works on the pins. What is pinned already is kept: a program of the
same text is not compiled again, maps of the same layout go on with their contents. bcc itself never
compares a pinned map with its declaration, so that is done here, before and after. Maps are left as
they are; their first contents are the speaker's.

Exit status: 0 loaded or kept, 2 wrong usage, 3 no BPF file system, 4 a pinned map of another shape,
5 the program was refused by compiler or kernel, 6 anything else that the system refused.
"""

from __future__ import annotations

import argparse
import fcntl
import os
import subprocess
import sys
import sysconfig
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from bpf import SOURCES, Sources, program_pins
from bpf.abi import MAPS, PROGRAM
from native import bpfmap
from vipcast.model.errors import HostError

NO_BPFFS, OTHER_SHAPE, REFUSED, SYSTEM = 3, 4, 5, 6

# bcc wants the kernel's own headers; three folders of linux-libc-dev and this text do instead.
# The first line keeps linux/bpf.h out: bcc brings a copy under another guard.
_KCONFIG = """\
#define __LINUX_BPF_H__
#define CONFIG_BPF_SYSCALL 1
#include <asm/types.h>
typedef __u8 u8;
typedef __u16 u16;
typedef __u32 u32;
typedef __u64 u64;
typedef __s8 s8;
typedef __s16 s16;
typedef __s32 s32;
typedef __s64 s64;
typedef _Bool bool;
typedef __SIZE_TYPE__ size_t;
typedef __PTRDIFF_TYPE__ ssize_t;
typedef __UINTPTR_TYPE__ uintptr_t;
#define true 1
#define false 0
"""


# linux/capability.h. It includes BPF, PERFMON and NET_ADMIN, which would do for a first load; but
# bcc opens maps that are pinned already by their numbers, and that takes this one.
_SYS_ADMIN = 21

USUAL_MOUNT = Path("/sys/fs/bpf")


class LoadError(HostError):
    """The program could not be loaded; `status` is the exit status of the process."""

    def __init__(self, status: int, text: str) -> None:
        super().__init__(text)
        self.status = status


def load_program(pin_path: Path) -> str:
    """Run the loader as a process; returns its line ("loaded PIN" or "kept PIN").

    Takes up to two seconds: call it in a thread. Raises LoadError with what the process said.
    """
    command = [sys.executable, "-m", __spec__.name, "--pin-path", str(pin_path)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise LoadError(done.returncode, done.stderr.strip() or f"exit status {done.returncode}")
    return done.stdout.strip()


def load(pin_path: Path, sources: Sources = SOURCES) -> str:
    """Make sure that maps and program are pinned below `pin_path`; returns a line on it."""
    make_directory(pin_path)
    with _locked(pin_path):
        directory, pin = sources.pins(pin_path), sources.program_pin(pin_path)
        directory.mkdir(exist_ok=True)
        _check_shapes(directory)
        if pin.exists():
            return f"kept {pin}"
        with _header_shim() as shim:
            os.environ["BCC_KERNEL_SOURCE"] = str(shim)
            program, compiled = _compile(sources, directory)
        _check_shapes(directory)
        bpfmap.pin(program, pin)
        del compiled  # bcc closes the program with this object: only now, as the pin holds it
        _remove_older(directory, pin)
        return f"loaded {pin}"


def make_directory(pin_path: Path) -> None:
    """Make a directory for pins where there is none; LoadError if no BPF file system is there."""
    existing = next(path for path in (pin_path, *pin_path.parents) if path.exists())
    if not bpfmap.is_bpffs(existing):
        # Nobody can make a directory in sysfs: its own mount point is there for this.
        usual = existing == USUAL_MOUNT
        command = f"mount -t bpf bpf {existing if usual else pin_path}"
        raise LoadError(
            NO_BPFFS,
            f"--pin-path {pin_path}: {existing} is not on a BPF file system, so nothing can be "
            f"pinned there. Mount one: {command if usual else f'mkdir -p {pin_path} && {command}'}",
        )
    pin_path.mkdir(parents=True, exist_ok=True)


@contextmanager
def _locked(directory: Path) -> Iterator[None]:
    """One loader at a time: the lock is on the directory itself, and ends with the process."""
    fd = os.open(directory, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        fcntl.flock(fd, fcntl.LOCK_EX)
        yield
    finally:
        os.close(fd)


def _check_shapes(directory: Path) -> None:
    """Refuse a pinned map that is not what shared.h declares; one that is not there yet is fine."""
    for shape in MAPS:
        path = directory / shape.name
        if not path.exists():
            continue
        try:
            with bpfmap.Map.open(path) as one:
                info = one.info
        except OSError as error:
            raise LoadError(
                OTHER_SHAPE,
                f"{path} is not a map that can be opened ({error}). {_remedy(directory)}",
            ) from error
        for field in ("type", "key_size", "value_size", "max_entries", "flags"):
            found, wanted = getattr(info, field), getattr(shape, field)
            if found != wanted:
                raise LoadError(
                    OTHER_SHAPE,
                    f"{path} is a map of another shape: {field} is {found} where this version "
                    f"needs {wanted}. {_remedy(directory)}",
                )


def _remedy(directory: Path) -> str:
    return f"Choose another --pin-path, or remove the pins if nothing uses them: rm -r {directory}"


@contextmanager
def _header_shim() -> Iterator[Path]:
    """A directory that bcc takes for the headers of the running kernel."""
    machine = str(sysconfig.get_config_var("MULTIARCH") or "")
    with tempfile.TemporaryDirectory(prefix="vipcast-headers-") as name:
        include = Path(name) / "include"
        for folder in ("linux", "asm", "uapi"):
            (include / folder).mkdir(parents=True)
        (include / "linux/kconfig.h").write_text(_KCONFIG)
        (include / "linux/log2.h").write_text("")
        (include / "asm/page.h").write_text("#define PAGE_SIZE 4096\n")
        for link, folder in (
            ("linux", "/usr/include/linux"),
            ("asm", f"/usr/include/{machine}/asm"),
            ("asm-generic", "/usr/include/asm-generic"),
        ):
            if not Path(folder).is_dir():
                raise LoadError(SYSTEM, f"{folder} is missing: apt-get install linux-libc-dev")
            (include / "uapi" / link).symlink_to(folder)
        yield Path(name)


def _compile(sources: Sources, directory: Path) -> tuple[int, Any]:
    """Descriptor of the loaded program, and the object of bcc that owns it."""
    try:
        from bcc import BPF
    except ImportError as error:
        raise LoadError(
            SYSTEM,
            f"bcc cannot be imported ({error}): apt-get install python3-bpfcc, and use Debian's "
            "own Python in a venv made with --system-site-packages",
        ) from error
    flags = [
        f"-I{sources.directory}",
        f'-DPIN="{directory}"',
        "-Werror=implicit-function-declaration",
    ]
    with _standard_error() as said:
        try:
            compiled = BPF(src_file=str(sources.main), cflags=flags)
            return compiled.load_func(PROGRAM, BPF.XDP).fd, compiled
        except Exception as error:  # bcc raises plain Exception for whatever clang or kernel refuse
            reason = f"{sources.main} was refused by compiler or kernel: {error}"
            words = (_read(said), reason, _lacking())
            raise LoadError(REFUSED, "\n".join(filter(None, words))) from error


def _lacking() -> str:
    """A sentence if this process lacks the capability that loading takes."""
    status = Path("/proc/self/status").read_text()
    held = int(status.partition("CapEff:")[2].split()[0], 16)
    if held >> _SYS_ADMIN & 1:
        return ""
    return "This process lacks the capability SYS_ADMIN: allow it."


@contextmanager
def _standard_error() -> Iterator[int]:
    """Standard error into a file while it lasts: bcc writes the verifier's log to descriptor 2."""
    with tempfile.TemporaryFile() as file:
        sys.stderr.flush()
        before = os.dup(2)
        os.dup2(file.fileno(), 2)
        try:
            yield file.fileno()
        finally:
            os.dup2(before, 2)
            os.close(before)


def _read(fd: int) -> str:
    return os.pread(fd, os.fstat(fd).st_size, 0).decode(errors="replace").strip()


def _remove_older(directory: Path, newest: Path) -> None:
    """Remove pins of older programs, all but the last one: it may run until it is replaced."""
    older = [pin for pin in program_pins(directory) if pin != newest]
    for pin in sorted(older, key=_loaded_ns)[:-1]:
        pin.unlink()


def _loaded_ns(pin: Path) -> int:
    fd = bpfmap.open_pin(pin)
    try:
        return bpfmap.program_info(fd).loaded_ns
    finally:
        os.close(fd)


def main() -> int:
    """The process: one line on standard output, or on standard error and a status."""
    parser = argparse.ArgumentParser(
        prog="python -m speaker.adapters.loader", description="Load and pin Vipcast's XDP program."
    )
    parser.add_argument(
        "--pin-path", type=Path, required=True, help="directory on a BPF file system"
    )
    parser.add_argument(
        "--sources",
        type=Path,
        default=SOURCES.directory,
        help="directory of the C sources (default: those of this package)",
    )
    chosen = parser.parse_args()
    try:
        line = load(chosen.pin_path.absolute(), Sources(chosen.sources.absolute()))
    except LoadError as error:
        sys.stderr.write(f"{error}\n")
        return error.status
    except OSError as error:
        sys.stderr.write(f"{error}\n")
        return SYSTEM
    sys.stdout.write(f"{line}\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
