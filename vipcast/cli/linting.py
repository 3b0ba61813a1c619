"""`vipcast lint FILE...`: what is wrong with objects, before anybody applies them.

    gather(files, stdin) -> Texts      check(texts, …) -> Checked      tell_checked(Checked, …)

Nothing but the files is looked at: no controller, no root rights, no lab. What is found comes from
`vipcast.files.lint`, which reads as the programs do.
"""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO, Final

from vipcast.cli.configured import finding_data
from vipcast.cli.output import Paragraph, written
from vipcast.cli.rehearsal import rehearse
from vipcast.cli.text import Screen
from vipcast.files.lint import Spot, lint
from vipcast.files.reading import read
from vipcast.files.tree import SUFFIXES, is_hidden
from vipcast.files.view import STATUS
from vipcast.model.addresses import Network
from vipcast.ops.values import Output

STDIN: Final = "-"


@dataclass(frozen=True, slots=True)
class Texts:
    """What was read, by file name; `failures` are sentences about what could not be."""

    by_name: Mapping[str, str]
    failures: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Checked:
    """What was looked at, and what was found; `kinds` counts objects by kind."""

    files: tuple[str, ...]
    kinds: Mapping[str, int]
    spots: tuple[Spot, ...]

    @property
    def well(self) -> bool:
        """Whether nothing is wrong; warnings are about what merely has no effect."""
        return all(spot.warning for spot in self.spots)


def gather(paths: Iterable[Path], stdin: BinaryIO) -> Texts:
    """Open everything; a directory stands for the files of objects in it, as programs see them."""
    texts: dict[str, str] = {}
    failures: list[str] = []

    def take(name: str, content: Callable[[], bytes]) -> None:
        try:
            texts[name] = content().decode()
        except OSError as error:
            failures.append(_failure(name, error))
        except UnicodeDecodeError:
            failures.append(f"{name} is not text in UTF-8.")

    for path in paths:
        if str(path) == STDIN:
            take("stdin", stdin.read)
        elif path.is_dir():
            found = list(_walk(path, failures))
            if not found:
                failures.append(f"{path} has no file of objects (*.yaml, *.yml, *.json).")
            for each in found:
                take(str(each), each.read_bytes)
        else:
            take(str(path), path.read_bytes)
    return Texts(texts, tuple(failures))


def _failure(name: str, error: OSError) -> str:
    missing = isinstance(error, FileNotFoundError)
    fix = "Give a file or directory that is there." if missing else "Let this user read it."
    return f"{name} cannot be read: {error.strerror}. {fix}"


def _walk(top: Path, failures: list[str]) -> Iterator[Path]:
    """The users' files in a directory: what programs write below `status` is none of theirs."""

    def failed(error: OSError) -> None:
        failures.append(_failure(str(error.filename), error))

    for place, directories, names in os.walk(top, onerror=failed):
        here = Path(place)
        directories[:] = sorted(
            name
            for name in directories
            if not is_hidden(name) and not (here == top and name == STATUS)
        )
        for name in sorted(names):
            if name.endswith(SUFFIXES) and not is_hidden(name):
                yield here / name


def check(
    texts: Mapping[str, str],
    namespace: str,
    config: str,
    service_cidrs: tuple[Network, ...],
) -> Checked:
    """What there is in the texts, and what is wrong with it."""
    counted = Counter(
        found.ref.kind.name for name, text in texts.items() for found in read(name, text).objects
    )
    spots = lint(texts, namespace, config, service_cidrs, rehearse)
    return Checked(tuple(texts), dict(sorted(counted.items())), spots)


def tell_checked(checked: Checked, output: Output, screen: Screen) -> str:
    """The whole text, with its last line end."""
    return written(checked_data(checked), lambda: _paragraphs(checked), output, screen)


def checked_data(checked: Checked) -> dict[str, Any]:
    """The result in the form that JSON and YAML show."""
    return {
        "healthy": checked.well,
        "files": list(checked.files),
        "objects": dict(checked.kinds),
        "findings": [_spot_data(one) for one in checked.spots if not one.warning],
        "warnings": [_spot_data(one) for one in checked.spots if one.warning],
    }


def _spot_data(spot: Spot) -> dict[str, Any]:
    return {"file": spot.file, "line": spot.line, **finding_data(spot.finding)}


def _paragraphs(checked: Checked) -> Iterable[Paragraph]:
    yield [_spot(one) for one in checked.spots]
    yield [_summary(checked)]


def _spot(spot: Spot) -> str:
    """One finding: FILE:LINE first, as editors and terminals know to follow it."""
    line = f":{spot.line}" if spot.line else ""
    place = f"{spot.file}{line}: " if spot.file else ""
    kind = "warning: " if spot.warning else ""
    return f"{place}{kind}{_said(spot)}"


def _said(spot: Spot) -> str:
    """The finding, without the file and line that stand in front of it."""
    told = spot.finding
    if told.object != f"file {spot.file}":
        return str(told)
    value = f"{told.value!r}: " if told.value else ""
    return f"{value}{told.message} {told.fix}".rstrip()


def _summary(checked: Checked) -> str:
    findings = sum(not one.warning for one in checked.spots)
    warnings = len(checked.spots) - findings
    number = sum(checked.kinds.values())
    kinds = ", ".join(f"{count} {kind}" for kind, count in checked.kinds.items())
    where = "1 file" if len(checked.files) == 1 else f"{len(checked.files)} files"
    looked = f"{_counted(number, 'object')} in {where}{f' ({kinds})' if kinds else ''}"
    found = _counted(findings, "finding") if findings else "nothing is wrong"
    more = f", {_counted(warnings, 'warning')}" if warnings else ""
    return f"Checked {looked}: {found}{more}."


def _counted(number: int, thing: str) -> str:
    return f"{number} {thing}{'' if number == 1 else 's'}"
