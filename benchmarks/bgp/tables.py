"""How many routes FRR has of a neighbour, asked as often as it answers.

bgpd counts the paths in its table by neighbour; the summary shows the count. It is asked on the
socket on which vtysh asks, without a program for each question: an answer takes some 0.2 ms of an
idle router. The protocol (FRR's lib/vty.c): a command ends with a NUL; an answer is text, three
NULs, and a byte that is 0 if all went well.
"""

from __future__ import annotations

import json
import select
import socket
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from typing import Any, Final

from benchmarks.harness import BenchmarkError
from lab.routers.frr import Frr

PAUSE: Final = 0.002
"""Seconds between an answer and the next question."""
LONGEST: Final = 120.0
"""Seconds that a table may take."""

_END: Final = b"\0\0\0"
_SUMMARY: Final = "show bgp ipv4 unicast summary json"


class Table:
    """The table of one router."""

    def __init__(self, name: str, sock: socket.socket) -> None:
        """`sock` is connected to bgpd. Raises BenchmarkError if that does not answer."""
        self.name = name
        self._socket = sock
        self.ask("enable")
        self.answer()

    def fileno(self) -> int:
        """For select(2)."""
        return self._socket.fileno()

    def ask(self, command: str = _SUMMARY) -> None:
        """Put a question."""
        self._socket.sendall(command.encode() + b"\0")

    def answer(self) -> str:
        """Wait for the answer."""
        told = b""
        while told[-4:-1] != _END:
            more = self._socket.recv(1 << 16)
            if not more:
                raise BenchmarkError(f"bgpd on {self.name} has ended")
            told += more
        if told[-1]:
            raise BenchmarkError(f"bgpd on {self.name} does not answer: {told[:-4].decode()}")
        return told[:-4].decode()

    def neighbours(self) -> Mapping[str, Any]:
        """What the answer to the summary says of each neighbour, by its address."""
        found: Mapping[str, Any] = json.loads(self.answer()).get("peers", {})
        return found


@contextmanager
def tables(routers: Sequence[Frr]) -> Iterator[list[Table]]:
    """The tables of some routers, until the block ends."""
    with ExitStack() as opened:
        found = []
        for router in routers:
            sock = opened.enter_context(socket.socket(socket.AF_UNIX))
            sock.connect(str(router.directory / "bgpd.vty"))
            found.append(Table(router.host.name, sock))
        yield found


def complete(asked: Sequence[Table], neighbour: str, number: int) -> int:
    """Wait until every table has exactly so many routes of a neighbour whose session is up.

    Returns monotonic nanoseconds of the answer that made it so. Each router is asked by itself, and
    again PAUSE after its answer: one that is busy delays no look at another.
    """
    end = time.monotonic() + LONGEST
    due = dict.fromkeys(asked, 0.0)
    waiting: set[Table] = set()
    last = 0
    while due:
        now = time.monotonic()
        if now > end:
            names = ", ".join(table.name for table in due)
            raise BenchmarkError(f"after {LONGEST:g} s {names} has not {number:,} routes")
        for table in due.keys() - waiting:
            if due[table] <= now:
                table.ask()
                waiting.add(table)
        for table in select.select(list(waiting), [], [], PAUSE)[0]:
            told = table.neighbours().get(neighbour, {})
            at = time.monotonic_ns()
            waiting.discard(table)
            due[table] = at / 1e9 + PAUSE
            if (told.get("state"), told.get("pfxRcd")) == ("Established", number):
                del due[table]
                last = at
    return last
