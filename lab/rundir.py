"""The run directory of a lab, and the sweep that leaves nothing behind.

    /run/vipcast-lab/<lab>.lock      held by whoever builds, uses or takes down the lab (lab.lock)
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

import json
import shutil
from contextlib import suppress
from pathlib import Path
from typing import Any

from lab import kernel, processes
from lab.errors import Busy, LabError
from lab.lock import Lock
from lab.topology import namespace_of

BASE = Path("/run/vipcast-lab")

_OTHERS_PATIENCE = 5.0
"""Seconds to wait for what goes on in another, abandoned lab; the next run may clean it, too."""


class RunDirectory:
    """Paths of one lab, by its name."""

    def __init__(self, lab: str) -> None:
        self.lab = lab
        self.path = BASE / lab
        self.lock = Lock(lab, BASE / f"{lab}.lock")
        self.topology = self.path / "topology.json"
        self.bpf = self.path / "bpf"
        self.records = self.path / "records"
        self.log = self.path / "log"
        self.nodes = self.path / "nodes"
        self._kept = self.path / "kept"

    def clean(self) -> None:
        """Sweep the lab if it was abandoned, or wait a little while another process does.

        Raises Busy when somebody has it.
        """
        if self.path.exists() and not self._abandoned():
            return
        self.lock.take(named=False, patience=_OTHERS_PATIENCE)
        try:
            if self._abandoned():
                self.sweep()
        finally:
            self.lock.release()

    def _abandoned(self) -> bool:
        """Whether nobody means what is there to stand; certain only for who holds the lab."""
        try:
            names = {path.name for path in self.path.iterdir()}
        except FileNotFoundError:
            return False
        # Nothing at all is in it when a run was killed as it began to make it.
        return not names or (self.topology.name in names and self._kept.name not in names)

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
        # From here on it is abandoned, and another process may go on if this one is killed.
        self._kept.unlink(missing_ok=True)
        recorded = processes.read_records(self.records)
        processes.end(recorded)
        names = kernel.namespaces(namespace_of(self.lab, ""))
        processes.end(self._orphans(names, {record.pid for record in recorded}), patience=0.5)
        kernel.ip(None, [f"netns del {name}" for name in names])
        while str(self.bpf) in _mount_points():
            kernel.call(["umount", "--lazy", str(self.bpf)])
        if self.path.exists():
            self._remove()

    def _remove(self) -> None:
        """Remove the directory, the plan last: by it the rest is known as abandoned."""
        for path in self.path.iterdir():
            if path.is_dir():
                shutil.rmtree(path)
            elif path != self.topology:
                path.unlink()
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
