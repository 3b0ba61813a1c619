"""What a lab may leave on a machine: namespaces, mounts, pins and processes, found by looking.

Everything that the lab makes carries its prefix, so this looks for the prefix in the kernel's own
lists rather than in the lab's notes: a lab that forgot something may have forgotten the note, too.
"""

from __future__ import annotations

from pathlib import Path

PREFIX = "vipcast-"

NAMESPACES = Path("/run/netns")
BPF_FILESYSTEM = Path("/sys/fs/bpf")


def leftovers() -> set[str]:
    """One line for each thing of the lab that exists now, and for each child of this process."""
    return _namespaces() | _mounts() | _pins() | _children()


def _namespaces() -> set[str]:
    return {f"namespace {path.name}" for path in _entries(NAMESPACES)}


def _mounts() -> set[str]:
    # proc(5), mountinfo: the fifth field is the mount point. A named network namespace is a mount,
    # too, and is listed above.
    points = (line.split()[4] for line in Path("/proc/self/mountinfo").read_text().splitlines())
    return {
        f"mount {point}"
        for point in points
        if PREFIX in point and not point.startswith(f"{NAMESPACES}/")
    }


def _pins() -> set[str]:
    return {f"pin {path}" for path in _entries(BPF_FILESYSTEM)}


def _entries(directory: Path) -> list[Path]:
    return list(directory.glob(f"{PREFIX}*")) if directory.is_dir() else []


def _children() -> set[str]:
    found = set()
    for task in Path("/proc/self/task").iterdir():
        for pid in (task / "children").read_text().split():
            command = Path(f"/proc/{pid}/cmdline")
            try:
                words = command.read_bytes().split(b"\0")
            except (FileNotFoundError, ProcessLookupError):
                continue  # it ended while we looked
            found.add(f"process {pid} ({b' '.join(words).decode(errors='replace').strip()})")
    return found
