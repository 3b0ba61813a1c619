"""Routers as the node knows them: who each is, and how things stand with it."""

from __future__ import annotations

from dataclasses import dataclass

from speaker.bgp.notices import SessionView
from speaker.bgp.settings import SessionSettings
from speaker.ports import Target


@dataclass(frozen=True, slots=True)
class Router:
    """Who it is, and what the session with it is to be. Equal ones need no new session."""

    name: str
    settings: SessionSettings
    target: Target


@dataclass(frozen=True, slots=True)
class NeighbourView:
    """How it stands now: `announced` routes are told, `pending` ones wait to be, or to be taken
    back; `unspoken` families were agreed on and lead nowhere from this node."""

    router: Router
    session: SessionView
    announced: int
    pending: int
    unspoken: tuple[str, ...]
