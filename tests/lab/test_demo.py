"""`make demo`: it comes true, twice in a row and after a kill, and however it ends, all goes."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from lab.host import ROOT
from lab.processes import session
from tests.support.labs import unique_name
from tests.support.leftovers import leftovers
from tests.support.waiting import eventually

SHOWN = (
    "└── vethpod0 10.244.3.1 ── pod3 10.244.3.2",
    "pool default, layer 2: 192.0.2.240-192.0.2.249",
    "✓ Service default/web, type LoadBalancer: 192.0.2.240",
    "192.0.2.240  default/web  default",
    "Order of those that may: ",
    "✓ client: 192.0.2.240 lladdr 02:76:",
    "✓ 10 from pod1 on node1",
    "✓ 10 from pod2 on node2",
    "✓ 10 from pod3 on node3",
    "p999",
    "✓ 10,000 of 10,000 answered",
    "is pulled",
    "✓ put back: ",
    "is frozen",
    "✓ woken: ",
    "✓ everything came true; nothing is left behind",
)
DEADLINE = 120.0
WIDEST = 100


@dataclass
class Demo:
    """A demo that runs in a session of its own, as a terminal would give it."""

    name: str
    log: Path
    process: subprocess.Popen[str]

    @property
    def output(self) -> str:
        return self.log.read_text()

    def reaches(self, words: str) -> None:
        """Wait until it has printed these words."""
        eventually(
            lambda: words in self.output or self.process.poll() is not None,
            what=f"the demo prints {words!r}",
            deadline=DEADLINE,
        )
        assert self.process.poll() is None, self.output

    def press_ctrl_c(self) -> None:
        """A terminal sends SIGINT to everything in its foreground."""
        os.killpg(self.process.pid, signal.SIGINT)

    def ended(self) -> int:
        """Its exit status, after it has ended without a trace in its output or on the machine."""
        status = self.process.wait(DEADLINE)
        assert "Traceback" not in self.output
        assert "Exception" not in self.output
        assert leftovers(self.name) == set()
        assert self.others() == set()
        return status

    def others(self) -> set[str]:
        """What else is in its session: commands that it ran."""
        numbers = {path.name for path in Path("/proc").glob("[0-9]*")}
        return {each for each in numbers if session(int(each)) == self.process.pid}


Start = Callable[..., Demo]


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Start]:
    """Starts a demo with a name of its own, which does not outlive the test."""
    started: list[Demo] = []

    def run(*flags: str) -> Demo:
        name = unique_name()
        log = tmp_path / f"{name}.log"
        with log.open("w") as file:
            process = subprocess.Popen(
                command(name, *flags), cwd=ROOT, stdout=file, stderr=file, text=True,
                start_new_session=True,
            )  # fmt: skip
        started.append(Demo(name, log, process))
        return started[-1]

    yield run
    for demo in started:
        if demo.process.poll() is None:
            demo.process.terminate()
            demo.process.wait(DEADLINE)


def command(name: str, *flags: str) -> list[str]:
    return [sys.executable, "-m", "lab.demo", "--name", name, *flags]


def run(name: str, *flags: str) -> subprocess.CompletedProcess[str]:
    """A demo from its start to its end."""
    return subprocess.run(
        command(name, *flags),
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
        timeout=DEADLINE,
    )


def catches(process: subprocess.Popen[str], number: signal.Signals) -> bool:
    """Whether a process handles a signal by now (proc(5), status)."""
    lines = Path(f"/proc/{process.pid}/status").read_text().splitlines()
    caught = next(line.split()[1] for line in lines if line.startswith("SigCgt:"))
    return bool(int(caught, 16) >> number - 1 & 1)


def test_the_demo_comes_true_twice_and_after_a_kill_at_its_heart(start: Start) -> None:
    killed = start()
    killed.reaches("is pulled")
    killed.process.kill()
    killed.process.wait(DEADLINE)
    assert leftovers(killed.name)

    for _ in range(2):
        done = run(killed.name)
        assert done.returncode == 0, done.stdout + done.stderr
        assert [words for words in SHOWN if words not in done.stdout] == []
        assert "✗" not in done.stdout
        assert "\x1b" not in done.stdout
        assert [line for line in done.stdout.splitlines() if len(line) > WIDEST] == []
        assert leftovers(killed.name) == set()


@pytest.mark.parametrize("words", ["A rack", "the Service gets an address", "is frozen"])
def test_ctrl_c_at_any_point_leaves_nothing_behind(start: Start, words: str) -> None:
    demo = start()
    demo.reaches(words)
    demo.press_ctrl_c()
    assert demo.ended() == 130


def test_ctrl_c_before_anything_is_built_is_quiet_too(start: Start) -> None:
    demo = start()
    eventually(lambda: catches(demo.process, signal.SIGTERM), what="the demo handles signals")
    demo.press_ctrl_c()
    assert demo.ended() == 130
    assert demo.output == ""


def test_ctrl_c_again_and_again_does_not_break_the_way_down(start: Start) -> None:
    demo = start()
    demo.reaches("Controller and speakers start")

    def pressed_until_it_ended() -> bool:
        demo.press_ctrl_c()
        return demo.process.poll() is not None

    eventually(pressed_until_it_ended, what="the demo ended", deadline=DEADLINE)
    assert demo.ended() == 130


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP])
def test_an_end_from_outside_is_as_orderly(start: Start, number: signal.Signals) -> None:
    demo = start()
    demo.reaches("Controller and speakers start")
    demo.process.send_signal(number)
    assert demo.ended() == 128 + number


def test_a_reader_who_has_seen_enough_ends_it_without_a_word() -> None:
    name = unique_name()
    with subprocess.Popen(
        command(name), cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as demo:
        assert demo.stdout is not None
        assert demo.stderr is not None
        head = [demo.stdout.readline() for _ in range(3)]
        demo.stdout.close()
        said = demo.stderr.read()
    assert "A rack" in head[1]
    assert said == ""
    assert demo.returncode == 128 + signal.SIGPIPE
    assert leftovers(name) == set()


def test_make_calls_it_no_error_that_the_reader_has_gone() -> None:
    name = unique_name()
    words = ["make", "--old-file=setup", "demo", f"ARGS=--name {name}"]  # what is set up stays so
    with subprocess.Popen(
        words, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as demo:
        assert demo.stdout is not None
        assert demo.stderr is not None
        while "A rack" not in demo.stdout.readline():
            assert demo.poll() is None
        demo.stdout.close()
        assert demo.stderr.read() == ""
    assert demo.returncode == 0
    refused = subprocess.run(
        [*words[:-1], "ARGS=--name UPPER"], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert refused.returncode == 2
    assert refused.stderr.startswith("demo: lab name 'UPPER'")
    assert leftovers(name) == set()


def test_a_second_demo_of_the_same_name_is_told_who_has_it(start: Start) -> None:
    first = start()
    first.reaches("A rack")

    second = run(first.name)

    assert second.returncode == 1
    assert second.stdout == ""
    assert second.stderr.startswith(
        f"demo: lab '{first.name}' is in use by process {first.process.pid} ("
    )
    assert second.stderr.endswith("wait for it, end it, or choose another name\n")
    assert first.process.poll() is None
    first.press_ctrl_c()
    assert first.ended() == 130
