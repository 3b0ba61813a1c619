"""Asks ARP in a lab's client and times every answer, without hiding what it measures.

    with asker(client, library) as ask:
        ask("192.0.2.240", count=1_000, window=1)       nanoseconds, one for each answer

A process in the client's namespace asks through a loop of C (asking.c): an answer takes about two
microseconds here, and Python (lab.tools.arpask) would add one. The time runs from just before
send(2) until recv(2) has returned, by CLOCK_MONOTONIC, which is read without a system call. The
kernel's own time of arrival (SO_TIMESTAMPNS) would leave recv(2) out, but while somebody asks for
it every interface reads the clock for every frame, and with 32 requests under way it does not show
how long they wait for each other.

On veth a request is carried, answered and brought back inside send(2), by the same core, unless
the one who answers is a process. So all that is added to the way of the frames is two system calls.
The asker stands for another machine and is not part of the load: it runs under SCHED_FIFO, else its
own time slices would be the worst percent of every contender's times on busy cores, and on the last
core, which a contender that is a process keeps clear of.
"""

from __future__ import annotations

import os
from array import array
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from ipaddress import IPv4Address
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any, Protocol

from cffi import FFI

from benchmarks.child import child, hear
from benchmarks.harness import BenchmarkError
from lab import kernel
from lab.host import Host
from lab.tools.arp import Wire

SPIN = 50e-6
"""Seconds that it looks for an answer again and again before it sleeps."""
TIMEOUT = 1.0
"""Seconds without any answer after which what is under way is lost."""

_HERE = Path(__file__).parent
_INTERFACE = "lan0"


class Ask(Protocol):
    """Ask `count` times, at most `window` at once; nanoseconds for each answer."""

    def __call__(self, address: str, *, count: int, window: int) -> Sequence[int]: ...


def build(library: Path) -> None:
    """Compile the loop as a shared library. Raises CommandFailed."""
    flags = ["-std=gnu11", "-O2", "-Wall", "-Wextra", "-shared", "-fPIC"]
    kernel.call(["gcc", *flags, str(_HERE / "asking.c"), "-o", str(library)])


@contextmanager
def asker(client: Host, library: Path) -> Iterator[Ask]:
    """Somebody who asks in that client, until the block ends."""
    with child("benchmarks.asker:serve", library, namespace=client.namespace) as told:

        def ask(address: str, *, count: int, window: int) -> Sequence[int]:
            told.send((address, count, window))
            taken = array("Q", hear(told))
            if len(taken) < count:
                raise BenchmarkError(f"{address}: {count - len(taken)} of {count} lost")
            return taken

        yield ask


def serve(library: Path, told: Connection[Any, Any]) -> None:
    """The other side: asks as it is told to, until nobody tells it any more."""
    os.sched_setscheduler(0, os.SCHED_FIFO, os.sched_param(1))
    os.sched_setaffinity(0, {max(os.sched_getaffinity(0))})
    ffi = FFI()
    header = (_HERE / "asking.h").read_text()
    ffi.cdef("\n".join(line for line in header.splitlines() if not line.startswith("#")))
    loop: Any = ffi.dlopen(str(library))
    wire = Wire(_INTERFACE)
    while True:
        address, count, window = told.recv()
        wire.arrived()
        frame = wire.request(IPv4Address(address))
        taken = ffi.new("unsigned long[]", count)
        done = loop.ask(
            wire.socket.fileno(), frame, len(frame), count, window,
            int(SPIN * 1e9), int(TIMEOUT * 1e9), taken,
        )  # fmt: skip
        if done < 0:
            raise OSError(-done, os.strerror(-done))
        told.send(bytes(ffi.buffer(taken, done * ffi.sizeof("unsigned long"))))
