"""Events, as an API server has them in the end that is slow while more of them are noted."""

from __future__ import annotations

import asyncio
from itertools import count
from pathlib import Path

from aiohttp import web

from tests.support.sources import service_ref
from tests.support.waiting import eventually_async
from tests.unit.kube.serving import serving
from vipcast.kube.notes import Notes
from vipcast.model.raw import EventNote, EventType


class Events:
    """A server that keeps Events; it answers nobody before `opened`."""

    def __init__(self) -> None:
        self.messages: dict[str, str] = {}
        self.asked = 0
        self.opened = asyncio.Event()

    async def answer(self, request: web.Request) -> web.Response:
        """Create or delete one."""
        self.asked += 1
        await self.opened.wait()
        if request.method == "POST":
            raw = await request.json()
            self.messages[raw["metadata"]["name"]] = raw["message"]
        else:
            self.messages.pop(request.path.rpartition("/")[2])
        return web.json_response({})


async def test_of_what_is_noted_while_events_are_written_the_budget_is_kept(
    tmp_path: Path,
) -> None:
    server = Events()
    turn = count(1.0)
    async with serving(server.answer, tmp_path) as api:
        notes = Notes(
            api,
            "controller",
            {},
            budget=2,
            repeat=10.0,
            clock=lambda: 0.0,
            monotonic=lambda: next(turn),
            uid=lambda _ref: "",
        )
        for message in ("first", "second"):
            notes.note(note(message))
        writing = asyncio.create_task(notes.run())
        await eventually_async(lambda: server.asked, what="the first one is being written")
        for message in ("third", "fourth"):
            notes.note(note(message))
        notes.end()
        server.opened.set()
        await writing
    assert sorted(server.messages.values()) == ["fourth", "third"]


def note(message: str) -> EventNote:
    """An Event on a Service."""
    return EventNote(service_ref(), EventType.NORMAL, "IPAllocated", message)
