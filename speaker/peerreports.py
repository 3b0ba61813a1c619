"""What the speaker says of its routers: views in, report values out. PURE.

A report changes only when something has happened with a router: one that cannot be reached is tried
again and again, and what is said of it stays the same. Times come in as text, made once when a
session began or ended.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Final

from speaker.bgp.audiences import families_of
from speaker.bgp.notices import Down, SessionView
from speaker.bgp.prefixes import FAMILIES
from speaker.bgp.states import State
from speaker.routers import NeighbourView
from vipcast.config.bfd import UNSPOKEN
from vipcast.model import status
from vipcast.model.addresses import Family
from vipcast.model.peer import Peer

Since = Callable[[str, int], str]
"""(peer, generation of the session or 0 for none) → RFC 3339 time since when it is so."""


def peer_reports(
    peers: Iterable[Peer],
    neighbours: Iterable[NeighbourView],
    blocked: Mapping[str, str],
    since: Since,
) -> tuple[status.PeerReport, ...]:
    """Every router that this node is to speak with, by name."""
    views = {view.router.name: view for view in neighbours}
    return tuple(
        _report(peer, views.get(peer.name), blocked.get(peer.name, ""), since)
        for peer in sorted(peers, key=lambda peer: peer.name)
    )


def _report(
    peer: Peer, view: NeighbourView | None, blocked: str, since: Since
) -> status.PeerReport:
    session = None if view is None else view.session
    up = None if session is None or session.state is not State.ESTABLISHED else session
    agreed = None if up is None else up.negotiated
    cause = None if session is None else session.cause
    aftermath = None if session is None else session.aftermath
    families = (FAMILIES[each] for each in Family if each in families_of(peer))
    return status.PeerReport(
        name=peer.name,
        address=str(peer.address),
        port=peer.port,
        local_asn=peer.local_asn or peer.my_asn,
        peer_asn=agreed.peer_asn if agreed is not None else peer.peer_asn or 0,
        state=str(State.IDLE if session is None else _reached(session.state, aftermath or cause)),
        since=since(peer.name, 0 if up is None else up.generation),
        announced=0 if view is None else view.announced,
        pending=0 if view is None else view.pending,
        families=tuple(map(str, families if agreed is None else agreed.families)),
        unspoken=() if view is None else view.unspoken,
        reason="" if cause is None else str(cause.reason),
        error="" if cause is None else _error(cause, aftermath),
        hint="" if cause is None else cause.hint,
        notification="" if session is None else _last_said(session),
        bfd=NO_BFD if peer.bfd_profile else "",
        blocked=blocked,
    )


NO_BFD: Final = f"{UNSPOKEN} The session is without it."


def _reached(state: State, down: Down | None) -> State:
    """How far the last attempt came: what it goes through again and again is no news."""
    if state is State.ESTABLISHED or down is None:
        return state
    return State.IDLE if down.state is State.ESTABLISHED else down.state


def _error(cause: Down, aftermath: Down | None) -> str:
    since = "" if aftermath is None else f" Since then: {aftermath.sentence}"
    return f"{cause.sentence}{since}"


def _last_said(session: SessionView) -> str:
    """The last NOTIFICATION of either side."""
    said = [one for one in (session.last_sent, session.last_received) if one is not None]
    return str(max(said, key=lambda one: one.at)) if said else ""
