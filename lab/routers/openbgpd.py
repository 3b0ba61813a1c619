"""OpenBGPD, asked through bgpctl's JSON; on Linux it keeps tables and nothing else.

Its processes change their root to the home of the user `_openbgpd`, a directory of the machine that
need not be there. `ip netns exec` gives every program mounts of its own: in these, /etc/passwd is a
file of the lab, where that home is a directory of the lab.

A neighbour from which a second NOTIFICATION comes within a short time is refused for 30 seconds,
and for twice as long each time after that; `ask("neighbor", ADDRESS, "clear")` ends it.
"""

from __future__ import annotations

import json
import pwd
from collections.abc import Iterator, Sequence
from pathlib import Path as File
from typing import Any

from lab.errors import LabError
from lab.routers.port import IPV4, IPV6, Path, Router, Routes, Session, Settings

_USER = "_openbgpd"
_BECOME = 'mount --bind "$0" /etc/passwd && exec "$@"'
_CAPABILITIES = {
    "multiprotocol": 1,
    "refresh": 2,
    "graceful_restart": 64,
    "as4byte": 65,
    "enhanced_refresh": 70,
}
_FAMILIES = {"IPv4 unicast": IPV4, "IPv6 unicast": IPV6}


class OpenBgpd(Router):
    """OpenBGPD on a host of the lab."""

    name = "openbgpd"
    programs = ("/usr/sbin/bgpd", "/usr/sbin/bgpctl")
    template = "openbgpd.conf"

    def sessions(self) -> dict[str, Session]:
        told = {each["remote_addr"]: each for each in self._json("show", "neighbor")["neighbors"]}
        return {each.address: _session(told[each.address]) for each in self.settings.neighbours}

    def routes(self) -> Routes:
        return self._known(_paths(self._json("show", "rib", "detail").get("rib", ())))

    def _start(self) -> None:
        try:
            user = pwd.getpwnam(_USER)
        except KeyError:
            raise LabError(f"no user {_USER}: run scripts/setup") from None
        root = self.directory / "empty"
        root.mkdir(exist_ok=True)
        users = self.directory / "passwd"
        users.write_text(
            "root:x:0:0:root:/root:/bin/sh\n"
            f"{_USER}:x:{user.pw_uid}:{user.pw_gid}::{root}:/usr/sbin/nologin\n"
        )
        become: list[str | File] = ["sh", "-c", _BECOME, users]
        self._run("bgpd", *become, self.programs[0], "-d", "-f", self._file)

    def _command(self) -> Sequence[str | File]:
        return ["bgpctl", "-s", self.directory / "bgpd.sock"]

    def _ping(self) -> None:
        self._json("show", "neighbor")

    def _reload(self, _before: Settings) -> None:
        self.ask("reload")

    def _json(self, *words: str) -> dict[str, Any]:
        told: dict[str, Any] = json.loads(self.ask("-j", *words))
        return told


def _session(told: dict[str, Any]) -> Session:
    established = told["state"] == "Established"
    session = told.get("session", {})
    offered = session.get("remote", {}).get("capabilities", {}) if established else {}
    return Session(
        state=told["state"].lower(),
        uptime=float(told["last_updown_sec"]) if established else None,
        capabilities=frozenset(
            number for name, number in _CAPABILITIES.items() if offered.get(name)
        ),
        families=frozenset(_FAMILIES[name] for name in offered.get("multiprotocol", ())),
        hold_time=int(session["holdtime"]) if established else 0,
        last_error=told.get("last_error_received") or told.get("last_error_sent") or "",
    )


def _paths(told: Sequence[dict[str, Any]]) -> Iterator[tuple[str, Path]]:
    for entry in told:
        yield (
            entry["prefix"],
            Path(
                neighbour=entry["neighbor"]["remote_addr"],
                next_hop=entry["exit_nexthop"],
                as_path=tuple(int(number) for number in entry["aspath"].split()),
                origin=entry["origin"].lower(),
                local_pref=entry["localpref"],
                communities=frozenset(entry.get("communities", ())),
                large_communities=frozenset(entry.get("large_communities", ())),
            ),
        )
