"""The speakers as their reports show them: alive or not, and what each interface lacks. PURE.

A report carries no age. Who is gone shows by its sign of life, where it gives one, by its Pod, and
by whom the others hear.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from speaker.leadership.timing import AWAY
from speaker.leaving import Wish, wish_of
from vipcast.cli.segments import Place, Segment
from vipcast.cli.wording import said
from vipcast.model.objects import EXCLUDE_LABEL, Node
from vipcast.model.reasons import Reason
from vipcast.model.status import InterfaceReport, SpeakerReport

_UNWANTED = f"if the node should announce nothing, give it the label {EXCLUDE_LABEL}."
START = f"Start vipcast-speaker there, or see the end of its log; {_UNWANTED}"
NOT_REPORTED = f"The speaker has not reported. {START}"
NOT_HEARD = (
    "The other speakers do not hear it any more. Look whether it runs, and whether its cable is in;"
    f" {_UNWANTED}"
)
AWAY_NOW = (
    "Its speaker is being restarted; what it holds is answered for meanwhile,"
    f" for {AWAY:.0f} s at most."
)
DRAINING, LEFT = "draining", "left"


@dataclass(frozen=True, slots=True)
class Interface:
    """One interface on which a node should answer. `hears` counts the other speakers there."""

    name: str
    mode: str
    hears: int
    answering: bool
    problems: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Speaker:
    """One node's speaker; `problems` are sentences.

    `lost`: it gives no sign of life, or the others do not hear it: what it has reported is what was
    once. `away`: it has said that it will be back. `excluded`: a label on the Node wants it to
    announce nothing, or a drain, so nothing lacks where it does not run. `drain`: whether a drained
    node still speaks with routers (DRAINING) or has LEFT; "" where it is not drained. `cordoned`:
    it leaves its routes to others, and answers on segments as before.
    """

    node: str
    interfaces: tuple[Interface, ...] = ()
    problems: tuple[str, ...] = ()
    lost: bool = False
    away: bool = False
    excluded: bool = False
    heartbeat: str = ""
    drain: str = ""
    cordoned: bool = False

    @property
    def well(self) -> bool:
        """Whether it answers on every interface on which it should."""
        if self.problems or (self.excluded and self.lost):
            return not self.problems
        return all(one.answering and not one.problems for one in self.interfaces)


@dataclass(frozen=True, slots=True)
class Signs:
    """The last signs of life, by node.

    `silent` are speakers that are gone, `unsure` those of which nobody knows; each with a sentence.
    """

    heartbeats: Mapping[str, str]
    silent: Mapping[str, str]
    unsure: Mapping[str, str]


def speakers_of(
    nodes: Mapping[str, Node],
    reports: Iterable[SpeakerReport],
    segments: tuple[Segment, ...],
    signs: Signs,
) -> Iterator[Speaker]:
    """Every speaker of which a Node or a report tells, by name."""
    known = {report.node: report for report in reports}
    away = absent(known.values(), segments, signs)
    for name in sorted({*nodes, *known}):
        node, report = nodes.get(name), known.get(name)
        excluded = wish_of(node) is Wish.LEAVE
        cordoned = wish_of(node) is Wish.YIELD
        if report is None:
            problem = AWAY_NOW if name in away else NOT_REPORTED
            lacking = () if excluded else (problem,)
            drain = _drain(node, None)
            yield Speaker(
                name,
                (),
                lacking,
                away=name in away,
                excluded=excluded,
                drain=drain,
                cordoned=cordoned,
            )
            continue
        lost = name in signs.silent or any(name in segment.lost for segment in segments)
        interfaces = tuple(_interfaces(report, segments))
        problems = _problems(name, node, signs, lost=lost, away=name in away)
        if not interfaces and not lost:
            problems = (*problems, said(Reason.NO_INTERFACE))
        yield Speaker(
            name,
            interfaces,
            problems,
            lost,
            name in away and not lost,
            excluded,
            signs.heartbeats.get(name, ""),
            _drain(node, None if lost else report),
            cordoned,
        )


def absent(
    reports: Iterable[SpeakerReport], segments: tuple[Segment, ...], signs: Signs
) -> frozenset[str]:
    """The nodes of which a live speaker heard that they will be back, and that are not yet."""
    lost = {node for segment in segments for node in segment.lost}
    return frozenset(
        member.node
        for report in reports
        if report.node not in signs.silent and report.node not in lost
        for segment in report.segments
        for member in segment.members
        if member.away
    )


def _drain(node: Node | None, report: SpeakerReport | None) -> str:
    """How far the drain of a node is; `report` is that of a speaker that is heard."""
    if node is None or not node.draining:
        return ""
    peers = () if report is None else report.peers
    return DRAINING if any(peer.established for peer in peers) else LEFT


def _problems(
    name: str, node: Node | None, signs: Signs, *, lost: bool, away: bool
) -> tuple[str, ...]:
    """What is wrong with the speaker as a whole."""
    if node is None:
        return (_forgettable(name) if lost else said(Reason.NODE_UNKNOWN),)
    if node.network_unavailable:
        return (said(Reason.NODE_NETWORK_UNAVAILABLE),)
    if lost and wish_of(node) is Wish.LEAVE:
        return ()
    if name in signs.silent:
        return (signs.silent[name],)
    if lost:
        return (signs.unsure.get(name, NOT_HEARD),)
    return (AWAY_NOW,) if away else ()


def _forgettable(name: str) -> str:
    """What to do about a report whose node and speaker are both gone."""
    return (
        "There is no Node object of this name, and its speaker is not heard. If the node was taken"
        " out of service, remove what its speaker has reported: the directory"
        f" status/speaker-{name} below --directory, or on a cluster its SpeakerStatus,"
        " ConfigurationState and ServiceL2Status."
    )


def _interfaces(report: SpeakerReport, segments: tuple[Segment, ...]) -> Iterator[Interface]:
    """Those on which addresses should be announced; an excluded one has no wanted mode."""
    places = {
        place.interface: segment
        for segment in segments
        for place in segment.places
        if place.node == report.node
    }
    for one in report.interfaces:
        if one.mode_wanted:
            yield _interface(report.node, one, places.get(one.name))


def _interface(node: str, report: InterfaceReport, segment: Segment | None) -> Interface:
    place = Place(node, report.name)
    seen = segment.reports.get(place) if segment else None
    told = seen.problems if seen else ()
    problems = [said(problem) for problem in told if problem != Reason.SAME_SEGMENT]
    if not report.answering:
        problems.insert(0, said(report.reason, report.message))
    return Interface(
        name=report.name,
        mode=report.mode,
        hears=segment.hears(place) if segment else 0,
        answering=report.answering,
        problems=tuple(problems),
    )
