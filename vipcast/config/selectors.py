"""Label selectors as written, in the ConfigMap's spelling or in that of Kubernetes objects.

Keys and values are checked as Kubernetes checks them, so that a selector that could never match is
named rather than silently empty.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from vipcast.config.nodes import Mapping, Node
from vipcast.config.schema import Reader, Section, nearest
from vipcast.model.selectors import Operator, Requirement, Selector


@dataclass(frozen=True, slots=True)
class Spelling:
    """The names of a selector's two keys."""

    labels: str
    expressions: str


KEBAB = Spelling("match-labels", "match-expressions")
CAMEL = Spelling("matchLabels", "matchExpressions")

_OPERATORS = tuple(operator.value for operator in Operator)
_WORD = re.compile(r"[A-Za-z0-9](?:[-A-Za-z0-9_.]{0,61}[A-Za-z0-9])?")
_PREFIX = re.compile(r"[a-z0-9](?:[-a-z0-9]*[a-z0-9])?(?:\.[a-z0-9](?:[-a-z0-9]*[a-z0-9])?)*")
_LONGEST_PREFIX = 253
_KEY_FIX = "Write a label's key such as kubernetes.io/hostname."
_VALUE_FIX = "Write at most 63 letters, digits, dashes, underscores and dots, in quotes if need be."
_EXAMPLE = "Write a list of label selectors."


def read_selectors(
    section: Section, key: str, spelling: Spelling, default: str
) -> tuple[Selector, ...]:
    """The selectors in the list under a key; `default` says what an empty list means."""
    found: dict[Selector, str] = {}
    several: list[Selector] = []
    for path, item in section.items(key, _EXAMPLE, default):
        selector = read_selector(section.reader, item, path, spelling, default)
        if selector is None:
            continue
        if section.reader.exact and selector in found:
            message = f"The same selector is in the list already: {found[selector]}."
            section.reader.refuse(path, str(selector), message, "Remove one of the two.")
        found.setdefault(selector, path)
        several.append(selector)
    return tuple(several)


def read_selector(
    reader: Reader, node: Node, path: str, spelling: Spelling, default: str = ""
) -> Selector | None:
    """One selector; None if it is no mapping. What is wrong in it is a finding and left out."""
    section = reader.section(node, path, (spelling.labels, spelling.expressions))
    if section is None:
        return None
    requirements = [
        *_labels(section, spelling.labels),
        *_expressions(section, spelling.expressions),
    ]
    selector = Selector.of(requirements)
    reader.note(path, str(selector), default)
    return selector


def _labels(section: Section, key: str) -> list[Requirement]:
    node, reader = section.node(key), section.reader
    if node is None:
        return []
    if not isinstance(node, Mapping):
        reader.wrong_type(
            node, section.at(key), "a mapping of labels to values", "Write label: value."
        )
        return []
    found = []
    for name, item in node.entries:
        path = f"{section.at(key)}.{name.text}"
        value = reader.label(item, path, _VALUE_FIX)
        if (
            _is_key(reader, path, name.text)
            and value is not None
            and _is_value(reader, path, value)
        ):
            found.append(Requirement(name.text, Operator.IN, (value,)))
    return found


def _expressions(section: Section, key: str) -> list[Requirement]:
    found: dict[Requirement, str] = {}
    node, reader = section.node(key), section.reader
    if node is None:
        return []
    for path, item in reader.items(node, section.at(key), "Write a list of expressions."):
        inner = reader.section(item, path, ("key", "operator", "values"))
        requirement = None if inner is None else _requirement(inner)
        if requirement is None:
            continue
        if reader.exact and requirement in found:
            message = f"The same expression is in the list already: {found[requirement]}."
            reader.refuse(path, str(requirement), message, "Remove one of the two.")
        found.setdefault(requirement, path)
    return list(found)


def _requirement(section: Section) -> Requirement | None:
    reader = section.reader
    key = _plain_text(section, "key", "The expression has no key.", _KEY_FIX)
    fix = f"Write one of {', '.join(_OPERATORS)}."
    word = _plain_text(section, "operator", "The expression has no operator.", fix)
    if key is not None and not _is_key(reader, section.at("key"), key):
        key = None
    if word is not None and word not in _OPERATORS:
        hint = nearest(word, _OPERATORS)
        message = "There is no such operator."
        reader.refuse(section.at("operator"), word, message, hint if "?" in hint else fix)
        word = None
    values = _values(section)
    if key is None or word is None:
        return None
    operator = Operator(word)
    if operator.takes_values and not section.given("values"):
        message = f"The operator {operator} compares with values, and there are none."
        reader.refuse(section.at("values"), "", message, "Add the key values with a list.")
    elif operator.takes_values and not values:
        return None  # each of them has its finding
    elif not operator.takes_values and values:
        message = f"The operator {operator} takes no values."
        reader.refuse(section.at("values"), "", message, "Remove them, or use In or NotIn.")
    return Requirement(key, operator, tuple(sorted(set(values))))


def _values(section: Section) -> list[str]:
    reader, key = section.reader, "values"
    node = section.node(key)
    if node is None:
        return []
    found: dict[str, str] = {}
    for path, item in reader.items(node, section.at(key), "Write a list of values."):
        value = reader.label(item, path, _VALUE_FIX)
        if value is None or not _is_value(reader, path, value):
            continue
        if reader.exact and value in found:
            message = f"It is in the list already: {found[value]}."
            reader.refuse(path, value, message, "Remove one of the two.")
        found.setdefault(value, path)
    return list(found)


def _plain_text(section: Section, key: str, message: str, fix: str) -> str | None:
    """Text that must be there; it is noted with the selector as a whole, not by itself."""
    node = section.written(key)
    if node is None:
        section.reader.refuse(section.at(key), "", message, fix)
        return None
    return section.reader.text(node, section.at(key), fix)


def _is_key(reader: Reader, path: str, key: str) -> bool:
    prefix, slash, name = key.rpartition("/")
    good = not slash or (len(prefix) <= _LONGEST_PREFIX and _PREFIX.fullmatch(prefix) is not None)
    if good and _WORD.fullmatch(name):
        return True
    reader.refuse(path, key, "This cannot be the key of a label.", _KEY_FIX)
    return False


def _is_value(reader: Reader, path: str, value: str) -> bool:
    if not value or _WORD.fullmatch(value):
        return True
    reader.refuse(path, value, "This cannot be the value of a label.", _VALUE_FIX)
    return False
