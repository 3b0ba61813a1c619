"""The floor of service_latency: the least that two programs on an API server have to do.

    create ──▶ API server ──watch──▶ patch of the status ──▶ API server ──second watch──▶ seen

One process on aiohttp sees each Service by a watch, gives it an address, and sees its own patch by
a second watch, on a connection of its own as that of another program would be. It decides nothing,
checks nothing, and nothing is put into any kernel. A deletion counts when the second watch tells.
"""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import AsyncIterator
from contextlib import suppress
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

import aiohttp

from benchmarks.administrator import SERVICES, Access

ADDRESS = "192.0.2.240"
_PATCH = json.dumps({"status": {"loadBalancer": {"ingress": [{"ip": ADDRESS}]}}})

Seen = tuple[str, str, int]
"""A Service's name, `address` or `gone`, and when that was known (monotonic ns)."""


def follow(kubeconfig: Path, told: Connection[Any, Any]) -> None:
    """Tell when each Service's address, and its end, was seen."""
    asyncio.run(_follow(Access(kubeconfig), told))


async def _follow(access: Access, told: Connection[Any, Any]) -> None:
    ended = asyncio.Event()
    asyncio.get_running_loop().add_reader(told.fileno(), ended.set)
    whole = aiohttp.ClientTimeout(total=None)
    async with aiohttp.ClientSession(
        access.url,
        headers=access.headers,
        timeout=whole,
        connector=aiohttp.TCPConnector(ssl=access.trust),
    ) as session:
        ready = asyncio.Barrier(3)
        tasks = [
            asyncio.create_task(_give(session, ready)),
            asyncio.create_task(_see(session, told, ready)),
        ]
        await ready.wait()
        told.send(None)
        await asyncio.wait(
            [*tasks, asyncio.create_task(ended.wait())], return_when=asyncio.FIRST_COMPLETED
        )
        for task in tasks:
            task.cancel()
        with suppress(asyncio.CancelledError):
            await asyncio.gather(*tasks)


async def _give(session: aiohttp.ClientSession, ready: asyncio.Barrier) -> None:
    async for kind, item in _events(session, ready):
        if kind == "ADDED" and item["spec"]["type"] == "LoadBalancer":
            path = f"{SERVICES}/{item['metadata']['name']}/status"
            headers = {"Content-Type": "application/merge-patch+json"}
            async with session.patch(path, data=_PATCH, headers=headers, raise_for_status=True):
                pass


async def _see(
    session: aiohttp.ClientSession, told: Connection[Any, Any], ready: asyncio.Barrier
) -> None:
    async for kind, item in _events(session, ready):
        name = item["metadata"]["name"]
        if kind == "DELETED":
            told.send((name, "gone", time.monotonic_ns()))
        elif item["status"]["loadBalancer"].get("ingress"):
            told.send((name, "address", time.monotonic_ns()))


async def _events(
    session: aiohttp.ClientSession, ready: asyncio.Barrier
) -> AsyncIterator[tuple[str, Any]]:
    async with session.get(SERVICES, raise_for_status=True) as answer:
        version = (await answer.json())["metadata"]["resourceVersion"]
    query = {"watch": "true", "resourceVersion": version}
    async with session.get(SERVICES, params=query, raise_for_status=True) as watch:
        await ready.wait()
        async for line in watch.content:
            event = json.loads(line)
            yield event["type"], event["object"]
