"""How a node leaves: routers are asked to use other paths first, then it tells no routes. PURE.

    wish        what the Node object asks for: to stay, to yield to others, to leave
    standing    what follows from it at a time; `deadline` is when that changes by itself

    wish     before       standing
    STAY     any          STAYS
    YIELD    any          YIELDS
    LEAVE    STAY         LEAVES for the wait, then LEFT
    LEAVE    YIELD        YIELDS for the wait, then LEFT: what it was rid of does not come back
    LEAVE    (started)    LEFT: it has left before

A node that is told to leave (`vipcast drain`, or the label that excludes it from load balancers)
tells its routes again with the community GRACEFUL_SHUTDOWN (RFC 8326), waits until routers and the
connections that they carry have had time to move, and then withdraws. A cordoned one does so with
each route that a node that stays can tell, and goes on telling what none can: it still serves, and
users cordon many nodes at a time (docs/decisions/0044).
"""

from __future__ import annotations

from collections.abc import Iterable
from enum import Enum
from typing import Final

from speaker.bgp.routes import Standing
from vipcast.model.objects import EXCLUDE_LABEL, Node

WAIT: Final = 10.0
"""Seconds between asking for other paths and withdrawal (RFC 8326, section 4, leaves it open)."""


class Wish(Enum):
    """What a Node object asks for."""

    STAY = "stay"
    YIELD = "yield"
    LEAVE = "leave"


_WAITING: Final = {Wish.STAY: Standing.LEAVES, Wish.YIELD: Standing.YIELDS}
"""How a node that is to leave stands during the wait, by what was asked of it before."""


def wish_of(node: Node | None) -> Wish:
    """What is asked of a node; one without an object is asked for nothing."""
    if node is None:
        return Wish.STAY
    if node.draining or EXCLUDE_LABEL in node.labels:
        return Wish.LEAVE
    return Wish.YIELD if node.unschedulable else Wish.STAY


def staying(nodes: Iterable[Node]) -> tuple[Node, ...]:
    """The nodes that routes may be left to: able to serve, and asked for nothing."""
    return tuple(
        node
        for node in nodes
        if node.ready and not node.network_unavailable and wish_of(node) is Wish.STAY
    )


class Leaving:
    """One node's way out, and back. Times are monotonic seconds."""

    def __init__(self, wait: float = WAIT) -> None:
        self._wait = wait
        self._wish: Wish | None = None
        self._waiting = Standing.LEAVES
        self._until: float | None = None

    @property
    def deadline(self) -> float | None:
        """When the node has asked for long enough; None where it does not wait for that."""
        return self._until

    def look(self, wish: Wish, now: float) -> Standing:
        """Where the node stands. One that is to leave when its speaker starts has left already."""
        if wish is not self._wish:
            before, self._wish = self._wish, wish
            self._until = None
            if wish is Wish.LEAVE and before is not None:
                self._waiting, self._until = _WAITING[before], now + self._wait
        elif self._until is not None and now >= self._until:
            self._until = None
        if wish is Wish.STAY:
            return Standing.STAYS
        if wish is Wish.YIELD:
            return Standing.YIELDS
        return Standing.LEFT if self._until is None else self._waiting
