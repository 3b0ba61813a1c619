"""`vipcast explain config`: every value, where it is from, and what is wrong. PURE.

    explain_config(world) -> Configured      tell_config(Configured, …) prints it

Either form of configuration; passwords never show. What the running programs say of it, and of
their flags as far as they tell them, comes from their status objects.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from typing import Any

from vipcast.cli.components import ConfigReport, reports_data
from vipcast.cli.output import Paragraph, written
from vipcast.cli.text import Screen
from vipcast.cli.world import World
from vipcast.config import Setting
from vipcast.model.errors import Finding
from vipcast.ops.values import Output


@dataclass(frozen=True, slots=True)
class Told:
    """A flag of a running program, as it tells."""

    component: str
    flag: str
    value: str


@dataclass(frozen=True, slots=True)
class Configured:
    """All there is to say about the configuration. `source` is "" where it cannot be read.

    `present`: there is some object of a configuration. `unread` are objects that cannot be read,
    `idle` those that have no effect.
    """

    present: bool
    source: str
    settings: tuple[Setting, ...]
    findings: tuple[Finding, ...]
    warnings: tuple[Finding, ...]
    programs: tuple[ConfigReport, ...]
    flags: tuple[Told, ...]
    differences: tuple[str, ...]
    unread: tuple[str, ...]
    idle: tuple[str, ...]
    controller: str

    @property
    def well(self) -> bool:
        """Whether it can be read, and every program has it in force, with the same flags."""
        said = all(one.result == "Valid" for one in self.programs)
        return said and not self.findings and not self.differences


def explain_config(world: World) -> Configured:
    """The explanation of the configuration among the objects."""
    config, picture = world.config, world.picture
    return Configured(
        present=world.configured,
        source=config.source if config else "",
        settings=tuple(_told_together(config.settings)) if config else (),
        findings=world.findings,
        warnings=config.warnings if config else (),
        programs=picture.config,
        flags=(
            *(
                Told(component, f"--{flag}", value)
                for component, flags in picture.flags.items()
                for flag, value in flags.texts.items()
            ),
            *(
                Told(node, "--xdp-mode", picture.reports[node].xdp_mode)
                for node in sorted(picture.reports)
                if picture.reports[node].xdp_mode
            ),
        ),
        differences=picture.differences,
        unread=picture.problems,
        idle=picture.idle,
        controller=picture.controller.problem,
    )


_TOGETHER = {
    "ipAddressPools": "ipAddressPoolSelectors",
    "namespaces": "namespaceSelectors",
}
"""Lists of names, and the selectors that add to them: each alone means all where it is empty."""


def _told_together(settings: tuple[Setting, ...]) -> Iterator[Setting]:
    """The settings, where a default that means all means none beside what stands in its twin."""
    given = {(one.object, one.field.partition("[")[0]) for one in settings if one.given}
    twins = {**_TOGETHER, **{selector: names for names, selector in _TOGETHER.items()}}
    for one in settings:
        path, _, key = one.field.rpartition(".")
        twin = twins.get(key, "")
        beside = (one.object, f"{path}.{twin}" if path else twin) in given
        if twin and beside and not one.given:
            yield replace(one, value="no others", default="no others")
        else:
            yield one


def tell_config(told: Configured, output: Output, screen: Screen) -> str:
    """The whole text, with its last line end."""
    return written(config_data(told), lambda: _paragraphs(told), output, screen)


def config_data(told: Configured) -> dict[str, Any]:
    """The explanation in the form that JSON and YAML show."""
    return {
        "source": told.source,
        "healthy": told.well,
        "findings": [finding_data(one) for one in told.findings],
        "warnings": [finding_data(one) for one in told.warnings],
        "settings": [
            {
                "object": one.object,
                "field": one.field,
                "value": one.value,
                "default": one.default,
                "given": one.given,
            }
            for one in told.settings
        ],
        "programs": reports_data(told.programs),
        "flags": [
            {"component": one.component, "flag": one.flag, "value": one.value} for one in told.flags
        ],
        "problems": list(told.unread),
        "differences": list(told.differences),
        "withoutEffect": list(told.idle),
        "controller": told.controller,
    }


def finding_data(finding: Finding) -> dict[str, Any]:
    """A finding in the form that JSON and YAML show."""
    return {
        "object": finding.object,
        "field": finding.field,
        "value": finding.value,
        "message": finding.message,
        "fix": finding.fix,
    }


def _paragraphs(told: Configured) -> Iterable[Paragraph]:
    yield _head(told)
    if told.unread:
        yield ["Objects not read:", *(f"  {one}" for one in told.unread)]
    if told.warnings or told.idle:
        yield ["Accepted without effect:", *(f"  {one}" for one in (*told.warnings, *told.idle))]
    by_object: dict[str, list[Setting]] = {}
    for one in told.settings:
        by_object.setdefault(one.object, []).append(one)
    for name, several in by_object.items():
        yield [f"{name}:", *(f"  {_setting(one)}" for one in several)]
    yield _programs(told)
    if told.flags:
        yield [
            "Flags, as the programs tell them:",
            *(f"  {one}" for one in told.differences),
            *(f"  {one.component}: {one.flag} {one.value}" for one in told.flags),
        ]


def _head(told: Configured) -> list[str]:
    if not told.findings:
        return [f"The configuration is {told.source}; nothing is wrong with it."]
    if not told.present and told.unread:
        return ["There is no configuration to be seen; it may stand in what cannot be read."]
    ours = tuple(map(str, told.findings))
    if not told.present and any(one.findings not in ((), ours) for one in told.programs):
        return ["There is no configuration any more; what the programs keep of it, they say below."]
    if told.source:
        first = "All counts but these BGP peers; a program that had one before keeps it as it was:"
    elif told.present:
        first = "The configuration is refused; a program that had one before keeps it in force:"
    else:
        first = "There is no configuration:"
    return [first, *(f"  {one}" for one in told.findings)]


def _setting(one: Setting) -> str:
    """A value with its origin: given, or the default."""
    value = one.value or "(empty)"
    if not one.given:
        return f"{one.field}: {value} (default)"
    other = one.default and one.default != one.value
    return f"{one.field}: {value} (default: {one.default})" if other else f"{one.field}: {value}"


def _programs(told: Configured) -> list[str]:
    """What each program has made of it; those that say the same are named together."""
    said: dict[tuple[str, tuple[str, ...]], list[str]] = {}
    for one in told.programs:
        said.setdefault((one.result, one.findings), []).append(one.component)
    known = set(map(str, told.findings))
    text = []
    for (result, findings), who in said.items():
        text.append(f"The programs say: {result.lower()} ({', '.join(who)})")
        text += [f"  {one}" for one in findings if one not in known]
    return [*text, told.controller] if told.controller else text
