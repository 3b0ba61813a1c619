"""Where a finding's field stands in the text: the path into a document, followed node by node.

    line_of(document, "spec.addresses[1]") -> line
    ConfigMapText(document, text).line_of("address-pools[0].name") -> line

A path that leads to something that is missing ends at the nearest thing around it.
"""

from __future__ import annotations

import re

from vipcast.config.configmap import DATA_KEY
from vipcast.config.nodes import Mapping, Node, Scalar, Sequence
from vipcast.config.yamltext import Chunk, compose, split
from vipcast.model.errors import ParseError

_INDEX = re.compile(r"\[([0-9]{1,9})\]")
_OWN_LINE = re.compile(r"line ([0-9]{1,9})$")
_BLOCK = re.compile(r"\|[-+0-9]*\s*(?:#.*)?$")


def line_of(node: Node, path: str) -> int:
    """The line of what stands at a path, from 1; that of the key, where there is one."""
    line = node.line
    while path:
        index = _INDEX.match(path)
        if index and isinstance(node, Sequence) and int(index[1]) < len(node.items):
            node = node.items[int(index[1])]
            line, path = node.line, path[index.end() :].removeprefix(".")
            continue
        found = _entry(node, path)
        if found is None:
            break
        key, node = found
        line, path = key.line, path[len(key.text) :].removeprefix(".")
    return line


class ConfigMapText:
    """The same for a ConfigMap, whose configuration is a text inside of the text of the file.

    It is read once, however many paths are asked for.
    """

    def __init__(self, document: Node, text: str) -> None:
        self._document = document
        self._holder = line_of(document, f"data.{DATA_KEY}")
        self._inner = self._root = None
        inner, lines = _inner(document), text.splitlines()
        if inner and 0 < inner.line <= len(lines) and _BLOCK.search(lines[inner.line - 1]):
            self._inner, self._root = inner, _root(inner)

    def line_of(self, path: str) -> int:
        """The line in the file; where only the text as a whole can be found, where it begins."""
        if not path or path.startswith("metadata."):
            return line_of(self._document, path)
        own = _OWN_LINE.search(path)
        if self._inner and own and path.startswith(f"data.{DATA_KEY}"):
            return self._inner.line + int(own[1])
        return self._holder if self._root is None else line_of(self._root, path)


def _root(inner: Scalar) -> Node | None:
    """The configuration, with lines of the file; None if it cannot be read, which has been told."""
    chunks = split(inner.text)
    try:
        return compose(Chunk(chunks[0].text, inner.line + chunks[0].line), "") if chunks else None
    except ParseError:
        return None


def _inner(document: Node) -> Scalar | None:
    data = document.get("data") if isinstance(document, Mapping) else None
    inner = data.get(DATA_KEY) if isinstance(data, Mapping) else None
    return inner if isinstance(inner, Scalar) else None


def _entry(node: Node, path: str) -> tuple[Scalar, Node] | None:
    """The entry of a mapping that a path begins with; keys may have dots themselves."""
    if not isinstance(node, Mapping):
        return None
    fitting = [
        (key, value)
        for key, value in node.entries
        if key.text and path.startswith(key.text) and path[len(key.text) :][:1] in ("", ".", "[")
    ]
    return max(fitting, key=lambda entry: len(entry[0].text), default=None)
