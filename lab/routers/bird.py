"""BIRD, asked through birdc's text; what it learns it puts into its kernel, equal paths merged.

A protocol is named after its neighbour's address, since that is how birdc tells a path's origin.
"""

from __future__ import annotations

import re
import time
from collections.abc import Iterator, Sequence
from pathlib import Path as File
from typing import Any

from lab.routers.port import IPV4, IPV6, Neighbour, Path, Router, Routes, Session, Settings

_PROTOCOL = "neighbour_"
_CAPABILITIES = {
    "Multiprotocol": 1,
    "Route refresh": 2,
    "Extended next hop": 5,
    "Extended message": 6,
    "Graceful restart": 64,
    "4-octet AS numbers": 65,
    "Enhanced refresh": 70,
    "Long-lived graceful restart": 71,
}


class Bird(Router):
    """BIRD on a host of the lab."""

    name = "bird"
    programs = ("/usr/sbin/bird", "/usr/sbin/birdc")
    template = "bird.conf"

    def sessions(self) -> dict[str, Session]:
        return {
            each.address: _session(self.ask("show", "protocols", "all", _named(each)))
            for each in self.settings.neighbours
        }

    def routes(self) -> Routes:
        addresses = {_named(each): each.address for each in self.settings.neighbours}
        return self._known(_paths(self.ask("show", "route", "all"), addresses))

    def _start(self) -> None:
        place = self.directory
        socket, pid = place / "bird.ctl", place / "bird.pid"
        self._run("bird", self.programs[0], "-f", "-c", self._file, "-s", socket, "-P", pid)

    def _command(self) -> Sequence[str | File]:
        return ["birdc", "-s", self.directory / "bird.ctl"]

    def _ping(self) -> None:
        self.ask("show", "status")

    def _reload(self, _before: Settings) -> None:
        self.ask("configure")

    def _neighbour(self, neighbour: Neighbour) -> dict[str, Any]:
        return {**super()._neighbour(neighbour), "protocol": _named(neighbour)}


def _named(neighbour: Neighbour) -> str:
    return _PROTOCOL + re.sub(r"\W", "_", neighbour.address)


def _session(told: str) -> Session:
    values = dict(re.findall(r"^ +([A-Z][\w ]+): +(.*?) *$", told, re.MULTILINE))
    state = values["BGP state"].split()[0].lower()
    since = re.search(rf"^{_PROTOCOL}\w+ +BGP +\S+ +\w+ +([\d.]+)", told, re.MULTILINE)
    offered = re.search(r"^ +Neighbor capabilities\n((?:      .*\n)*)", told, re.MULTILINE)
    capabilities = re.findall(r"^ {6}(\w.*?) *$", offered[1] if offered else "", re.MULTILINE)
    families = re.search(r"AF announced: (.*)", offered[1] if offered else "")
    established = state == "established"
    return Session(
        state=state,
        uptime=time.time() - float(since[1]) if since and established else None,
        capabilities=frozenset(
            number for name, number in _CAPABILITIES.items() if name in capabilities
        ),
        families=frozenset(families[1].split() if families else ()) & {IPV4, IPV6},
        hold_time=int(values["Hold timer"].rpartition("/")[2]) if established else 0,
        last_error=values.get("Last error", ""),
    )


def _paths(told: str, addresses: dict[str, str]) -> Iterator[tuple[str, Path]]:
    """From `show route all`: a path's first line begins with its prefix unless that is as above."""
    prefix = ""
    first = re.compile(r"^(\S*) +\w+ \[(\w+) .*\]\n((?:\t.*\n)*)", re.MULTILINE)
    for match in first.finditer(told):
        prefix = match[1] or prefix
        if match[2] in addresses:
            values = dict(re.findall(r"^\tBGP\.(\w+): (.*)$", match[3], re.MULTILINE))
            yield prefix, _path(addresses[match[2]], values)


def _path(neighbour: str, values: dict[str, str]) -> Path:
    return Path(
        neighbour=neighbour,
        next_hop=values["next_hop"].split()[0],
        as_path=tuple(int(number) for number in re.findall(r"\d+", values["as_path"])),
        origin=values["origin"].lower(),
        local_pref=int(values["local_pref"]),
        communities=_communities(values.get("community", "")),
        large_communities=_communities(values.get("large_community", "")),
    )


def _communities(text: str) -> frozenset[str]:
    return frozenset(
        re.sub(r",\s*", ":", community) for community in re.findall(r"\(([\d, ]+)\)", text)
    )
