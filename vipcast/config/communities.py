"""BGP communities: aliases (`bgp-communities`, or objects), and lists of aliases and literals.

A literal is two numbers of 16 bits with a colon between them (RFC 1997); quotes are not needed in
the ConfigMap, for its text is read as it stands. Objects may have large communities as well.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass

from vipcast.config.nodes import Mapping as MappingNode
from vipcast.config.nodes import Sequence
from vipcast.config.schema import Section
from vipcast.model.advertisement import Community

KEY = "bgp-communities"
FORM = "Write two numbers from 0 to 65535 with a colon between them, such as 64512:1."
EVERY_FORM = f"{FORM} A large one is three numbers of up to 32 bits: large:64512:1:2."
MOST_32_BITS = 2**32 - 1
ROOM = 3900
"""Octets of communities that fit into an UPDATE beside all else (RFC 4271, section 4.1: 4096)."""

_LITERAL = re.compile(r"([0-9]{1,9}):([0-9]{1,9})")
_LARGE = re.compile(r"large:([0-9]{1,10}):([0-9]{1,10}):([0-9]{1,10})")


def parse_community(text: str) -> Community:
    """A literal; raises ValueError with a sentence."""
    parts = _LITERAL.fullmatch(text)
    if parts is None:
        raise ValueError("This is no community.")
    numbers = (int(parts[1]), int(parts[2]))
    if max(numbers) > 0xFFFF:
        raise ValueError(f"{max(numbers)} does not fit into 16 bits.")
    return Community(numbers)


def parse_any_community(text: str) -> Community:
    """A literal, which may be a large one (RFC 8092); raises ValueError with a sentence."""
    parts = _LARGE.fullmatch(text)
    if parts is None:
        return parse_community(text)
    numbers = tuple(map(int, parts.groups()))
    if max(numbers) > MOST_32_BITS:
        raise ValueError(f"{max(numbers)} does not fit into 32 bits.")
    return Community(numbers)


@dataclass(frozen=True, slots=True)
class Vocabulary:
    """Where aliases stand in one form of configuration, and what a literal is there."""

    parse: Callable[[str], Community]
    form: str
    place: str
    add: str


CONFIG_MAP = Vocabulary(parse_community, FORM, KEY, "Add it there.")
OBJECTS = Vocabulary(
    parse_any_community, EVERY_FORM, "any Community object", "Add it to one (spec.communities)."
)


def read_aliases(top: Section) -> Mapping[str, Community | None]:
    """The table of aliases; None stands for one whose value has a finding."""
    node, reader = top.node(KEY), top.reader
    if node is None:
        reader.note(KEY, "none", "none", given=False)
        return {}
    if not isinstance(node, MappingNode):
        reader.wrong_type(node, KEY, "a mapping of names to communities", "Write name: value.")
        return {}
    aliases: dict[str, Community | None] = {}
    inner = Section(reader, KEY, {name.text: item for name, item in node.entries})
    for name, _ in node.entries:
        aliases[name.text] = inner.parsed(name.text, parse_community, FORM)
        if not inner.given(name.text) and not isinstance(inner.node(name.text), Sequence):
            reader.refuse(inner.at(name.text), "", "The alias has no value.", FORM)
    return aliases


def read_communities(
    section: Section,
    aliases: Mapping[str, Community | None],
    words: Vocabulary = CONFIG_MAP,
) -> tuple[Community, ...]:
    """The communities of one advertisement, sorted, each once."""
    found: set[Community] = set()
    for place, text in section.texts_at("communities", "Write a list of communities.", "none"):
        if text in aliases:
            known = aliases[text]
            found.update(() if known is None else (known,))
            continue
        try:
            found.add(words.parse(text))
        except ValueError as error:
            unknown = f"There is no alias {text!r} in {words.place}."
            message = str(error) if ":" in text else unknown
            section.reader.refuse(place, text, message, _hint(text, aliases, words))
    if sum(12 if each.large else 4 for each in found) > ROOM:
        section.reader.refuse(
            section.at("communities"),
            f"{len(found)} communities",
            "A route cannot have so many: they do not fit into one message of BGP.",
            f"Write fewer: {ROOM // 4}, or {ROOM // 12} large ones.",
        )
    return tuple(sorted(found))


def _hint(text: str, aliases: Collection[str], words: Vocabulary) -> str:
    close = difflib.get_close_matches(text, aliases, n=1, cutoff=0.7)
    if close and ":" not in text:
        return f"Did you mean {close[0]}?"
    return words.form if ":" in text else f"{words.add} Or: {words.form}"
