"""The cluster as the objects show it: addresses, who answers for them, and what is wrong. PURE.

    take(store, namespace, now) -> Picture

`vipcast status` prints it, `vipcast explain` tells one Service of it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import TypeVar

from vipcast.cli.components import ConfigReport, Controller, Told, listen
from vipcast.cli.segments import Place, Segment, find_segments
from vipcast.kube.store import Store
from vipcast.model.classes import EVERY_DEFAULT, Classes
from vipcast.model.objects import Key, Service
from vipcast.model.raw import CONFIGURATION_STATE
from vipcast.model.reasons import SENTENCES, Reason, status_contested
from vipcast.model.status import Holding, InterfaceReport, SpeakerReport, Unannounced
from vipcast.model.steps import STEPS


@dataclass(frozen=True, slots=True)
class Answer:
    """Who answers for an address on one segment.

    `holder` is "" if nobody does. `holding` is the newest claim that is known, be it that of a
    holder which is lost (`former`).
    """

    segment: Segment
    holder: str
    former: str
    holding: Holding | None
    reason: str


@dataclass(frozen=True, slots=True)
class Line:
    """One address of one Service on one segment; what there is not is ""."""

    service: Key
    address: str
    pool: str
    answer: Answer | None
    reason: str
    message: str

    @property
    def segment(self) -> str:
        """The segment's name."""
        return self.answer.segment.name if self.answer else ""

    @property
    def holder(self) -> str:
        """The node that answers."""
        return self.answer.holder if self.answer else ""


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
    """One node's speaker; `lost` if the others do not hear it. `problems` are sentences."""

    node: str
    interfaces: tuple[Interface, ...] = ()
    problems: tuple[str, ...] = ()
    lost: bool = False

    @property
    def well(self) -> bool:
        """Whether it answers on every interface on which it should."""
        return not self.problems and all(
            one.answering and not one.problems for one in self.interfaces
        )


@dataclass(frozen=True, slots=True)
class Picture:
    """All of it. `problems` are objects that are not read, each with its fix.

    `reports` are the speakers' own, by node. `contested` are Services that somebody else writes on.
    """

    lines: tuple[Line, ...]
    segments: tuple[Segment, ...]
    speakers: tuple[Speaker, ...]
    config: tuple[ConfigReport, ...]
    problems: tuple[str, ...]
    controller: Controller
    reports: Mapping[str, SpeakerReport] = field(default_factory=dict)
    contested: Mapping[str, str] = field(default_factory=dict)

    @property
    def well(self) -> bool:
        """Every address is answered for on every segment, and nothing else is wrong either."""
        return (
            all(line.holder for line in self.lines)
            and all(speaker.well for speaker in self.speakers)
            and all(report.result == "Valid" for report in self.config)
            and not self.problems
            and not self.controller.problem
        )

    @property
    def nodes(self) -> frozenset[str]:
        """Every node that an object or a speaker names."""
        return frozenset(speaker.node for speaker in self.speakers)

    def of(self, service: Key) -> tuple[Line, ...]:
        """The lines of one Service."""
        return tuple(line for line in self.lines if line.service == service)


def take(store: Store, namespace: str, now: float, classes: Classes = EVERY_DEFAULT) -> Picture:
    """The picture of a store with a whole snapshot.

    `namespace` is that of the programs, `now` the time of day in seconds since 1970, `classes` are
    those of Services that are ours.
    """
    facts = _facts(store, namespace, classes)
    lost = {node for segment in facts.segments for node in segment.lost}
    told = listen(_own(store.raws(CONFIGURATION_STATE), namespace), lost, now)
    return Picture(
        lines=tuple(_fought(line, store, told) for line in _lines(facts)),
        segments=facts.segments,
        speakers=tuple(_speakers(facts)),
        config=told.config,
        problems=_problems(store, told),
        controller=told.controller,
        reports={report.node: report for report in facts.reports},
        contested=told.contested,
    )


def _problems(store: Store, told: Told) -> tuple[str, ...]:
    """What is not read, each once; where somebody else cannot read what can be read here, who."""
    ours = [str(one) for one in (*store.problems, *store.findings, *told.broken)]
    theirs = [
        f"{one.finding} (So says {', '.join(one.components)}.)"
        for one in told.unread
        if one.finding not in ours
    ]
    return tuple(dict.fromkeys((*ours, *theirs)))


@dataclass(frozen=True, slots=True)
class Facts:
    """What lines and speakers are made of: holdings by address, refusals by Service and address.

    A refusal is that of one node; nobody answers on a segment for that reason if all there refuse.
    """

    store: Store
    classes: Classes
    reports: tuple[SpeakerReport, ...]
    segments: tuple[Segment, ...]
    held: Mapping[str, list[tuple[Place, Holding]]]
    refused: Mapping[tuple[Key, str], Mapping[str, Unannounced]]


def _facts(store: Store, namespace: str, classes: Classes) -> Facts:
    reports = _own(store.speaker_statuses, namespace)
    held: dict[str, list[tuple[Place, Holding]]] = {}
    for status in _own(store.l2_statuses, namespace):
        for holding in status.holdings:
            place = Place(status.node, holding.interface)
            held.setdefault(holding.address, []).append((place, holding))
    refused: dict[tuple[Key, str], dict[str, Unannounced]] = {}
    for report in reports:
        for refusal in report.unannounced:
            by_node = refused.setdefault((refusal.service, refusal.address), {})
            by_node.setdefault(report.node, refusal)
    places = {place for claims in held.values() for place, _ in claims}
    return Facts(store, classes, reports, find_segments(reports, places), held, refused)


T = TypeVar("T")


def _own(objects: Mapping[Key, T], namespace: str) -> tuple[T, ...]:
    """Those of our namespace, by name: another deployment may have its own."""
    return tuple(objects[key] for key in sorted(objects) if key.namespace == namespace)


def why(reason: str) -> str:
    """The sentence of a reason; one that this version does not know stands for itself."""
    try:
        return SENTENCES[Reason(reason)]
    except ValueError:
        return f"{reason}." if reason else ""


def said(reason: str, told: str = "") -> str:
    """What was told; where that is no more than the word's own sentence, with what to do."""
    general = why(reason)
    if told and told != general:
        return told
    step = next((text for word, text in STEPS.items() if word == reason), "")
    return " ".join(filter(None, (general, step)))


def ours(service: Service, classes: Classes) -> bool:
    """Whether the controller gives it addresses: its record tells, whatever classes we know of."""
    return classes.refuse(service) is None or (
        service.load_balancer and bool(service.recorded.reason)
    )


def _lines(facts: Facts) -> Iterable[Line]:
    for key, service in sorted(facts.store.services.items()):
        if not ours(service, facts.classes):
            continue
        recorded = service.recorded
        if not service.ingress:
            reason = recorded.reason or Reason.NO_IP_ALLOCATED
            yield Line(key, "", "", None, reason, said(reason, recorded.message))
        for address in service.ingress:
            refused = facts.refused.get((key, address), {})
            for segment in facts.segments:
                answer = _answer(facts, refused, address, segment)
                message = _sentence(answer.reason, refused)
                yield Line(key, address, recorded.pool, answer, answer.reason, message)
            if not facts.segments:
                reason = next((one.reason for one in refused.values()), Reason.NO_SPEAKER)
                message = _sentence(reason, refused)
                yield Line(key, address, recorded.pool, None, reason, message)


def _fought(line: Line, store: Store, told: Told) -> Line:
    """A line of a Service whose status somebody else writes: that is why nobody answers."""
    writer = told.contested.get(str(line.service))
    if writer is None or line.holder:
        return line
    message = status_contested(writer, store.services[line.service].ingress)
    return replace(line, pool="", reason=Reason.STATUS_CONTESTED, message=message)


def _sentence(reason: str, refused: Mapping[str, Unannounced]) -> str:
    """The speakers' own sentence where it is their reason, for it may name what the word cannot."""
    told = (one.message for one in refused.values() if one.reason == reason)
    return said(reason, next(told, ""))


def _answer(
    facts: Facts, refused: Mapping[str, Unannounced], address: str, segment: Segment
) -> Answer:
    claims = [
        (holding.epoch, place.node, holding)
        for place, holding in facts.held.get(address, ())
        if place in segment.places
    ]
    hindered = _refusal(refused, segment) or _hindrance(segment)
    if not claims:
        return Answer(segment, "", "", None, hindered or Reason.WAITING)
    _, node, newest = max(claims, key=lambda claim: claim[:2])
    if node not in segment.lost:
        return Answer(segment, node, "", newest, newest.reason)
    return Answer(segment, "", node, newest, hindered or Reason.HOLDER_LOST)


def _refusal(refused: Mapping[str, Unannounced], segment: Segment) -> str:
    """Why no live speaker of a segment may hold it, if each says so; the first one's word."""
    words = [refused[node].reason for node in segment.live if node in refused]
    return words[0] if words and len(words) == len(segment.live) else ""


def _hindrance(segment: Segment) -> str:
    """What keeps every live speaker of a segment from holding anything."""
    live = [one for place, one in segment.reports.items() if place.node not in segment.lost]
    if not live:
        return Reason.NO_SPEAKER
    problems = [report.problems[0] for report in live if report.problems]
    if len(problems) == len(live):
        return problems[0]
    return Reason.LEARNING if all(report.learning for report in live) else ""


def _speakers(facts: Facts) -> Iterable[Speaker]:
    known = {report.node: report for report in facts.reports}
    for node in sorted({*facts.store.nodes, *known}):
        report = known.get(node)
        if report is None:
            yield Speaker(node, problems=("The speaker has not reported: is it running?",))
            continue
        places = {
            place.interface: segment
            for segment in facts.segments
            for place in segment.places
            if place.node == node
        }
        problems = []
        if node not in facts.store.nodes:
            problems.append(said(Reason.NODE_UNKNOWN))
        lost = any(node in segment.lost for segment in facts.segments)
        if lost:
            problems.append("The other speakers do not hear it any more: is it running?")
        interfaces = tuple(
            _interface(node, one, places.get(one.name)) for one in report.interfaces if _wanted(one)
        )
        if not interfaces:
            problems.append(said(Reason.NO_INTERFACE))
        yield Speaker(node, interfaces, tuple(problems), lost)


def _wanted(report: InterfaceReport) -> bool:
    """Whether addresses should be announced there; an excluded interface has no wanted mode."""
    return bool(report.mode_wanted)


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
