"""The run directory of a lab, its lock, and the sweep that leaves nothing behind.

    /run/vipcast-lab/<lab>.lock      held (flock) by whoever builds, uses or takes down the lab
    /run/vipcast-lab/<lab>/          topology.json
                            bpf/     a BPF file system of the lab's own, for pins
                            records/ one file per process started
                            log/     their output
                            nodes/   a run directory for each node's programs
                            kept     is there when the lab is to stand with nobody holding it

The BPF file system is mounted here, outside of every namespace, because `ip netns exec` hides
/sys/fs/bpf behind a fresh sysfs and a mount made inside it is private and lost.

`sweep` works from what the kernel and the records say, not from a run's memory: it is the normal
way down, and what the next run does first when the last one was killed.
"""

from __future__ import annotations

import fcntl
import json
import os
import shutil
import sys
import time
from contextlib import suppress
from pathlib import Path
from typing import Any

from lab import kernel, processes
from lab.errors import Busy, LabError
from lab.topology import namespace_of

BASE = Path("/run/vipcast-lab")

_CLEANING = 30.0
"""Seconds that another process may take to clean up what a killed run left."""
_PAUSE = 0.01


class RunDirectory:
    """Paths of one lab, by its name."""

    def __init__(self, lab: str) -> None:
        self.lab = lab
        self.path = BASE / lab
        self.lock_file = BASE / f"{lab}.lock"
        self.topology = self.path / "topology.json"
        self.bpf = self.path / "bpf"
        self.records = self.path / "records"
        self.log = self.path / "log"
        self.nodes = self.path / "nodes"
        self._kept = self.path / "kept"
        self._lock: int | None = None

    @property
    def held(self) -> bool:
        """Whether this process holds the lab."""
        return self._lock is not None

    def lock(self) -> None:
        """Hold the lab for this process. Raises Busy, naming the holder, when another has it.

        A holder without a name is only cleaning up, and is waited for.
        """
        deadline = time.monotonic() + _CLEANING
        while self._lock is None:
            BASE.mkdir(parents=True, exist_ok=True)
            try:
                self._lock = self._try_lock()
            except Busy as busy:
                if busy.holder or time.monotonic() > deadline:
                    raise
                time.sleep(_PAUSE)
        os.pwrite(self._lock, f"{os.getpid()} ({' '.join(sys.argv)})".encode(), 0)

    def clean(self) -> None:
        """Sweep the lab if it was abandoned. Raises Busy when somebody has it."""
        if self.path.exists() and not self._abandoned():
            return
        self._lock = self._try_lock()
        if self.held and self._abandoned():
            self.sweep()
        self.unlock()

    def _abandoned(self) -> bool:
        """Whether nobody means what is there to stand; certain only for who holds the lab."""
        return self.topology.exists() and not self._kept.exists()

    def _try_lock(self) -> int | None:
        """A descriptor that holds the lab, its holder not named yet; None means: try again."""
        with suppress(FileNotFoundError):
            return self._flock()
        return None

    def _flock(self) -> int | None:
        fd = os.open(self.lock_file, os.O_RDWR | os.O_CREAT, 0o644)
        try:
            fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
            # The last holder may have removed the file between our open and our flock.
            if os.path.samestat(os.fstat(fd), self.lock_file.stat()):
                os.truncate(fd, 0)
                return os.dup(fd)
        except BlockingIOError:
            raise Busy(self.lab, os.pread(fd, 200, 0).decode(errors="replace")) from None
        finally:
            os.close(fd)
        return None

    def unlock(self) -> None:
        """Let others have the lab; nothing of the lock stays."""
        if self._lock is not None:
            self.lock_file.unlink(missing_ok=True)
            os.close(self._lock)
            self._lock = None
            # Another lab may live in it, or come into being just now.
            with suppress(OSError):
                BASE.rmdir()

    def create(self, plan: dict[str, Any]) -> None:
        """Make the directory with a BPF file system in it; `plan` draws the lab again later."""
        # The plan first of all: by it a lab is known as abandoned when this run is killed.
        self.path.mkdir()
        self.topology.write_text(json.dumps(plan) + "\n")
        for directory in (self.bpf, self.records, self.log, self.nodes):
            directory.mkdir()
        kernel.call(["mount", "-t", "bpf", "-o", "mode=0700", "vipcast-lab", str(self.bpf)])

    def keep(self) -> None:
        """Say that the lab is meant to stand although nobody will hold it."""
        self._kept.touch()

    def sweep(self) -> None:
        """End the lab's processes, remove its namespaces, mounts and files, whoever made them."""
        recorded = processes.read_records(self.records)
        processes.end(recorded)
        names = kernel.namespaces(namespace_of(self.lab, ""))
        processes.end(self._orphans(names, {record.pid for record in recorded}), patience=0.5)
        kernel.ip(None, [f"netns del {name}" for name in names])
        while str(self.bpf) in _mount_points():
            kernel.call(["umount", "--lazy", str(self.bpf)])
        if self.path.exists():
            shutil.rmtree(self.path)

    def _orphans(self, names: list[str], sessions: set[int]) -> list[processes.Record]:
        """What recorded programs started and left: in our namespaces and our sessions."""
        found = []
        for name in names:
            for word in kernel.call(["ip", "netns", "pids", name]).split():
                pid = int(word)
                started = processes.start_time(pid)
                if started is not None and processes.session(pid) in sessions:
                    found.append(processes.Record(f"a child in {name}", pid, started))
        return found


def sweep_abandoned() -> None:
    """Sweep every lab whose run was killed: nobody holds it, and nobody said to keep it."""
    for name in {path.name.removesuffix(".lock") for path in BASE.iterdir()}:
        with suppress(Busy):
            RunDirectory(name).clean()


def _mount_points() -> list[str]:
    # proc(5), mountinfo: the fifth field is the mount point.
    return [line.split()[4] for line in Path("/proc/self/mountinfo").read_text().splitlines()]


def load_plan(lab: str) -> dict[str, Any]:
    """The plan of a lab that stands. Raises LabError when none of that name does."""
    try:
        plan: dict[str, Any] = json.loads(RunDirectory(lab).topology.read_text())
    except FileNotFoundError:
        raise LabError(f"no lab {lab!r} stands: build it with `python -m lab up`") from None
    return plan
