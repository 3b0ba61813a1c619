"""YAML as text becomes a tree of nodes, or an error with its line: never another exception.

The C parser's events are put together here, without its own loader, because
  * scalars stay text (YAML 1.1 reads the BGP community 64512:1 as a number in base 60),
  * a key given twice is refused rather than the last one kept,
  * every node knows its line,
  * an alias costs what it stands for, so a few lines that stand for billions of nodes are refused,
  * nesting is bounded, so nobody recurses deeper into what a user wrote than he may.

One text may hold several documents. `split` cuts at the lines that YAML reserves for it ("---" and
"..." at the start of a line are never content, not even in a block of text), so a document that
cannot be read leaves its neighbours alone.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator
from dataclasses import dataclass, field

import yaml

from vipcast.config.nodes import Mapping, Node, Scalar, Sequence
from vipcast.model.errors import Finding, ParseError

MAX_DEPTH = 100
MAX_NODES = 250_000

_LINES = re.compile(r"[^\r\n]*(?:\r\n|\r|\n)|[^\r\n]+")
_MARK = re.compile(r"(---|\.\.\.)(?:[ \t\r\n]|$)")
_NOTHING = re.compile(r"\s*(?:#|$)|%")

_CORE = "tag:yaml.org,2002:"
_TEXT_TAGS = frozenset({"!", f"{_CORE}str"})
_PLAIN_TAGS = frozenset({f"{_CORE}{name}" for name in ("int", "float", "bool", "null")})
_MAPPING_TAGS = frozenset({None, "!", f"{_CORE}map"})
_SEQUENCE_TAGS = frozenset({None, "!", f"{_CORE}seq"})
_MERGE = "<<"


@dataclass(frozen=True, slots=True)
class Chunk:
    """The text of one document, and the line (from 1) that its first line has in the whole text."""

    text: str
    line: int = 1


def split(text: str) -> tuple[Chunk, ...]:
    """Cut a text into its documents; comments and directives go with the document after them."""
    chunks: list[Chunk] = []
    held: list[str] = []
    first, started = 1, False
    number = 1
    for number, line in enumerate(_LINES.findall(text.removeprefix("\ufeff")), start=1):
        mark = _MARK.match(line)
        if mark and mark[1] == "---" and started:
            chunks.append(Chunk("".join(held), first))
            held, first, started = [], number, False
        held.append(line)
        if mark and mark[1] == "..." and started:
            chunks.append(Chunk("".join(held), first))
            held, first, started = [], number + 1, False
        elif mark or not _NOTHING.match(line):
            started = started or mark is None or mark[1] == "---"
    if started:
        chunks.append(Chunk("".join(held), first))
    return tuple(chunks)


def compose(chunk: Chunk, name: str) -> Node | None:
    """The nodes of one document; None if it is empty. `name` is the file or object it stands in.

    Raises ParseError whose finding has the field "line N".
    """
    builder = _Builder(chunk, name)
    try:
        for event in _events(chunk.text):
            builder.take(event)
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        raise builder.error(
            mark.line if mark else 0, _sentence(chunk.text, mark, error), "Correct this line."
        ) from error
    except yaml.reader.ReaderError as error:
        raise builder.error(
            chunk.text.count("\n", 0, error.position),
            "There is a character that YAML does not allow.",
            "Remove it; the file must be text in UTF-8.",
        ) from error
    except UnicodeEncodeError as error:
        raise builder.error(
            chunk.text.count("\n", 0, error.start),
            "There is half of a character (a lone surrogate).",
            "Remove it; the file must be text in UTF-8.",
        ) from error
    return builder.root


def _line(event: yaml.Event) -> int:
    """Where an event begins; lines count from 0 here."""
    return event.start_mark.line if event.start_mark else 0


def _events(text: str) -> Iterator[yaml.Event]:
    """The C parser's events; its state is freed even when the reader gives up half-way."""
    loader = yaml.CSafeLoader(text)
    try:
        while (event := loader.get_event()) is not None:
            yield event
    finally:
        loader.dispose()


def _sentence(text: str, mark: yaml.Mark | None, error: yaml.MarkedYAMLError) -> str:
    """The parser's words as a sentence; a tab as indentation is what most people stumble over."""
    lines = text.splitlines()
    if mark and mark.line < len(lines) and lines[mark.line][: mark.column + 1].strip(" ") == "\t":
        return "A tab is used for indentation, where YAML wants spaces."
    parts = [part for part in (error.context, error.problem) if part]
    return f"This is not YAML: {', '.join(parts) or 'it cannot be read'}."


@dataclass(slots=True)
class _Open:
    """A collection that is being read; `key` waits for its value, `merged` came by "<<".

    `weight` is the nodes it stands for with its aliases written out, `height` the levels below it.
    """

    line: int
    anchor: str | None
    keys: dict[str, Node] | None
    names: dict[str, Scalar] = field(default_factory=dict)
    items: list[Node] = field(default_factory=list)
    key: Scalar | None = None
    merged: list[Mapping] = field(default_factory=list)
    weight: int = 1
    height: int = 1


@dataclass(frozen=True, slots=True)
class _Whole:
    """A node that has been read, with its weight and height."""

    node: Node
    weight: int = 1
    height: int = 0


class _Builder:
    """Takes events one by one; holds the root once the document has ended."""

    def __init__(self, chunk: Chunk, name: str) -> None:
        self.root: Node | None = None
        self._chunk = chunk
        self._name = name
        self._stack: list[_Open] = []
        self._anchors: dict[str, _Whole | None] = {}
        self._weight = 0
        self._documents = 0

    def error(self, line: int, message: str, fix: str, value: str = "") -> ParseError:
        """An error at a line of the chunk, which counts from 0 as the parser does."""
        last = self._chunk.text.rstrip("\r\n").count("\n")
        where = f"line {self._chunk.line + min(line, last)}"
        return ParseError(Finding(self._name, where, value[:80], message, fix))

    def take(self, event: yaml.Event) -> None:
        """One event of the parser, in order."""
        if isinstance(event, yaml.ScalarEvent):
            self._weigh(event, 1)
            self._add(_Whole(self._scalar(event)), event, event.anchor)
        elif isinstance(event, yaml.AliasEvent):
            self._alias(event)
        elif isinstance(event, yaml.CollectionStartEvent):
            self._open(event)
        elif isinstance(event, yaml.CollectionEndEvent):
            self._close(event)
        elif isinstance(event, yaml.DocumentStartEvent):
            self._documents += 1
            if self._documents > 1:
                raise self.error(
                    _line(event),
                    "A second document begins where only one is expected.",
                    "Put --- on a line of its own between documents.",
                )

    def _scalar(self, event: yaml.ScalarEvent) -> Scalar:
        tag, plain = event.tag, bool(event.implicit[0])
        if tag in _TEXT_TAGS:
            plain = False
        elif tag in _PLAIN_TAGS:
            plain = True
        elif tag is not None:
            raise self._bad_tag(event)
        # The words of a thousand objects are mostly the same: one of each is kept.
        return Scalar(sys.intern(event.value), plain, self._chunk.line + _line(event))

    def _bad_tag(self, event: yaml.ScalarEvent | yaml.CollectionStartEvent) -> ParseError:
        return self.error(
            _line(event),
            "The tag is none that Kubernetes objects can have.",
            "Remove the tag; write text in quotes, and binary data as base64 text.",
            str(event.tag) if str(event.tag).startswith(_CORE) else "",  # may be a password
        )

    def _alias(self, event: yaml.AliasEvent) -> None:
        name = event.anchor or ""
        known = self._anchors.get(name)
        if known is None:
            raise self.error(
                _line(event),
                "The alias stands inside of what it names."
                if name in self._anchors
                else "The alias names an anchor that is not defined above it.",
                "Write the value out instead of the alias; put text that begins with * in quotes.",
            )  # without the name, which may be a password
        self._deep(event, known.height)
        self._weigh(event, known.weight)
        self._add(known, event, None)

    def _deep(self, event: yaml.Event, height: int) -> None:
        """Refuse a node of that height here if it reaches too deep."""
        if len(self._stack) + height > MAX_DEPTH:
            raise self.error(
                _line(event),
                f"The nesting is deeper than {MAX_DEPTH} levels.",
                "No Kubernetes object is that deep: check the brackets and the indentation.",
            )

    def _weigh(self, event: yaml.Event, weight: int) -> None:
        """Count the nodes that an event stands for; refuse a document of too many."""
        self._weight += weight
        if self._weight > MAX_NODES:
            raise self.error(
                _line(event),
                f"The document stands for more than {MAX_NODES} values.",
                "Split it into several documents; write values out instead of nesting aliases.",
            )

    def _open(self, event: yaml.CollectionStartEvent) -> None:
        mapping = isinstance(event, yaml.MappingStartEvent)
        if event.tag not in (_MAPPING_TAGS if mapping else _SEQUENCE_TAGS):
            raise self._bad_tag(event)
        self._deep(event, 1)
        self._weigh(event, 1)
        if event.anchor is not None:
            self._anchors[event.anchor] = None
        self._stack.append(_Open(_line(event), event.anchor, {} if mapping else None))

    def _close(self, event: yaml.CollectionEndEvent) -> None:
        done = self._stack.pop()
        line = self._chunk.line + done.line
        node: Node
        if done.keys is None:
            node = Sequence(tuple(done.items), line)
        else:
            entries = {text: (done.names[text], value) for text, value in done.keys.items()}
            for mapping in done.merged:
                for key, value in mapping.entries:
                    entries.setdefault(key.text, (key, value))
            node = Mapping(tuple(entries.values()), line)
        self._add(_Whole(node, done.weight, done.height), event, done.anchor)

    def _add(self, whole: _Whole, event: yaml.Event, anchor: str | None) -> None:
        """Give a node that has been read to the collection around it."""
        node = whole.node
        if anchor is not None:
            self._anchors[anchor] = whole
        if not self._stack:
            empty = isinstance(node, Scalar) and node.plain and not node.text
            self.root = None if empty else node
            return
        around = self._stack[-1]
        around.weight += whole.weight
        around.height = max(around.height, whole.height + 1)
        if around.keys is None:
            around.items.append(node)
        elif around.key is None:
            around.key = self._key(around.keys, node, _line(event))
            around.names.setdefault(around.key.text, around.key)
        else:
            key, around.key = around.key, None
            if key.plain and key.text == _MERGE:
                self._merge(around, node, _line(event))
            else:
                around.keys[key.text] = node

    def _key(self, keys: dict[str, Node], node: Node, line: int) -> Scalar:
        """The node as a key that is not there yet."""
        if not isinstance(node, Scalar):
            raise self.error(line, "A key must be text, not a list or a mapping.", "Correct it.")
        if node.text in keys:
            first = self._stack[-1].names[node.text].line
            raise self.error(
                line,
                f"The key is given twice; it stands in line {first} already.",
                "Remove one of the two.",
                node.text,
            )
        return node

    def _merge(self, around: _Open, node: Node, line: int) -> None:
        for part in node.items if isinstance(node, Sequence) else (node,):
            if not isinstance(part, Mapping):
                raise self.error(
                    line, "What << merges must be a mapping.", "Name a mapping, or a list of them."
                )
            around.merged.append(part)
