"""Commands that take minutes: followed line by line, ended with everything that they started."""

from __future__ import annotations

import os
import shlex
import signal
import subprocess
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from pathlib import Path

from lab import signals
from lab.errors import CommandFailed

_LAST_WORDS = 20
_PATIENCE = 10.0


def follow(
    argv: Sequence[str | Path],
    on_line: Callable[[str], None],
    *,
    cwd: Path,
    env: Mapping[str, str],
    lock: int,
) -> None:
    """Run a command to its end, and hand over each line that it writes.

    `env` is its whole environment; it inherits the descriptor `lock`. It leads a session of its
    own, which does not outlive this call. Raises CommandFailed, with its last words.
    """
    words = [str(word) for word in argv]
    last: deque[str] = deque(maxlen=_LAST_WORDS)
    process = None
    try:
        # A signal that came between its start and our knowing its number would lose it.
        with signals.deferred():
            process = subprocess.Popen(
                words,
                cwd=cwd,
                env=env,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                text=True,
                errors="replace",
                pass_fds=(lock,),
                start_new_session=True,
            )
        assert process.stdout is not None, "it was asked for"
        for line in process.stdout:
            last.append(line)
            on_line(line.rstrip("\n"))
        if status := process.wait():
            raise CommandFailed(f"{shlex.join(words)}: exit status {status}:\n{''.join(last)}")
    finally:
        if process is not None:
            with signals.deferred(), process:
                _end(process)


def _end(process: subprocess.Popen[str]) -> None:
    if process.poll() is None:
        for number in (signal.SIGTERM, signal.SIGKILL):
            with suppress(ProcessLookupError):
                os.killpg(process.pid, number)
            with suppress(subprocess.TimeoutExpired):
                process.wait(_PATIENCE)
                return
