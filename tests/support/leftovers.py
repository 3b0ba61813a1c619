"""What a lab may leave on a machine, found by looking: namespaces, mounts, processes and files.

Everything that a lab makes carries the lab's prefix or lies in its run directory, and every program
it starts writes there. So this looks for these in the kernel's own lists rather than in the lab's
notes: a lab that forgot something may have forgotten the note, too. What is somebody else's to
clean up is left out: a lab that another process holds, one that another run of the tests made, and
one with a name that no test gives (`python -m lab up` in a second terminal).
"""

from __future__ import annotations

import os
import re
from pathlib import Path

from lab.rundir import BASE
from lab.topology import PREFIX

NAMESPACES = Path("/run/netns")
_LAB = re.compile(rf"(?:{re.escape(str(NAMESPACES))}/{re.escape(PREFIX)}|{BASE}/)([a-z0-9]+)")
_OF_TESTS = re.compile(r"t(\d+)n\d+")
"""A name that tests.support.labs.unique_name gave, or that begins so: whose it is."""


def leftovers(lab: str | None = None) -> set[str]:
    """One line for each thing of that lab that exists now.

    By default of any lab, and one for each child of this process, too.
    """
    found = _namespaces() | _mounts() | _processes() | _files()
    ours = {text for text, named in found if (named == lab if lab else _is_ours(named))}
    return ours if lab else ours | _children()


def _namespaces() -> set[tuple[str, str | None]]:
    paths = NAMESPACES.glob(f"{PREFIX}*") if NAMESPACES.is_dir() else ()
    return {(f"namespace {path.name}", _lab(str(path))) for path in paths}


def _mounts() -> set[tuple[str, str | None]]:
    # proc(5), mountinfo: the fifth field is the mount point. A named network namespace is a mount,
    # too, and is listed above.
    points = (line.split()[4] for line in Path("/proc/self/mountinfo").read_text().splitlines())
    return {(f"mount {point}", _lab(point)) for point in points if f"{BASE}/" in point}


def _processes() -> set[tuple[str, str | None]]:
    """Processes that were told about a lab's run directory, or that write there."""
    found = set()
    for path in Path("/proc").glob("[0-9]*"):
        command = _command(path)
        for told in (command, _output(path)):
            if f"{BASE}/" in told:
                found.add((f"process {path.name} ({command})", _lab(told)))
                break
    return found


def _files() -> set[tuple[str, str | None]]:
    return {(f"file {path}", _lab(str(path))) for path in BASE.glob("*")}


def _children() -> set[str]:
    tasks = Path("/proc/self/task").iterdir()
    pids = [pid for task in tasks for pid in (task / "children").read_text().split()]
    return {f"process {pid} ({_command(Path('/proc', pid))})" for pid in pids}


def _command(process: Path) -> str:
    try:
        words = (process / "cmdline").read_bytes()
    except (FileNotFoundError, ProcessLookupError):
        return ""  # it ended while we looked
    return words.replace(b"\0", b" ").decode(errors="replace").strip()


def _output(process: Path) -> str:
    try:
        return str((process / "fd" / "1").readlink())
    except (FileNotFoundError, ProcessLookupError, PermissionError):
        return ""  # closed, ended, or not ours to look at


def _lab(text: str) -> str | None:
    """The lab that `text` speaks of."""
    named = _LAB.search(text)
    return named[1] if named else None


def _is_ours(lab: str | None) -> bool:
    """Whether the lab is this process's or nobody's."""
    if lab is None:
        return True
    if _holder(BASE / f"{lab}.lock") not in (None, os.getpid()):
        return False
    made = _OF_TESTS.match(lab)
    if made is None:
        return False
    return int(made[1]) == os.getpid() or not Path("/proc", made[1]).exists()


def _holder(lock: Path) -> int | None:
    """Process that holds a file lock, by /proc/locks (proc(5)), which disturbs no lock itself."""
    try:
        inode = lock.stat().st_ino
    except FileNotFoundError:
        return None
    for line in Path("/proc/locks").read_text().splitlines():
        words = line.split()
        if words[1] == "FLOCK" and words[5].endswith(f":{inode}"):
            return int(words[4])
    return None
