"""Reading typed values out of nodes; every mistake becomes a finding, and reading goes on.

A `Reader` belongs to one object. Its methods take a node and the path to it, return the value, and
return None after adding a finding, so that callers gather all findings in the order of the text.
"""

from __future__ import annotations

import difflib
from collections.abc import Collection, Iterator

from vipcast.config.nodes import BOOLS, Mapping, Node, Scalar, Sequence, is_null
from vipcast.model.errors import Finding

_SHOWN = 80


class Reader:
    """Collects the findings of one object."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.findings: list[Finding] = []

    def refuse(self, path: str, value: str, message: str, fix: str) -> None:
        """Add a finding."""
        self.findings.append(Finding(self.name, path, value[:_SHOWN], message, fix))

    def mapping(self, node: Node, path: str, known: Collection[str]) -> dict[str, Node] | None:
        """A mapping's values by key; keys that are not known are findings and left out."""
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
                self.refuse(
                    join(path, key.text), "", "There is no such key.", nearest(key.text, known)
                )
        return values

    def items(self, node: Node, path: str, example: str) -> Iterator[tuple[str, Node]]:
        """A list's items, each with its path."""
        if not isinstance(node, Sequence):
            self.wrong_type(node, path, "a list", example)
            return
        for index, item in enumerate(node.items):
            yield f"{path}[{index}]", item

    def text(self, node: Node, path: str, fix: str) -> str | None:
        """Text that is not empty; plain numbers and words count as text."""
        if isinstance(node, Scalar) and not is_null(node) and node.text.strip():
            return node.text.strip()
        self.wrong_type(node, path, "text", fix)
        return None

    def flag(self, node: Node, path: str) -> bool | None:
        """A boolean, in any spelling that MetalLB's reader took: true, yes, on, their opposites."""
        if isinstance(node, Scalar) and node.plain and node.text in BOOLS:
            return BOOLS[node.text]
        self.wrong_type(node, path, "true or false", "Write true or false, without quotes.")
        return None

    def wrong_type(self, node: Node, path: str, wanted: str, fix: str) -> None:
        """Add the finding that a node is something else than wanted."""
        if isinstance(node, Scalar):
            message = "There is no value" if is_null(node) or not node.text else "This is not right"
            self.refuse(path, node.text, f"{message}; it must be {wanted}.", fix)
        else:
            found = "a list" if isinstance(node, Sequence) else "a mapping"
            self.refuse(path, "", f"This is {found}; it must be {wanted}.", fix)


def join(path: str, key: str) -> str:
    """The path of a key below a path."""
    return f"{path}.{key}" if path else key


def nearest(word: str, known: Collection[str]) -> str:
    """What the user may have meant, as a sentence."""
    folded = {name.casefold().replace("-", ""): name for name in known}
    wanted = word.casefold().replace("-", "").replace("_", "")
    close = difflib.get_close_matches(wanted, folded, n=1, cutoff=0.7)
    return f"Did you mean {folded[close[0]]}?" if close else f"Known keys: {_list(known)}."


def _list(words: Collection[str]) -> str:
    return ", ".join(words)
