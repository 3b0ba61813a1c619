"""XDP by netlink: which program is on an interface, and putting one there.

The kernel's rules, as seen on Linux 6.18 (include/uapi/linux/if_link.h has the names):

    UPDATE_IF_NOEXIST               EBUSY if any program is there
    REPLACE with an expected fd     EEXIST unless exactly that program is there; atomic
    an expected fd without REPLACE  is ignored: overwrites whatever is there; never used here
    the other mode than attached    EEXIST; the old one must go first
    a bpf_link holds the interface  EBUSY for every change
"""

from __future__ import annotations

import errno
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from pyroute2.iproute.linux import IPRoute
from pyroute2.netlink.exceptions import NetlinkError

from vipcast.model.xdp import XdpMode

_NOEXIST, _REPLACE = 1 << 0, 1 << 4
_MODE_FLAG = {XdpMode.GENERIC: 1 << 1, XdpMode.NATIVE: 1 << 2}
_MODE_NAME = {"xdp": XdpMode.NATIVE, "xdpgeneric": XdpMode.GENERIC}
_NOTHING = -1


@dataclass(frozen=True, slots=True)
class Attached:
    """A program on an interface; `mode` is None for hardware, or for several modes at once."""

    mode: XdpMode | None
    program: int


class Refused(OSError):
    """The kernel refused a change; `str` is its own word, errno's name in front."""

    def __init__(self, error: OSError | NetlinkError) -> None:
        code = error.code if isinstance(error, NetlinkError) else error.errno or 0
        word = str(error.args[1]) if len(error.args) > 1 else os.strerror(code)
        super().__init__(code, word)

    def __str__(self) -> str:
        name = errno.errorcode.get(self.errno or 0, str(self.errno))
        return f"{name}: {self.strerror}"


class Netlink:
    """One conversation with the kernel about XDP on the interfaces of this network namespace."""

    def __init__(self, route: IPRoute) -> None:
        self._route = route

    def attached(self, ifindex: int) -> Attached | None:
        """What is on an interface; Refused (ENODEV) if that is gone."""
        with _refusals():
            return _attached(self._route.get_links(ifindex)[0])

    def everywhere(self) -> dict[int, tuple[str, Attached]]:
        """Name and program of every interface that has one, by ifindex."""
        with _refusals():
            links = list(self._route.get_links())
        found = ((link["index"], link.get_attr("IFLA_IFNAME"), _attached(link)) for link in links)
        return {ifindex: (name, one) for ifindex, name, one in found if one is not None}

    def attach(self, ifindex: int, mode: XdpMode, fd: int) -> None:
        """Put a program where there is none."""
        self._set(ifindex, fd, _MODE_FLAG[mode] | _NOEXIST)

    def replace(self, ifindex: int, mode: XdpMode, fd: int, expected: int) -> None:
        """Put a program in the place of another, given as descriptors; no frame meets neither."""
        self._set(ifindex, fd, _MODE_FLAG[mode] | _REPLACE, expected)

    def detach(self, ifindex: int, mode: XdpMode, expected: int) -> None:
        """Take a program off, if it is the one expected."""
        self._set(ifindex, _NOTHING, _MODE_FLAG[mode] | _REPLACE, expected)

    def _set(self, ifindex: int, fd: int, flags: int, expected: int | None = None) -> None:
        attributes: list[tuple[str, int]] = [("IFLA_XDP_FD", fd), ("IFLA_XDP_FLAGS", flags)]
        if expected is not None:
            attributes.append(("IFLA_XDP_EXPECTED_FD", expected))
        with _refusals():
            self._route.link("set", index=ifindex, xdp={"attrs": attributes})


@contextmanager
def netlink() -> Iterator[Netlink]:
    """Open a socket for a while. Not inside a running event loop."""
    with _refusals():
        route = IPRoute()
    with route:
        yield Netlink(route)


@contextmanager
def _refusals() -> Iterator[None]:
    try:
        yield
    except (NetlinkError, OSError) as error:
        raise Refused(error) from error


def _attached(link: Any) -> Attached | None:
    xdp = link.get_attr("IFLA_XDP")
    if xdp is None or xdp.get_attr("IFLA_XDP_ATTACHED") is None:
        return None
    program = xdp.get_attr("IFLA_XDP_PROG_ID") or xdp.get_attr("IFLA_XDP_DRV_PROG_ID") or 0
    return Attached(_MODE_NAME.get(xdp.get_attr("IFLA_XDP_ATTACHED")), program)
