"""One structure, shown as text for people, as JSON or as YAML. PURE."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from vipcast.cli.text import Screen
from vipcast.files.dump import dump
from vipcast.ops.values import Output

Paragraph = Iterable[str]
"""Sentences, each beginning a line of its own; blanks in front indent all its lines."""

MOST = 20
"""How many things of one sort the text names; JSON and YAML have all of them."""


def written(
    data: Mapping[str, Any], text: Callable[[], Iterable[Paragraph]], output: Output, screen: Screen
) -> str:
    """The whole output, with its last line end. Empty paragraphs are left out."""
    if output is Output.JSON:
        return json.dumps(data, indent=2) + "\n"
    if output is Output.YAML:
        return dump(data)
    paragraphs = (
        "\n".join(line for sentence in paragraph for line in _lines(sentence, screen))
        for paragraph in text()
    )
    return "\n\n".join(filter(None, paragraphs)) + "\n"


def some(things: Iterable[str]) -> list[str]:
    """The first of the things, and how many more there are."""
    every = list(things)
    more = len(every) - MOST
    return [*every[:MOST], f"  … and {more} more: -o json has all."] if more > 0 else every


def _lines(sentence: str, screen: Screen) -> list[str]:
    text = sentence.lstrip(" ")
    return screen.wrapped(text, sentence[: len(sentence) - len(text)])
