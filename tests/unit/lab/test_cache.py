"""What takes long to make is made once, whole, and by one process; a killed one is made good."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from lab.host import ROOT
from lab.kubernetes import cache
from tests.support.waiting import eventually


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("VIPCAST_CACHE", str(tmp_path / "cache"))
    return tmp_path / "cache"


def silent(_sentence: str) -> None:
    """Nobody waits."""


def refuse(_draft: Path, _lock: int) -> None:
    raise AssertionError("it is there already")


def fill(draft: Path, _lock: int) -> None:
    (draft / "part").write_text("whole")


@pytest.mark.parametrize(
    ("environment", "expected"),
    [
        ({"VIPCAST_CACHE": "/big/disk", "XDG_CACHE_HOME": "/c"}, "/big/disk"),
        ({"XDG_CACHE_HOME": "/c", "HOME": "/home/me"}, "/c/vipcast"),
        ({"XDG_CACHE_HOME": "not/absolute", "HOME": "/home/me"}, "/home/me/.cache/vipcast"),
        ({"HOME": "/home/me"}, "/home/me/.cache/vipcast"),
    ],
)
def test_the_cache_is_where_the_user_keeps_such_things(
    environment: dict[str, str], expected: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("VIPCAST_CACHE", "XDG_CACHE_HOME", "HOME"):
        monkeypatch.delenv(name, raising=False)
    for name, value in environment.items():
        monkeypatch.setenv(name, value)

    assert cache.folder() == Path(expected)


def test_a_folder_is_made_once_and_found_again(folder: Path) -> None:
    made = cache.made_once("thing", fill, silent)

    assert made == folder / "thing"
    assert (made / "part").read_text() == "whole"
    assert cache.made_once("thing", refuse, silent) == made


def test_what_failed_or_was_killed_half_way_is_made_anew(folder: Path) -> None:
    def fail(draft: Path, _lock: int) -> None:
        (draft / "rubbish").touch()
        raise OSError("the disk is full")

    with pytest.raises(OSError, match="full"):
        cache.made_once("thing", fail, silent)
    assert not (folder / "thing").exists()

    made = cache.made_once("thing", fill, silent)
    assert [path.name for path in made.iterdir()] == ["part"]


MAKE_SLOWLY = """
import sys
from pathlib import Path
from lab.kubernetes import cache

def make(draft, lock):
    print("making", flush=True)
    sys.stdin.readline()
    (draft / "part").write_text("whole")

cache.made_once("thing", make, lambda sentence: print(sentence, flush=True))
print("done", flush=True)
"""


def maker() -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-c", MAKE_SLOWLY],
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )


def line(process: subprocess.Popen[str]) -> str:
    assert process.stdout is not None
    return process.stdout.readline().strip()


def test_the_second_of_two_waits_and_finds_what_the_first_has_made() -> None:
    with maker() as first:
        assert line(first) == "making"
        with maker() as second:
            assert line(second) == "waiting for another process that makes thing"
            assert first.stdin is not None
            first.stdin.write("go on\n")
            first.stdin.flush()
            assert line(first) == "done"
            assert line(second) == "done"


def test_the_second_of_two_makes_it_when_the_first_is_killed(folder: Path) -> None:
    with maker() as first, maker() as second:
        both = {line(first), line(second)}
        assert both == {"making", "waiting for another process that makes thing"}
        maker_now, waiting = (first, second) if _has_draft(first) else (second, first)
        maker_now.send_signal(signal.SIGKILL)
        assert line(waiting) == "making"
        assert waiting.stdin is not None
        waiting.stdin.write("go on\n")
        waiting.stdin.flush()
        assert line(waiting) == "done"
    assert (folder / "thing" / "part").read_text() == "whole"


def _has_draft(process: subprocess.Popen[str]) -> bool:
    """Whether a process holds the lock, by /proc/locks (proc(5))."""
    rows = [row.split() for row in Path("/proc/locks").read_text().splitlines()]
    return any(row[1] == "FLOCK" and row[4] == str(process.pid) for row in rows)


def test_a_command_that_goes_on_after_its_maker_was_killed_keeps_others_waiting() -> None:
    script = MAKE_SLOWLY.replace(
        "    sys.stdin.readline()\n",
        "    import subprocess\n    subprocess.run(['sh', '-c', 'read word'], pass_fds=(lock,))\n",
    )
    read, write = os.pipe()
    with subprocess.Popen(
        [sys.executable, "-c", script],
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        stdin=read,
        stdout=subprocess.PIPE,
        text=True,
    ) as first:
        os.close(read)
        assert line(first) == "making"
        children = Path(f"/proc/{first.pid}/task/{first.pid}/children")
        eventually(children.read_text, what="the command runs")
        first.send_signal(signal.SIGKILL)
        first.wait()
        with maker() as second:
            assert line(second) == "waiting for another process that makes thing"
            os.close(write)
            assert line(second) == "making"
            assert second.stdin is not None
            second.stdin.write("go on\n")
            second.stdin.flush()
            assert line(second) == "done"
