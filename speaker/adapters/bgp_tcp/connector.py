"""From a target to a connection, or to the words why there is none: the port `Connector`."""

from __future__ import annotations

import asyncio
from ipaddress import ip_address

from speaker.adapters.bgp_tcp import failures, footing
from speaker.adapters.bgp_tcp.link import TcpLink
from speaker.adapters.bgp_tcp.pacemaker import Pacemaker
from speaker.adapters.bgp_tcp.sockets import open_socket
from speaker.ports import Footing, Target


class TcpConnector:
    """Made inside a running event loop, which everything then happens on."""

    def __init__(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._pacemaker = Pacemaker(self._loop)
        self._links: set[TcpLink] = set()
        self._empty = asyncio.Event()
        self._empty.set()

    def footing(self, target: Target) -> Footing:
        return footing.find(target)

    async def connect(self, target: Target) -> TcpLink:
        sock, address = open_socket(target)
        try:
            await self._loop.sock_connect(sock, address)
            local = ip_address(sock.getsockname()[0].partition("%")[0])
            stands = footing.find(target, local)
            link = TcpLink(sock, target, stands, self._pacemaker, self._forget)
        except OSError as error:
            sock.close()
            raise failures.failed(error, target) from error
        except BaseException:
            sock.close()
            raise
        self._links.add(link)
        self._empty.clear()
        return link

    async def close(self) -> None:
        for link in list(self._links):
            if not link.leaving:
                link.abort()
        await self._empty.wait()

    def _forget(self, link: TcpLink) -> None:
        self._links.discard(link)
        if not self._links:
            self._empty.set()
