"""The cluster as the objects show it: addresses, who answers for them, and what is wrong. PURE.

    take(store, namespace, now) -> Picture

`vipcast status` prints it, `vipcast explain` tells one Service of it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import TypeVar

from vipcast.cli.components import ConfigReport, Controller, Told, hear, listen
from vipcast.cli.flagged import Flags, differences
from vipcast.cli.kubelets import kubelets_of
from vipcast.cli.routed import Routed
from vipcast.cli.segments import Place, Segment, find_segments
from vipcast.cli.sessions import Session, sessions_of
from vipcast.cli.speakers import Signs, Speaker, absent, speakers_of
from vipcast.cli.wording import said
from vipcast.kube.store import Store
from vipcast.kube.unread import without_effect
from vipcast.model.classes import EVERY_DEFAULT, Classes
from vipcast.model.objects import Key, Service
from vipcast.model.raw import CONFIGURATION_STATE
from vipcast.model.reasons import Reason, status_contested
from vipcast.model.status import Holding, SpeakerReport, Unannounced


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
class Picture:
    """All of it. `problems` are objects that are not read, each with its fix; `idle` are those that
    have no effect, which spoils nothing.

    `reports` are the speakers' own, by node. `contested` are Services that somebody else writes on.
    `away` are nodes whose speakers are being restarted. `flags` are those that the programs tell,
    and `differences` say where these are not the same. `classes` are those of Services that are
    ours. `sessions` are those with routers, `routes` the addresses that these are to be told of.
    """

    lines: tuple[Line, ...]
    segments: tuple[Segment, ...]
    speakers: tuple[Speaker, ...]
    config: tuple[ConfigReport, ...]
    problems: tuple[str, ...]
    controller: Controller
    reports: Mapping[str, SpeakerReport] = field(default_factory=dict)
    contested: Mapping[str, str] = field(default_factory=dict)
    away: frozenset[str] = frozenset()
    idle: tuple[str, ...] = ()
    flags: Mapping[str, Flags] = field(default_factory=dict)
    differences: tuple[str, ...] = ()
    classes: Classes = EVERY_DEFAULT
    sessions: tuple[Session, ...] = ()
    routes: tuple[Routed, ...] = ()

    @property
    def well(self) -> bool:
        """Every address is answered for on every segment, or told to a router, and nothing else is
        wrong either."""
        return (
            all(line.holder for line in self.lines)
            and all(routed.told for routed in self.routes)
            and all(session.stands or session.lost for session in self.sessions)
            and all(speaker.well for speaker in self.speakers)
            and all(report.result == "Valid" for report in self.config)
            and not self.problems
            and not self.differences
            and not self.controller.problem
        )

    @property
    def nodes(self) -> frozenset[str]:
        """Every node that an object or a speaker names."""
        return frozenset(speaker.node for speaker in self.speakers)

    def of(self, service: Key) -> tuple[Line, ...]:
        """The lines of one Service."""
        return tuple(line for line in self.lines if line.service == service)

    def routes_of(self, service: Key) -> tuple[Routed, ...]:
        """What routers are to be told of one Service."""
        return tuple(routed for routed in self.routes if routed.service == service)


def take(store: Store, namespace: str, now: float, classes: Classes = EVERY_DEFAULT) -> Picture:
    """The picture of a store with a whole snapshot.

    `namespace` is that of the programs, `now` the time of day in seconds since 1970, `classes` are
    those of Services that are ours, where no program tells which.
    """
    states = _own(store.raws(CONFIGURATION_STATE), namespace)
    voices = hear(states, now, kubelets_of(store, namespace))
    classes = voices.flags.classes if voices.flags else classes
    facts = _facts(store, namespace, classes, voices.signs)
    lost = {node for segment in facts.segments for node in segment.lost}
    told = listen(voices, lost | voices.signs.silent.keys())
    speakers = tuple(speakers_of(store.nodes, facts.reports, facts.segments, voices.signs))
    return Picture(
        lines=tuple(_fought(line, store, told) for line in _lines(facts)),
        segments=facts.segments,
        speakers=speakers,
        config=told.config,
        problems=_problems(store, told),
        controller=told.controller,
        reports={report.node: report for report in facts.reports},
        contested=told.contested,
        away=absent(facts.reports, facts.segments, voices.signs),
        idle=tuple(map(str, filter(without_effect, store.problems))),
        flags=told.flags,
        differences=tuple(differences(told.flags)),
        classes=classes,
        sessions=sessions_of(facts.reports, {one.node for one in speakers if one.lost}),
    )


def _problems(store: Store, told: Told) -> tuple[str, ...]:
    """What is not read, each once; where somebody else cannot read what can be read here, who."""
    known = {str(one): one for one in (*store.problems, *store.findings, *told.broken)}
    ours = [text for text, one in known.items() if not without_effect(one)]
    theirs = [
        f"{one.finding} (So says {', '.join(one.components)}.)"
        for one in told.unread
        if one.finding not in known
    ]
    return tuple(dict.fromkeys((*ours, *theirs)))


@dataclass(frozen=True, slots=True)
class Facts:
    """What lines and speakers are made of: holdings and refusals by Service and address.

    A refusal is that of one node; nobody answers on a segment for that reason if all there refuse.
    """

    store: Store
    classes: Classes
    reports: tuple[SpeakerReport, ...]
    segments: tuple[Segment, ...]
    held: Mapping[tuple[Key, str], list[tuple[Place, Holding]]]
    refused: Mapping[tuple[Key, str], Mapping[str, Unannounced]]


def _facts(store: Store, namespace: str, classes: Classes, signs: Signs) -> Facts:
    reports = _own(store.speaker_statuses, namespace)
    held: dict[tuple[Key, str], list[tuple[Place, Holding]]] = {}
    for status in _own(store.l2_statuses, namespace):
        for holding in status.holdings:
            place = Place(status.node, holding.interface)
            held.setdefault((status.service, holding.address), []).append((place, holding))
    refused: dict[tuple[Key, str], dict[str, Unannounced]] = {}
    for report in reports:
        if report.node in signs.silent:
            continue
        for refusal in report.unanswered:
            by_node = refused.setdefault((refusal.service, refusal.address), {})
            by_node.setdefault(report.node, refusal)
    places = {place for claims in held.values() for place, _ in claims}
    segments = find_segments(reports, places, signs.silent, signs.unsure)
    return Facts(store, classes, reports, segments, held, refused)


T = TypeVar("T")


def _own(objects: Mapping[Key, T], namespace: str) -> tuple[T, ...]:
    """Those of our namespace, by name: another deployment may have its own."""
    return tuple(objects[key] for key in sorted(objects) if key.namespace == namespace)


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
                answer = _answer(facts.held.get((key, address), ()), refused, segment)
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
    held: Iterable[tuple[Place, Holding]], refused: Mapping[str, Unannounced], segment: Segment
) -> Answer:
    claims = [
        (holding.epoch, place.node, holding) for place, holding in held if place in segment.places
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
