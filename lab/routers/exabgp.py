"""ExaBGP on a node: a second speaker, told over a pipe what to announce.

It is no router: it takes nothing and forwards nothing. It shows that routers are set up well, and
it is what the project's own speaker is measured beside.
"""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterable
from dataclasses import dataclass

from lab.errors import NotReady
from lab.host import Host
from lab.processes import Process
from lab.routers.port import IPV4

PROGRAM = "/usr/sbin/python3-exabgp"
_SETTINGS = {
    "exabgp_api_ack": "false",  # nobody reads its answers
    "exabgp_api_cli": "false",
    "exabgp_daemon_user": "root",
    "exabgp_log_level": "INFO",
}
_PIPE = 1 << 20
"""Bytes, of which an unprivileged user's pipe may have as many (pipe(7))."""


@dataclass(frozen=True, slots=True)
class Peer:
    """Whom it speaks with, from which address of its own, and as which AS.

    With a `graceful_restart` it asks to be remembered for so many seconds when it is gone.
    """

    address: str
    asn: int
    local_address: str
    local_asn: int
    families: tuple[str, ...] = (IPV4,)
    password: str = ""
    graceful_restart: int = 0


class ExaBgp:
    """ExaBGP on a host of the lab."""

    def __init__(self, host: Host, peers: Iterable[Peer]) -> None:
        self.host = host
        self.peers = tuple(peers)
        self.directory = host.run_dir / "exabgp"
        self._pipe = self.directory / "commands"
        self._process: Process | None = None

    def __enter__(self) -> ExaBgp:
        self.start()
        return self

    def __exit__(self, *_error: object) -> None:
        self.stop()

    def start(self) -> Process:
        """Start; sessions come up by themselves. What is announced to nobody yet is not kept."""
        self.directory.mkdir(exist_ok=True)
        self._pipe.unlink(missing_ok=True)
        os.mkfifo(self._pipe)
        configuration = self.directory / "exabgp.conf"
        configuration.touch(mode=0o600)
        configuration.write_text(self._text())
        self._process = self.host.start([PROGRAM, configuration], name="exabgp", env=_SETTINGS)
        return self._process

    def stop(self) -> None:
        """End it: it closes its connections without a word."""
        if self._process is not None:
            self._process.stop()

    def kill(self) -> None:
        """End it at once."""
        if self._process is not None:
            self._process.kill()

    @property
    def pid(self) -> int:
        """Its process. Raises NotReady before it was started."""
        if self._process is None:
            raise NotReady(f"ExaBGP on {self.host.name} was not started")
        return self._process.pid

    def announce(self, *routes: str) -> None:
        """Announce routes to every peer of their family; see ExaBGP's `announce route`."""
        self.order(*(f"announce route {route}" for route in routes))

    def withdraw(self, *routes: str) -> None:
        """Withdraw routes that were announced in the same words."""
        self.order(*(f"withdraw route {route}" for route in routes))

    def order(self, *commands: str) -> None:
        """Give commands in ExaBGP's own words; the pipe holds a mebibyte of them."""
        with self._pipe.open("w") as pipe:
            fcntl.fcntl(pipe, fcntl.F_SETPIPE_SZ, _PIPE)
            pipe.write("".join(f"{command}\n" for command in commands))

    def _text(self) -> str:
        # The pipe is opened for both directions, so that it does not end with its first writer.
        commands = f"process lab {{ run /bin/sh -c 'exec cat <>{self._pipe}'; encoder text; }}\n"
        return commands + "".join(self._neighbour(peer) for peer in self.peers)

    def _neighbour(self, peer: Peer) -> str:
        families = " ".join(f"{family} unicast;" for family in peer.families)
        password = f'md5-password "{peer.password}";' if peer.password else ""
        restart = f"graceful-restart {peer.graceful_restart};" if peer.graceful_restart else ""
        return (
            f"neighbor {peer.address} {{ router-id {self.host.address}; "
            f"local-address {peer.local_address}; local-as {peer.local_asn}; "
            f"peer-as {peer.asn}; {password} family {{ {families} }} "
            f"capability {{ {restart} }} "
            "api { processes [ lab ]; } }\n"
        )
