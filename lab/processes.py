"""Processes of a lab: started inside a namespace, known by a record, ended by their own id.

A process is recorded before its program begins: a shell of one line writes its own line of
/proc/PID/stat to the record file and then becomes the program (exec keeps the id and the start
time). So even a run that is killed at any instruction leaves a record for the next one. An id
counts only together with its start time and the machine's boot id; an id that somebody else has
been given meanwhile is never signalled (pidfd_open(2) first, then compare, then signal).

Every process leads a session of its own, so that Ctrl-C reaches the lab's owner alone and what a
program starts itself can be found after it.
"""

from __future__ import annotations

import fcntl
import os
import select
import signal
import time
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from lab.errors import LabError, NotReady

PATIENCE = 3.0
"""Seconds between SIGTERM and SIGKILL."""

READY_FD = "LAB_READY_FD"
"""Names, in a program's environment, the descriptor on which it says that it is ready."""

_BOOT = Path("/proc/sys/kernel/random/boot_id")
_RECORD_THEN_BECOME = """\
read -r stat <"/proc/$$/stat" && printf '%s %s\\n' "$1" "$stat" >"$2" && shift 2 &&
    exec 4>&- 5>&- "$@"
"""
_READY_CHILD_FD = 3
_RECORDED_CHILD_FD = 4
_LOCK_CHILD_FD = 5


@dataclass(frozen=True, slots=True)
class Record:
    """Which process it was: its id, and its start in clock ticks since boot (proc(5), field 22)."""

    name: str
    pid: int
    started: int

    def open(self) -> int | None:
        """A pidfd of exactly this process (the caller closes it), or None when it is gone."""
        try:
            fd = os.pidfd_open(self.pid)
        except ProcessLookupError:
            return None
        if start_time(self.pid) == self.started:
            return fd
        os.close(fd)
        return None

    def alive(self) -> bool:
        """Whether the process runs; one that only waits to be reaped does not."""
        fd = self.open()
        if fd is None:
            return False
        try:
            return not _ended(fd)
        finally:
            os.close(fd)


def start_time(pid: int) -> int | None:
    """Start of a process in clock ticks since boot, or None when there is none of that id."""
    try:
        return int(_fields(Path(f"/proc/{pid}/stat").read_text())[19])
    except (FileNotFoundError, ProcessLookupError):
        return None


def session(pid: int) -> int | None:
    """Session id of a process (proc(5), field 6), or None when there is none of that id."""
    try:
        return int(_fields(Path(f"/proc/{pid}/stat").read_text())[3])
    except (FileNotFoundError, ProcessLookupError):
        return None


def _fields(stat: str) -> list[str]:
    # The second field, the name in parentheses, may hold blanks and parentheses itself; the list
    # returned begins with the third.
    return stat.rpartition(")")[2].split()


def read_records(directory: Path) -> list[Record]:
    """All records of a run, oldest first; those of an earlier boot mean nothing now."""
    boot = _BOOT.read_text().strip()
    found = []
    for path in sorted(directory.glob("*.pid"), key=lambda path: path.stat().st_mtime_ns):
        of_boot, _, stat = path.read_text().strip().partition(" ")
        if of_boot == boot and stat:
            pid, started = int(stat.split()[0]), int(_fields(stat)[19])
            found.append(Record(path.name.removesuffix(".pid"), pid, started))
    return found


def record_self(name: str, directory: Path) -> None:
    """Record this process, which is about to become another program; see Record.name."""
    stat = Path("/proc/self/stat").read_text()
    (directory / f"{name}.pid").write_text(f"{_BOOT.read_text().strip()} {stat}")


def end(records: Iterable[Record], patience: float = PATIENCE) -> None:
    """End processes, all at once: SIGTERM (a frozen one is woken), after `patience` s SIGKILL.

    Those that are gone, or whose id belongs to another process now, are left alone. Raises
    LabError when one does not even end by SIGKILL within 10 s.
    """
    open_fds = {fd: record for record in records if (fd := record.open()) is not None}
    try:
        for fd in open_fds:
            _send(fd, signal.SIGTERM)
            _send(fd, signal.SIGCONT)
        left = _wait(open_fds, patience)
        for fd in left:
            _send(fd, signal.SIGKILL)
        if stuck := _wait(left, 10.0):
            names = ", ".join(f"{open_fds[fd].name} ({open_fds[fd].pid})" for fd in stuck)
            raise LabError(f"processes that do not end: {names}")
    finally:
        for fd in open_fds:
            os.close(fd)


def _send(fd: int, number: signal.Signals) -> None:
    with suppress(ProcessLookupError):
        signal.pidfd_send_signal(fd, number)


def _wait(fds: Iterable[int], seconds: float) -> set[int]:
    """Wait until all have ended, `seconds` at most; those that have not."""
    left = set(fds)
    poller = select.poll()
    for fd in left:
        poller.register(fd, select.POLLIN)
    deadline = time.monotonic() + seconds
    while left and (now := time.monotonic()) < deadline:
        for fd, _ in poller.poll((deadline - now) * 1000):
            poller.unregister(fd)
            left.discard(fd)
    return left


def _ended(fd: int) -> bool:
    # pidfd_open(2): a pidfd becomes readable when its process ends, reaped or not.
    poller = select.poll()
    poller.register(fd, select.POLLIN)
    return bool(poller.poll(0))


class Process:
    """A program that runs in a namespace of the lab.

    `name` is unique among the running processes of a lab; `log` holds its standard output and
    error, appended to when a program of that name is started again.
    """

    def __init__(self, record: Record, log: Path, record_file: Path, ready: int | None) -> None:
        self.name = record.name
        self.pid = record.pid
        self.log = log
        self.record = record
        self._record_file = record_file
        self._ready = ready
        self._pidfd: int | None = os.pidfd_open(record.pid)
        self._status: int | None = None

    def __repr__(self) -> str:
        return f"<Process {self.name} {self.pid}>"

    @property
    def alive(self) -> bool:
        """Whether it runs; a frozen one does."""
        return self._pidfd is not None and not _ended(self._pidfd)

    @property
    def output(self) -> str:
        """What it has written so far."""
        return self.log.read_text(errors="replace")

    @property
    def last_words(self) -> str:
        """The end of its log, as a part of a sentence."""
        return "its log ends with:\n" + "\n".join(self.output.splitlines()[-10:])

    def await_ready(self, seconds: float = 10.0) -> None:
        """Wait for the program's word that it is ready (it must be started with `notify`).

        Raises NotReady, with the end of its log, when it ends or is silent for `seconds`.
        """
        if self._ready is None:
            return
        poller = select.poll()
        poller.register(self._ready, select.POLLIN)
        said = os.read(self._ready, 1) if poller.poll(seconds * 1000) else b""
        os.close(self._ready)
        self._ready = None
        if not said:
            raise NotReady(f"{self.name} did not become ready; {self.last_words}")

    def send(self, number: signal.Signals) -> None:
        """Send a signal; nothing happens when the process has ended."""
        if self._pidfd is not None:
            _send(self._pidfd, number)

    def freeze(self) -> None:
        """SIGSTOP: it keeps everything it holds, and does nothing."""
        self.send(signal.SIGSTOP)

    def wake(self) -> None:
        """SIGCONT."""
        self.send(signal.SIGCONT)

    def kill(self) -> int:
        """SIGKILL, and wait; the exit status as from `wait`."""
        self.send(signal.SIGKILL)
        return self.wait(10.0)

    def stop(self, patience: float = PATIENCE) -> int:
        """SIGTERM (woken if frozen), after `patience` s SIGKILL; the exit status as from `wait`."""
        if self._status is None:
            end([self.record], patience)
        return self.wait(10.0)

    def wait(self, seconds: float) -> int:
        """Exit status: what the program returned, or minus the number of the signal that ended it.

        Raises LabError when it still runs after `seconds`.
        """
        if self._status is None and self._pidfd is not None:
            if _wait([self._pidfd], seconds):
                raise LabError(f"{self.name} ({self.pid}) still runs after {seconds:g} s")
            # Not ours to reap when another lab command started it; then its status is not known.
            with suppress(ChildProcessError):
                self._status = os.waitstatus_to_exitcode(os.waitpid(self.pid, 0)[1])
            self._forget()
        return self._status if self._status is not None else 0

    def _forget(self) -> None:
        for fd in (self._pidfd, self._ready):
            if fd is not None:
                os.close(fd)
        self._pidfd = self._ready = None
        # A successor of the same name may have written its own record meanwhile.
        with suppress(FileNotFoundError):
            if f" {self.pid} (" in self._record_file.read_text():
                self._record_file.unlink()


def start(
    argv: Sequence[str],
    *,
    name: str,
    records: Path,
    log: Path,
    env: Mapping[str, str],
    lock: int | None = None,
    notify: bool = False,
) -> Process:
    """Start a program, recorded in `records`; `env` is its whole environment.

    `lock` is a descriptor, of 100 or more, that stays open until the record is written. Returns
    when it is; the caller defers signals, since what was started and not recorded is lost.
    With `notify` the program is told a descriptor (READY_FD) on which one byte means "ready".
    """
    record_file = records / f"{name}.pid"
    record_file.unlink(missing_ok=True)
    boot = _BOOT.read_text().strip()
    append = os.O_WRONLY | os.O_CREAT | os.O_APPEND
    actions: list[tuple[int, int, str, int, int] | tuple[int, int, int]] = [
        (os.POSIX_SPAWN_OPEN, 0, "/dev/null", os.O_RDONLY, 0),
        (os.POSIX_SPAWN_OPEN, 1, str(log), append, 0o644),
        (os.POSIX_SPAWN_DUP2, 1, 2),
    ]
    recorded, done = _pipe()
    actions.append((os.POSIX_SPAWN_DUP2, done, _RECORDED_CHILD_FD))
    if lock is not None:
        actions.append((os.POSIX_SPAWN_DUP2, lock, _LOCK_CHILD_FD))
    ready = told = None
    if notify:
        ready, told = _pipe()
        actions.append((os.POSIX_SPAWN_DUP2, told, _READY_CHILD_FD))
        env = {**env, READY_FD: str(_READY_CHILD_FD)}
    pid = os.posix_spawn(
        "/bin/sh",
        ["sh", "-c", _RECORD_THEN_BECOME, "sh", boot, str(record_file), *argv],
        env,
        file_actions=actions,
        setsid=True,
        setsigmask=[],
        setsigdef=[signal.SIGINT, signal.SIGPIPE, signal.SIGHUP],
    )
    for fd in (done, told):
        if fd is not None:
            os.close(fd)
    os.read(recorded, 1)  # ends when the shell closes its end, recorded or failed
    os.close(recorded)
    started = start_time(pid)
    assert started is not None, "a child that was not waited for keeps its /proc entry"
    return Process(Record(name, pid, started), log, record_file, ready)


def _pipe() -> tuple[int, int]:
    """A pipe whose writing end has a number that no descriptor of a child is to have."""
    read, write = os.pipe()
    high = fcntl.fcntl(write, fcntl.F_DUPFD_CLOEXEC, 100)
    os.close(write)
    return read, high
