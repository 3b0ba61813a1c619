"""Between a client and a real API server: passes on what both say, and plays what goes wrong there.

It speaks plain HTTP to the client and TLS to the server, in a thread of its own that is in the
server's network namespace. Each request has a connection of its own, and an answer ends with it: so
what is closed in good order is an end, and what is reset is a failure. All that was asked is noted
down, and may be cut off, frozen, answered in the server's stead, or changed on its way.
"""

from __future__ import annotations

import asyncio
import json
import ssl
import threading
from collections.abc import Callable, Coroutine, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from http import HTTPStatus
from pathlib import Path
from typing import Any, Self, TypeVar
from urllib.parse import parse_qsl, urlsplit

from tests.support.netns import inside

_Result = TypeVar("_Result")
_LONGEST = 2**25
_END = b"\r\n\r\n"


@dataclass(frozen=True, slots=True)
class Asked:
    """One request."""

    method: str
    path: str
    query: Mapping[str, str]
    authorization: str

    @property
    def watches(self) -> bool:
        """Whether it asks for a watch."""
        return self.query.get("watch") == "true"


@dataclass(frozen=True, slots=True)
class Answer:
    """What the proxy says in the server's stead."""

    status: int
    body: str = ""
    headers: Mapping[str, str] = field(default_factory=dict)

    @property
    def text(self) -> bytes:
        """All of it as HTTP has it."""
        lines = [f"HTTP/1.1 {self.status} {HTTPStatus(self.status).phrase}"]
        lines += [f"{name}: {value}" for name, value in self.headers.items()]
        return "\r\n".join((*lines, "Connection: close", "", self.body)).encode()


Rule = Callable[[Asked], Answer | None]
Change = Callable[[Asked, bytes], bytes]


class ApiProxy:
    """A proxy to `server` ("https://host:port"), on a port of 127.0.0.1 of that namespace."""

    def __init__(self, namespace: str, server: str, ca: Path) -> None:
        self.asked: list[Asked] = []
        self._namespace = namespace
        self._server = urlsplit(server)
        self._trust = ssl.create_default_context(cafile=str(ca))
        self._rules: list[Rule] = []
        self._changes: list[Change] = []
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._work, name="api-proxy")
        self._frozen: set[asyncio.StreamWriter] = set()
        self._listener: asyncio.Server | None = None
        self._clients: dict[asyncio.StreamWriter, Asked | None] = {}
        self._tasks: set[asyncio.Task[Any]] = set()
        self._port = 0

    def __enter__(self) -> Self:
        self._thread.start()
        self.bring_back()
        return self

    def __exit__(self, *_: object) -> None:
        self.cut_off()
        self._do(self._settle())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()

    @property
    def url(self) -> str:
        """Where the client is to go."""
        return f"http://127.0.0.1:{self._port}"

    def kubeconfig(self, file: Path, **user: str) -> Path:
        """Write a client's configuration; `user` is token="…" or tokenFile="/…"."""
        document = {
            "apiVersion": "v1",
            "kind": "Config",
            "clusters": [{"name": "proxy", "cluster": {"server": self.url}}],
            "users": [{"name": "user", "user": user}],
            "contexts": [{"name": "proxy", "context": {"cluster": "proxy", "user": "user"}}],
            "current-context": "proxy",
        }
        file.write_text(json.dumps(document))
        return file

    def cut_off(self) -> None:
        """Refuse connections, and reset those that there are."""
        self._do(self._stop())

    def bring_back(self) -> None:
        """Undo `cut_off`, on the same port."""
        self._do(self._listen())

    def freeze(self) -> None:
        """Say nothing more on any connection that there is, and keep it; later ones work."""
        self._do(self._freeze())

    def close_watches(self) -> None:
        """End every watch in good order."""
        self._do(self._close_watches())

    @contextmanager
    def rule(self, rule: Rule) -> Iterator[None]:
        """While it is entered: what the rule has an answer for does not reach the server."""
        self._rules.append(rule)
        try:
            yield
        finally:
            self._rules.remove(rule)

    def add_change(self, change: Change) -> None:
        """From now on, what the server sends goes through `change`: an answer, a watch's line."""
        self._changes.append(change)

    def clear_changes(self) -> None:
        """What the server sends is passed on as it is."""
        self._changes.clear()

    def _do(self, work: Coroutine[Any, Any, _Result]) -> _Result:
        return asyncio.run_coroutine_threadsafe(work, self._loop).result(30)

    def _work(self) -> None:
        with inside(self._namespace):
            self._loop.run_forever()

    async def _listen(self) -> None:
        self._listener = await asyncio.start_server(
            self._serve, "127.0.0.1", self._port, limit=_LONGEST, reuse_address=True
        )
        self._port = self._listener.sockets[0].getsockname()[1]

    async def _stop(self) -> None:
        if self._listener is not None:
            self._listener.close()
            self._listener = None
        for client in self._clients:
            client.transport.abort()

    async def _freeze(self) -> None:
        self._frozen = set(self._clients)

    async def _close_watches(self) -> None:
        for client, asked in self._clients.items():
            if asked is not None and asked.watches:
                client.close()

    async def _settle(self) -> None:
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def _serve(self, reader: asyncio.StreamReader, client: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._tasks.add(task)
        self._clients[client] = None
        try:
            await self._converse(reader, client)
        except (OSError, asyncio.IncompleteReadError, asyncio.CancelledError):
            client.transport.abort()  # one side has gone, and so does the other
        finally:
            client.close()
            del self._clients[client]
            self._tasks.discard(task)

    async def _converse(self, reader: asyncio.StreamReader, client: asyncio.StreamWriter) -> None:
        head = await reader.readuntil(_END)
        first, *lines = head.decode("latin-1").rstrip().split("\r\n")
        method, target, _ = first.split(" ")
        headers = {name.lower(): value for name, value in (one.split(": ", 1) for one in lines)}
        body = await reader.readexactly(int(headers.get("content-length", 0)))
        url = urlsplit(target)
        asked = Asked(
            method, url.path, dict(parse_qsl(url.query)), headers.get("authorization", "")
        )
        self.asked.append(asked)
        self._clients[client] = asked
        for rule in self._rules:
            answer = rule(asked)
            if answer is not None:
                client.write(answer.text)
                await client.drain()
                return
        # Without "chunked" and compression, of which version 1.0 of HTTP knows nothing.
        headers |= {"host": self._server.netloc, "connection": "close"}
        headers.pop("accept-encoding", None)
        there, server = await asyncio.open_connection(
            self._server.hostname, self._server.port, ssl=self._trust, limit=_LONGEST
        )
        try:
            rest = "".join(f"{name}: {value}\r\n" for name, value in headers.items())
            server.write(f"{method} {target} HTTP/1.0\r\n{rest}\r\n".encode("latin-1") + body)
            await self._pass_on(asked, there, client)
        finally:
            server.transport.abort()

    async def _pass_on(
        self, asked: Asked, there: asyncio.StreamReader, client: asyncio.StreamWriter
    ) -> None:
        head = await there.readuntil(_END)
        lines = [line for line in head.split(b"\r\n") if not _is_length(line)]
        client.write(b"\r\n".join(lines).replace(b"HTTP/1.0", b"HTTP/1.1", 1))
        while not client.is_closing():
            part = await (there.readline() if asked.watches else there.read(-1))
            if client in self._frozen:
                await asyncio.Event().wait()
            for change in self._changes:
                part = change(asked, part) if part else part
            client.write(part)
            await client.drain()
            if not part or not asked.watches:
                return


def _is_length(line: bytes) -> bool:
    return line.lower().startswith((b"content-length:", b"connection:"))
