"""What the speaker says of its routers: views in, report values out. PURE.

A report changes only when something has happened with a router: one that cannot be reached is tried
again and again, and what is said of it stays the same. Times come in as text, made once when a
session began or ended.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Collection, Iterable, Mapping
from typing import Final

from speaker.bgp.audiences import Terms, families_of
from speaker.bgp.codes import MessageType
from speaker.bgp.notices import Down, SessionView
from speaker.bgp.prefixes import FAMILIES
from speaker.bgp.routes import Routes
from speaker.bgp.states import State
from speaker.routers import NeighbourView, place_of
from vipcast.config.bfd import UNSPOKEN
from vipcast.model import status
from vipcast.model.addresses import Family
from vipcast.model.peer import Peer
from vipcast.ops.samples import PeerSample

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
    down = None if session is None else session.last_down
    families = (FAMILIES[each] for each in Family if each in families_of(peer))
    return status.PeerReport(
        name=peer.name,
        address=str(peer.address),
        port=peer.port,
        local_asn=peer.local_asn or peer.my_asn,
        peer_asn=agreed.peer_asn if agreed is not None else peer.peer_asn or 0,
        state=str(State.IDLE if session is None else _reached(session.state, down)),
        since=since(peer.name, 0 if up is None else up.generation),
        announced=0 if view is None else view.announced,
        pending=0 if view is None else view.pending,
        families=tuple(map(str, families if agreed is None else agreed.families)),
        unspoken=() if view is None else view.unspoken,
        reason="" if down is None else str(down.reason),
        error="" if down is None else down.sentence,
        hint="" if down is None else down.hint,
        notification="" if session is None else _last_said(session),
        bfd=NO_BFD if peer.bfd_profile else "",
        blocked=blocked,
    )


NO_BFD: Final = f"{UNSPOKEN} The session is without it."


def peer_samples(
    peers: Iterable[Peer], neighbours: Iterable[NeighbourView], blocked: Collection[str]
) -> tuple[PeerSample, ...]:
    """Every router that this node is to speak with, as metrics show it.

    Two that only the source address tells apart are named as well: no series may be there twice.
    """
    views = {view.router.name: view for view in neighbours}
    places = [(place_of(peer.address, peer.port), peer) for peer in peers]
    several = Counter(place for place, _ in places)
    return tuple(
        _sample(
            f"{place} ({peer.name})" if several[place] > 1 else place,
            peer,
            views.get(peer.name),
            BLOCKED if peer.name in blocked else "",
        )
        for place, peer in places
    )


BLOCKED: Final = "blocked"
"""In place of a DownReason, of a router with which no session is tried."""


def _sample(place: str, peer: Peer, view: NeighbourView | None, blocked: str) -> PeerSample:
    without_bfd = bool(peer.bfd_profile)
    if view is None:
        return PeerSample(place, up=False, down=blocked, without_bfd=without_bfd)
    session = view.session
    said = {"sent": session.last_sent, "received": session.last_received}
    return PeerSample(
        peer=place,
        up=session.state is State.ESTABLISHED,
        announced=view.announced,
        pending=view.pending,
        sent=_by_name(session.messages_sent),
        received=_by_name(session.messages_received),
        down="" if session.last_down is None else str(session.last_down.reason),
        errors={way: one.notification.words for way, one in said.items() if one is not None},
        without_bfd=without_bfd,
    )


def _by_name(counts: Mapping[int, int]) -> dict[str, int]:
    return {MessageType(kind).name: count for kind, count in counts.items()}


def established(neighbours: Iterable[NeighbourView]) -> frozenset[str]:
    """The routers with which a session stands, by name."""
    return frozenset(
        view.router.name for view in neighbours if view.session.state is State.ESTABLISHED
    )


def told(routes: Iterable[Routes], standing: Collection[str]) -> tuple[tuple[str, str], ...]:
    """(Service, address) of all that some router is told; `standing` are those with a session."""
    heard: dict[Terms, bool] = {}

    def reach(terms: Terms) -> bool:
        if terms not in heard:
            heard[terms] = not frozenset(terms.peers).isdisjoint(standing)
        return heard[terms]

    return tuple(
        (str(each.service), answer.address)
        for each in routes
        for answer in each.answers
        if any(reach(offer.terms) for offer in answer.offers)
    )


def _reached(state: State, down: Down | None) -> State:
    """How far the last attempt came: what it goes through again and again is no news."""
    if state is State.ESTABLISHED or down is None:
        return state
    return State.IDLE if down.state is State.ESTABLISHED else down.state


def _last_said(session: SessionView) -> str:
    """The last NOTIFICATION of either side."""
    said = [one for one in (session.last_sent, session.last_received) if one is not None]
    return str(max(said, key=lambda one: one.at)) if said else ""
