"""Commands that take minutes: each line is handed over, and nothing outlives the call."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from lab.errors import CommandFailed
from lab.kubernetes.commands import follow
from tests.support.waiting import eventually


@pytest.fixture
def lock(tmp_path: Path) -> Iterator[int]:
    """Any descriptor that a command can inherit."""
    with (tmp_path / "lock").open("w") as file:
        yield file.fileno()


def run(script: str, lines: list[str], tmp_path: Path, lock: int) -> None:
    follow(["sh", "-c", script], lines.append, cwd=tmp_path, env={"NAME": "value"}, lock=lock)


def test_each_line_of_both_outputs_is_handed_over(tmp_path: Path, lock: int) -> None:
    lines: list[str] = []

    run('echo "one $NAME"; echo two >&2', lines, tmp_path, lock)

    assert lines == ["one value", "two"]


def test_a_failure_holds_the_command_and_its_last_words(tmp_path: Path, lock: int) -> None:
    with pytest.raises(CommandFailed) as caught:
        run("for i in $(seq 30); do echo line $i; done; exit 3", [], tmp_path, lock)

    said = str(caught.value).splitlines()
    assert said[0].endswith("exit status 3:")
    assert said[1:] == [f"line {number}" for number in range(11, 31)]


def test_who_gives_up_half_way_ends_the_command_with_all_that_it_started(
    tmp_path: Path, lock: int
) -> None:
    begun: list[int] = []

    def give_up(line: str) -> None:
        begun.append(int(line))
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        follow(
            ["sh", "-c", "tail -f /dev/null & echo $!; wait"],
            give_up,
            cwd=tmp_path,
            env={},
            lock=lock,
        )

    # Whoever adopts the child reaps it; a zombie has no memory any more.
    (child,) = begun
    status = Path(f"/proc/{child}/status")
    eventually(lambda: not status.exists() or "VmRSS" not in status.read_text(), what="it ended")
