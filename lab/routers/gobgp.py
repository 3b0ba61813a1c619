"""GoBGP, asked through gobgp's JSON; it keeps tables and puts nothing into the kernel.

After a session has ended it refuses connections for five seconds, whatever its configuration says.
Why one has ended only its log tells. `ask("neighbor", ADDRESS, "reset")` costs half a minute.
"""

from __future__ import annotations

import base64
import json
import re
import signal
import time
from collections.abc import Iterator, Sequence
from pathlib import Path as File
from typing import Any

from lab.errors import CommandFailed
from lab.routers.port import IPV4, IPV6, Path, Router, Routes, Session, Settings

_STATES = ("unknown", "idle", "connect", "active", "opensent", "openconfirm", "established")
_ORIGINS = ("igp", "egp", "incomplete")
_FAMILIES = {(1, 1): IPV4, (2, 1): IPV6}
_CAPABILITIES = {
    "MultiProtocolCapability": 1,
    "RouteRefreshCapability": 2,
    "ExtendedNexthopCapability": 5,
    "GracefulRestartCapability": 64,
    "FourOctetASNCapability": 65,
    "EnhancedRouteRefreshCapability": 70,
    "LongLivedGracefulRestartCapability": 71,
}


class GoBgp(Router):
    """GoBGP on a host of the lab."""

    name = "gobgp"
    programs = ("/usr/bin/gobgpd", "/usr/bin/gobgp")
    template = "gobgpd.toml"

    def sessions(self) -> dict[str, Session]:
        log = self._running[0].output
        return {
            each.address: _session(self._json("neighbor", each.address), _last(log, each.address))
            for each in self.settings.neighbours
        }

    def routes(self) -> Routes:
        return self._known(
            found
            for family in (IPV4, IPV6)
            for found in _paths(self._json("global", "rib", "-a", family))
        )

    def _start(self) -> None:
        self._socket.unlink(missing_ok=True)
        self._run(
            "gobgpd",
            self.programs[0],
            *("-f", self._file, "-t", "toml"),
            *("--log-plain", "--pprof-disable"),
            *("--api-hosts", self._target),
        )

    def start(self) -> None:
        super().start()
        self._announce("add", self.settings.networks)

    def _announce(self, order: str, networks: Sequence[str]) -> None:
        for prefix in networks:
            self.ask("global", "rib", order, "-a", IPV6 if ":" in prefix else IPV4, prefix)

    @property
    def _socket(self) -> File:
        return self.directory / "gobgp.sock"

    @property
    def _target(self) -> str:
        return f"unix://{self._socket}"

    def _command(self) -> Sequence[str | File]:
        return ["gobgp", "--target", self._target]

    def _ping(self) -> None:
        # Asked too early, gobgp waits for a second before it tries again.
        if not self._socket.exists():
            raise CommandFailed("gobgpd does not listen yet")
        self._json("neighbor")

    def _reload(self, before: Settings) -> None:
        self._running[0].send(signal.SIGHUP)
        gone = set(before.networks) - set(self.settings.networks)
        self._announce("del", sorted(gone))
        self._announce("add", sorted(set(self.settings.networks) - set(before.networks)))

    def _values(self) -> dict[str, Any]:
        return {"restarts": str(self.settings.graceful_restart).lower()}

    def _json(self, *words: str) -> Any:
        return json.loads(self.ask("-j", *words))


def _session(told: dict[str, Any], last_error: str) -> Session:
    state = _STATES[told["state"].get("session_state", 0)]
    timers = told["timers"]["state"]
    offered = told["state"].get("remote_cap", ()) if state == "established" else ()
    kinds = [(each["type_url"].rpartition(".")[2], each.get("value", "")) for each in offered]
    established = state == "established"
    return Session(
        state=state,
        uptime=time.time() - timers["uptime"]["seconds"] if established else None,
        capabilities=frozenset(map(_number, *zip(*kinds, strict=True))) if kinds else frozenset(),
        families=frozenset(
            _family(value) for kind, value in kinds if kind == "MultiProtocolCapability"
        ),
        hold_time=int(timers.get("negotiated_hold_time", 0)) if established else 0,
        last_error=last_error,
    )


def _number(kind: str, value: str) -> int:
    """A capability's number; of one that GoBGP does not know it is the first field (protobuf)."""
    return _CAPABILITIES.get(kind) or base64.b64decode(value)[1]


def _family(value: str) -> str:
    # apipb.MultiProtocolCapability { Family family = 1; }, Family { Afi afi = 1; Safi safi = 2; },
    # each number below 128 with its tag before it.
    packed = base64.b64decode(value)
    return _FAMILIES.get((packed[3], packed[5]), packed.hex())


def _last(log: str, address: str) -> str:
    """Why the last session with a neighbour has ended, by the log."""
    found = re.findall(rf'"Peer Down" Key="?{re.escape(address)}"? Reason=(".*?"|\S+)', log)
    return found[-1].strip('"') if found else ""


def _paths(told: dict[str, list[dict[str, Any]]]) -> Iterator[tuple[str, Path]]:
    for prefix, entries in told.items():
        for entry in entries:
            # What it announces itself is of no neighbour.
            if neighbour := entry.get("neighbor-ip"):
                yield prefix, _path(neighbour, {each["type"]: each for each in entry["attrs"]})


def _path(neighbour: str, attributes: dict[int, dict[str, Any]]) -> Path:
    """`attributes` are by their type (RFC 4271, section 5, and IANA)."""
    reach = attributes.get(3) or attributes[14]
    return Path(
        neighbour=neighbour,
        next_hop=reach["nexthop"],
        as_path=tuple(
            number for segment in attributes[2]["as_paths"] for number in segment["asns"]
        ),
        origin=_ORIGINS[attributes[1]["value"]],
        local_pref=attributes[5]["value"] if 5 in attributes else None,
        communities=frozenset(
            f"{number >> 16}:{number & 0xFFFF}"
            for number in attributes.get(8, {}).get("communities", ())
        ),
        large_communities=frozenset(
            f"{each['ASN']}:{each['LocalData1']}:{each['LocalData2']}"
            for each in attributes.get(32, {}).get("value", ())
        ),
    )
