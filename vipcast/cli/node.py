"""`vipcast explain NODE`: its interfaces and segments, what it answers for, and what not. PURE.

    explain_node(world, name) -> NodeStory | None      tell_node(NodeStory, …) prints it

What it does not answer for has the same word that the speaker and `explain SERVICE` have for it.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from speaker.plan import EXCLUDE_LABEL
from vipcast.cli.announcing import claim_to, verdict_on
from vipcast.cli.output import Paragraph, some, written
from vipcast.cli.picture import Line, Speaker, said
from vipcast.cli.segments import Place
from vipcast.cli.text import Screen
from vipcast.cli.world import World
from vipcast.model.addresses import parse_address
from vipcast.model.objects import Key
from vipcast.model.reasons import Reason
from vipcast.model.status import Holding, InterfaceReport, MemberReport, SpeakerReport
from vipcast.ops.values import Output


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

    `unread` are findings about its Node object, which counts as it was before.
    """

    name: str
    speaker: Speaker
    report: SpeakerReport | None
    exclusions: tuple[Reason, ...]
    segments: tuple[Membership, ...]
    held: tuple[Held, ...]
    passed: tuple[Passed, ...]
    unread: tuple[str, ...]

    @property
    def problems(self) -> tuple[str, ...]:
        """What is wrong with its speaker and its object, but what excludes it."""
        excluded = set(map(said, self.exclusions))
        return (*(one for one in self.speaker.problems if one not in excluded), *self.unread)

    @property
    def well(self) -> bool:
        """Whether its speaker does all it should; a label that excludes it is somebody's wish."""
        excluded = Reason.NODE_NETWORK_UNAVAILABLE in self.exclusions
        return self.speaker.well and not excluded and not self.unread

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
    return NodeStory(
        name=name,
        speaker=speaker,
        report=report,
        exclusions=tuple(_exclusions(world, name)),
        segments=tuple(_segments(world, report)) if report else (),
        held=tuple(
            Held(line, line.answer.holding)
            for line in world.picture.lines
            if line.holder == name and line.answer and line.answer.holding
        ),
        passed=tuple(_passed(world, name)),
        unread=tuple(str(one) for one in world.store.findings if one.object == f"Node {name}"),
    )


def _exclusions(world: World, name: str) -> Iterator[Reason]:
    """What on the Node object keeps it from announcing anything."""
    node = world.store.nodes.get(name)
    if node is None:
        yield Reason.NODE_UNKNOWN
        return
    if EXCLUDE_LABEL in node.labels:
        yield Reason.NODE_EXCLUDED
    if node.network_unavailable:
        yield Reason.NODE_NETWORK_UNAVAILABLE


def _segments(world: World, report: SpeakerReport) -> Iterator[Membership]:
    names = {place: segment.name for segment in world.picture.segments for place in segment.places}
    for one in report.segments:
        name = names.get(Place(report.node, one.interface), one.interface)
        yield Membership(name, one.interface, one.members, one.learning, one.problems)


def _passed(world: World, name: str) -> Iterator[Passed]:
    """Every address with a segment of the node where somebody else answers, or nobody."""
    for line in world.picture.lines:
        if not line.address or line.holder == name:
            continue
        if line.answer is None:
            yield Passed(line.address, line.service, "", line.reason, line.message, "")
            continue
        for place in line.answer.segment.places:
            if place.node == name:
                reason, message = _why_not(world, line, place)
                yield Passed(line.address, line.service, line.segment, reason, message, line.holder)


def _why_not(world: World, line: Line, place: Place) -> tuple[str, str]:
    """The word and the sentence for an address that a node does not answer for."""
    try:
        address = parse_address(line.address)
    except ValueError:
        return Reason.INVALID_IP, said(Reason.INVALID_IP)
    verdict = verdict_on(world, address, place, claim_to(world, address))
    if isinstance(verdict, Reason):
        same = verdict == line.reason and line.message
        return verdict, line.message if same else said(verdict)
    if line.holder:
        return Reason.NOT_OWNER, said(Reason.NOT_OWNER)
    return line.reason, line.message


def tell_node(story: NodeStory, output: Output, screen: Screen) -> str:
    """The whole text, with its last line end."""
    return written(node_data(story), lambda: _paragraphs(story), output, screen)


def node_data(story: NodeStory) -> dict[str, Any]:
    """The story in the form that JSON and YAML show."""
    report = story.report
    return {
        "node": story.name,
        "healthy": story.well,
        "exclusions": [{"reason": str(one), "message": said(one)} for one in story.exclusions],
        "problems": list(story.problems),
        "speaker": report
        and {
            "started": report.started,
            "lost": story.speaker.lost,
            "xdpMode": report.xdp_mode,
            "boot": report.boot,
            "term": report.term,
        },
        "interfaces": [
            {
                "name": one.name,
                "mac": one.mac,
                "answering": one.answering,
                "mode": one.mode,
                "reason": one.reason,
                "message": said(one.reason, one.message),
            }
            for one in story.interfaces
        ],
        "segments": [_segment_data(one) for one in story.segments],
        "holds": [
            {
                "address": one.line.address,
                "service": str(one.line.service),
                "segment": one.line.segment,
                "interface": one.holding.interface,
                "mac": one.holding.mac,
                "reason": one.line.reason,
                "since": one.holding.since,
                "epoch": one.holding.epoch,
            }
            for one in story.held
        ],
        "doesNotHold": [
            {
                "address": one.address,
                "service": str(one.service),
                "segment": one.segment,
                "reason": str(one.reason),
                "message": one.message,
                "holder": one.holder,
            }
            for one in story.passed
        ],
    }


def _segment_data(one: Membership) -> dict[str, Any]:
    return {
        "segment": one.segment,
        "interface": one.interface,
        "learning": one.learning,
        "problems": [{"reason": word, "message": said(word)} for word in one.problems],
        "hears": [
            {"node": member.node, "address": member.address, "mac": member.mac, "away": member.away}
            for member in one.members
        ],
    }


def _paragraphs(story: NodeStory) -> Iterable[Paragraph]:
    yield _head(story)
    if story.interfaces:
        yield ["Interfaces:", *map(_interface, story.interfaces)]
    if story.segments:
        yield ["Segments:", *(line for one in story.segments for line in _segment(one))]
    if story.held:
        yield ["Answers for:", *some(map(_held, story.held))]
    yield from _passed_text(story.passed)


def _head(story: NodeStory) -> list[str]:
    count = len({one.line.address for one in story.held})
    text = [f"Node {story.name} answers for {count or 'no'} address{'' if count == 1 else 'es'}."]
    text += [f"It may announce nothing ({word}): {said(word)}" for word in story.exclusions]
    text += story.problems
    if story.report:
        report = story.report
        text.append(
            f"Its speaker runs since {report.started} (--xdp-mode {report.xdp_mode},"
            f" term {report.term})."
        )
    return text


def _interface(one: InterfaceReport) -> str:
    state = f"answering, {one.mode} mode" if one.answering else "silent"
    return f"  {one.name}, {one.mac}: {state} ({one.reason}). {said(one.reason, one.message)}"


def _segment(one: Membership) -> Iterator[str]:
    heard = ", ".join(
        f"{member.node} ({'restarting' if member.away else member.address})"
        for member in one.members
    )
    yield f"  {one.segment}, through {one.interface}: hears {heard or 'no other speaker'}."
    words = [Reason.LEARNING] if one.learning else []
    yield from (f"    {word}: {said(word)}" for word in (*words, *one.problems))


def _held(one: Held) -> str:
    return (
        f"  {one.line.address} ({one.line.service}) on {one.line.segment}: {one.line.reason},"
        f" since {one.holding.since}, epoch {one.holding.epoch}"
    )


def _passed_text(passed: tuple[Passed, ...]) -> Iterator[Paragraph]:
    """One paragraph for each reason, with the addresses below it."""
    grouped: dict[tuple[str, str], list[Passed]] = {}
    for one in passed:
        grouped.setdefault((one.reason, one.message), []).append(one)
    for (reason, message), several in grouped.items():
        yield [f"Does not answer for ({reason}): {message}", *some(map(_missing, several))]


def _missing(one: Passed) -> str:
    where = f" on {one.segment}" if one.segment else ""
    who = f": {one.holder} does" if one.holder else ""
    return f"  {one.address} ({one.service}){where}{who}"
