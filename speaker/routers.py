"""Routers as the node knows them: who each is, and how things stand with it."""

from __future__ import annotations

from dataclasses import dataclass

from speaker.bgp.notices import SessionView
from speaker.bgp.settings import SessionSettings
from speaker.ports import Target
from vipcast.model.addresses import Address


def place_of(address: Address, port: int) -> str:
    """Where a router is, as log and metrics name it: 192.0.2.1:179, [2001:db8::1]:179."""
    return f"{address}:{port}" if address.version == 4 else f"[{address}]:{port}"


@dataclass(frozen=True, slots=True)
class Router:
    """Who it is, and what the session with it is to be. Equal ones need no new session."""

    name: str
    settings: SessionSettings
    target: Target

    @property
    def place(self) -> str:
        """Where it is, as log and metrics name it."""
        return place_of(self.target.address, self.target.port)


@dataclass(frozen=True, slots=True)
class NeighbourView:
    """How it stands now: `announced` routes are told, `pending` ones wait to be, or to be taken
    back; `unspoken` families were agreed on and lead nowhere from this node."""

    router: Router
    session: SessionView
    announced: int
    pending: int
    unspoken: tuple[str, ...]
