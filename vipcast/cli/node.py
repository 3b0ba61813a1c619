"""`vipcast explain NODE`: its interfaces and segments, what it answers for, and what not. PURE.

    explain_node(world, name) -> NodeStory | None      printed by vipcast.cli.nodetext

What it does not answer for has the same word that the speaker and `explain SERVICE` have for it.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from speaker.plan import Memo
from vipcast.cli.announcing import claim_to, verdict_on
from vipcast.cli.picture import Line
from vipcast.cli.routed import Routed, Silent, Teller
from vipcast.cli.segments import Place
from vipcast.cli.sessions import Session
from vipcast.cli.speakers import LEFT, Speaker
from vipcast.cli.wording import said
from vipcast.cli.world import World
from vipcast.model.addresses import parse_address
from vipcast.model.objects import EXCLUDE_LABEL, Key
from vipcast.model.reasons import Reason
from vipcast.model.status import Holding, InterfaceReport, MemberReport, SpeakerReport


@dataclass(frozen=True, slots=True)
class Membership:
    """The node on one segment: through which interface, and whom it hears there."""

    segment: str
    interface: str
    members: tuple[MemberReport, ...]
    learning: bool
    problems: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Held:
    """An address that the node answers for."""

    line: Line
    holding: Holding


@dataclass(frozen=True, slots=True)
class Passed:
    """An address that it does not answer for; `holder` does, or nobody ("")."""

    address: str
    service: Key
    segment: str
    reason: str
    message: str
    holder: str


@dataclass(frozen=True, slots=True)
class NodeStory:
    """All there is to say about one node. `report` is None where its speaker has told nothing.

    `sessions` are those with its routers; of `routes` it tells one that has a session, or it does
    not and says why. `unread` are findings about its Node object, which counts as it was before.
    """

    name: str
    speaker: Speaker
    report: SpeakerReport | None
    exclusions: tuple[Reason, ...]
    segments: tuple[Membership, ...]
    held: tuple[Held, ...]
    passed: tuple[Passed, ...]
    unread: tuple[str, ...]
    sessions: tuple[Session, ...] = ()
    routes: tuple[Routed, ...] = ()

    @property
    def problems(self) -> tuple[str, ...]:
        """What is wrong with its speaker and its object, but what excludes it."""
        excluded = set(map(said, self.exclusions))
        return (*(one for one in self.speaker.problems if one not in excluded), *self.unread)

    @property
    def well(self) -> bool:
        """Whether its speaker does all it should; a label that excludes it is somebody's wish."""
        sessions = all(one.stands or one.lost for one in self.sessions)
        return self.speaker.well and sessions and not self.unread

    @property
    def tells(self) -> tuple[tuple[Routed, Teller], ...]:
        """What it tells routers, and which."""
        found = ((one, each) for one in self.routes for each in one.tellers)
        return tuple(pair for pair in found if pair[1].node == self.name and pair[1].routers)

    @property
    def untold(self) -> tuple[tuple[Routed, Silent], ...]:
        """What it tells no router, and why."""
        lacking = Silent(self.name, Reason.NO_SESSION, said(Reason.NO_SESSION))
        return tuple(
            (one, each)
            for one in self.routes
            for each in (
                *one.silent,
                *(lacking for teller in one.tellers if self._lacks(teller)),
            )
            if each.node == self.name
        )

    def _lacks(self, teller: Teller) -> bool:
        return teller.node == self.name and not teller.routers

    @property
    def interfaces(self) -> tuple[InterfaceReport, ...]:
        """All its interfaces that the speaker has told of."""
        return self.report.interfaces if self.report else ()


def explain_node(world: World, name: str) -> NodeStory | None:
    """The story of a node; None if there is neither a Node nor a speaker of that name."""
    speaker = next((one for one in world.picture.speakers if one.node == name), None)
    if speaker is None:
        return None
    report = world.picture.reports.get(name)
    # A node that is gone is to be forgotten, as its speaker's problem says; nobody waits for it.
    gone = speaker.lost and name not in world.store.nodes
    return NodeStory(
        name=name,
        speaker=speaker,
        report=report,
        exclusions=() if gone else tuple(_exclusions(world, name, speaker.drain)),
        segments=tuple(_segments(world, report)) if report else (),
        held=tuple(
            Held(line, line.answer.holding)
            for line in world.picture.lines
            if line.holder == name and line.answer and line.answer.holding
        ),
        passed=() if gone else tuple(_passed(world, name)),
        unread=tuple(str(one) for one in world.store.findings if one.object == f"Node {name}"),
        sessions=tuple(one for one in world.picture.sessions if one.node == name),
        routes=() if gone else world.picture.routes,
    )


def _exclusions(world: World, name: str, drain: str) -> Iterator[Reason]:
    """What on the Node object keeps it from announcing anything."""
    node = world.store.nodes.get(name)
    if node is None:
        yield Reason.NODE_UNKNOWN
        return
    if EXCLUDE_LABEL in node.labels:
        yield Reason.NODE_EXCLUDED
    if drain == LEFT:
        yield Reason.NODE_DRAINED
    if node.network_unavailable:
        yield Reason.NODE_NETWORK_UNAVAILABLE


def _segments(world: World, report: SpeakerReport) -> Iterator[Membership]:
    names = {place: segment.name for segment in world.picture.segments for place in segment.places}
    for one in report.segments:
        name = names.get(Place(report.node, one.interface), one.interface)
        yield Membership(name, one.interface, one.members, one.learning, one.problems)


def _passed(world: World, name: str) -> Iterator[Passed]:
    """Every address with a segment of the node where somebody else answers, or nobody."""
    memo: Memo = {}
    for line in world.picture.lines:
        if not line.address or line.holder == name:
            continue
        if line.answer is None:
            yield Passed(line.address, line.service, "", line.reason, line.message, "")
            continue
        for place in line.answer.segment.places:
            if place.node == name:
                reason, message = _why_not(world, line, place, memo)
                yield Passed(line.address, line.service, line.segment, reason, message, line.holder)


def _why_not(world: World, line: Line, place: Place, memo: Memo) -> tuple[str, str]:
    """The word and the sentence for an address that a node does not answer for."""
    try:
        address = parse_address(line.address)
    except ValueError:
        return Reason.INVALID_IP, said(Reason.INVALID_IP)
    report = world.picture.reports.get(place.node)
    for refusal in report.unanswered if report else ():
        if (refusal.service, refusal.address) == (line.service, line.address):
            return refusal.reason, said(refusal.reason, refusal.message)
    claim = claim_to(world, address, memo)
    if claim is not None and line.service not in claim.services:
        return line.reason, line.message
    verdict = verdict_on(world, address, place, claim)
    if isinstance(verdict, Reason):
        return verdict, said(verdict)
    if line.holder:
        return Reason.NOT_OWNER, said(Reason.NOT_OWNER)
    return line.reason, line.message
