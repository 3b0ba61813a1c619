"""What is wrong with files before anybody follows them: every finding, with its file and line.

    lint({"pools.yaml": text, ...}) -> findings in the order of files and lines

The files are read as the directory source reads them, objects are parsed as the programs parse
them, and the configuration comes through `vipcast.config.parse` like theirs. Nothing is opened
here. Files without any configuration are not asked for one.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace

from vipcast.config.config import Config, PeersRefusedError
from vipcast.config.inputs import parse
from vipcast.config.nodes import Node
from vipcast.config.places import ConfigMapText, line_of
from vipcast.config.yamltext import compose, split
from vipcast.files.reading import objects_of, read
from vipcast.files.view import View
from vipcast.kube.store import Store
from vipcast.model.addresses import Network
from vipcast.model.errors import ConfigError, Finding, ParseError
from vipcast.model.raw import CONFIG_MAP, VERSIONS, Batch, Ref

_LINE = re.compile(r"line ([0-9]+)")


@dataclass(frozen=True, slots=True)
class Spot:
    """A finding and where it stands. `file` is "" and `line` 0 where that is not known.

    `warning`: it spoils nothing; what it is about has no effect.
    """

    file: str
    line: int
    finding: Finding
    warning: bool = False


@dataclass(frozen=True, slots=True)
class Doubt:
    """Something that would go wrong; `warning`: it spoils nothing, or other files may help."""

    finding: Finding
    warning: bool = False


Rehearsal = Callable[[Store, Config | None], Iterable[Doubt]]
"""What would come of the objects; the configuration is None where there is none, or a bad one."""


def lint(
    texts: Mapping[str, str],
    namespace: str,
    config_name: str = "config",
    service_cidrs: tuple[Network, ...] = (),
    rehearse: Rehearsal | None = None,
) -> tuple[Spot, ...]:
    """Everything that is wrong with these files, taken together. `texts` are by file name.

    `rehearse` is asked what would come of the objects.
    """
    view = View(VERSIONS)
    spots: list[Spot] = []
    for name, text in texts.items():
        reading = read(name, text)
        view.put(name, replace(reading, objects=(*reading.objects, *reading.doubtful)))
        spots += (_in_file(name, finding) for finding in reading.problems)
        spots += (_in_file(name, finding, warning=True) for finding in reading.remarks)
    told = {spot.finding for spot in spots}
    atlas = _Atlas(texts)
    store = Store(namespace, config_name, rough=True)
    store.apply(Batch(view.take(), synced=True))
    twice = (finding for finding in view.problems() if finding not in told)
    spots += (atlas.spot(finding) for finding in (*twice, *store.findings))
    config, wrong = _configuration(store, service_cidrs)
    spots += (atlas.spot(doubt.finding, warning=doubt.warning) for doubt in wrong)
    known = {(spot.finding.object, spot.finding.field) for spot in spots}
    for doubt in () if rehearse is None else rehearse(store, config):
        if doubt.warning or (doubt.finding.object, doubt.finding.field) not in known:
            spots.append(atlas.spot(doubt.finding, warning=doubt.warning))
    order = {name: number for number, name in enumerate(texts)}
    return tuple(sorted(spots, key=lambda spot: (order.get(spot.file, len(order)), spot.line)))


def _configuration(
    store: Store, service_cidrs: tuple[Network, ...]
) -> tuple[Config | None, list[Doubt]]:
    """The configuration that the files hold, and what is wrong with it."""
    inputs = store.inputs(service_cidrs)
    if inputs.empty and not inputs.elsewhere and not inputs.misnamed:
        return None, []
    try:
        config = parse(inputs)
    except PeersRefusedError as error:
        return error.rest, _doubts(error.findings, error.warnings)
    except ConfigError as error:
        return None, _doubts(error.findings, error.warnings)
    return config, _doubts((), config.warnings)


def _doubts(findings: Iterable[Finding], warnings: Iterable[Finding]) -> list[Doubt]:
    return [*map(Doubt, findings), *(Doubt(one, warning=True) for one in warnings)]


def _in_file(name: str, finding: Finding, *, warning: bool = False) -> Spot:
    line = _LINE.fullmatch(finding.field)
    return Spot(name, int(line[1]) if line else 0, finding, warning)


class _Atlas:
    """Finds the place of a finding by the object that it names."""

    def __init__(self, texts: Mapping[str, str]) -> None:
        self._texts = texts
        self._objects: dict[str, tuple[str, Ref, Node]] = {}
        self._config_maps: dict[Ref, ConfigMapText] = {}
        for name, text in texts.items():
            for ref, node in _nodes(name, text):
                self._objects.setdefault(str(ref), (name, ref, node))

    def spot(self, finding: Finding, *, warning: bool = False) -> Spot:
        """The finding with its place."""
        known = self._objects.get(finding.object)
        if known is None:
            return Spot("", 0, finding, warning)
        name, ref, node = known
        if ref.kind == CONFIG_MAP:
            if ref not in self._config_maps:
                self._config_maps[ref] = ConfigMapText(node, self._texts[name])
            line = self._config_maps[ref].line_of(finding.field)
        else:
            line = line_of(node, finding.field)
        return Spot(name, line, finding, warning)


def _nodes(name: str, text: str) -> Iterator[tuple[Ref, Node]]:
    """The objects of a file with their nodes; what cannot be read has been told already."""
    reading = read(name, text)
    by_line = {found.line: found.ref for found in (*reading.objects, *reading.doubtful)}
    for chunk in split(text):
        try:
            root = compose(chunk, name)
        except ParseError:
            continue
        for node in objects_of(root):
            if node.line in by_line:
                yield by_line[node.line], node
