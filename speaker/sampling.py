"""The speaker as metrics show it: a picture and counts in, a sample out. PURE."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Mapping
from typing import Final

from speaker.bgp.audiences import Terms
from speaker.bgp.codes import MessageType
from speaker.bgp.routes import Routes
from speaker.bgp.states import State
from speaker.ports import Counts
from speaker.reports import Picture
from speaker.routers import NeighbourView, place_of
from vipcast.model.addresses import Address
from vipcast.model.peer import Peer
from vipcast.ops.samples import InterfaceSample, PeerSample, SegmentSample, SpeakerSample


def sample(
    picture: Picture, counts: Mapping[Address, Counts], failures: Mapping[str, int]
) -> SpeakerSample:
    """The speaker as metrics show it; `counts` as in Responder.counts, `failures` as in Pulse."""
    held = {vip for one in picture.seen for vip, entry in one.view.vips.items() if entry.answering}
    greeted: Counter[str] = Counter()
    for one in picture.seen:
        greeted.update({str(vip): number for vip, number in one.greeted.items()})
    attachments = (*(one.attachment for one in picture.seen), *(a for _, a in picture.failed))
    return SpeakerSample(
        announced=tuple(
            (str(service), str(vip))
            for vip in held
            if vip in picture.claims
            for service in picture.claims[vip].services
        ),
        unannounced=Counter(one.reason for one in picture.refusals if one.address),
        verdicts=tuple(
            (str(vip), str(verdict), number)
            for vip, verdicts in counts.items()
            for verdict, number in verdicts.items()
        ),
        greeted=greeted,
        ungreeted=picture.past.ungreeted + sum(one.ungreeted for one in picture.seen),
        lease_gaps=picture.past.lapses + sum(one.view.lapses for one in picture.seen),
        interfaces=tuple(
            InterfaceSample(one.interface, one.mode or "", one.answering) for one in attachments
        ),
        segments=tuple(
            SegmentSample(
                interface=one.interface,
                members=sum(member.live for member in one.view.members),
                conditions=one.view.conditions,
                hellos_sent=one.hellos,
                hellos_received=one.view.accepted,
                hellos_rejected=one.view.rejected,
            )
            for one in picture.seen
        ),
        hello_failures=failures,
        told=told(picture.routes.values(), established(picture.neighbours)),
        peers=peer_samples(picture.peers, picture.neighbours, picture.blocked),
    )


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
        down="" if session.cause is None else str(session.cause.reason),
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
