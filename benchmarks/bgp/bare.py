"""The least that can tell a router: bytes that are there, written by a bare asyncio protocol.

Nothing is decided and nothing encoded: a callback of the loop gets the bytes of an UPDATE, and
writes them. Its process has the priority that the speaker gives itself.
"""

from __future__ import annotations

import asyncio
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from ipaddress import IPv4Address
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

from benchmarks.bgp.objects import HOLD_TIME, OURS
from benchmarks.bgp.router import PORT
from benchmarks.bgp.speaker import hurry
from benchmarks.child import child, hear
from lab.host import Host
from speaker.bgp import encode
from speaker.bgp.messages import IPV4_UNICAST, Capabilities, Open


class Bare:
    """The protocol in its process."""

    def __init__(self, told: Connection[Any, Any]) -> None:
        self._told = told

    def write(self, messages: bytes) -> int:
        """Write them; monotonic nanoseconds when the callback that did so began."""
        self._told.send(messages)
        begun: int = hear(self._told)
        return begun


@contextmanager
def bare(node: Host, router: Host) -> Iterator[Bare]:
    """A bare protocol on a node, with a session to a router, until the block ends."""
    # The address is the name of a path: that is what a child is told.
    where = Path("/", str(router.address))
    with child("benchmarks.bgp.bare:serve", where, namespace=node.namespace) as told:
        yield Bare(told)


def serve(router: Path, told: Connection[Any, Any]) -> None:
    """The process's side, until its connection ends."""
    hurry(os.getpid())
    asyncio.run(_write(router.name, told))


async def _write(router: str, told: Connection[Any, Any]) -> None:
    loop = asyncio.get_running_loop()
    over = loop.create_future()
    link, _ = await loop.create_connection(asyncio.Protocol, router, PORT)
    capabilities = Capabilities(families=(IPV4_UNICAST,), four_octet_asn=OURS)
    said = Open(OURS, HOLD_TIME, IPv4Address("192.0.2.12"), capabilities)
    link.write(encode.open_message(said) + encode.keepalive())

    def write() -> None:
        try:
            messages = told.recv()
        except EOFError:
            loop.remove_reader(told.fileno())
            over.set_result(None)
            return
        begun = time.monotonic_ns()
        link.write(messages)
        told.send(begun)

    loop.add_reader(told.fileno(), write)
    await over
    link.abort()
