"""Interfaces as netlink tells them: a snapshot, then every change, without polling.

    socket joins the groups for links and IPv4 addresses  →  dump  →  events, one message at a time

The socket is open before the dump begins, so nothing falls between the two; an event that the dump
knows already changes nothing. If events are lost (the kernel says ENOBUFS) a new dump is compared
with what was known. Dumps run in a thread: pyroute2's plain calls do not go inside an event loop.
"""

from __future__ import annotations

import asyncio
import errno
import socket
from collections.abc import AsyncIterator, Iterable, Mapping
from dataclasses import replace
from ipaddress import IPv4Interface
from types import TracebackType
from typing import Any, Self

from pyroute2.iproute.linux import IPRoute
from pyroute2.netlink.rtnl.marshal import MarshalRtnl

from speaker.layer2.interfaces import Link
from speaker.ports import LinkChange

_GROUPS = 0x1 | 0x10  # RTMGRP_LINK, RTMGRP_IPV4_IFADDR: linux/rtnetlink.h
_BUFFER = 1 << 20
_LARGEST = 1 << 16
_ETHERNET = 1  # ARPHRD_ETHER, linux/if_arp.h
_UP, _BROADCAST, _NOARP, _LOWER_UP = 0x1, 0x2, 0x80, 0x10000  # linux/if.h


class NetlinkLinks:
    """The port `Links`."""

    def __init__(self, buffer: int = _BUFFER) -> None:
        """`buffer` is the kernel's room for unread events, in bytes."""
        self._buffer = buffer
        self._table = LinkTable()

    async def __aenter__(self) -> Self:
        self._socket = socket.socket(
            socket.AF_NETLINK,
            socket.SOCK_RAW | socket.SOCK_NONBLOCK | socket.SOCK_CLOEXEC,
            socket.NETLINK_ROUTE,
        )
        try:
            self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, self._buffer)
            self._socket.bind((0, _GROUPS))
            self._table.become(await asyncio.to_thread(_dump))
        except BaseException:
            self._socket.close()
            raise
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._socket.close()

    async def snapshot(self) -> Mapping[int, Link]:
        return self._table.links

    async def changes(self) -> AsyncIterator[LinkChange]:
        loop = asyncio.get_running_loop()
        while True:
            try:
                data = await loop.sock_recv(self._socket, _LARGEST)
            except OSError as error:
                if error.errno != errno.ENOBUFS:
                    raise
                self._discard()
                found = self._table.become(await asyncio.to_thread(_dump))
            else:
                found = self._table.take(MarshalRtnl().parse(data))
            for change in found:
                yield change
            # sock_recv does not pause while there is something to read: a storm of events must not
            # keep the loop from its timers.
            await asyncio.sleep(0)

    def _discard(self) -> None:
        """Throw away what is queued: with events missing behind it, it would be believed."""
        while True:
            try:
                self._socket.recv(_LARGEST)
            except BlockingIOError:
                return
            except OSError as error:
                if error.errno != errno.ENOBUFS:
                    raise


class LinkTable:
    """Links by ifindex, and what messages do to them."""

    def __init__(self) -> None:
        self._links: dict[int, Link] = {}

    @property
    def links(self) -> dict[int, Link]:
        """A copy."""
        return dict(self._links)

    def become(self, links: Mapping[int, Link]) -> list[LinkChange]:
        """Take over a whole new state; what differs from the old one, in order of ifindex."""
        indexes = sorted(self._links.keys() | links.keys())
        changes = [self._set(ifindex, links.get(ifindex)) for ifindex in indexes]
        return [change for change in changes if change is not None]

    def take(self, messages: Iterable[Any]) -> list[LinkChange]:
        """Take over events, in their order, each by itself."""
        changes = [self._event(message) for message in messages]
        return [change for change in changes if change is not None]

    def _event(self, message: Any) -> LinkChange | None:
        event = message["event"]
        ifindex = message["index"]
        known = self._links.get(ifindex)
        if event in ("RTM_NEWADDR", "RTM_DELADDR"):
            if known is None:
                return None
            return self._set(ifindex, _with_address(known, message, event == "RTM_NEWADDR"))
        if message["family"] != socket.AF_UNSPEC or message.get_attr("IFLA_IFNAME") is None:
            return (
                None  # about a port of a bridge, or news of a wireless driver: not about the link
            )
        if event == "RTM_DELLINK":
            return self._set(ifindex, None)
        return self._set(ifindex, _link(message, () if known is None else known.addresses))

    def _set(self, ifindex: int, after: Link | None) -> LinkChange | None:
        before = self._links.get(ifindex)
        if before == after:
            return None
        if after is None:
            del self._links[ifindex]
        else:
            self._links[ifindex] = after
        return LinkChange(before, after)


def _dump() -> dict[int, Link]:
    with IPRoute() as route:
        links = {message["index"]: _link(message, ()) for message in route.get_links()}
        for message in route.get_addr(family=socket.AF_INET):
            if message["index"] in links:
                links[message["index"]] = _with_address(links[message["index"]], message, True)
    return links


def _link(message: Any, addresses: tuple[IPv4Interface, ...]) -> Link:
    flags = message["flags"]
    ethernet = message["ifi_type"] == _ETHERNET
    return Link(
        ifindex=message["index"],
        name=message.get_attr("IFLA_IFNAME"),
        mac=bytes.fromhex((message.get_attr("IFLA_ADDRESS") or "").replace(":", ""))
        if ethernet
        else b"",
        up=bool(flags & _UP),
        carrier=bool(flags & _LOWER_UP),
        kind=message.get_nested("IFLA_LINKINFO", "IFLA_INFO_KIND") or "",
        master=message.get_attr("IFLA_MASTER") or 0,
        arp=not flags & _NOARP,
        broadcast=bool(flags & _BROADCAST),
        addresses=addresses,
    )


def _with_address(link: Link, message: Any, present: bool) -> Link:
    """The link with an address more or less; the order is the kernel's, primary ones first."""
    text = message.get_attr("IFA_LOCAL") or message.get_attr("IFA_ADDRESS")
    address = IPv4Interface(f"{text}/{message['prefixlen']}")
    others = tuple(one for one in link.addresses if one != address)
    if not present:
        return replace(link, addresses=others)
    return (
        link if len(others) < len(link.addresses) else replace(link, addresses=(*others, address))
    )
