"""Reading typed values out of a raw object: the value, the default, or a finding that names it.

A key that is missing and a key without a value (null) are the same, as they are to Kubernetes. A
finding is raised as a ParseError, or gathered where whoever reads brings a list for it: then the
default counts, and `settled` raises them all at the end.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, TypeVar

from vipcast.model.errors import Finding, ParseError
from vipcast.model.objects import Key

T = TypeVar("T")

_SHOWN = 80
_DIGITS = re.compile(r"-?[0-9]{1,18}", re.ASCII)
_QUOTES = "Write it as text; put it in quotes if it looks like a number, a date or yes or no."


class Fields:
    """One mapping inside of an object, with the path that leads to it ("" is the object itself)."""

    __slots__ = ("_found", "_path", "_values", "name")

    def __init__(
        self, name: str, values: Any, path: str = "", found: list[Finding] | None = None
    ) -> None:
        self.name = name
        self._path = path
        self._found = found
        if values is not None and not isinstance(values, Mapping):
            self._wrong(path, values, "a mapping of keys to values", "Write key: value.")
            values = None
        self._values: Mapping[str, Any] = values or {}

    def __bool__(self) -> bool:
        return bool(self._values)

    def has(self, key: str) -> bool:
        """Whether the key has a value."""
        return self._values.get(key) is not None

    def below(self, key: str) -> Fields:
        """The mapping under a key, empty if there is none."""
        return Fields(self.name, self._values.get(key), self._at(key), self._found)

    def items(self, key: str) -> Iterator[Fields]:
        """The mappings in the list under a key."""
        for index, item in enumerate(self._list(key)):
            path = f"{self._at(key)}[{index}]"
            yield Fields(self.name, {} if item is None else item, path, self._found)

    def texts(self, key: str) -> tuple[str, ...]:
        """The texts in the list under a key."""
        several = []
        for index, item in enumerate(self._list(key)):
            if isinstance(item, str):
                several.append(item)
            else:
                self._wrong(f"{self._at(key)}[{index}]", item)
        return tuple(several)

    def text(self, key: str, default: str = "") -> str:
        """The text under a key."""
        value = self._values.get(key)
        if isinstance(value, str):
            return value
        if value is not None:
            self._wrong(self._at(key), value)
        return default

    def flag(self, key: str, *, default: bool) -> bool:
        """The boolean under a key."""
        value = self._values.get(key)
        if isinstance(value, bool):
            return value
        if value is not None:
            fix = "Write true or false, without quotes."
            self._wrong(self._at(key), value, "true or false", fix)
        return default

    def number(self, key: str, least: int, most: int, default: int | None = None) -> int:
        """The integer under a key, from `least` to `most`; without a default it must be there."""
        value = self._values.get(key)
        if isinstance(value, int) and not isinstance(value, bool) and least <= value <= most:
            return value
        if value is None and default is not None:
            return default
        if isinstance(value, str) and _DIGITS.fullmatch(value) and least <= int(value) <= most:
            message, fix = "It must be a number, and this is text.", "Write it without quotes."
            self._tell(Finding(self.name, self._at(key), f'"{value}"', message, fix))
        else:
            message = f"It must be a number from {least} to {most}."
            self.refuse(key, message, "Write one." if value is None else "Correct it.")
        return least if default is None else default

    def labels(self, key: str) -> Mapping[str, str]:
        """The mapping of text to text under a key."""
        values = self.below(key)
        return {name: values.text(name) for name in values._values}

    def refused(self, key: str, message: str, fix: str) -> ParseError:
        """The error to raise for the value under a key."""
        value = self._values.get(key)
        return ParseError(Finding(self.name, self._at(key), shown(value), message, fix))

    def refuse(self, key: str, message: str, fix: str) -> None:
        """Tell of the value under a key."""
        self._tell(self.refused(key, message, fix).finding)

    def _list(self, key: str) -> list[Any]:
        value = self._values.get(key)
        if isinstance(value, list):
            return value
        if value is not None:
            self._wrong(self._at(key), value, "a list", "Begin each item with a dash.")
        return []

    def _at(self, key: str) -> str:
        return f"{self._path}.{key}" if self._path else key

    def _wrong(self, path: str, value: Any, wanted: str = "text", fix: str = _QUOTES) -> None:
        message = f"It must be {wanted}."
        self._tell(Finding(self.name, path, shown(value), message, fix))

    def _tell(self, finding: Finding) -> None:
        if self._found is None:
            raise ParseError(finding)
        self._found.append(finding)


def settled(value: T, found: Iterable[Finding]) -> T:
    """The value if nothing was found; else raises ParseError with everything, each once."""
    findings = tuple(dict.fromkeys(found))
    if findings:
        raise ParseError(*findings, partial=value)
    return value


def shown(value: Any) -> str:
    """A value as a finding shows it: short, and spelled as in YAML."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, Mapping):
        return "{...}" if value else "{}"
    if isinstance(value, list):
        return "[...]" if value else "[]"
    return str(value)[:_SHOWN]


def open_object(
    raw: Mapping[str, Any],
    kind: str,
    found: list[Finding] | None = None,
    *,
    cluster_wide: bool = False,
) -> tuple[Key, Fields]:
    """The name of an object and its fields, whose findings name it as "Service default/web".

    What is wrong is added to `found`, or raised at once without it.
    """
    metadata = raw.get("metadata")
    given = metadata if isinstance(metadata, Mapping) else {}
    namespace = "" if cluster_wide else given.get("namespace", "default")
    key = Key(str(namespace), str(given.get("name", "")))
    return key, Fields(f"{kind} {key}", raw, found=found)
