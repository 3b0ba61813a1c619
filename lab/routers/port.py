"""What every router of a lab can do, and what it says: sessions and routes, in one form for all.

A router's words are brought into one form so that one expectation fits all of them: states are
those of RFC 4271, section 8.2.2, in lower case; capabilities are IANA's numbers; LOCAL_PREF is told
of paths from inside the AS only, since elsewhere it is the router's own invention.
"""

from __future__ import annotations

import shutil
from abc import ABC, abstractmethod
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path as File
from typing import Any, ClassVar, Self

from lab import kernel, processes
from lab.errors import CommandFailed, LabError, NotReady
from lab.host import Host
from lab.processes import Process
from lab.routers import template
from lab.waiting import until

IPV4 = "ipv4"
IPV6 = "ipv6"

KEEPALIVES_PER_HOLD_TIME = 3


@dataclass(frozen=True, slots=True)
class Neighbour:
    """Whom a router speaks with.

    `families` are those of the routes, whatever the session runs over. `multihop` is the most hops
    that a session between ASes may take, None where both share the segment. A router connects by
    itself, too, unless `passive`. With `two_octets` it says AS numbers in two bytes, as all did
    before RFC 6793, though the neighbour's may take four; OpenBGPD alone knows how.
    """

    address: str
    asn: int
    families: tuple[str, ...] = (IPV4,)
    password: str = ""
    multihop: int | None = None
    passive: bool = False
    two_octets: bool = False


@dataclass(frozen=True, slots=True)
class Settings:
    """A router's configuration.

    `networks` are prefixes that it announces to every neighbour, as if it had them. `hold_time` is
    in seconds. Told `graceful_restart`, a router keeps the routes of a neighbour that restarts
    gracefully, for as long as that has asked for; all but GoBGP do so untold. `extra` are lines in
    the router's own words, which come last in what is about BGP as a whole.
    """

    asn: int
    neighbours: tuple[Neighbour, ...] = ()
    networks: tuple[str, ...] = ()
    hold_time: int = 90
    graceful_restart: bool = False
    extra: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Session:
    """How a router stands with a neighbour.

    `uptime` is in seconds, None unless established. `capabilities` are the numbers of those that
    the neighbour has sent and this make tells of; `families` those that it offers. `hold_time` is
    the negotiated one in seconds, 0 unless established. `last_error` is in the router's words.
    """

    state: str
    uptime: float | None
    capabilities: frozenset[int]
    families: frozenset[str]
    hold_time: int
    last_error: str

    @property
    def established(self) -> bool:
        """Whether routes may be exchanged."""
        return self.state == "established"


@dataclass(frozen=True, slots=True)
class Path:
    """One neighbour's way to a prefix; `next_hop` is the global one where there are two.

    `origin` is igp, egp or incomplete. Communities are text as routers write it: 64601:1, and with
    another number for large ones.
    """

    neighbour: str
    next_hop: str
    as_path: tuple[int, ...] = ()
    origin: str = "igp"
    local_pref: int | None = None
    communities: frozenset[str] = frozenset()
    large_communities: frozenset[str] = frozenset()


Routes = dict[str, frozenset[Path]]
"""By prefix; one that nobody tells of has no entry."""


class Router(ABC):
    """One make of router, on a host of the lab that is a router."""

    name: ClassVar[str]
    programs: ClassVar[tuple[str, ...]]
    """Paths of what it is made of."""
    template: ClassVar[str]
    """Name of the file beside this one."""

    def __init__(self, host: Host, settings: Settings) -> None:
        missing = [program for program in self.programs if not shutil.which(program)]
        if missing:
            raise LabError(f"not found: {', '.join(missing)}: run scripts/setup")
        self.host = host
        self.settings = settings
        self.directory = host.run_dir / self.name
        self._running: list[Process] = []

    # Life

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *_error: object) -> None:
        self.stop()

    def start(self) -> None:
        """Write the configuration, start, and wait until it answers questions."""
        self.directory.mkdir(exist_ok=True)
        self._write()
        self._start()
        until(self._answers, f"{self.name} on {self.host.name} answers")

    def stop(self) -> None:
        """End it in an orderly way: it tells its neighbours as far as it is its habit."""
        for process in reversed(self._running):
            process.stop()
        self._gone()

    def kill(self) -> None:
        """End it at once; its neighbours hear nothing but what the kernel says."""
        for process in self._running:
            process.kill()
        self._gone()

    def restart(self) -> None:
        """Stop, and start."""
        self.stop()
        self.start()

    def reconfigure(self, settings: Settings) -> None:
        """Take over other settings; sessions with neighbours that stay as they are stay up.

        Returns when they were handed over. AS and hold time are those of the start.
        """
        before, self.settings = self.settings, settings
        self._write()
        self._reload(before)

    @property
    def processes(self) -> tuple[Process, ...]:
        """What runs, or ran last."""
        return tuple(self._running)

    # Questions

    @abstractmethod
    def sessions(self) -> dict[str, Session]:
        """Every neighbour's session by its address."""

    @abstractmethod
    def routes(self) -> Routes:
        """What the neighbours tell, all paths, the best and the others."""

    def session(self, address: object) -> Session:
        """One neighbour's session."""
        return self.sessions()[str(address)]

    def ask(self, *words: str | File) -> str:
        """A question in the make's own words, to its own command; the whole answer."""
        return self.host.run([*self._command(), *words]).stdout

    # For the makes

    @abstractmethod
    def _start(self) -> None:
        """Start the programs with `_run`."""

    @abstractmethod
    def _command(self) -> Sequence[str | File]:
        """The command that questions and orders are given to."""

    @abstractmethod
    def _ping(self) -> None:
        """Ask something; raises CommandFailed while nobody answers."""

    @abstractmethod
    def _reload(self, before: Settings) -> None:
        """Make it take over the configuration file."""

    def _values(self) -> dict[str, Any]:
        """More values for the template."""
        return {}

    def _run(self, name: str, *argv: str | File) -> None:
        self._running = [process for process in self._running if process.alive]
        self._running.append(self.host.start(argv, name=name))

    def _gone(self) -> None:
        """Wait for what the programs have started themselves."""
        sessions = {process.pid for process in self._running}
        until(
            lambda: not any(processes.session(pid) in sessions for pid in self._pids()),
            f"{self.name} on {self.host.name} has ended",
        )

    def _pids(self) -> list[int]:
        return [
            int(pid) for pid in kernel.call(["ip", "netns", "pids", self.host.namespace]).split()
        ]

    def _answers(self) -> bool:
        for process in self._running:
            if not process.alive:
                raise NotReady(f"{process.name} ended; {process.last_words}")
        try:
            self._ping()
        except CommandFailed:
            return False
        return True

    def _write(self) -> None:
        settings = self.settings
        values = {
            "asn": settings.asn,
            "router_id": self.host.address,
            "directory": self.directory,
            "hold_time": settings.hold_time,
            "keepalive_time": max(1, settings.hold_time // KEEPALIVES_PER_HOLD_TIME),
            "graceful_restart": settings.graceful_restart,
            **self._values(),
        }
        text = File(__file__).with_name(self.template).read_text()
        rendered = template.render(
            text,
            values,
            {
                "neighbours": [self._neighbour(each) for each in settings.neighbours],
                "networks": [_network(prefix) for prefix in settings.networks],
                "extra": [{"line": line} for line in settings.extra],
            },
        )
        # Passwords are in it, and OpenBGPD insists.
        self._file.touch(mode=0o600)
        self._file.write_text(rendered)

    @property
    def _file(self) -> File:
        return self.directory / self.template

    def _neighbour(self, neighbour: Neighbour) -> dict[str, Any]:
        return {
            "address": neighbour.address,
            "peer_asn": neighbour.asn,
            "password": neighbour.password,
            "multihop": neighbour.multihop,
            "passive": neighbour.passive,
            "two_octets": neighbour.two_octets,
            "external": neighbour.asn != self.settings.asn,
            IPV4: IPV4 in neighbour.families,
            IPV6: IPV6 in neighbour.families,
        }

    def _known(self, paths: Iterable[tuple[str, Path]]) -> Routes:
        """Routes out of pairs, without what is not of a neighbour (the router's own networks)."""
        asns = {each.address: each.asn for each in self.settings.neighbours}
        found: defaultdict[str, set[Path]] = defaultdict(set)
        for prefix, path in paths:
            if path.neighbour in asns:
                outside = asns[path.neighbour] != self.settings.asn
                found[prefix].add(replace(path, local_pref=None) if outside else path)
        return {prefix: frozenset(known) for prefix, known in found.items()}


def _network(prefix: str) -> Mapping[str, Any]:
    return {"prefix": prefix, IPV4: ":" not in prefix, IPV6: ":" in prefix}
