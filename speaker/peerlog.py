"""What happens with routers, as log lines: sessions that come up and go down, and what was said.

A router that cannot be reached is told once for each reason and NOTIFICATION, until a session has
stood or it is configured otherwise; what it sends that is wrong, once a minute. Words are those of
MetalLB where it has them; news are Events.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import Any, Final

from speaker.bgp.notices import (
    Down,
    DownReason,
    Established,
    RefreshAsked,
    SessionEvent,
    UpdateSeen,
)
from speaker.peerevents import PeerEvents
from speaker.routers import Router
from speaker.sampling import BLOCKED
from vipcast.ops.log import event

log = logging.getLogger(__name__)

EVERY: Final = 60.0
"""Seconds between two lines about faults in what one router sends."""


MEANT: Final = frozenset({DownReason.STOPPED, DownReason.RESTARTING, DownReason.RESET})
"""Why this side ends sessions that nothing is wrong with."""


class PeerLog:
    """One node's. `clock` is monotonic seconds; `events` hears what is news."""

    def __init__(self, clock: Callable[[], float], events: PeerEvents) -> None:
        self._clock = clock
        self._events = events
        self._told: dict[str, set[object]] = {}
        self._faulty: dict[str, float] = {}

    def happened(self, router: Router, what: SessionEvent) -> None:
        """A session has something to say."""
        match what:
            case Established():
                self._up(router, what)
            case Down():
                self._down(router, what)
            case RefreshAsked():
                event(
                    log, "refreshAsked", "the router asks for all routes again",
                    level=logging.DEBUG, **_who(router),
                )  # fmt: skip
            case UpdateSeen() if what.faults:
                self._faults(router, what)

    def begun(self, router: Router) -> None:
        """A router is to be spoken with."""
        event(log, "peerAdded", "peer configured, starting BGP session", **_who(router))

    def changed(self, router: Router) -> None:
        """It is configured otherwise: what is wrong now is news, though it was wrong before."""
        self._told.pop(router.name, None)

    def ended(self, router: Router) -> None:
        """It is to be spoken with no more."""
        self._told.pop(router.name, None)
        self._faulty.pop(router.name, None)
        event(log, "peerRemoved", "peer deconfigured, closing BGP session", **_who(router))

    def blocked(self, name: str, place: str, why: str) -> None:
        """No session is tried with the router of that name any more, or for another reason."""
        event(
            log, "sessionDown", why, level=logging.WARNING, peer=place, name=name, reason=BLOCKED
        )  # fmt: skip
        self._events.blocked(name, place, why)

    def _up(self, router: Router, up: Established) -> None:
        agreed = up.negotiated
        event(
            log, "sessionUp", "BGP session established",
            **_who(router),
            localASN=agreed.local_asn, peerASN=agreed.peer_asn, holdTime=agreed.hold_time,
            families=[str(family) for family in agreed.families], local=str(up.local),
        )  # fmt: skip
        self._events.up(router)

    def _down(self, router: Router, down: Down) -> None:
        if down.stood is not None:
            self._told.pop(router.name, None)
        news = down.reason not in MEANT and self._is_news(router, down)
        level = logging.WARNING if news else logging.DEBUG
        if down.reason in MEANT:
            level = logging.INFO
        if down.said is not None and not down.said.by_us:
            event(
                log, "peerNotification", "peer sent notification, closing session",
                level=level, **_who(router), error=str(down.said),
            )  # fmt: skip
        event(
            log, "sessionDown", f"{down.sentence} {down.hint}".rstrip(),
            level=level, **_who(router), reason=str(down.reason), state=str(down.state),
            notification="" if down.said is None else str(down.said),
            established=down.stood is not None,
        )  # fmt: skip
        if news:
            self._events.down(router, down)

    def _is_news(self, router: Router, down: Down) -> bool:
        """Routers drop what comes too soon after a refusal: two reasons take turns from then on."""
        said = None if down.said is None else down.said.notification
        what = (down.reason, said and (said.code, said.subcode))
        told = self._told.setdefault(router.name, set())
        if what in told:
            return False
        told.add(what)
        return True

    def _faults(self, router: Router, seen: UpdateSeen) -> None:
        now = self._clock()
        if now - self._faulty.get(router.name, -EVERY) < EVERY:
            return
        self._faulty[router.name] = now
        event(
            log, "peerUpdate", "what the router sends has faults; the session goes on",
            level=logging.WARNING, **_who(router), faults=[fault.sentence for fault in seen.faults],
        )  # fmt: skip


def _who(router: Router) -> dict[str, Any]:
    return {"peer": router.place, "name": router.name}
