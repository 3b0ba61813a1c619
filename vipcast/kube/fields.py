"""Reading typed values out of a raw object: the value, the default, or a ParseError that names it.

A key that is missing and a key without a value (null) are the same, as they are to Kubernetes.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from vipcast.model.errors import Finding, ParseError
from vipcast.model.objects import Key

_SHOWN = 80
_QUOTES = "Write it as text; put it in quotes if it looks like a number, a date or yes or no."


class Fields:
    """One mapping inside of an object, with the path that leads to it ("" is the object itself)."""

    __slots__ = ("_path", "_values", "name")

    def __init__(self, name: str, values: Any, path: str = "") -> None:
        self.name = name
        self._path = path
        if values is not None and not isinstance(values, Mapping):
            raise self._wrong(path, values, "a mapping of keys to values", "Write key: value.")
        self._values: Mapping[str, Any] = values or {}

    def __bool__(self) -> bool:
        return bool(self._values)

    def has(self, key: str) -> bool:
        """Whether the key has a value."""
        return self._values.get(key) is not None

    def below(self, key: str) -> Fields:
        """The mapping under a key, empty if there is none."""
        return Fields(self.name, self._values.get(key), self._at(key))

    def items(self, key: str) -> Iterator[Fields]:
        """The mappings in the list under a key."""
        for index, item in enumerate(self._list(key)):
            yield Fields(self.name, {} if item is None else item, f"{self._at(key)}[{index}]")

    def texts(self, key: str) -> tuple[str, ...]:
        """The texts in the list under a key."""
        for index, item in enumerate(self._list(key)):
            if not isinstance(item, str):
                raise self._wrong(f"{self._at(key)}[{index}]", item)
        return tuple(self._list(key))

    def text(self, key: str, default: str = "") -> str:
        """The text under a key."""
        value = self._values.get(key)
        if value is None or isinstance(value, str):
            return default if value is None else value
        raise self._wrong(self._at(key), value)

    def flag(self, key: str, *, default: bool) -> bool:
        """The boolean under a key."""
        value = self._values.get(key)
        if value is None or isinstance(value, bool):
            return default if value is None else value
        raise self._wrong(
            self._at(key), value, "true or false", "Write true or false, without quotes."
        )

    def number(self, key: str, least: int, most: int, default: int | None = None) -> int:
        """The integer under a key, from `least` to `most`; without a default it must be there."""
        value = self._values.get(key)
        if value is None and default is not None:
            return default
        if isinstance(value, int) and not isinstance(value, bool) and least <= value <= most:
            return value
        raise self.refused(
            key, f"It must be a number from {least} to {most}.", "Correct the number."
        )

    def labels(self, key: str) -> Mapping[str, str]:
        """The mapping of text to text under a key."""
        values = self.below(key)
        return {name: values.text(name) for name in values._values}

    def refused(self, key: str, message: str, fix: str) -> ParseError:
        """The error to raise for the value under a key."""
        value = self._values.get(key)
        return ParseError(Finding(self.name, self._at(key), shown(value), message, fix))

    def _list(self, key: str) -> list[Any]:
        value = self._values.get(key)
        if value is None or isinstance(value, list):
            return value or []
        raise self._wrong(self._at(key), value, "a list", "Begin each item with a dash.")

    def _at(self, key: str) -> str:
        return f"{self._path}.{key}" if self._path else key

    def _wrong(self, path: str, value: Any, wanted: str = "text", fix: str = _QUOTES) -> ParseError:
        message = f"It must be {wanted}."
        return ParseError(Finding(self.name, path, shown(value), message, fix))


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
    raw: Mapping[str, Any], kind: str, *, cluster_wide: bool = False
) -> tuple[Key, Fields]:
    """The name of an object and its fields, whose findings name it as "Service default/web"."""
    metadata = raw.get("metadata")
    given = metadata if isinstance(metadata, Mapping) else {}
    namespace = "" if cluster_wide else given.get("namespace", "default")
    key = Key(str(namespace), str(given.get("name", "")))
    return key, Fields(f"{kind} {key}", raw)
