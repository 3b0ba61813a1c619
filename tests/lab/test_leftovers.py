"""The guard at the end of a run sees what a lab can forget, and lets other people's labs alone."""

from __future__ import annotations

import fcntl
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from lab.rundir import BASE
from lab.topology import namespace_of
from tests.support.leftovers import leftovers

LAB = "forgotten"


@pytest.fixture
def forgotten() -> Iterator[set[str]]:
    """A namespace, a mount and a process that look as if a lab had forgotten them."""
    namespace, place = namespace_of(LAB, "node1"), BASE / LAB
    place.mkdir(parents=True)
    subprocess.run(["ip", "netns", "add", namespace], check=True)
    subprocess.run(["mount", "-t", "tmpfs", "vipcast-lab", place], check=True)
    command = [sys.executable, "-c", "input()", f"--run-dir={place}"]
    with subprocess.Popen(command, stdin=subprocess.PIPE) as process:
        yield {
            f"namespace {namespace}",
            f"mount {place}",
            f"process {process.pid} ({' '.join(command)})",
        }
        process.communicate(b"\n")
    subprocess.run(["umount", place], check=True)
    subprocess.run(["ip", "netns", "delete", namespace], check=True)
    place.rmdir()
    if not any(BASE.iterdir()):
        BASE.rmdir()


def test_a_forgotten_namespace_mount_and_process_are_seen(forgotten: set[str]) -> None:
    assert forgotten <= leftovers()


def test_a_lab_that_another_process_holds_is_left_out(forgotten: set[str]) -> None:
    lock = BASE / f"{LAB}.lock"
    hold = f"import fcntl; file = open({str(lock)!r}, 'w'); fcntl.flock(file, 2); print(); input()"
    with subprocess.Popen(
        [sys.executable, "-c", hold], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as other:
        assert other.stdout is not None
        other.stdout.readline()
        seen = leftovers()
        other.communicate(b"\n")
    lock.unlink()
    children = {line for line in forgotten if line.startswith("process")}
    assert seen & forgotten == children


def test_a_lab_that_this_process_still_holds_counts(forgotten: set[str]) -> None:
    lock = BASE / f"{LAB}.lock"
    with Path(lock).open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        seen = leftovers()
    lock.unlink()
    assert forgotten <= seen
