"""A contender in a process of its own, and the connection between it and whoever measures.

    with child("benchmarks.question:function", path) as told:    function(path, connection)
        hear(told)

Its connection ends with the block, or with the process that measures, however that ended. The
function has to return then, or may fall over it. Ctrl-C does not reach it: it leads a session of
its own.
"""

from __future__ import annotations

import importlib
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from multiprocessing.connection import Connection, Pipe
from pathlib import Path
from typing import Any

from benchmarks.harness import PATIENCE, BenchmarkError
from lab.kernel import inside

_ROOT = Path(__file__).parents[1]


@contextmanager
def child(
    target: str, *paths: Path, namespace: str | None = None
) -> Iterator[Connection[Any, Any]]:
    """Run "module:function" with absolute paths and a connection, until the block ends.

    It runs in the caller's network namespace, or in a `namespace` of a lab.
    """
    ours, theirs = Pipe()
    command = [sys.executable, "-m", "benchmarks.child", target, str(theirs.fileno())]
    command += map(str, paths)
    with theirs:
        process = subprocess.Popen(
            command if namespace is None else inside(namespace, command),
            cwd=_ROOT,
            pass_fds=[theirs.fileno()],
            start_new_session=True,
        )
    try:
        yield ours
    finally:
        ours.close()
        try:
            process.wait(PATIENCE)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def hear(connection: Connection[Any, Any]) -> Any:
    """The next that a child says. Raises BenchmarkError if it ends or says nothing for long."""
    try:
        if connection.poll(PATIENCE):
            return connection.recv()
    except (EOFError, ConnectionResetError):
        raise BenchmarkError("the contender's process has ended; its error stands above") from None
    raise BenchmarkError(f"the contender has said nothing for {PATIENCE:g} s")


def main(target: str, fd: str, *paths: str) -> None:
    """The other side."""
    module, _, function = target.partition(":")
    connection: Connection[Any, Any] = Connection(int(fd))
    # Nobody listens any more: whoever measures was interrupted, or has ended.
    with connection, suppress(EOFError, ConnectionResetError, BrokenPipeError):
        getattr(importlib.import_module(module), function)(*map(Path, paths), connection)


if __name__ == "__main__":
    main(*sys.argv[1:])
