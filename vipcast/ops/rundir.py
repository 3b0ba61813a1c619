"""What a program leaves in its run directory: its lock, the port that it got, when it was there."""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from vipcast.model.errors import HostError

BOOT_ID = Path("/proc/sys/kernel/random/boot_id")
"""random(4): drawn once when the kernel starts."""


@contextmanager
def lock(run_dir: Path, program: str, flag: str = "--run-dir") -> Iterator[None]:
    """Hold RUN_DIR/PROGRAM.lock, so that one such program runs at a time.

    The kernel lets go of it when the process ends, however that happens; the file stays. Raises
    HostError, with the number of the process that holds it and the flag that names another place.
    """
    path = run_dir / f"{program}.lock"
    with _opened(path, flag) as fd:
        try:
            fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            holder = os.pread(fd, 32, 0).decode(errors="replace").strip() or "unknown"
            raise HostError(
                f"{path} is held by process {holder}: end that {program} first, or give this one"
                f" another {flag}."
            ) from None
        os.ftruncate(fd, 0)
        os.pwrite(fd, f"{os.getpid()}\n".encode(), 0)
        yield


@contextmanager
def port_file(run_dir: Path, program: str, port: int) -> Iterator[Path]:
    """Keep the port in RUN_DIR/PROGRAM.port while the program runs; the file appears whole."""
    path = run_dir / f"{program}.port"
    fresh = path.with_suffix(".port.new")
    fresh.write_text(f"{port}\n")
    fresh.replace(path)
    try:
        yield path
    finally:
        path.unlink(missing_ok=True)


def ran_before(run_dir: Path, program: str, boot: Path = BOOT_ID) -> bool:
    """Whether the program ran here since the machine was started; from now on it did.

    RUN_DIR/PROGRAM.boot holds the kernel's random number of a boot. Raises HostError where it
    cannot be read or written.
    """
    path = run_dir / f"{program}.boot"
    try:
        now = boot.read_text().strip()
        before = path.read_text().strip() if path.exists() else ""
        fresh = path.with_suffix(".boot.new")
        fresh.write_text(f"{now}\n")
        fresh.replace(path)
    except OSError as error:
        raise HostError(f"{path} cannot be kept ({error.strerror}).") from error
    return before == now


@contextmanager
def _opened(path: Path, flag: str) -> Iterator[int]:
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        fd = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
    except OSError as error:
        raise HostError(
            f"{path} cannot be opened ({error.strerror}): run as root, or give a directory that can"
            f" be written to with {flag}."
        ) from error
    try:
        yield fd
    finally:
        os.close(fd)
