"""The life of a process: how it ends, what it says, and what it leaves in its run directory."""

from __future__ import annotations

import asyncio
import json
import logging
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import Any

import pytest

from vipcast.model.errors import HostError
from vipcast.ops import log, rundir
from vipcast.ops.run import run
from vipcast.ops.values import LogFormat, LogLevel

Main = Callable[[asyncio.Event], Coroutine[Any, Any, None]]
logger = logging.getLogger("vipcast.test")


@pytest.fixture
def lived(tmp_path: Path) -> Callable[[Main], tuple[int, list[dict[str, Any]]]]:
    """Runs a main; returns the exit code and the log lines between `starting` and `stopped`."""

    def live(main: Main) -> tuple[int, list[dict[str, Any]]]:
        path = tmp_path / "log"
        with path.open("w") as stream, log.start(LogLevel.INFO, LogFormat.JSON, stream):
            code = run(main, logger)
        lines = [json.loads(line) for line in path.read_text().splitlines()]
        assert [lines[0]["event"], lines[-1]["event"]] == ["starting", "stopped"]
        assert lines[-1]["code"] == code
        return code, lines[1:-1]

    return live


Lived = Callable[[Main], tuple[int, list[dict[str, Any]]]]


def test_a_main_that_ends_by_itself_ends_well(lived: Lived) -> None:
    async def main(_: asyncio.Event) -> None:
        """Done at once."""

    assert lived(main) == (0, [])


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_asks_main_to_stop_and_waits_for_it(lived: Lived, number: signal.Signals) -> None:
    order = []

    async def main(stop: asyncio.Event) -> None:
        os.kill(os.getpid(), number)
        await stop.wait()
        order.append("said goodbye")

    code, (line,) = lived(main)
    assert (code, order) == (0, ["said goodbye"])
    assert (line["event"], line["signal"], line["hurry"]) == ("stopping", number.name, False)


def test_a_second_signal_does_not_wait(lived: Lived) -> None:
    async def main(stop: asyncio.Event) -> None:
        os.kill(os.getpid(), signal.SIGTERM)
        await stop.wait()
        os.kill(os.getpid(), signal.SIGTERM)
        await asyncio.Event().wait()

    code, lines = lived(main)
    assert (code, [line["hurry"] for line in lines]) == (0, [False, True])


def test_an_error_on_purpose_is_told_as_its_sentence(lived: Lived) -> None:
    async def main(_: asyncio.Event) -> None:
        raise HostError("The BPF file system is not mounted: mount it.")

    code, (line,) = lived(main)
    assert code == 1
    assert (line["op"], line["error"]) == ("run", "The BPF file system is not mounted: mount it.")
    assert "trace" not in line


def test_an_error_that_nobody_foresaw_is_told_with_its_trace(lived: Lived) -> None:
    async def main(_: asyncio.Event) -> None:
        raise KeyError("absent")

    code, (line,) = lived(main)
    assert (code, line["bug"]) == (1, "true")
    assert "KeyError: 'absent'" in line["trace"]


def test_the_failure_of_a_task_in_a_group_ends_the_program(lived: Lived) -> None:
    async def fail() -> None:
        raise HostError("One failed.")

    async def main(stop: asyncio.Event) -> None:
        async with asyncio.TaskGroup() as group:
            group.create_task(stop.wait())
            group.create_task(fail())

    code, (line,) = lived(main)
    assert (code, line["error"]) == (1, "One failed.")


def test_the_failure_of_a_task_that_nobody_awaits_ends_the_program(lived: Lived) -> None:
    async def main(stop: asyncio.Event) -> None:
        asyncio.get_running_loop().create_task(asyncio.to_thread(lambda: 1 // 0))
        await stop.wait()

    code, (line,) = lived(main)
    assert (code, line["bug"], line["error"]) == (1, "true", "integer division or modulo by zero")


def test_the_failure_of_a_callback_ends_the_program(lived: Lived) -> None:
    async def main(stop: asyncio.Event) -> None:
        asyncio.get_running_loop().call_soon(lambda: 1 // 0)
        await stop.wait()

    code, (line,) = lived(main)
    assert (code, line["bug"]) == (1, "true")


def test_a_task_that_fails_while_the_program_ends_is_told_too(lived: Lived) -> None:
    async def fail_last() -> None:
        try:
            await asyncio.Event().wait()
        finally:
            raise HostError("Failed at the end.")

    async def main(_: asyncio.Event) -> None:
        task = asyncio.create_task(fail_last())
        await asyncio.wait((task,), timeout=0)

    code, (line,) = lived(main)
    assert (code, line["error"]) == (1, "Failed at the end.")


def test_a_main_that_is_cancelled_without_being_told_to_stop_has_failed(lived: Lived) -> None:
    async def main(_: asyncio.Event) -> None:
        raise asyncio.CancelledError

    code, (line,) = lived(main)
    assert (code, line["error"]) == (1, "main was cancelled, and nobody had asked for it")


HOLD = """
import sys
from pathlib import Path
from vipcast.ops import rundir
with rundir.lock(Path(sys.argv[1]), "speaker"):
    print("held", flush=True)
    sys.stdin.read()
"""


def test_one_program_of_a_kind_runs_at_a_time_and_the_other_names_it(tmp_path: Path) -> None:
    run_dir = tmp_path / "run" / "vipcast"
    with subprocess.Popen(
        [sys.executable, "-c", HOLD, str(run_dir)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as holder:
        assert holder.stdout is not None
        assert holder.stdin is not None
        assert holder.stdout.readline() == "held\n"
        with pytest.raises(HostError) as failure, rundir.lock(run_dir, "speaker"):
            pytest.fail("two programs hold one lock")
        assert str(failure.value) == (
            f"{run_dir}/speaker.lock is held by process {holder.pid}: end that speaker first, or"
            " give this one another --run-dir."
        )
        with rundir.lock(run_dir, "controller"):
            holder.kill()
            holder.wait()
    with rundir.lock(run_dir, "speaker"):
        assert (run_dir / "speaker.lock").read_text() == f"{os.getpid()}\n"


def test_a_run_directory_that_cannot_be_made_is_an_error_with_a_fix(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    run_dir = tmp_path / "file" / "vipcast"
    with pytest.raises(HostError) as failure, rundir.lock(run_dir, "speaker"):
        pytest.fail("a lock below a file")
    assert str(failure.value) == (
        f"{run_dir}/speaker.lock cannot be opened (Not a directory): run as root, or give a"
        " directory that can be written to with --run-dir."
    )


def test_the_port_stands_in_a_file_while_the_program_runs(tmp_path: Path) -> None:
    with rundir.port_file(tmp_path, "speaker", 40123) as path:
        assert path == tmp_path / "speaker.port"
        assert path.read_text() == "40123\n"
        assert list(tmp_path.iterdir()) == [path]
    assert list(tmp_path.iterdir()) == []
