"""What the programs say of themselves: configuration, what they cannot read, signs of life. PURE.

Each program keeps one ConfigurationState. In a directory the controller's carries a heartbeat, that
is renewed every ten seconds, for nobody else could tell that it is gone; speakers hear each other.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from vipcast.kube.fields import Fields, open_object
from vipcast.kube.render import (
    CONTESTED,
    HEARTBEAT,
    NODE_LABEL,
    READABLE,
    RECONCILED,
    WITHOUT_EFFECT,
)
from vipcast.model.errors import Finding, ParseError
from vipcast.model.raw import CONFIGURATION_STATE, Raw

CONTROLLER = "controller"
PATIENCE = 30.0
"""Seconds without a heartbeat after which the controller counts as gone: three are missing."""

NEXT = "Start vipcast-controller, or see the end of its log; until then no Service gets an address."

_RESULTS = {"True": "Valid", "False": "Invalid"}


@dataclass(frozen=True, slots=True)
class Controller:
    """The controller's last sign of life ("" if none), and in a sentence what is wrong, or ""."""

    heartbeat: str = ""
    problem: str = ""


@dataclass(frozen=True, slots=True)
class ConfigReport:
    """What controller or a node's speaker (`component`) says about the configuration.

    `warnings` are about what is accepted and has no effect.
    """

    component: str
    result: str
    findings: tuple[str, ...] = ()
    warnings: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Unread:
    """An object or file that some components cannot read, with its fix."""

    finding: str
    components: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Told:
    """All of it, the controller first. `broken` are states that cannot be read themselves.

    `contested` are the Services, by their keys as text, on which somebody else keeps writing, with
    that writer's name.
    """

    controller: Controller
    config: tuple[ConfigReport, ...]
    unread: tuple[Unread, ...]
    broken: tuple[Finding, ...]
    contested: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class _State:
    """One ConfigurationState; `node` is "" for the controller's."""

    node: str
    config: ConfigReport
    unread: tuple[str, ...]
    heartbeat: str
    age: float | None
    contested: Mapping[str, str]

    @property
    def component(self) -> str:
        return self.node or CONTROLLER


def listen(raws: Iterable[Raw], lost: Collection[str], now: float) -> Told:
    """What all say but the nodes that are lost; `now` is in seconds since 1970."""
    states: list[_State] = []
    broken: list[Finding] = []
    for raw in raws:
        try:
            state = _state(raw, now)
        except ParseError as error:
            broken.append(error.finding)
        else:
            if state.node not in lost:
                states.append(state)
    states.sort(key=lambda state: state.node)
    config = tuple(state.config for state in states)
    if not any(state.node == "" for state in states):
        config = (ConfigReport(CONTROLLER, "Unknown"), *config)
    said: dict[str, list[str]] = {}
    for state in states:
        for finding in dict.fromkeys(state.unread):
            said.setdefault(finding, []).append(state.component)
    return Told(
        controller=_controller(states),
        config=config,
        unread=tuple(Unread(finding, tuple(who)) for finding, who in said.items()),
        broken=tuple(broken),
        contested={key: who for state in states for key, who in state.contested.items()},
    )


def reports_data(reports: Iterable[ConfigReport]) -> list[dict[str, Any]]:
    """The reports in the form that JSON and YAML show."""
    return [
        {
            "component": one.component,
            "result": one.result,
            "findings": list(one.findings),
            "warnings": list(one.warnings),
        }
        for one in reports
    ]


def _controller(states: Iterable[_State]) -> Controller:
    for state in states:
        if state.node == "":
            if state.age is None or state.age < PATIENCE:
                return Controller(state.heartbeat)
            silent = f"not heard since {state.heartbeat} ({_span(state.age)})"
            return Controller(state.heartbeat, f"The controller was {silent}. {NEXT}")
    return Controller(problem=f"The controller has not reported. {NEXT}")


def _span(seconds: float) -> str:
    for size, unit in ((86400, "d"), (3600, "h"), (60, "min")):
        if seconds >= 2 * size:
            return f"{seconds // size:.0f} {unit}"
    return f"{seconds:.0f} s"


def _state(raw: Raw, now: float) -> _State:
    _, top = open_object(raw, CONFIGURATION_STATE.name)
    labels = top.below("metadata").labels("labels")
    status = top.below("status")
    conditions = {one.text("type"): one for one in status.items("conditions")}
    configured, readable = (conditions.get(kind) for kind in (RECONCILED, READABLE))
    result = _RESULTS.get(configured.text("status"), "Unknown") if configured else "Unknown"
    node = labels.get(NODE_LABEL, "")
    heartbeat = status.text(HEARTBEAT)
    return _State(
        node=node,
        config=ConfigReport(
            node or CONTROLLER,
            result,
            _complaints(configured),
            _complaints(conditions.get(WITHOUT_EFFECT), "True"),
        ),
        unread=_complaints(readable),
        heartbeat=heartbeat,
        age=now - _seconds(status) if heartbeat else None,
        contested=dict(_pair(line) for line in _complaints(conditions.get(CONTESTED), "True")),
    )


def _complaints(condition: Fields | None, bad: str = "False") -> tuple[str, ...]:
    """The lines of a condition's message, if its status is the bad one."""
    if condition is None or condition.text("status") != bad:
        return ()
    return tuple(line for line in condition.text("message").splitlines() if line)


def _pair(line: str) -> tuple[str, str]:
    """A Service and who else writes on it."""
    key, _, who = line.partition(" ")
    return key, who


def _seconds(status: Fields) -> float:
    try:
        return datetime.fromisoformat(status.text(HEARTBEAT)).timestamp()
    except ValueError:
        raise status.refused(
            HEARTBEAT, "This is no time.", "Write it as 2026-01-31T12:00:00Z."
        ) from None
