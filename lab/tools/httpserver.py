"""A pod's HTTP server: answers every request with one fixed line, and does it cheaply.

    python -m lab.tools.httpserver "pod1 on node1" --port 8080 --port 8443

It speaks as much HTTP/1.1 as its clients here need: requests without a body, one after the other on
a connection that is kept unless the client asks for `Connection: close`.
"""

from __future__ import annotations

import argparse
import asyncio
import signal
from typing import cast

from lab.tools import ready

_LONGEST_REQUEST = 16_384
_BACKLOG = 4096


class Answer(asyncio.Protocol):
    """One connection; `keep` and `close` are the whole responses, made once."""

    def __init__(self, keep: bytes, close: bytes) -> None:
        self._keep = keep
        self._close = close
        self._seen = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)

    def data_received(self, data: bytes) -> None:
        self._seen += data
        *requests, self._seen = self._seen.split(b"\r\n\r\n")
        for request in requests:
            if b"\r\nconnection: close" in request.lower():
                self._transport.write(self._close)
                self._transport.close()
                return
            self._transport.write(self._keep)
        if len(self._seen) > _LONGEST_REQUEST:
            self._transport.abort()


def response(text: str, connection: str) -> bytes:
    """A whole response with `text` as its body."""
    body = text.encode()
    head = (
        "HTTP/1.1 200 OK\r\nContent-Type: text/plain; charset=utf-8\r\n"
        f"Content-Length: {len(body)}\r\nConnection: {connection}\r\n\r\n"
    )
    return head.encode() + body


async def serve(text: str, ports: list[int]) -> None:
    """Listen on all addresses until SIGTERM or SIGINT."""
    loop = asyncio.get_running_loop()
    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    keep, close = response(text, "keep-alive"), response(text, "close")
    servers = [
        await loop.create_server(
            lambda: Answer(keep, close), "0.0.0.0", port, backlog=_BACKLOG, reuse_address=True
        )
        for port in ports
    ]
    ready.tell()
    await stop.wait()
    for server in servers:
        server.close()


def main() -> None:
    parser = argparse.ArgumentParser(prog="lab.tools.httpserver", description=__doc__)
    parser.add_argument("text", help="the body of every answer")
    parser.add_argument("--port", type=int, action="append", required=True, dest="ports")
    arguments = parser.parse_args()
    asyncio.run(serve(arguments.text.rstrip("\n") + "\n", arguments.ports))


if __name__ == "__main__":
    main()
