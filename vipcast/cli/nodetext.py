"""A NodeStory as text for people, as JSON or as YAML; all three say the same. PURE."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any, Final

from vipcast.cli.node import Held, Membership, NodeStory, Passed
from vipcast.cli.output import Paragraph, some, written
from vipcast.cli.routestext import session_data
from vipcast.cli.sessions import Session
from vipcast.cli.speakers import DRAINING
from vipcast.cli.text import Screen
from vipcast.cli.wording import said
from vipcast.model.reasons import Reason
from vipcast.model.status import InterfaceReport
from vipcast.ops.values import Output

LEAVES: Final = (
    "It is being drained: routers are asked to use other paths, and then it withdraws its routes."
)


def tell_node(story: NodeStory, output: Output, screen: Screen) -> str:
    """The whole text, with its last line end."""
    return written(node_data(story), lambda: _paragraphs(story), output, screen)


def node_data(story: NodeStory) -> dict[str, Any]:
    """The story in the form that JSON and YAML show."""
    return {
        "node": story.name,
        "healthy": story.well,
        "exclusions": [{"reason": str(one), "message": said(one)} for one in story.exclusions],
        "drain": story.speaker.drain,
        "problems": list(story.problems),
        "speaker": _speaker_data(story),
        "interfaces": [_interface_data(one) for one in story.interfaces],
        "segments": [_segment_data(one) for one in story.segments],
        "holds": [_held_data(one) for one in story.held],
        "doesNotHold": [_passed_data(one) for one in story.passed],
        "sessions": [session_data(one) for one in story.sessions],
        "tells": [
            {
                "address": one.address,
                "service": str(one.service),
                "routers": list(teller.routers),
                "message": teller.message,
            }
            for one, teller in story.tells
        ],
        "doesNotTell": [
            {
                "address": one.address,
                "service": str(one.service),
                "reason": why.reason,
                "message": why.message,
            }
            for one, why in story.untold
        ],
    }


def _speaker_data(story: NodeStory) -> dict[str, Any] | None:
    report, speaker = story.report, story.speaker
    if report is None:
        return None
    return {
        "started": report.started,
        "lost": speaker.lost,
        "away": speaker.away,
        "heartbeat": speaker.heartbeat,
        "xdpMode": report.xdp_mode,
        "boot": report.boot,
        "term": report.term,
    }


def _interface_data(one: InterfaceReport) -> dict[str, Any]:
    return {
        "name": one.name,
        "mac": one.mac,
        "answering": one.answering,
        "mode": one.mode,
        "reason": one.reason,
        "message": said(one.reason, one.message),
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


def _held_data(one: Held) -> dict[str, Any]:
    return {
        "address": one.line.address,
        "service": str(one.line.service),
        "segment": one.line.segment,
        "interface": one.holding.interface,
        "mac": one.holding.mac,
        "reason": one.line.reason,
        "since": one.holding.since,
        "epoch": one.holding.epoch,
    }


def _passed_data(one: Passed) -> dict[str, Any]:
    return {
        "address": one.address,
        "service": str(one.service),
        "segment": one.segment,
        "reason": str(one.reason),
        "message": one.message,
        "holder": one.holder,
    }


def _paragraphs(story: NodeStory) -> Iterable[Paragraph]:
    yield _head(story)
    if story.interfaces:
        yield [f"Interfaces{_when(story)}:", *map(_interface, story.interfaces)]
    if story.segments:
        lines = (line for one in story.segments for line in _segment(one))
        yield [f"Segments{_when(story)}:", *lines]
    if story.held:
        yield ["Answers for:", *some(map(_held, story.held))]
    yield from _passed_text(story.passed)
    yield from _routes(story)


def _routes(story: NodeStory) -> Iterator[Paragraph]:
    """Its sessions, what it tells its routers, and what not."""
    if story.sessions:
        yield [f"BGP sessions{_when(story)}:", *map(_session, story.sessions)]
    told: dict[str, list[str]] = {}
    for one, teller in story.tells:
        line = f"  {one.address} ({one.service}): {', '.join(teller.routers)}"
        told.setdefault(f", to be used last: {teller.message}" if teller.last else ":", []).append(
            line
        )
    for terms, lines in told.items():
        yield [f"Tells routers of{terms}", *some(lines)]
    grouped: dict[tuple[str, str], list[str]] = {}
    for one, why in story.untold:
        grouped.setdefault((why.reason, why.message), []).append(f"  {one.address} ({one.service})")
    for (reason, message), addresses in grouped.items():
        yield [f"Tells no router of (BGP, {reason}): {message}", *some(addresses)]


def _session(one: Session) -> str:
    peer = one.peer
    said = f"{one.problem} {one.remark}".strip()
    routes = f", {peer.announced} route{'' if peer.announced == 1 else 's'}"
    return (
        f"  {peer.name} ({one.place}): {peer.state}, since {peer.since}"
        f"{routes if one.stands else ''}{f'. {said}' if said else ''}"
    )


def _head(story: NodeStory) -> list[str]:
    count = len({one.line.address for one in story.held})
    addresses = f"{count or 'no'} address{'' if count == 1 else 'es'}"
    told = len({one.address for one, _ in story.tells})
    tells = f", and tells routers of {told or 'none'}" if story.sessions else ""
    text = [f"Node {story.name} answers for {addresses}{tells}."]
    text += [f"It may announce nothing ({word}): {said(word)}" for word in story.exclusions]
    if story.speaker.drain == DRAINING:
        text.append(LEAVES)
    text += story.problems
    if story.report:
        report, speaker = story.report, story.speaker
        gone = speaker.lost or speaker.away
        last = f"; its last sign of life is from {speaker.heartbeat}" if speaker.heartbeat else ""
        text.append(
            f"Its speaker {'was started' if gone else 'runs since'} {report.started}"
            f" (--xdp-mode {report.xdp_mode}, term {report.term}){last if gone else ''}."
        )
    return text


def _when(story: NodeStory) -> str:
    """What a speaker that is gone has said is what was then."""
    return ", as last reported" if story.speaker.lost else ""


def _interface(one: InterfaceReport) -> str:
    state = f"answering, {one.mode} mode" if one.answering else "silent"
    mac = f", {one.mac}" if one.mac else ""
    return f"  {one.name}{mac}: {state} ({one.reason}). {said(one.reason, one.message)}"


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
        yield [f"Does not answer for (layer 2, {reason}): {message}", *some(map(_missing, several))]


def _missing(one: Passed) -> str:
    where = f" on {one.segment}" if one.segment else ""
    who = f": {one.holder} does" if one.holder else ""
    return f"  {one.address} ({one.service}){where}{who}"
