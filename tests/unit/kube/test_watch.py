"""What is said of a kind that is not followed."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path

from aiohttp import web

from tests.support.waiting import eventually_async
from tests.unit.kube.serving import serving
from vipcast.kube.watch import LATE, Scope, Watch
from vipcast.model.raw import SERVICE

VERSION = {"resourceVersion": "1"}
BOOKMARK = json.dumps({"type": "BOOKMARK", "object": {"metadata": VERSION}})


async def test_a_trouble_that_is_over_is_no_reason_for_the_next_one(tmp_path: Path) -> None:
    watches = 0
    now = 0.0

    async def answer(asked: web.Request) -> web.StreamResponse:
        nonlocal watches
        if "watch" not in asked.query:
            return web.json_response({"metadata": VERSION, "items": []})
        watches += 1
        if watches == 1:
            return web.json_response({"message": "etcd is down"}, status=500)
        if watches == 3:
            await asyncio.Event().wait()
        return web.Response(text=f"{BOOKMARK}\n")

    async with serving(answer, tmp_path) as api:
        scope = Scope(SERVICE)
        watch = Watch(api, scope, lambda _: None, monotonic=lambda: now, draw=lambda: 1.0)
        following = asyncio.create_task(watch.run())
        try:
            await eventually_async(lambda: watches == 3, what="the third one is asked for")
            now = LATE + 1.0
            assert watch.late() == (now, "There is no answer yet.")
        finally:
            following.cancel()
            await asyncio.wait((following,))
