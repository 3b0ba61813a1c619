"""BGP communities: aliases (`bgp-communities`), and lists of aliases and literals.

A literal is two numbers of 16 bits with a colon between them (RFC 1997); quotes are not needed, for
the text is read as it stands.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Collection, Mapping

from vipcast.config.nodes import Mapping as MappingNode
from vipcast.config.nodes import Sequence
from vipcast.config.schema import KEEP_OR_REMOVE, Section
from vipcast.model.advertisement import Community

KEY = "bgp-communities"
FORM = "Write two numbers from 0 to 65535 with a colon between them, such as 64512:1."
_LITERAL = re.compile(r"([0-9]{1,9}):([0-9]{1,9})")


def parse_community(text: str) -> Community:
    """A literal; raises ValueError with a sentence."""
    parts = _LITERAL.fullmatch(text)
    if parts is None:
        raise ValueError("This is no community.")
    numbers = (int(parts[1]), int(parts[2]))
    if max(numbers) > 0xFFFF:
        raise ValueError(f"{max(numbers)} does not fit into 16 bits.")
    return Community(numbers)


def read_aliases(top: Section) -> Mapping[str, Community | None]:
    """The table of aliases; None stands for one whose value has a finding."""
    node, reader = top.node(KEY), top.reader
    if node is None:
        reader.note(KEY, "none", "none", given=False)
        return {}
    if not isinstance(node, MappingNode):
        reader.wrong_type(node, KEY, "a mapping of names to communities", "Write name: value.")
        return {}
    message = "Nobody is told of communities: BGP is not spoken in this version."
    reader.warn(KEY, "", message, KEEP_OR_REMOVE)
    aliases: dict[str, Community | None] = {}
    inner = Section(reader, KEY, {name.text: item for name, item in node.entries})
    for name, _ in node.entries:
        aliases[name.text] = inner.parsed(name.text, parse_community, FORM)
        if not inner.given(name.text) and not isinstance(inner.node(name.text), Sequence):
            reader.refuse(inner.at(name.text), "", "The alias has no value.", FORM)
    return aliases


def read_communities(
    section: Section, aliases: Mapping[str, Community | None]
) -> tuple[Community, ...]:
    """The communities of one advertisement, sorted, each once."""
    found: set[Community] = set()
    for place, text in section.texts_at("communities", "Write a list of communities.", "none"):
        if text in aliases:
            known = aliases[text]
            found.update(() if known is None else (known,))
            continue
        try:
            found.add(parse_community(text))
        except ValueError as error:
            message = str(error) if ":" in text else f"There is no alias {text!r} in {KEY}."
            section.reader.refuse(place, text, message, _hint(text, aliases))
    return tuple(sorted(found))


def _hint(text: str, aliases: Collection[str]) -> str:
    close = difflib.get_close_matches(text, aliases, n=1, cutoff=0.7)
    if close and ":" not in text:
        return f"Did you mean {close[0]}?"
    return FORM if ":" in text else f"Add it there. Or: {FORM}"
