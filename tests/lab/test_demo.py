"""`make demo`: it comes true, twice in a row and after a kill, and Ctrl-C leaves nothing."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import IO

import pytest

from lab.host import ROOT
from lab.vipcast import until
from tests.support.leftovers import leftovers

SUMMARY = "everything came true"
DEADLINE = 120.0


@pytest.fixture
def log(tmp_path: Path) -> Iterator[IO[str]]:
    with (tmp_path / "demo.log").open("w+") as file:
        yield file


def start(log: IO[str]) -> subprocess.Popen[str]:
    """The demo, in a session of its own as a terminal would give it."""
    return subprocess.Popen(
        [sys.executable, "-m", "lab.demo"],
        cwd=ROOT, stdout=log, stderr=log, text=True, start_new_session=True,
    )  # fmt: skip


def read(log: IO[str]) -> str:
    return Path(log.name).read_text()


def reaches(log: IO[str], process: subprocess.Popen[str], words: str) -> None:
    """Wait until the demo has printed these words."""
    until(lambda: words in read(log) or process.poll() is not None, f"the demo prints {words!r}")
    assert process.poll() is None, read(log)


def test_the_demo_comes_true_twice_and_after_a_kill_at_its_heart(log: IO[str]) -> None:
    before = leftovers()
    killed = start(log)
    reaches(log, killed, "is pulled")
    killed.kill()
    killed.wait(DEADLINE)

    for _ in range(2):
        done = subprocess.run(
            [sys.executable, "-m", "lab.demo"],
            cwd=ROOT, capture_output=True, text=True, check=False, timeout=DEADLINE,
        )  # fmt: skip
        assert done.returncode == 0, done.stdout + done.stderr
        assert SUMMARY in done.stdout
        assert "\x1b" not in done.stdout
    assert leftovers() == before


@pytest.mark.parametrize("words", ["A rack", "the Service gets an address", "is frozen"])
def test_ctrl_c_at_any_point_leaves_nothing_behind(log: IO[str], words: str) -> None:
    before = leftovers()
    demo = start(log)
    reaches(log, demo, words)
    os.killpg(demo.pid, signal.SIGINT)

    assert demo.wait(DEADLINE) == 130, read(log)
    assert "Traceback" not in read(log)
    assert leftovers() == before
