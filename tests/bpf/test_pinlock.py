"""The lock of a pin path, held by real processes: one at a time, and gone with its holder."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from bpf import lock_of
from speaker.adapters import pinlock
from tests.support.bpf import ROOT, run_loader
from vipcast.model.errors import HostError

HOLD = """\
import sys
from pathlib import Path
from speaker.adapters import pinlock
with pinlock.held(Path(sys.argv[1])):
    print("held", flush=True)
    sys.stdin.read()
"""


@contextmanager
def holder(pin_path: Path) -> Iterator[subprocess.Popen[str]]:
    """A process that holds the lock until it is told to end, or killed."""
    with subprocess.Popen(
        [sys.executable, "-c", HOLD, str(pin_path)],
        cwd=ROOT,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        try:
            assert process.stdout is not None
            assert process.stdout.readline() == "held\n"
            yield process
        finally:
            process.kill()


def refusal(pin_path: Path) -> str:
    with pytest.raises(HostError) as refused, pinlock.held(pin_path):
        pass
    return str(refused.value)


def test_a_second_user_of_the_pins_is_refused_and_told_which_process_is_the_first(
    loaded_pins: Path,
) -> None:
    with holder(loaded_pins) as first:
        assert refusal(loaded_pins) == (
            f"--pin-path {loaded_pins} is in use by process {first.pid}, a speaker that runs or one"
            " that is being uninstalled: end that first. What is pinned there belongs to one at a"
            " time."
        )
        assert run_loader(loaded_pins).stdout.startswith("kept ")
        first.kill()
        first.wait()
        with pinlock.held(loaded_pins):
            assert "is in use by process" in refusal(loaded_pins)


def test_the_way_to_the_pins_does_not_matter(loaded_pins: Path, tmp_path: Path) -> None:
    other = tmp_path / "other"
    other.symlink_to(loaded_pins)
    with holder(other) as first:
        assert f"process {first.pid}" in refusal(loaded_pins)


def test_other_pins_are_free(loaded_pins: Path, bpffs: Path) -> None:
    other = bpffs / "others"
    other.mkdir()
    with holder(other), pinlock.held(loaded_pins):
        assert lock_of(loaded_pins).is_dir()
    lock_of(other).rmdir()
    other.rmdir()


def test_a_lock_that_was_removed_under_its_holder_is_made_anew(loaded_pins: Path) -> None:
    with pinlock.held(loaded_pins):
        lock_of(loaded_pins).rmdir()
    with pinlock.held(loaded_pins):
        assert "is in use" in refusal(loaded_pins)


def test_where_nothing_can_be_pinned_there_is_nothing_to_lock(tmp_path: Path) -> None:
    for place in (tmp_path, tmp_path / "missing"):
        with pinlock.held(place):
            assert not lock_of(place).exists()
