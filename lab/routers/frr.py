"""FRR: zebra and bgpd, asked through vtysh's JSON; what it learns it puts into its kernel.

Both run as Debian's user `frr`: zebra refuses any user outside of the group `frrvty`. Sockets and
configuration lie in the lab's run directory, so that neither another lab's FRR nor one of the
machine's own is met. Both also make a directory in /run, whatever they are told: `ip netns exec`
gives every program mounts of its own, and in these /run is a directory of the lab.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator, Sequence
from pathlib import Path as File
from typing import Any

from lab.routers.port import IPV4, IPV6, Path, Router, Routes, Session, Settings
from lab.rundir import BASE
from lab.waiting import until

_DAEMONS = File("/usr/lib/frr")
_USER = "frr"
_BECOME = """\
mount --rbind "$1" "$0$1" && mount --rbind "$0/run" /run && shift && exec "$@"
"""

_CAPABILITIES = {
    "multiprotocolExtensions": 1,
    "routeRefresh": 2,
    "extendedNexthop": 5,
    "extendedMessage": 6,
    "gracefulRestartCapability": 64,  # of one side only
    "gracefulRestart": 64,
    "4byteAs": 65,
    "enhancedRouteRefresh": 70,
    "longLivedGracefulRestart": 71,
}
_FAMILIES = {"ipv4Unicast": IPV4, "ipv6Unicast": IPV6}


class Frr(Router):
    """FRR on a host of the lab."""

    name = "frr"
    programs = (str(_DAEMONS / "zebra"), str(_DAEMONS / "bgpd"), "/usr/bin/vtysh")
    template = "frr.conf"

    def sessions(self) -> dict[str, Session]:
        told = self._json("show bgp neighbors json")
        return {each.address: _session(told[each.address]) for each in self.settings.neighbours}

    def routes(self) -> Routes:
        return self._known(
            found
            for family in (IPV4, IPV6)
            for found in _paths(self._json(f"show bgp {family} unicast json detail"))
        )

    def _start(self) -> None:
        shutil.chown(self.directory, _USER, _USER)
        self._inside(BASE).mkdir(parents=True, exist_ok=True)
        nothing = self.directory / "zebra.conf"
        nothing.touch()
        # bgpd looks for zebra ten times at most, so that has to be there.
        self._daemon("zebra", nothing)
        until((self.directory / "zserv.api").exists, f"zebra on {self.host.name} listens")
        self._daemon("bgpd", self._file)

    def _daemon(self, name: str, configuration: File) -> None:
        shutil.chown(configuration, _USER, _USER)
        self._run(
            name,
            *("sh", "-c", _BECOME, self.directory, BASE),
            _DAEMONS / name,
            *("-f", configuration),
            *("-i", self.directory / f"{name}.pid"),
            *("-z", self.directory / "zserv.api"),
            *("--vty_socket", self.directory),
            *("-P", "0"),
        )

    def _inside(self, path: File) -> File:
        """Where a path of the machine is to be found among the daemons' own mounts."""
        return self.directory / path.relative_to("/")

    def _gone(self) -> None:
        super()._gone()
        (self.directory / "zserv.api").unlink(missing_ok=True)

    def _command(self) -> Sequence[str | File]:
        return ["vtysh", "--vty_socket", self.directory]

    def _ping(self) -> None:
        self._json("show bgp neighbors json")

    def _reload(self, before: Settings) -> None:
        # bgpd has no reload: what is gone or different is taken away, and the rest said once more.
        kept = set(self.settings.neighbours)
        orders = [f"no neighbor {each.address}" for each in before.neighbours if each not in kept]
        for prefix in set(before.networks) - set(self.settings.networks):
            family = IPV6 if ":" in prefix else IPV4
            orders += [f"address-family {family} unicast", f"no network {prefix}", "exit"]
        script = self.directory / "reload"
        words = "\n".join([f"router bgp {self.settings.asn}", *orders, "exit"])
        script.write_text(f"{words}\n{self._file.read_text()}")
        self.ask("-f", script)

    def _json(self, question: str) -> dict[str, Any]:
        told: dict[str, Any] = json.loads(self.ask("-c", question))
        return told


def _session(told: dict[str, Any]) -> Session:
    established = told["bgpState"] == "Established"
    offered = told.get("neighborCapabilities", {})
    families = offered.get("multiprotocolExtensions", {})
    return Session(
        state=told["bgpState"].lower(),
        uptime=told["bgpTimerUpMsec"] / 1000 if established else None,
        capabilities=frozenset(
            number for name, number in _CAPABILITIES.items() if _received(offered.get(name))
        ),
        families=frozenset(_FAMILIES[name] for name in families if _received(families[name])),
        hold_time=told["bgpTimerHoldTimeMsecs"] // 1000 if established else 0,
        last_error=told.get("lastErrorCodeSubcode", "") or told.get("lastResetDueTo", ""),
    )


def _received(told: Any) -> bool:
    """Whether the neighbour has sent a capability: a text, or flags for each family."""
    if isinstance(told, dict):
        return any(
            _received(value) if isinstance(value, dict) else "eceived" in key
            for key, value in told.items()
        )
    return "eceived" in str(told)


def _paths(told: dict[str, Any]) -> Iterator[tuple[str, Path]]:
    for prefix, entries in told.get("routes", {}).items():
        for entry in entries:
            if "peer" in entry:
                yield prefix, _path(entry)


def _path(told: dict[str, Any]) -> Path:
    return Path(
        neighbour=told["peer"]["peerId"],
        next_hop=next(hop["ip"] for hop in told["nexthops"] if hop.get("scope") != "link-local"),
        as_path=tuple(
            number for segment in told["aspath"]["segments"] for number in segment["list"]
        ),
        origin=told["origin"].lower(),
        local_pref=told.get("locPrf"),
        communities=frozenset(told.get("community", {}).get("list", ())),
        large_communities=frozenset(told.get("largeCommunity", {}).get("list", ())),
    )
