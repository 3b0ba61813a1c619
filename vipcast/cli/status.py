"""`vipcast status`: the picture as a table, as JSON or as YAML. PURE."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import replace
from typing import Any

from vipcast.cli.bgp import sessions_data, sessions_short, sessions_shown
from vipcast.cli.components import ConfigReport, Controller, reports_data
from vipcast.cli.picture import Line, Picture
from vipcast.cli.routed import Routed
from vipcast.cli.routestext import routed_data, session_data
from vipcast.cli.speakers import DRAINING, LEFT, Interface, Speaker
from vipcast.cli.text import Screen, columns
from vipcast.cli.wording import said
from vipcast.files.dump import dump
from vipcast.model.objects import Key
from vipcast.ops.values import Output

ADDRESSES = ("VIP", "SERVICE", "POOL", "SEGMENT", "HOLDER", "REASON")
BY_BGP = "bgp"
"""In the column of segments, of an address that routers are told of."""
SPEAKERS = ("NODE", "INTERFACE", "MODE", "HEARS", "STATE")
_AS_WANTED = ("answering", "excluded", DRAINING, LEFT)


def show(picture: Picture, output: Output, screen: Screen) -> str:
    """The whole text, with its last line end."""
    if output is Output.JSON:
        return json.dumps(as_data(picture), indent=2) + "\n"
    if output is Output.YAML:
        return dump(as_data(picture))
    parts = (
        _addresses(picture, screen),
        _speakers(picture.speakers, screen),
        sessions_short(picture, screen),
        _controller(picture.controller, screen),
        _config(picture.config, screen),
        _flags(picture.differences, screen),
        _problems(picture.problems, screen),
        _idle(picture.idle, screen),
    )
    return "\n\n".join("\n".join(part) for part in parts if part) + "\n"


def show_sessions(picture: Picture, output: Output, screen: Screen) -> str:
    """The text of `vipcast status bgp`, with its last line end."""
    if output is Output.JSON:
        return json.dumps(sessions_data(picture), indent=2) + "\n"
    if output is Output.YAML:
        return dump(sessions_data(picture))
    return "\n\n".join("\n".join(part) for part in sessions_shown(picture, screen) if part) + "\n"


def as_data(picture: Picture) -> dict[str, Any]:
    """The picture in the form that JSON and YAML show."""
    return {
        "healthy": picture.well,
        "addresses": [_address_data(line) for line in picture.lines],
        "routes": [routed_data(routed) for routed in picture.routes],
        "speakers": [_speaker_data(speaker) for speaker in picture.speakers],
        "sessions": [session_data(session) for session in picture.sessions],
        "controller": {
            "healthy": not picture.controller.problem,
            "heartbeat": picture.controller.heartbeat,
            "problem": picture.controller.problem,
        },
        "configuration": reports_data(picture.config),
        "problems": list(picture.problems),
        "warnings": list(picture.idle),
        "differences": list(picture.differences),
    }


def _addresses(picture: Picture, screen: Screen) -> list[str]:
    every = [*map(_line, picture.lines), *map(_route, picture.routes)]
    if not every:
        return ["There is no Service of type LoadBalancer."]
    every.sort(key=lambda one: one[0])
    head, *shown = columns((ADDRESSES, *(row for _, row, _ in every)), screen.width)
    text = [screen.head(head)]
    text += [
        row if well else screen.bad(row) for row, (_, _, well) in zip(shown, every, strict=True)
    ]
    reasons = sorted({row[-1] for _, row, well in every if not well})
    if reasons:
        text += ["", *_legend(reasons, screen)]
    return text


Row = tuple[Key, tuple[str, ...], bool]
"""The Service, the cells, and whether all is well."""


def _line(line: Line) -> Row:
    cells = (line.address, str(line.service), line.pool, line.segment, line.holder, line.reason)
    return line.service, cells, bool(line.holder)


def _route(one: Routed) -> Row:
    """Every node may tell routers: where there are several, how many."""
    nodes = f"{len(one.nodes)} nodes" if len(one.nodes) > 1 else "".join(one.nodes)
    cells = (one.address, str(one.service), one.pool, BY_BGP, nodes, one.reason)
    return one.service, cells, one.told


def _legend(reasons: Iterable[str], screen: Screen) -> list[str]:
    """What the reasons mean for which something lacks."""
    text = []
    for reason in reasons:
        text += screen.wrapped(f"{reason}: {said(reason)}")
    return [*text, *screen.wrapped("`vipcast explain SERVICE` says more about one Service.")]


def _speakers(speakers: tuple[Speaker, ...], screen: Screen) -> list[str]:
    rows, bad = [], []
    for speaker in speakers:
        for one in speaker.interfaces:
            state = _state(speaker, one)
            hears = "" if speaker.lost else str(one.hears)
            rows.append((speaker.node, one.name, one.mode, hears, state))
            bad.append(state not in _AS_WANTED)
        if not speaker.interfaces:
            rows.append((speaker.node, "", "", "", _state(speaker)))
            bad.append(not speaker.excluded)
    if not rows:
        return ["There is no node and no speaker."]
    head, *shown = columns((SPEAKERS, *rows), screen.width)
    text = [screen.head(head)]
    text += [screen.bad(row) if wrong else row for row, wrong in zip(shown, bad, strict=True)]
    problems = [
        *(f"{speaker.node}: {problem}" for speaker in speakers for problem in speaker.problems),
        *(
            f"{speaker.node}, {one.name}: {problem}"
            for speaker in speakers
            for one in speaker.interfaces
            for problem in one.problems
        ),
    ]
    if problems:
        text.append("")
    for problem in problems:
        text += screen.wrapped(problem)
    return text


def _state(speaker: Speaker, interface: Interface | None = None) -> str:
    """One word for an interface, or for a speaker that has none."""
    if speaker.lost:
        return "not heard"
    if interface is None or not interface.answering:
        return _excluded(speaker) if interface is None and speaker.excluded else "silent"
    if speaker.away:
        return "restarting"
    if speaker.problems or interface.problems:
        return "in doubt"
    return _excluded(speaker) if speaker.excluded else "answering"


def _excluded(speaker: Speaker) -> str:
    return speaker.drain or "excluded"


def _controller(controller: Controller, screen: Screen) -> list[str]:
    """Nothing where it lives."""
    if not controller.problem:
        return []
    return [screen.bad(line) for line in screen.wrapped(controller.problem)]


def _config(reports: tuple[ConfigReport, ...], screen: Screen) -> list[str]:
    """Who says the same about the configuration is named together."""
    grouped: dict[ConfigReport, list[str]] = {}
    for report in reports:
        grouped.setdefault(replace(report, component=""), []).append(report.component)
    text: list[str] = []
    for same, components in grouped.items():
        result = same.result
        lines = screen.wrapped(f"Configuration: {result.lower()} ({', '.join(components)})")
        text += lines if result == "Valid" else map(screen.bad, lines)
        for finding in (*same.findings, *(f"Without effect: {one}" for one in same.warnings)):
            text += screen.wrapped(finding, "  ")
    return text


def _flags(sentences: tuple[str, ...], screen: Screen) -> list[str]:
    return [screen.bad(line) for one in sentences for line in screen.wrapped(one)]


def _problems(problems: tuple[str, ...], screen: Screen) -> list[str]:
    if not problems:
        return []
    text = [screen.bad("Objects not read:")]
    for problem in problems:
        text += screen.wrapped(problem, "  ")
    return text


def _idle(sentences: tuple[str, ...], screen: Screen) -> list[str]:
    if not sentences:
        return []
    return ["Without effect:", *(line for one in sentences for line in screen.wrapped(one, "  "))]


def _address_data(line: Line) -> dict[str, Any]:
    data: dict[str, Any] = {
        "service": str(line.service),
        "address": line.address,
        "pool": line.pool,
        "segment": line.segment,
        "holder": line.holder,
        "reason": line.reason,
        "message": line.message,
    }
    if line.answer is not None and line.answer.holding is not None:
        holding = line.answer.holding
        data |= {
            "former": line.answer.former,
            "interface": holding.interface,
            "mac": holding.mac,
            "epoch": holding.epoch,
            "since": holding.since,
        }
    return data


def _speaker_data(speaker: Speaker) -> dict[str, Any]:
    return {
        "node": speaker.node,
        "healthy": speaker.well,
        "lost": speaker.lost,
        "away": speaker.away,
        "excluded": speaker.excluded,
        "drain": speaker.drain,
        "cordoned": speaker.cordoned,
        "heartbeat": speaker.heartbeat,
        "problems": list(speaker.problems),
        "interfaces": [
            {
                "name": one.name,
                "mode": one.mode,
                "hears": one.hears,
                "answering": one.answering,
                "problems": list(one.problems),
            }
            for one in speaker.interfaces
        ],
    }
