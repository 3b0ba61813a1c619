"""A lab is free only when nothing that its holder began is under way, however the holder ends."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from types import FrameType
from typing import Any

import pytest

from lab import kernel, processes
from lab.cluster import Lab
from lab.errors import Busy
from lab.host import ROOT
from lab.lock import Lock
from lab.processes import Record
from lab.rundir import BASE, sweep_abandoned
from tests.support.labs import unique_name
from tests.support.leftovers import leftovers
from tests.support.waiting import eventually

HOLDER = """
import os, sys
from lab import kernel
from lab.cluster import Lab
with Lab(sys.argv[1], nodes=1, pods=False) as lab:
    print("up", flush=True)
    {begins}
"""
COMMAND = 'kernel.call(["sleep", "1000"])'
PROGRAM = """\
spawn, record = os.posix_spawn, lab.run.records / "node1-slow.pid"
    os.posix_spawn = lambda *words, **more: (os.mkfifo(record), spawn(*words, **more))[1]
    lab.node(1).start(["true"], name="slow")
"""
"""Its record is a FIFO without a reader, so that the record is never written."""


def killed_as_it(begins: str, name: str) -> Record:
    """What a run had just begun when it was killed."""
    with subprocess.Popen(
        [sys.executable, "-c", HOLDER.format(begins=begins), name],
        cwd=ROOT, stdout=subprocess.PIPE, text=True,
    ) as run:  # fmt: skip
        assert run.stdout is not None
        assert run.stdout.readline() == "up\n"
        children = Path(f"/proc/{run.pid}/task/{run.pid}/children")
        child = int(eventually(children.read_text, what="it starts something"))
        eventually(lambda: command(child) != command(run.pid), what="that has become itself")
        run.kill()
    return Record("begun", child, processes.start_time(child) or 0)


def command(pid: int) -> bytes:
    return Path(f"/proc/{pid}/cmdline").read_bytes()


@pytest.mark.parametrize("begins", [COMMAND, PROGRAM], ids=["command", "program"])
def test_a_lab_is_not_free_while_what_a_killed_run_began_is_under_way(begins: str) -> None:
    name = unique_name()
    begun = killed_as_it(begins, name)
    own = Lab(name)
    with pytest.raises(Busy) as busy:
        own.run.lock.take(patience=0.0)
    assert busy.value.holder == ""
    assert begun.alive()

    processes.end([begun])

    (own.run.records / "node1-slow.pid").unlink(missing_ok=True)
    own.down()
    assert leftovers(name) == set()


@pytest.fixture
def interrupt() -> Iterator[Callable[[str], None]]:
    """SIGINT comes the next time that a built-in function of this name returns."""

    def arm(function: str) -> None:
        def returned(_frame: FrameType, event: str, what: Any) -> None:
            if event == "c_return" and what.__name__ == function:
                sys.setprofile(None)
                signal.raise_signal(signal.SIGINT)

        sys.setprofile(returned)

    yield arm
    sys.setprofile(None)


def inside(lab: Lab) -> set[str]:
    return set(kernel.call(["ip", "netns", "pids", lab.node(1).namespace]).split())


def test_a_program_is_recorded_when_an_interrupt_comes_as_it_starts(
    lab: Lab, interrupt: Callable[[str], None]
) -> None:
    interrupt("posix_spawn")
    with pytest.raises(KeyboardInterrupt):
        lab.node(1).start(["sleep", "1000"], name="interrupted")

    recorded = {record.name: record for record in processes.read_records(lab.run.records)}
    assert recorded["node1-interrupted"].alive()
    processes.end([recorded["node1-interrupted"]])


def test_a_command_does_not_outlive_an_interrupt_that_comes_as_it_starts(
    lab: Lab, interrupt: Callable[[str], None]
) -> None:
    before = inside(lab)
    interrupt("fork_exec")
    with pytest.raises(KeyboardInterrupt):
        lab.node(1).run(["sleep", "30"])

    assert inside(lab) == before


def test_a_run_killed_as_it_made_its_directory_is_cleaned_up() -> None:
    name = unique_name()
    (BASE / name).mkdir(parents=True)
    (BASE / f"{name}.lock").touch()

    sweep_abandoned()

    assert leftovers(name) == set()


def test_a_way_down_that_was_killed_is_gone_again_by_the_next_lab() -> None:
    name = unique_name()
    own = Lab(name, nodes=1, pods=False)
    own.up()
    own.leave()
    killed = """
import os, shutil, signal, sys
from lab.cluster import Lab
shutil.rmtree = lambda path: os.kill(os.getpid(), signal.SIGKILL)
Lab(sys.argv[1]).down()
"""
    done = subprocess.run([sys.executable, "-c", killed, name], cwd=ROOT, check=False)
    assert done.returncode == -signal.SIGKILL
    assert f"file {own.run.path}" in leftovers(name)

    sweep_abandoned()

    assert leftovers(name) == set()


def test_a_lock_is_gone_with_its_directory_when_nobody_holds_one(tmp_path: Path) -> None:
    one, other = (Lock(name, tmp_path / "locks" / f"{name}.lock") for name in ("one", "other"))
    one.take()
    other.take()
    with pytest.raises(Busy, match=rf"lab 'one' is in use by process {os.getpid()} \("):
        Lock("one", one.file).take()
    one.release()
    assert [path.name for path in one.file.parent.iterdir()] == ["other.lock"]
    other.release()
    assert not one.file.parent.exists()


@pytest.mark.parametrize("name", ["INT", "TERM", "HUP"])
def test_a_signal_to_the_whole_foreground_spares_the_commands_that_build(name: str) -> None:
    assert kernel.call(["sh", "-c", f"kill -{name} $$; echo goes on"]) == "goes on\n"
