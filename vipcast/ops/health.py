"""The HTTP port of a program: is it alive, can it do its work, and its metrics.

/livez     200 while the program's own loop runs; nothing else can make it fail, so that a
           restart never answers a fault that a restart cannot mend; /healthz, MetalLB's name for
           it, is the same
/readyz    200 if every check passes, else 503; each check on a line, a failing one with a sentence
/metrics   Prometheus text format 0.0.4
"""

from __future__ import annotations

import asyncio
import os
import socket
from collections.abc import Callable, Mapping
from types import TracebackType
from typing import Final, Self

from aiohttp import web

from vipcast.model.errors import HostError
from vipcast.ops.metrics import CONTENT_TYPE, Page

Check = Callable[[], str | None]
"""None if all is well, else a sentence: what is wrong and what to do."""

BEAT: Final = 0.5
STUCK: Final = 5.0
WINDOW: Final = 30.0


class Lag:
    """How late a loop's timers are, in seconds; `beat` at each turn of a timer of BEAT seconds."""

    def __init__(self, now: float) -> None:
        self._due = now + BEAT
        self._since = now
        self._worst = [0.0, 0.0]

    def beat(self, now: float) -> None:
        """The timer fired; the next turn is due in BEAT seconds."""
        if now - self._since > WINDOW:
            self._since = now
            self._worst = [0.0, self._worst[0]]
        self._worst[0] = max(self._worst[0], now - self._due)
        self._due = now + BEAT

    def overdue(self, now: float) -> float:
        """How long the timer should have fired already."""
        return max(0.0, now - self._due)

    def worst(self, now: float) -> float:
        """The greatest lateness of the last WINDOW seconds at least, twice that at most."""
        return max(*self._worst, self.overdue(now))


class LoopWatch:
    """Follows the lag of the running loop while it is entered."""

    def __init__(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._lag = Lag(self._loop.time())
        self._timer: asyncio.TimerHandle | None = None

    def __enter__(self) -> Self:
        self._timer = self._loop.call_later(BEAT, self._beat)
        return self

    def __exit__(self, *_: object) -> None:
        if self._timer is not None:
            self._timer.cancel()

    def worst(self) -> float:
        """Seconds; what metrics show."""
        return self._lag.worst(self._loop.time())

    def overdue(self) -> float:
        """Seconds; what /livez looks at."""
        return self._lag.overdue(self._loop.time())

    def _beat(self) -> None:
        self._lag.beat(self._loop.time())
        self._timer = self._loop.call_later(BEAT, self._beat)


class Health:
    """The server; `async with` it. `port` is the one it got, whatever was asked for."""

    def __init__(
        self,
        *,
        port: int,
        watch: LoopWatch,
        checks: Mapping[str, Check],
        metrics: Callable[[], Page],
        host: str = "",
    ) -> None:
        """Listens on `host` ("" stands for all addresses). `checks` are asked in their order."""
        self.port = port
        self._host = host
        self._watch = watch
        self._checks = checks
        self._metrics = metrics
        app = web.Application()
        app.router.add_get("/livez", self._live)
        app.router.add_get("/healthz", self._live)
        app.router.add_get("/readyz", self._ready)
        app.router.add_get("/metrics", self._page)
        self._runner = web.AppRunner(app, access_log=None, shutdown_timeout=1.0)

    async def __aenter__(self) -> Self:
        """Raises HostError if the port cannot be had."""
        listener = _listen(self._host, self.port)
        self.port = listener.getsockname()[1]
        await self._runner.setup()
        await web.SockSite(self._runner, listener).start()
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        await self._runner.cleanup()

    async def _live(self, _: web.Request) -> web.Response:
        overdue = self._watch.overdue()
        if overdue > STUCK:
            return _text(503, f"The program's loop is {overdue:.1f} s behind.\n")
        return _text(200, "ok\n")

    async def _ready(self, _: web.Request) -> web.Response:
        answers = [(name, check()) for name, check in self._checks.items()]
        lines = [f"{name}: {'ok' if said is None else said}\n" for name, said in answers]
        well = all(said is None for _, said in answers)
        return _text(200 if well else 503, "".join(lines) or "ok\n")

    async def _page(self, _: web.Request) -> web.Response:
        # Read on the loop, where the state is whole; written out in a thread, for with thousands of
        # addresses that takes longer than a speaker may be away from its hellos.
        text = await asyncio.to_thread(self._metrics().text)
        return web.Response(body=text, headers={"Content-Type": CONTENT_TYPE})


def _text(status: int, text: str) -> web.Response:
    return web.Response(status=status, text=text)


def _listen(host: str, port: int) -> socket.socket:
    """One socket for both families where the host has both, so that port 0 gives one port."""
    try:
        if not host and socket.has_dualstack_ipv6():
            return socket.create_server(
                ("", port), family=socket.AF_INET6, dualstack_ipv6=True, backlog=128
            )
        return socket.create_server((host, port), backlog=128)
    except OSError as error:
        cause = os.strerror(error.errno) if error.errno else str(error)
        raise HostError(
            f"Port {port} cannot be listened on ({cause}): give another with --port, or end the"
            " program that has it."
        ) from error
