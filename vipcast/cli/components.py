"""What the programs say of themselves: configuration, what they cannot read, signs of life. PURE.

Each program keeps one ConfigurationState. In a directory it carries a heartbeat, which is renewed
every ten seconds; on a cluster it names the Pod, whose kubelet knows (vipcast.cli.kubelets).
Speakers also hear each other, but the last two that die vouch for one another in their reports, and
one that is alone has nobody.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from vipcast.cli.flagged import Flags, flags_of
from vipcast.cli.kubelets import NONE, Kubelets
from vipcast.cli.speakers import START, Signs
from vipcast.kube.fields import Fields, open_object
from vipcast.kube.owners import owner_of
from vipcast.kube.render import (
    CONTESTED,
    HEARTBEAT,
    NODE_LABEL,
    READABLE,
    RECONCILED,
    WITHOUT_EFFECT,
)
from vipcast.model.errors import Finding, ParseError
from vipcast.model.raw import CONFIGURATION_STATE, Raw, Ref

CONTROLLER = "controller"
PATIENCE = 30.0
"""Seconds without a heartbeat after which a program counts as gone: three are missing."""

NEXT = {
    CONTROLLER: "Start vipcast-controller, or see the end of its log; until then no Service gets an"
    " address.",
    "speaker": START,
}

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
    that writer's name. `flags` are by program.
    """

    controller: Controller
    config: tuple[ConfigReport, ...]
    unread: tuple[Unread, ...]
    broken: tuple[Finding, ...]
    contested: Mapping[str, str]
    flags: Mapping[str, Flags]


@dataclass(frozen=True, slots=True)
class _State:
    """One ConfigurationState; `node` is "" for the controller's.

    `silent` says why its program is gone, `unsure` why nobody knows, "" if neither.
    """

    node: str
    config: ConfigReport
    unread: tuple[str, ...]
    heartbeat: str
    silent: str
    unsure: str
    contested: Mapping[str, str]
    flags: Flags | None

    @property
    def component(self) -> str:
        return self.node or CONTROLLER


@dataclass(frozen=True, slots=True)
class Voices:
    """Every state as it can be read, the controller's first; `broken` are those that cannot."""

    states: tuple[_State, ...]
    broken: tuple[Finding, ...]

    @property
    def flags(self) -> Flags | None:
        """The controller's, else those of the first speaker that tells any."""
        return next((one.flags for one in self.states if one.flags), None)

    @property
    def signs(self) -> Signs:
        """The speakers' signs of life."""
        nodes = [one for one in self.states if one.node]
        return Signs(
            {one.node: one.heartbeat for one in nodes if one.heartbeat},
            {one.node: one.silent for one in nodes if one.silent},
            {one.node: one.unsure for one in nodes if one.unsure},
        )


def hear(raws: Iterable[Raw], now: float, kubelets: Kubelets = NONE) -> Voices:
    """What all have said; `now` is in seconds since 1970."""
    states: list[_State] = []
    broken: list[Finding] = []
    for raw in raws:
        try:
            states.append(_state(raw, now, kubelets))
        except ParseError as error:
            broken.append(error.finding)
    return Voices(tuple(sorted(states, key=lambda state: state.node)), tuple(broken))


def listen(voices: Voices, lost: Collection[str]) -> Told:
    """What all say but the nodes that are lost."""
    states = [state for state in voices.states if state.node not in lost]
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
        broken=voices.broken,
        contested={key: who for state in states for key, who in state.contested.items()},
        flags={state.component: state.flags for state in states if state.flags},
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
            return Controller(state.heartbeat, state.silent or state.unsure)
    return Controller(problem=f"The controller has not reported. {NEXT[CONTROLLER]}")


def _span(seconds: float) -> str:
    for size, unit in ((86400, "d"), (3600, "h"), (60, "min")):
        if seconds >= 2 * size:
            return f"{seconds // size:.0f} {unit}"
    return f"{seconds:.0f} s"


def _state(raw: Raw, now: float, kubelets: Kubelets) -> _State:
    key, top = open_object(raw, CONFIGURATION_STATE.name)
    labels = top.below("metadata").labels("labels")
    status = top.below("status")
    conditions = {one.text("type"): one for one in status.items("conditions")}
    configured, readable = (conditions.get(kind) for kind in (RECONCILED, READABLE))
    result = _RESULTS.get(configured.text("status"), "Unknown") if configured else "Unknown"
    node = labels.get(NODE_LABEL, "")
    program, owner = "speaker" if node else CONTROLLER, owner_of(raw)
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
        silent=kubelets.gone(program, owner) or _missed(program, status, now),
        unsure=kubelets.unknown(program, owner),
        contested=dict(_pair(line) for line in _complaints(conditions.get(CONTESTED), "True")),
        flags=flags_of(str(Ref(CONFIGURATION_STATE, key)), raw),
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


def _missed(program: str, status: Fields, now: float) -> str:
    """Since when a program that gives signs of life has given none, and what to do."""
    if not (heartbeat := status.text(HEARTBEAT)) or (age := now - _seconds(status)) < PATIENCE:
        return ""
    return f"The {program} was not heard since {heartbeat} ({_span(age)}). {NEXT[program]}"


def _seconds(status: Fields) -> float:
    try:
        return datetime.fromisoformat(status.text(HEARTBEAT)).timestamp()
    except ValueError:
        raise status.refused(
            HEARTBEAT, "This is no time.", "Write it as 2026-01-31T12:00:00Z."
        ) from None
