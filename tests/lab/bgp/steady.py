"""That a router forwards as before, at every moment in between and not only at the end.

    with kernel_changes(router.host) as changes:
        …
    assert changes == []

A kernel tells of every change of a route, however short it was; a table is looked at again and
again instead.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from lab.host import Host
from tests.support.waiting import eventually

BEGIN, END = "198.51.100.77", "198.51.100.78"
"""Routes that nobody else has: after the one is heard of, and before the other, all is."""

_numbers = itertools.count(1)


@contextmanager
def kernel_changes(host: Host) -> Iterator[list[str]]:
    """What changes meanwhile in the kernel's IPv4 routes, complete at the end.

    One line each, as `ip monitor` writes it.
    """
    heard: list[str] = []
    words = ["ip", "-4", "-o", "monitor", "route"]
    monitor = host.start(words, name=f"monitor{next(_numbers)}")

    def hears(mark: str) -> bool:
        host.run(["ip", "route", "add", "unreachable", mark])
        host.run(["ip", "route", "delete", "unreachable", mark])
        return f"unreachable {mark} " in monitor.output

    eventually(lambda: hears(BEGIN), what="changes of routes are heard")
    try:
        yield heard
    finally:
        eventually(lambda: hears(END), what="all changes of routes were heard")
        monitor.stop()
    heard += [line for line in monitor.output.splitlines() if BEGIN not in line and END not in line]


def steady(look: Callable[[], object], done: Callable[[], object], *, what: str) -> None:
    """Wait until something is done; what `look` says is the same all the while."""
    first, others = look(), []

    def looked() -> bool:
        if (found := look()) != first:
            others.append(found)
        return bool(done())

    eventually(looked, what=what, deadline=60.0)
    assert others == [], first
