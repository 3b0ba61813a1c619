"""The routes of a cordoned node, one by one: told on, handed over, or left to other nodes. PURE.

    told before   a node that stays can tell it   stage
    ───────────   ─────────────────────────────   ────────────────────────────────────────────────
    any           no                              NEEDED   told, for as long as that is so
    yes           yes, for less than the wait     HANDED   told; withdrawn when the wait is over
    yes           yes, for as long as the wait    LEFT     not told
    no            yes                             LEFT     not told: a speaker that starts on a
                                                           cordoned node has left before

All that is told is told with GRACEFUL_SHUTDOWN. Each route waits by itself: the node that can tell
it may have come just now, and routers have to learn of it before this one is gone.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from enum import Enum
from typing import Final

from speaker.bgp.routes import Answer
from vipcast.model.objects import Key
from vipcast.model.reasons import Reason, sentence

Route = tuple[Key, str]
"""A Service, and an address of it as its status has it."""


class Stage(Enum):
    """How far a route is."""

    NEEDED = "needed"
    HANDED = "handed over"
    LEFT = "left"


NEEDED: Final = (
    "The node is cordoned and asks to be used last, but no node that stays can tell the route: so"
    " it goes on telling it."
)
HANDED: Final = (
    "The node is cordoned, and a node that stays can tell the route: routers are asked to use other"
    " paths, and then it withdraws its own."
)
_SAYING: Final = {Stage.NEEDED: NEEDED, Stage.HANDED: HANDED}
LATER: Final = frozenset(_SAYING.values())
"""What is said of routes that are told, to be used last."""


def staged(answer: Answer, stage: Stage) -> Answer:
    """What becomes of an address that the node would tell."""
    if stage in _SAYING:
        return replace(answer, message=_SAYING[stage])
    reason = Reason.NODE_CORDONED
    return Answer(answer.address, reason, sentence(reason), pool=answer.pool)


class Yielding:
    """The routes that wait. Times are monotonic seconds, and never less than the last one."""

    def __init__(self, wait: float) -> None:
        self._wait = wait
        self._until: dict[Route, float] = {}  # the first to be over comes first

    def __contains__(self, route: Route) -> bool:
        """Whether a route is being handed over."""
        return route in self._until

    @property
    def deadline(self) -> float | None:
        """When the first wait is over: look at what is `due` then."""
        return next(iter(self._until.values()), None)

    def due(self, now: float) -> frozenset[Key]:
        """The Services of all routes whose wait is over; each has to be looked at."""
        found = set()
        for (service, _), until in self._until.items():
            if until > now:
                break
            found.add(service)
        return frozenset(found)

    def look(self, route: Route, *, told: bool, others: bool, now: float) -> Stage:
        """The stage of a route that was `told` until now; whether `others` can tell it."""
        if not others:
            self._until.pop(route, None)
            return Stage.NEEDED
        if told and now < self._until.setdefault(route, now + self._wait):
            return Stage.HANDED
        self._until.pop(route, None)
        return Stage.LEFT

    def drop(self, routes: Iterable[Route]) -> None:
        """These are no routes of the node any more."""
        for route in routes:
            self._until.pop(route, None)

    def clear(self) -> None:
        """The node is cordoned no more."""
        self._until.clear()
