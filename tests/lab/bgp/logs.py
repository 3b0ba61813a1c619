"""What the speakers of a lab say about their sessions, line by line of their logs."""

from __future__ import annotations

import json
from collections import Counter
from typing import Any

from lab.cluster import Lab
from lab.host import Host
from tests.support.waiting import eventually

UP, DOWN = "sessionUp", "sessionDown"


def lines(node: Host, event: str) -> list[dict[str, Any]]:
    """The lines of an event in the log of a node's speaker, and of those that ran before it."""
    (speaker,) = (each for each in node.processes if each.name == f"{node.name}-speaker")
    whole = (line for line in speaker.output.splitlines(keepends=True) if line.endswith("\n"))
    found = [json.loads(line) for line in whole if line.startswith("{")]
    return [line for line in found if line.get("event") == event]


def begun(lab: Lab) -> Counter[tuple[str, str]]:
    """How often the session of a node with a peer came up, by the names of both."""
    return Counter((node.name, line["name"]) for node in lab.nodes for line in lines(node, UP))


def hint(node: Host, peer: str, *words: str) -> str:
    """Wait until a node's speaker has said of a peer, in these words, why there is no session."""

    def said() -> str:
        told = [line["msg"] for line in lines(node, DOWN) if line["name"] == peer]
        found = [text for text in told if all(word in text for word in words)]
        assert found, told
        return str(found[0])

    return eventually(said, what=f"{node.name} says of {peer}: {words}")
