"""What a YAML text says before anybody decides what its scalars mean: text, quoted or not, line.

Two readers want different things of a plain `64512:1`, `yes` or `080`. The old ConfigMap's schema
knows the type of each key, so it takes the text (`vipcast.config.schema`). A file of Kubernetes
objects has no schema here, so `plain` gives each scalar the value that kubectl's reader gives it: a
file must mean the same in the directory as in `kubectl apply`. Tried with kubectl 1.32: y, yes, on
and their opposites are booleans; 0x1F, 0o17, 017, 0b11 and 1_000 are integers; 1:20 is text, and so
is a date; a whole float such as 1e3 is an integer; keys are text whatever they look like.
"""

from __future__ import annotations

import re
from collections.abc import Mapping as AbstractMapping
from dataclasses import dataclass
from typing import Any

from vipcast.model.errors import Finding, ParseError


@dataclass(frozen=True, slots=True)
class Scalar:
    """Text as written; `plain` if neither quotes nor a tag make it text. Lines count from 1."""

    text: str
    plain: bool
    line: int


@dataclass(frozen=True, slots=True)
class Sequence:
    """A list."""

    items: tuple[Node, ...]
    line: int


@dataclass(frozen=True, slots=True)
class Mapping:
    """Keys, each once, in the order of the text."""

    entries: tuple[tuple[Scalar, Node], ...]
    line: int

    def get(self, key: str) -> Node | None:
        """The value under a key."""
        return next((value for name, value in self.entries if name.text == key), None)


Node = Scalar | Sequence | Mapping

NULLS = frozenset({"", "~", "null", "Null", "NULL"})
_SPELLINGS = (
    "y Y yes Yes YES on On ON true True TRUE",
    "n N no No NO off Off OFF false False FALSE",
)
BOOLS: AbstractMapping[str, bool] = {
    word: value for words, value in zip(_SPELLINGS, (True, False), strict=True)
    for word in words.split()
}  # fmt: skip
_INTEGERS = (
    (re.compile(r"[-+]?(?:0|[1-9][0-9_]*)"), 10),
    (re.compile(r"[-+]?0x[0-9a-fA-F_]+"), 16),
    (re.compile(r"[-+]?0o?[0-7_]+"), 8),
    (re.compile(r"[-+]?0b[01_]+"), 2),
)
_FLOAT = re.compile(r"[-+]?(?:\.[0-9]+|[0-9]+(?:\.[0-9]*)?)(?:[eE][-+]?[0-9]+)?")
_NOT_FINITE = re.compile(r"[-+]?\.(?:inf|Inf|INF)|\.(?:nan|NaN|NAN)")
_LONGEST_NUMBER = 40
_LEAST, _MOST = -(2**63), 2**64 - 1


def is_null(node: Node) -> bool:
    """Whether a node stands for "nothing": empty, ~ or null, without quotes."""
    return isinstance(node, Scalar) and node.plain and node.text in NULLS


def plain(node: Node, name: str) -> Any:
    """The node as JSON has it, scalars as kubectl reads them; `name` is the file it stands in.

    Raises ParseError with the line for a number that no Kubernetes object can hold.
    """
    if isinstance(node, Scalar):
        return _scalar(node, name)
    if isinstance(node, Sequence):
        return [plain(item, name) for item in node.items]
    return {_key(key): plain(value, name) for key, value in node.entries}


def of_raw(value: Any) -> Node:
    """A value as JSON has it as a node: numbers and booleans are plain, texts are not; line 0."""
    if isinstance(value, AbstractMapping):
        entries = ((Scalar(str(key), False, 0), of_raw(item)) for key, item in value.items())
        return Mapping(tuple(entries), 0)
    if isinstance(value, list | tuple):
        return Sequence(tuple(of_raw(item) for item in value), 0)
    if value is None or isinstance(value, bool):
        return Scalar("" if value is None else str(value).lower(), True, 0)
    return Scalar(str(value), not isinstance(value, str), 0)


def _key(key: Scalar) -> str:
    if key.plain and key.text in BOOLS:
        return "true" if BOOLS[key.text] else "false"
    return key.text


def _scalar(node: Scalar, name: str) -> Any:
    text = node.text
    if not node.plain:
        return text
    if text in NULLS:
        return None
    if text in BOOLS:
        return BOOLS[text]
    if not (text[0] in "+-." or text[0].isdigit()):
        return text
    return _number(node, name)


def _number(node: Scalar, name: str) -> Any:
    """A number if the text is one, else the text."""
    text = node.text
    base = next((base for form, base in _INTEGERS if form.fullmatch(text)), None)
    digits = re.sub(r"^([-+]?)0[xob]?(?=.)", r"\1", text).replace("_", "") if base else ""
    if base and digits.lstrip("+-"):
        if len(text) <= _LONGEST_NUMBER and _LEAST <= (number := int(digits, base)) <= _MOST:
            return number
    elif _FLOAT.fullmatch(text) and len(text) <= _LONGEST_NUMBER:
        value = float(text)
        if abs(value) <= _MOST:
            return int(value) if value.is_integer() else value
    elif not _FLOAT.fullmatch(text) and not _NOT_FINITE.fullmatch(text):
        return text
    raise ParseError(
        Finding(
            name,
            f"line {node.line}",
            text[:_LONGEST_NUMBER],
            "The number is larger than any that an object can hold.",
            "Put it in quotes if it is meant as text.",
        )
    )
