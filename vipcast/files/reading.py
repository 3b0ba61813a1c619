"""The text of one file: which objects it holds, and what in it cannot be read.

A file that cannot be read as a whole keeps the objects it held before. Of several documents the
good ones count; as nobody knows what a bad one would have been, what the file held before and holds
no longer stays until all of the file can be read. Documents whose text has not changed are not
parsed again and give the very same dicts.

An object of a kind that should be ours but is not read yet can be read as what it is, and spoils
nothing: a remark says that it has no effect.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from vipcast.config.nodes import Mapping as MappingNode
from vipcast.config.nodes import Node, Scalar, Sequence, is_null, plain
from vipcast.config.yamltext import Chunk, compose, split
from vipcast.kube.defaults import with_defaults
from vipcast.kube.fields import shown
from vipcast.kube.unread import UNREAD, instead_of, not_read
from vipcast.model.errors import Finding, ParseError
from vipcast.model.objects import Key
from vipcast.model.raw import CLUSTER_WIDE, VERSIONS, Kind, Raw, Ref, api_version, api_versions

_KINDS = {kind.name: kind for kind in VERSIONS}
_NAME = re.compile(r"[a-z0-9](?:[-a-z0-9.]*[a-z0-9])?")
_LONGEST = {"name": 253, "namespace": 63}
_TITLE = 120


@dataclass(frozen=True, slots=True)
class Found:
    """One object of a file, and the line that it begins in.

    `doubtful`: its kind is ours and its apiVersion is wrong, so it does not count; what else is
    wrong with it can be told nevertheless.
    """

    ref: Ref
    raw: Raw
    line: int
    doubtful: bool = False


@dataclass(frozen=True, slots=True)
class Reading:
    """What one file holds.

    `problems` are what cannot be read, `remarks` what can be but has no effect. `documents` are
    those that could be read, by their text, with lines from the top of each. `doubtful` objects do
    not count: their apiVersion is a problem.
    """

    objects: tuple[Found, ...] = ()
    problems: tuple[Finding, ...] = ()
    remarks: tuple[Finding, ...] = ()
    doubtful: tuple[Found, ...] = ()
    documents: Mapping[str, tuple[Found, ...]] = field(default_factory=dict, compare=False)

    def refs(self) -> frozenset[Ref]:
        """The names of the objects."""
        return frozenset(found.ref for found in self.objects)


NOTHING = Reading()


def read(name: str, text: str, before: Reading = NOTHING) -> Reading:
    """What a file holds now. `name` is its path as findings show it."""
    objects: list[Found] = []
    doubtful: list[Found] = []
    problems: list[Finding] = []
    remarks: list[Finding] = []
    documents: dict[str, tuple[Found, ...]] = {}
    for chunk in split(text):
        known = before.documents.get(chunk.text)
        if known is None:
            count = len(problems) + len(remarks)
            known = tuple(_document(name, chunk, problems, remarks))
            if len(problems) + len(remarks) == count:
                documents[chunk.text] = known
        else:
            documents[chunk.text] = known
        shift = chunk.line - 1
        here = [replace(found, line=found.line + shift) for found in known]
        objects += [found for found in here if not found.doubtful]
        doubtful += [found for found in here if found.doubtful]
    kept = _kept(before, objects) if problems else []
    named = tuple(replace(problem, kept=bool(kept)) for problem in problems)
    return Reading((*objects, *kept), named, tuple(remarks), tuple(doubtful), documents)


def unreadable(name: str, message: str, fix: str, before: Reading = NOTHING) -> Reading:
    """A file that cannot be read at all; it keeps what it held."""
    problem = Finding(f"file {name}", "", "", message, fix, kept=bool(before.objects))
    return Reading(before.objects, (problem,))


def _kept(before: Reading, objects: list[Found]) -> list[Found]:
    now = {found.ref for found in objects}
    return [found for found in before.objects if found.ref not in now]


def _document(
    name: str, chunk: Chunk, problems: list[Finding], remarks: list[Finding]
) -> Iterator[Found]:
    """The objects of one document; what cannot be read is added to the problems, what has no
    effect to the remarks."""
    file = f"file {name}"
    try:
        root = compose(chunk, file)
    except ParseError as error:
        problems.append(error.finding)
        return
    for node in objects_of(root):
        try:
            found = _object(file, node, problems, remarks)
        except ParseError as error:
            problems.append(error.finding)
        else:
            if found is not None:
                yield replace(found, line=found.line - chunk.line + 1)


def objects_of(root: Node | None) -> tuple[Node, ...]:
    """The document, or the items where it is a list of objects, as kubectl prints them."""
    if root is None or is_null(root):
        return ()
    if isinstance(root, MappingNode):
        kind, items = root.get("kind"), root.get("items")
        if isinstance(kind, Scalar) and kind.text.endswith("List") and isinstance(items, Sequence):
            return items.items
    return (root,)


def _object(file: str, node: Node, problems: list[Finding], remarks: list[Finding]) -> Found | None:
    """One object with its defaults; None if it is of a kind that is none of ours."""
    if not isinstance(node, MappingNode):
        raise _refused(
            file, node, "", "This is no Kubernetes object.", "Begin it with apiVersion and kind."
        )
    _refuse_no_items(file, node)
    count = len(problems)
    kind = _kind(file, node, problems, remarks)
    if kind is None:
        return None
    doubtful = len(problems) > count
    raw: dict[str, Any] = with_defaults(kind, plain(node, file))
    metadata = raw.get("metadata")
    if not isinstance(metadata, Mapping):
        at, message = _nearest(node, "metadata"), f"This {kind.name} has no metadata."
        raise _refused(file, at, "", message, "Add metadata with a name.")
    name = _name(file, node, kind, "name", metadata.get("name"))
    if kind in CLUSTER_WIDE:
        return Found(Ref(kind, Key("", name)), raw, node.line, doubtful)
    namespace = _name(file, node, kind, "namespace", metadata.get("namespace"))
    return Found(Ref(kind, Key(namespace, name)), raw, node.line, doubtful)


def _refuse_no_items(file: str, node: MappingNode) -> None:
    """A list of objects whose items are none would be lost without a word."""
    kind, items = node.get("kind"), node.get("items")
    if not isinstance(kind, Scalar) or items is None or is_null(items):
        return
    of = kind.text.removesuffix("List")
    if of != kind.text and (not of or of in _KINDS):
        value = items.text if isinstance(items, Scalar) else ""
        message = f"items of this {kind.text} must be a list of objects."
        raise _refused(file, items, value, message, "Begin each object below it with a dash.")


def _kind(
    file: str, node: MappingNode, problems: list[Finding], remarks: list[Finding]
) -> Kind | None:
    """The kind if it is one of ours, with a problem if its version or group is wrong; what looks
    like a slip of the pen is refused."""
    version, kind = (_word(file, node, key) for key in ("apiVersion", "kind"))
    group = version.rpartition("/")[0]
    known = Kind(group, kind)
    if known in UNREAD:
        _remark(file, node, known, remarks)
        return None
    if known in VERSIONS and version in api_versions(known):
        return known
    if known in VERSIONS or (kind in _KINDS and "." not in group):
        known = _KINDS[kind]
        same = group == known.group
        what = "this version is not known" if same else f"there is no {kind} in this group"
        message = f"apiVersion of {_title(node, kind)}: {what}."
        fix = f"Write apiVersion: {api_version(known)}."
        at = _nearest(node, "apiVersion")
        problems.append(_refused(file, at, version, message, fix).finding)
        return known
    ours = {one.name.casefold(): one.name for one in VERSIONS if one.group == group}
    close = difflib.get_close_matches(kind.casefold(), ours, n=1, cutoff=0.85)
    if close:
        fix = f"Did you mean {ours[close[0]]}?"
        message = f"kind of {_title(node, 'object')}: there is no such kind."
        raise _refused(file, _nearest(node, "kind"), kind, message, fix)
    _remark(file, node, known, remarks)
    return None


def _remark(file: str, node: MappingNode, kind: Kind, remarks: list[Finding]) -> None:
    """Add that the object has no effect, where somebody might think it has."""
    fix = instead_of(kind)
    if fix is not None:
        line, message = (
            _nearest(node, "kind").line,
            not_read(kind.name),
        )
        remarks.append(Finding(file, f"line {line}", kind.name, message, fix))


def _word(file: str, node: MappingNode, key: str) -> str:
    value = node.get(key)
    if isinstance(value, Scalar) and not is_null(value) and value.text:
        return value.text
    message = f"The object has no {key}."
    raise _refused(file, value or node, "", message, "Begin it with apiVersion and kind.")


def _title(node: MappingNode, kind: str) -> str:
    """How an object is called whose kind is in doubt."""
    named = (_nearest(node, "metadata", key) for key in ("namespace", "name"))
    words = [each.text for each in named if isinstance(each, Scalar)]
    return f"{kind} {'/'.join(words)}"[:_TITLE] if words else f"this {kind}"


def _name(file: str, node: Node, kind: Kind, key: str, value: object) -> str:
    longest = _LONGEST[key]
    if not isinstance(value, str) or len(value) > longest or not _NAME.fullmatch(value):
        wrong = "is missing" if value is None else "is no name"
        message = f"metadata.{key} of this {kind.name} {wrong}."
        fix = (
            f"Write at most {longest} small letters, digits, dashes and dots, in quotes if need be."
        )
        raise _refused(file, _nearest(node, "metadata", key), shown(value), message, fix)
    return value


def _nearest(node: Node, *path: str) -> Node:
    """What stands at a path; where it leads nowhere, the last on the way that is there."""
    for key in path:
        below = node.get(key) if isinstance(node, MappingNode) else None
        if below is None:
            break
        node = below
    return node


def _refused(file: str, node: Node, value: str, message: str, fix: str) -> ParseError:
    return ParseError(Finding(file, f"line {node.line}", value[:80], message, fix))
