"""Reading typed values out of nodes: mistakes become findings, values are noted with their origin.

A `Reader` belongs to one object, a `Section` to one mapping inside of it. Their methods return the
value, or the default after adding a finding, so that everything wrong is gathered at once. Whatever
is read through a section is noted as a `Setting`, given or not: nothing can be forgotten.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass, field
from typing import TypeVar

from vipcast.config.nodes import BOOLS, Mapping, Node, Scalar, Sequence, is_null, plain
from vipcast.model.errors import Finding, ParseError

T = TypeVar("T")

HIDDEN = "(hidden)"
KEEP_OR_REMOVE = "Keep it for later, or remove it."
"""What to do about what has no effect in this version."""
_SHOWN = 80
_NUMBER = re.compile(r"-?[0-9]+", re.ASCII)
_LIKE_A_PASSWORD = 0.5


@dataclass(frozen=True, slots=True)
class Setting:
    """One value of the configuration: where it stands, and what it is if nobody says anything.

    `object` and `field` name the place as a Finding does. Where the value is not `given`, it is the
    `default`, which may be words ("every node"). A `default` of "" says that there is none.
    """

    object: str
    field: str
    value: str
    default: str
    given: bool


@dataclass(slots=True)
class Notes:
    """What comes out of reading besides the values: mistakes, warnings, origins."""

    findings: list[Finding] = field(default_factory=list)
    warnings: list[Finding] = field(default_factory=list)
    settings: list[Setting] = field(default_factory=list)

    def refuse(self, name: str, path: str, value: str, message: str, fix: str) -> None:
        """Add a finding about an object."""
        self.findings.append(Finding(name, path, value[:_SHOWN], message, fix))

    def warn(self, name: str, path: str, value: str, message: str, fix: str) -> None:
        """Add a finding about something that is accepted and has no effect."""
        self.warnings.append(Finding(name, path, value[:_SHOWN], message, fix))


class Reader:
    """Reads one object; `exact` as the kinds' schemas are: a number is no text there."""

    def __init__(self, name: str, notes: Notes | None = None, *, exact: bool = False) -> None:
        self.name = name
        self.notes = Notes() if notes is None else notes
        self.exact = exact

    def refuse(self, path: str, value: str, message: str, fix: str) -> None:
        """Add a finding."""
        self.notes.refuse(self.name, path, value, message, fix)

    def warn(self, path: str, value: str, message: str, fix: str) -> None:
        """Add a finding about something that is accepted and has no effect."""
        self.notes.warn(self.name, path, value, message, fix)

    def note(self, path: str, value: str, default: str = "", *, given: bool = True) -> None:
        """Note a value with its origin."""
        self.notes.settings.append(Setting(self.name, path, value, default, given))

    def section(self, node: Node, path: str, known: Collection[str]) -> Section | None:
        """A mapping; keys that are not known are findings and left out."""
        if not isinstance(node, Mapping):
            self.wrong_type(
                node, path, "a mapping of keys to values", f"Known keys: {_list(known)}."
            )
            return None
        values: dict[str, Node] = {}
        for key, value in node.entries:
            if key.text in known:
                values[key.text] = value
            else:
                place = join(path, key.text)
                shown = HIDDEN if _may_be_secret(place, key.text) else _spelling(value)
                self.refuse(place, shown, "There is no such key.", nearest(key.text, known))
        return Section(self, path, values)

    def items(self, node: Node, path: str, example: str) -> Iterator[tuple[str, Node]]:
        """A list's items, each with its path."""
        if not isinstance(node, Sequence):
            self.wrong_type(node, path, "a list", example)
            return
        for index, item in enumerate(node.items):
            yield f"{path}[{index}]", item

    def text(self, node: Node, path: str, fix: str) -> str | None:
        """Text that is not empty; plain numbers and words count as text, unless `exact`."""
        number = self.exact and isinstance(node, Scalar) and node.plain
        if isinstance(node, Scalar) and not is_null(node) and not number and node.text.strip():
            return node.text.strip()
        if number and isinstance(node, Scalar) and not is_null(node):
            word = "true or false (as yes, no, on, off, y and n are)"
            found = word if node.text in BOOLS else "a number"
            self.refuse(path, node.text, f"This is {found}; it must be text.", "Put it in quotes.")
            return None
        self.wrong_type(node, path, "text", fix)
        return None

    def label(self, node: Node, path: str, fix: str) -> str | None:
        """The value of a label: text that may be empty."""
        if isinstance(node, Scalar) and not node.plain and not node.text:
            return ""
        return self.text(node, path, fix)

    def flag(self, node: Node, path: str) -> bool | None:
        """A boolean, in any spelling that MetalLB's reader took: true, yes, on, their opposites."""
        if isinstance(node, Scalar) and node.plain and node.text in BOOLS:
            return BOOLS[node.text]
        self.wrong_type(node, path, "true or false", "Write true or false, without quotes.")
        return None

    def number(self, node: Node, path: str, least: int, most: int) -> int | None:
        """An integer from `least` to `most`, in any spelling that is one to kubectl."""
        if isinstance(node, Scalar) and node.plain and node.text:
            try:
                value = plain(node, self.name)
            except ParseError:
                value = None  # larger than any integer
            if isinstance(value, int) and not isinstance(value, bool) and least <= value <= most:
                return value
        wanted = f"a number from {least} to {most}"
        if isinstance(node, Scalar) and not node.plain and _NUMBER.fullmatch(node.text):
            message, fix = f"This is text; it must be {wanted}.", "Write it without quotes."
            self.refuse(path, f'"{node.text}"', message, fix)
        else:
            empty = isinstance(node, Scalar) and (is_null(node) or not node.text)
            self.wrong_type(node, path, wanted, "Write one." if empty else "Correct it.")
        return None

    def wrong_type(self, node: Node, path: str, wanted: str, fix: str) -> None:
        """Add the finding that a node is something else than wanted."""
        if isinstance(node, Scalar):
            message = "There is no value" if is_null(node) or not node.text else "This is not right"
            self.refuse(path, node.text, f"{message}; it must be {wanted}.", fix)
        else:
            found = "a list" if isinstance(node, Sequence) else "a mapping"
            self.refuse(path, "", f"This is {found}; it must be {wanted}.", fix)


class Section:
    """One mapping's values by key. Every method notes what it has read."""

    def __init__(self, reader: Reader, path: str, values: dict[str, Node]) -> None:
        self.reader = reader
        self.path = path
        self._values = values

    def at(self, key: str) -> str:
        """The path of a key."""
        return join(self.path, key)

    def node(self, key: str) -> Node | None:
        """What stands under a key; None if it is missing, as is one without a value (null)."""
        node = self._values.get(key)
        return None if node is None or is_null(node) else node

    def written(self, key: str) -> Node | None:
        """The same, but a key without a value counts, unless `exact`: it is a mistake there."""
        return self.node(key) if self.reader.exact else self._values.get(key)

    def given(self, key: str) -> bool:
        """Whether anything but null, "" and [] stands under a key."""
        node = self.node(key)
        if isinstance(node, Scalar):
            return bool(node.text)
        return node is not None and (isinstance(node, Mapping) or bool(node.items))

    def needed(self, key: str, message: str, fix: str, wrong: str = "") -> str | None:
        """Text that must be there; `wrong` is the fix where it is something else, if another."""
        node = self.written(key)
        if node is None:
            self.reader.refuse(self.at(key), "", message, fix)
            return None
        text = self.reader.text(node, self.at(key), wrong or fix)
        if text is not None:
            self.reader.note(self.at(key), text)
        return text

    def text(self, key: str, fix: str, default: str = "", *, hidden: bool = False) -> str:
        """Text, "" where there is none; `default` says in words what that means.

        What is `hidden` is never shown, and blanks around it are part of it.
        """
        node = self.node(key)
        if node is None or (isinstance(node, Scalar) and not node.text):
            self._unset(key, default)
            return ""
        if hidden and isinstance(node, Scalar):
            self.reader.note(self.at(key), HIDDEN, default)
            return node.text
        text = self.reader.text(node, self.at(key), fix)
        if text is not None:
            self.reader.note(self.at(key), text, default)
        return text or ""

    def parsed(
        self, key: str, convert: Callable[[str], T], fix: str, default: str = ""
    ) -> T | None:
        """What `convert` makes of the text; its ValueError is the sentence of a finding."""
        text = self.text(key, fix, default)
        if not text:
            return None
        try:
            return convert(text)
        except ValueError as error:
            self.reader.refuse(self.at(key), text, str(error), fix)
            return None

    def flag(self, key: str, *, default: bool) -> bool:
        """A boolean."""
        node = self.written(key)
        if node is None:
            self._unset(key, spelled(default))
            return default
        value = self.reader.flag(node, self.at(key))
        if value is not None:
            self.reader.note(self.at(key), spelled(value), spelled(default))
        return default if value is None else value

    def number(self, key: str, least: int, most: int, default: str = "") -> int | None:
        """An integer; None where there is none, which means what `default` says."""
        node = self.node(key)
        if node is None:
            self._unset(key, default)
            return None
        value = self.reader.number(node, self.at(key), least, most)
        if value is not None:
            self.reader.note(self.at(key), str(value), default)
        return value

    def items(self, key: str, example: str, default: str = "") -> Iterator[tuple[str, Node]]:
        """A list's items with their paths; whoever reads an item notes it."""
        node = self.node(key)
        if node is None or (isinstance(node, Sequence) and not node.items):
            self._unset(key, default)
            return
        yield from self.reader.items(node, self.at(key), example)

    def texts(self, key: str, fix: str, default: str = "") -> tuple[str, ...]:
        """The texts of a list, each once."""
        return tuple(text for _, text in self.texts_at(key, fix, default))

    def texts_at(self, key: str, fix: str, default: str = "") -> tuple[tuple[str, str], ...]:
        """The texts of a list, each once, with their paths in front."""
        found: dict[str, str] = {}
        for path, item in self.items(key, fix, default):
            text = self.reader.text(item, path, fix)
            if text is None:
                continue
            if text in found:
                message = f"It is in the list already: {found[text]}."
                self.reader.refuse(path, text, message, "Remove one of the two.")
                continue
            found[text] = path
            self.reader.note(path, text, default)
        return tuple((path, text) for text, path in found.items())

    def _unset(self, key: str, default: str) -> None:
        self.reader.note(self.at(key), default, default, given=False)


def spelled(value: bool) -> str:
    """A boolean as YAML has it."""
    return "true" if value else "false"


def join(path: str, key: str) -> str:
    """The path of a key below a path."""
    return f"{path}.{key}" if path else key


def nearest(word: str, known: Collection[str]) -> str:
    """What the user may have meant, as a sentence."""
    folded = {name.casefold().replace("-", ""): name for name in known}
    wanted = word.casefold().replace("-", "").replace("_", "")
    close = difflib.get_close_matches(wanted, folded, n=1, cutoff=0.7)
    return f"Did you mean {folded[close[0]]}?" if close else f"Known keys: {_list(known)}."


def _spelling(node: Node) -> str:
    """A value as a finding shows it."""
    if isinstance(node, Scalar):
        return node.text
    inner = node.entries if isinstance(node, Mapping) else node.items
    brackets = "{}" if isinstance(node, Mapping) else "[]"
    return f"{brackets[0]}{'...' if inner else ''}{brackets[1]}"


def _may_be_secret(path: str, key: str) -> bool:
    """Whether a key that is not known may be meant for a value that is never shown."""
    likeness = difflib.SequenceMatcher(None, key.casefold(), "password").ratio()
    words = ("pass", "pwd", "secret", "auth", "md5")
    return likeness >= _LIKE_A_PASSWORD or any(word in path.casefold() for word in words)


def _list(words: Collection[str]) -> str:
    return ", ".join(words)
