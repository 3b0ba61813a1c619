"""One user of a pin path at a time: a speaker while it runs, or `--uninstall` while it works.

The lock is flock(2) on the directory PIN_PATH/lock, so it goes with what it guards: programs that
see the same BPF file system see it, whatever their run directories are and whatever containers they
live in. The kernel lets go of it when the process ends, however that happens. (A BPF file system
has no plain files; the loader's own lock is on PIN_PATH itself and lasts for a moment only.)
"""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from bpf import lock_of
from native.bpfmap import is_bpffs
from vipcast.model.errors import HostError


@contextmanager
def held(pin_path: Path) -> Iterator[None]:
    """Hold a pin path; one that does not exist, or is on no BPF file system, has nothing to hold.

    Raises HostError, with the number of the process that holds it, if it is visible from here.
    """
    if not pin_path.is_dir() or not is_bpffs(pin_path):
        yield
        return
    fd = _locked(lock_of(pin_path))
    try:
        yield
    finally:
        os.close(fd)


def _locked(path: Path) -> int:
    """The locked directory as a descriptor; again from the start if it was removed meanwhile."""
    while True:
        try:
            path.mkdir(mode=0o700, exist_ok=True)
            fd = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        except FileNotFoundError:
            path.parent.mkdir(exist_ok=True)
            continue
        except OSError as error:
            raise HostError(f"{path} cannot be opened ({error.strerror}): run as root.") from error
        try:
            fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
            if _is_current(fd, path):
                return fd
        except BlockingIOError:
            holder = _holder(fd)
            os.close(fd)
            raise HostError(
                f"--pin-path {path.parent} is in use by {holder}, a speaker that runs or one that"
                " is being uninstalled: end that first. What is pinned there belongs to one at a"
                " time."
            ) from None
        os.close(fd)


def _is_current(fd: int, path: Path) -> bool:
    try:
        return os.path.samestat(os.fstat(fd), path.stat())
    except FileNotFoundError:
        return False


def _holder(fd: int) -> str:
    """Who holds the lock, from /proc/locks (proc(5)): its lines end in PID MAJOR:MINOR:INODE 0 EOF.

    A process of another PID namespace is not in there.
    """
    found = os.fstat(fd)
    place = f"{os.major(found.st_dev):02x}:{os.minor(found.st_dev):02x}:{found.st_ino}"
    for line in Path("/proc/locks").read_text().splitlines():
        words = line.split()
        if place in words and "->" not in words and "FLOCK" in words:
            return f"process {words[words.index(place) - 1]}"
    return "another process"
