"""Sends HTTP requests at a constant rate and counts what is lost, and who answered.

    python -m lab.tools.httpload http://192.0.2.240:80/ --rate 1000

An open loop: requests leave when they are due, whether earlier ones are answered or not. Each opens
a connection of its own unless --keep-alive. A request is lost when its whole answer has not come
after --timeout, or its connection fails; it is late when TCP needed a second or more, which means
that something on the way was lost and sent again. Runs until SIGTERM and writes JSON lines: one
each second, and a summary.
"""

from __future__ import annotations

import argparse
import errno
import json
import resource
import select
import signal
import socket
import time
from array import array
from collections import Counter, deque
from typing import Any
from urllib.parse import urlsplit

from lab.tools import ready
from lab.tools.tally import percentiles

SECOND = 1_000_000_000
LATE = SECOND


class Exchange:
    """One request under way, on a new connection or on one that was kept."""

    __slots__ = ("done", "got", "sent", "socket", "start")

    def __init__(self, connection: socket.socket, start: int) -> None:
        self.socket = connection
        self.start = start
        self.sent = False
        self.done = False
        self.got = b""


class Load:
    """The load on one server."""

    def __init__(self, url: str, rate: float, timeout: float, keep_alive: bool) -> None:
        parts = urlsplit(url)
        self._target = (parts.hostname or "", parts.port or 80)
        self._request = (
            f"GET {parts.path or '/'} HTTP/1.1\r\nHost: {parts.netloc}\r\n"
            f"Connection: {'keep-alive' if keep_alive else 'close'}\r\n\r\n"
        ).encode()
        self._interval = int(SECOND / rate)
        self._timeout = int(timeout * SECOND)
        self._keep_alive = keep_alive
        self._epoll = select.epoll()
        self._open: dict[int, Exchange] = {}
        self._by_age: deque[Exchange] = deque()
        self._idle: list[socket.socket] = []
        self._taken = array("Q")
        self._answers, self._errors = Counter[str](), Counter[str]()
        self._sent = self._lost = self._late = 0
        self._stop = False

    def stop(self, *_signal: object) -> None:
        """Send no more; `run` returns when what is under way had its time."""
        self._stop = True

    def run(self, seconds: float) -> dict[str, Any]:
        """Send until `stop`, `seconds` at most, and sum up."""
        start = due = time.monotonic_ns()
        told = start + SECOND
        end = start + int(seconds * SECOND)
        ready.tell()
        while not self._stop and due < end:
            now = time.monotonic_ns()
            while due <= now:
                self._begin()
                due += self._interval
            self._turn(min(due, told))
            if now >= told:
                tell({"event": "second", **self._counts()})
                told += SECOND
        sending = (time.monotonic_ns() - start) / SECOND
        while self._open:
            self._turn(time.monotonic_ns() + SECOND // 100)
        return {
            "event": "summary",
            **self._counts(),
            "late": self._late,
            "errors": dict(self._errors),
            "answers": dict(self._answers),
            "ns": percentiles(self._taken),
            "seconds": sending,
        }

    def _counts(self) -> dict[str, int]:
        return {"sent": self._sent, "answered": len(self._taken), "lost": self._lost}

    def _begin(self) -> None:
        self._sent += 1
        now = time.monotonic_ns()
        if self._idle:
            exchange = Exchange(self._idle.pop(), now)
            self._register(exchange, select.EPOLLIN)
            self._write(exchange)
            return
        connection = socket.socket(socket.AF_INET, socket.SOCK_STREAM | socket.SOCK_NONBLOCK)
        exchange = Exchange(connection, now)
        self._register(exchange, select.EPOLLOUT)
        if (code := connection.connect_ex(self._target)) not in (0, errno.EINPROGRESS):
            self._lose(exchange, errno.errorcode.get(code, str(code)))

    def _register(self, exchange: Exchange, events: int) -> None:
        self._open[exchange.socket.fileno()] = exchange
        self._by_age.append(exchange)
        self._epoll.register(exchange.socket.fileno(), events)

    def _turn(self, until: int) -> None:
        """Serve what is ready, waiting for it until then at most; give up what is too old."""
        wait = max(0.0, (until - time.monotonic_ns()) / SECOND)
        for fd, _ in self._epoll.poll(wait):
            exchange = self._open[fd]
            if exchange.sent:
                self._read(exchange)
            else:
                self._write(exchange)
        oldest = time.monotonic_ns() - self._timeout
        while self._by_age and (self._by_age[0].done or self._by_age[0].start < oldest):
            exchange = self._by_age.popleft()
            if not exchange.done:
                self._lose(exchange, "timeout")

    def _write(self, exchange: Exchange) -> None:
        if code := exchange.socket.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR):
            self._lose(exchange, errno.errorcode.get(code, str(code)))
            return
        try:
            exchange.socket.send(self._request)
        except OSError as error:
            self._lose(exchange, errno.errorcode.get(error.errno or 0, str(error)))
            return
        exchange.sent = True
        self._epoll.modify(exchange.socket.fileno(), select.EPOLLIN)

    def _read(self, exchange: Exchange) -> None:
        try:
            data = exchange.socket.recv(65536)
        except OSError as error:
            self._lose(exchange, errno.errorcode.get(error.errno or 0, str(error)))
            return
        if not data:
            self._lose(exchange, "closed early")
            return
        exchange.got += data
        body = whole_body(exchange.got)
        if body is not None:
            self._answered(exchange, body)

    def _answered(self, exchange: Exchange, body: str) -> None:
        taken = time.monotonic_ns() - exchange.start
        self._taken.append(taken)
        self._late += taken >= LATE
        self._answers[body] += 1
        self._leave(exchange)
        if self._keep_alive:
            self._idle.append(exchange.socket)
        else:
            exchange.socket.close()

    def _lose(self, exchange: Exchange, why: str) -> None:
        self._lost += 1
        self._errors[why] += 1
        self._leave(exchange)
        exchange.socket.close()

    def _leave(self, exchange: Exchange) -> None:
        exchange.done = True
        del self._open[exchange.socket.fileno()]
        self._epoll.unregister(exchange.socket.fileno())


def whole_body(seen: bytes) -> str | None:
    """The body of a response with a Content-Length, once all of it is there."""
    head, separator, body = seen.partition(b"\r\n\r\n")
    if not separator:
        return None
    for line in head.lower().split(b"\r\n"):
        if line.startswith(b"content-length:"):
            length = int(line.partition(b":")[2])
            return body[:length].decode(errors="replace").strip() if len(body) >= length else None
    return None


def tell(line: dict[str, Any]) -> None:
    """Write one JSON line, at once."""
    print(json.dumps(line), flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(prog="lab.tools.httpload", description=__doc__)
    parser.add_argument("url", help="http://ADDRESS[:PORT]/PATH, the address as a number")
    parser.add_argument("--rate", type=float, default=1000.0, help="requests per second")
    parser.add_argument("--seconds", type=float, default=120.0, help="never run longer than this")
    parser.add_argument("--timeout", type=float, default=5.0, help="seconds until one is lost")
    parser.add_argument("--keep-alive", action="store_true", help="use connections again")
    given = parser.parse_args()
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
    load = Load(given.url, given.rate, given.timeout, given.keep_alive)
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, load.stop)
    tell(load.run(given.seconds))


if __name__ == "__main__":
    main()
