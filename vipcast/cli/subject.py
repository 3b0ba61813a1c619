"""What `vipcast explain` is asked about: a word, told apart by how it is written. PURE.

192.0.2.10, 2001:db8::1       an address, whoever has it
config                        the configuration
NAMESPACE/NAME                a Service
service/NAME, service/NAMESPACE/NAME
                              a Service; svc and services are the same, as they are to kubectl
node/NAME                     a node; so is nodes/NAME
NAME                          a Service of that name in any namespace, else a node
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import StrEnum

from vipcast.model.addresses import parse_address
from vipcast.ops.values import namespace, object_name

_NUMBERS = re.compile(r"[0-9.]+")
_FORMS = (
    "give an address, a Service as NAME, NAMESPACE/NAME or service/NAME, a node as NAME or"
    " node/NAME, or config"
)


class Topic(StrEnum):
    """What a word stands for."""

    ADDRESS = "address"
    CONFIG = "config"
    SERVICE = "service"
    NODE = "node"
    NAME = "name"


_PREFIXES = {
    "service": Topic.SERVICE,
    "services": Topic.SERVICE,
    "svc": Topic.SERVICE,
    "node": Topic.NODE,
    "nodes": Topic.NODE,
}
_LONGEST = 253
_LONGEST_SPACE = 63


@dataclass(frozen=True, slots=True)
class Subject:
    """A topic with its name; `namespace` is "" where the word says none.

    A `NAME` may be a Service or a node: what there is decides.
    """

    topic: Topic
    name: str
    namespace: str = ""

    def __str__(self) -> str:
        return f"{self.namespace}/{self.name}" if self.namespace else self.name


def parse_subject(word: str) -> Subject:
    """Raises ValueError that continues "SUBJECT has the value 'x', which …"."""
    if word == Topic.CONFIG:
        return Subject(Topic.CONFIG, word)
    first, *rest = word.split("/")
    if not rest:
        return _bare(word)
    # Namespaces have no capitals, so Node/node1 can only mean the kind; where one has the name of a
    # kind, its Services are service/NAMESPACE/NAME.
    topic = _PREFIXES.get(first.lower())
    names = rest if topic is not None else [first, *rest]
    if topic is Topic.NODE and len(names) == 1:
        return Subject(topic, _checked(names[0]))
    if topic is not Topic.NODE and len(names) <= 2:
        *space, name = names
        return Subject(
            Topic.SERVICE, _checked(name), _checked(space[0], space=True) if space else ""
        )
    raise ValueError(f"names nothing: {_FORMS}")


def _bare(word: str) -> Subject:
    """An address or a name; what can only be a slip in an address is none."""
    try:
        return Subject(Topic.ADDRESS, str(parse_address(word)))
    except ValueError:
        if ":" in word or _NUMBERS.fullmatch(word):
            raise ValueError("is no IP address: write it as 192.0.2.10 or 2001:db8::1") from None
    return Subject(Topic.NAME, _checked(word))


def _checked(name: str, *, space: bool = False) -> str:
    longest = _LONGEST_SPACE if space else _LONGEST
    if len(name) > longest or max(map(len, name.split("."))) > _LONGEST_SPACE:
        dots = "" if space else f", and {_LONGEST_SPACE} between dots"
        raise ValueError(f"is too long for a name: at most {longest} characters{dots}")
    try:
        return namespace(name) if space else object_name(name)
    except ValueError:
        raise ValueError(f"names nothing: {_FORMS}") from None
