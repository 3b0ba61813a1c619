"""Processes of the lab are ended by their own id, and a killed run's left-overs are found."""

from __future__ import annotations

import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from lab import kernel, processes
from lab.cluster import Lab
from lab.errors import LabError, NotReady
from lab.host import ROOT
from lab.processes import Record
from lab.topology import namespace_of
from tests.support.labs import unique_name
from tests.support.leftovers import leftovers
from tests.support.waiting import eventually

DEAF = """
import os, signal, threading
signal.signal(signal.SIGTERM, signal.SIG_IGN)
os.write(int(os.environ["LAB_READY_FD"]), b"!")
threading.Event().wait()
"""

RUN = """
import sys, threading
from lab.cluster import Lab
with Lab(sys.argv[1], nodes=1) as lab:
    ready = "echo >&$LAB_READY_FD; exec sleep 1000"
    frozen = lab.node(1).start(["sh", "-c", ready], name="frozen", notify=True)
    parent = lab.node(1).start(["sh", "-c", f"sleep 2000 & {ready}"], name="parent", notify=True)
    frozen.await_ready()
    frozen.freeze()
    parent.await_ready()
    print("up", flush=True)
    threading.Event().wait()
"""

INTERRUPTED = """
import os, signal, sys
from lab.cluster import Lab
calls, at = 0, int(sys.argv[2])
def count(frame, event, arg):
    global calls
    if event == "call" and "/lab/" in frame.f_code.co_filename:
        calls += 1
        if calls == at:
            os.kill(os.getpid(), getattr(signal, sys.argv[3]))
sys.setprofile(count)
with Lab(sys.argv[1], nodes=1) as lab:
    lab.node(1).start(["sleep", "1000"], name="started")
    lab.node(1).run(["true"])
sys.setprofile(None)
print(calls)
"""


@pytest.fixture
def stranger() -> Iterator[subprocess.Popen[bytes]]:
    """A process that no lab started."""
    with subprocess.Popen(["sleep", "1000"]) as process:
        yield process
        process.kill()


def test_the_id_of_a_process_is_the_programs_own(lab: Lab) -> None:
    process = lab.node(1).start(["sleep", "1000"], name="own-id")
    command = Path(f"/proc/{process.pid}/cmdline")
    eventually(lambda: command.read_bytes() == b"sleep\x001000\x00", what="shell became sleep")
    assert process.alive
    assert process.stop() == -signal.SIGTERM
    assert not process.alive


def test_output_and_environment_and_exit_status_are_the_programs_own(lab: Lab) -> None:
    process = lab.node(1).start(
        ["sh", "-c", "echo $WORD; ip -br link show lan0; exit 3"], name="says", env={"WORD": "hm"}
    )

    assert process.wait(10.0) == 3
    assert process.output.startswith("hm\nlan0@")


def test_a_frozen_process_is_stopped_by_sigterm(lab: Lab) -> None:
    process = lab.node(1).start(["sleep", "1000"], name="frozen")
    process.freeze()
    eventually(lambda: state(process.pid) == "T", what="frozen")
    process.wake()
    eventually(lambda: state(process.pid) == "S", what="awake")
    process.freeze()
    assert process.stop(patience=10.0) == -signal.SIGTERM


def test_a_process_that_is_deaf_to_sigterm_is_killed(lab: Lab) -> None:
    process = lab.node(1).start([sys.executable, "-c", DEAF], name="deaf", notify=True)
    process.await_ready()
    assert process.stop(patience=0.1) == -signal.SIGKILL


def test_a_program_that_ends_instead_of_becoming_ready_shows_its_words(lab: Lab) -> None:
    process = lab.node(1).start(["sh", "-c", "echo no port; exit 1"], name="fails", notify=True)
    with pytest.raises(NotReady, match="no port"):
        process.await_ready()
    assert process.wait(10.0) == 1


def test_a_name_that_runs_is_not_started_twice(lab: Lab) -> None:
    process = lab.node(1).start(["sleep", "1000"], name="once")
    with pytest.raises(LabError, match="node1-once runs already"):
        lab.node(1).start(["sleep", "1000"], name="once")
    process.kill()
    lab.node(1).start(["true"], name="once").wait(10.0)


def test_busy_loops_end_by_themselves(lab: Lab) -> None:
    for loop in lab.node(1).burn(0.2, cores=2):
        assert loop.wait(20.0) == 0


def test_a_record_of_an_id_that_was_given_to_another_process_harms_nobody(
    stranger: subprocess.Popen[bytes],
) -> None:
    started = processes.start_time(stranger.pid)
    assert started is not None

    processes.end([Record("gone", stranger.pid, started - 1)], patience=0.1)

    assert stranger.poll() is None
    assert not Record("gone", stranger.pid, started - 1).alive()
    assert Record("there", stranger.pid, started).alive()


def test_down_spares_a_process_whose_id_stands_in_a_stale_record(
    stranger: subprocess.Popen[bytes],
) -> None:
    stat = Path(f"/proc/{stranger.pid}/stat").read_text()
    boot = Path("/proc/sys/kernel/random/boot_id").read_text().strip()
    started = str(processes.start_time(stranger.pid))
    with Lab(unique_name(), nodes=1, pods=False) as own:
        reused = stat.replace(f" {started} ", f" {int(started) - 1} ")
        (own.run.records / "reused.pid").write_text(f"{boot} {reused}")
        (own.run.records / "before-boot.pid").write_text(f"another-boot {stat}")
    assert stranger.poll() is None


def test_the_next_lab_cleans_what_a_killed_run_left() -> None:
    before = leftovers()
    name = unique_name()
    with subprocess.Popen(
        [sys.executable, "-c", RUN, name], cwd=ROOT, stdout=subprocess.PIPE, text=True
    ) as run:
        assert run.stdout is not None
        assert run.stdout.readline() == "up\n"
        run.kill()
    directory = Lab(name).run
    recorded = processes.read_records(directory.records)
    inside = [
        Record("", int(pid), processes.start_time(int(pid)) or 0)
        for pid in kernel.call(["ip", "netns", "pids", namespace_of(name, "node1")]).split()
    ]
    assert {record.name for record in recorded} == {"pod1-http", "node1-frozen", "node1-parent"}
    assert [record.alive() for record in inside] == [True] * 3
    assert f"mount {directory.bpf}" in leftovers()

    with Lab(unique_name(), nodes=1, pods=False):
        assert not any(record.alive() for record in inside + recorded)
        assert kernel.namespaces(namespace_of(name, "")) == []
        assert not directory.path.exists()
    assert leftovers() == before


def test_an_interrupt_at_any_call_of_the_lab_leaves_nothing() -> None:
    before = leftovers()
    calls = int(interrupted(0, "SIGINT").stdout)
    points = sorted({1 + calls * part // 12 for part in range(12)} | {calls})
    for point in points:
        for name in ("SIGINT", "SIGTERM"):
            done = interrupted(point, name)
            # A run that waits for nothing is shorter, and may have ended before.
            over = done.returncode == 0 and int(done.stdout) < point
            assert done.returncode != 0 or over, f"{name} at call {point} of {calls}"
            assert leftovers() == before, f"{name} at call {point} of {calls}: {done.stderr}"


def test_the_next_lab_cleans_what_a_run_left_that_was_killed_at_any_call() -> None:
    before = leftovers()
    calls = int(interrupted(0, "SIGKILL").stdout)
    for point in range(1, calls, calls // 12):
        assert interrupted(point, "SIGKILL").returncode == -signal.SIGKILL
        with Lab(unique_name(), nodes=1, pods=False):
            pass
        assert leftovers() == before, f"killed at call {point} of {calls}"


def test_a_lab_brought_up_by_hand_stands_until_it_is_taken_down() -> None:
    before = leftovers()
    name = unique_name()
    drawn = lab_command("up", "--nodes", "2", "--segments", "2", "--name", name)
    assert "segment 1: 198.51.100.0/24" in drawn
    with Lab(unique_name(), nodes=1, pods=False):
        said = lab_command(
            "exec", "--name", name, "client", "--", "arping", "-c1", "-Ilan0", "192.0.2.12"
        )
        assert "Received 1 response" in said
    lab_command("exec", "--name", name, "sw", "--", "ip", "link", "set", "node2-lan1", "down")
    assert "─✗─           lan1 198.51.100.12" in lab_command("status", "--name", name)
    lab_command("down", "--name", name)
    assert leftovers() == before
    with pytest.raises(subprocess.CalledProcessError):
        lab_command("status", "--name", name)


def test_what_the_machine_lacks_is_said_in_the_first_line() -> None:
    done = subprocess.run(
        ["setpriv", "--bounding-set=-net_admin", sys.executable, "-m", "lab", "up"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )

    assert done.returncode == 1
    assert "NET_ADMIN" in done.stderr.splitlines()[0]


def interrupted(call: int, name: str) -> subprocess.CompletedProcess[str]:
    """A run that gets a signal at its n-th call of a function of the lab."""
    return subprocess.run(
        [sys.executable, "-c", INTERRUPTED, unique_name(), str(call), name],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )


def lab_command(*words: str) -> str:
    return subprocess.run(
        [sys.executable, "-m", "lab", *words], cwd=ROOT, capture_output=True, text=True, check=True
    ).stdout


def state(pid: int) -> str:
    return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
