"""The guard at the end of a run sees what a lab can forget, and lets other people's labs alone."""

from __future__ import annotations

import fcntl
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest

from lab.rundir import BASE
from lab.topology import namespace_of
from tests.support.labs import unique_name
from tests.support.leftovers import leftovers


@contextmanager
def forget(lab: str) -> Iterator[set[str]]:
    """A namespace, a mount, a directory and two processes, as if a lab had forgotten them."""
    namespace, place = namespace_of(lab, "node1"), BASE / lab
    place.mkdir(parents=True)
    # A directory with nothing in it, and with nobody's lock, is any lab's to remove.
    (place / "log").touch()
    subprocess.run(["ip", "netns", "add", namespace], check=True)
    told = [sys.executable, "-c", "input()", f"--run-dir={place}"]
    writes = [sys.executable, "-c", "input()"]
    with (
        (place / "log").open("w") as log,
        subprocess.Popen(told, stdin=subprocess.PIPE) as one,
        subprocess.Popen(writes, stdin=subprocess.PIPE, stdout=log) as other,
    ):
        subprocess.run(["mount", "-t", "tmpfs", "vipcast-lab", place], check=True)
        yield {
            f"namespace {namespace}",
            f"mount {place}",
            f"file {place}",
            f"process {one.pid} ({' '.join(told)})",
            f"process {other.pid} ({' '.join(writes)})",
        }
        one.communicate(b"\n")
        other.communicate(b"\n")
    subprocess.run(["umount", place], check=True)
    subprocess.run(["ip", "netns", "delete", namespace], check=True)
    (place / "log").unlink()
    place.rmdir()
    # A lab of somebody else may live in it.
    with suppress(OSError):
        BASE.rmdir()


@pytest.fixture
def lab() -> str:
    return unique_name()


@pytest.fixture
def forgotten(lab: str) -> Iterator[set[str]]:
    with forget(lab) as things:
        yield things


def of_no_child(things: set[str]) -> set[str]:
    """Without the processes, which are children of this one, too."""
    return {line for line in things if not line.startswith("process")}


def test_what_a_lab_forgot_is_seen(lab: str, forgotten: set[str]) -> None:
    assert forgotten <= leftovers()
    assert forgotten == leftovers(lab)


def test_a_lab_that_another_process_holds_is_left_out(lab: str, forgotten: set[str]) -> None:
    lock = BASE / f"{lab}.lock"
    hold = f"import fcntl; file = open({str(lock)!r}, 'w'); fcntl.flock(file, 2); print(); input()"
    with subprocess.Popen(
        [sys.executable, "-c", hold], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as other:
        assert other.stdout is not None
        other.stdout.readline()
        seen = leftovers()
        other.communicate(b"\n")
    lock.unlink()
    assert not seen & of_no_child(forgotten)


def test_a_lab_that_this_process_still_holds_counts(lab: str, forgotten: set[str]) -> None:
    lock = BASE / f"{lab}.lock"
    with Path(lock).open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        seen = leftovers()
    lock.unlink()
    assert forgotten <= seen


def test_a_lab_of_another_run_of_the_tests_is_left_out_while_that_runs() -> None:
    with forget(f"t{os.getppid()}n{os.getpid()}") as of_the_living:
        assert not leftovers() & of_no_child(of_the_living)


def test_a_lab_that_stands_for_somebody_to_play_with_is_left_out() -> None:
    with forget(f"play{os.getpid()}") as of_somebody:
        assert not leftovers() & of_no_child(of_somebody)
