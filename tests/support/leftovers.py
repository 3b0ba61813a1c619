"""What a lab may leave on a machine: namespaces, mounts and processes, found by looking.

Everything that a lab makes carries the lab's prefix or lies in its run directory, so this looks for
these in the kernel's own lists rather than in the lab's notes: a lab that forgot something may have
forgotten the note, too. A lab that another living process holds right now (a demo in a second
terminal) is that process's to clean up, and is left out.
"""

from __future__ import annotations

import os
import re
from pathlib import Path

from lab.rundir import BASE
from lab.topology import PREFIX

NAMESPACES = Path("/run/netns")
_LAB = re.compile(rf"(?:{re.escape(str(NAMESPACES))}/{re.escape(PREFIX)}|{BASE}/)([a-z0-9]+)")


def leftovers() -> set[str]:
    """One line for each thing of a lab that exists now, and for each child of this process."""
    return _namespaces() | _mounts() | _processes() | _children()


def _namespaces() -> set[str]:
    found = NAMESPACES.glob(f"{PREFIX}*") if NAMESPACES.is_dir() else ()
    return {f"namespace {path.name}" for path in found if _ours(str(path))}


def _mounts() -> set[str]:
    # proc(5), mountinfo: the fifth field is the mount point. A named network namespace is a mount,
    # too, and is listed above.
    points = (line.split()[4] for line in Path("/proc/self/mountinfo").read_text().splitlines())
    return {f"mount {point}" for point in points if f"{BASE}/" in point and _ours(point)}


def _processes() -> set[str]:
    """Processes that were told about a lab's run directory, by their command line."""
    found = {(path.name, _command(path)) for path in Path("/proc").glob("[0-9]*")}
    return {
        f"process {pid} ({command})"
        for pid, command in found
        if f"{BASE}/" in command and _ours(command)
    }


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


def _ours(text: str) -> bool:
    """Whether the lab that `text` speaks of is held by this process or by nobody."""
    named = _LAB.search(text)
    return named is None or _holder(BASE / f"{named[1]}.lock") in (None, os.getpid())


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
