"""Configuration files out of templates: the little that routers' languages have in common.

PURE. A template is the router's own text with `$name` for values (string.Template), and with three
marks at the beginning of a line:

    @each neighbours      the lines up to @end, once for each; its values come before the others
    ?password …           the rest of the line, if the value is neither False, None nor empty
    !ipv6 …               the rest of the line, if it is one of these
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from string import Template
from typing import Any

from lab.errors import LabError

Values = Mapping[str, Any]


def render(text: str, values: Values, lists: Mapping[str, Sequence[Values]]) -> str:
    """The configuration. Raises LabError when a template names what there is not."""
    return "\n".join(_lines(iter(text.splitlines()), values, lists)) + "\n"


def _lines(
    lines: Iterator[str], values: Values, lists: Mapping[str, Sequence[Values]]
) -> Iterator[str]:
    for line in lines:
        if line.startswith("@each "):
            block = list(iter(lines.__next__, "@end"))
            for item in _named(lists, line.removeprefix("@each ")):
                yield from _filled(block, {**values, **item})
        else:
            yield from _filled([line], values)


def _filled(lines: Iterable[str], values: Values) -> Iterator[str]:
    for line in lines:
        wanted = line
        if line[:1] in ("?", "!"):
            name, _, wanted = line[1:].partition(" ")
            if bool(_named(values, name)) is (line[0] == "!"):
                continue
        try:
            yield Template(wanted).substitute(values)
        except KeyError as missing:
            raise LabError(f"template: no value {missing} for {line!r}") from None


def _named(values: Mapping[str, Any], name: str) -> Any:
    if name not in values:
        raise LabError(f"template: no value {name!r}")
    return values[name]
