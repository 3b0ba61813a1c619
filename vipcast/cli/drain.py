"""`vipcast drain NODE`: let a node leave, or come back with --undo.

On a cluster the annotation is written on the Node, with the rights of the user's kubeconfig. Files
below a directory are the user's own: they have comments and an order, are made by templates or
kept under version control, and whoever writes into them as well is in the way of all that. So the
one line is told that is to be written, and where; the same command says afterwards what follows.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from speaker.leaving import WAIT, Wish, wish_of
from vipcast.cli.arguments import DrainOptions
from vipcast.cli.linting import gather
from vipcast.files.reading import read
from vipcast.kube.parse import parse_node
from vipcast.kube.paths import single
from vipcast.model.errors import RefusedError, SourceError, VipcastError
from vipcast.model.objects import DRAIN_ANNOTATION, EXCLUDE_LABEL, Key, Node
from vipcast.model.raw import NODE, Raw, Ref

MERGE: Final = "application/merge-patch+json"
RIGHT: Final = (
    "Draining takes the right to patch Nodes (verb patch, resource nodes); whoever manages the"
    " cluster can give it, or do this for you."
)


class NoSuchNodeError(VipcastError):
    """There is no Node of that name where it was looked for."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """What came of it; not `done` where somebody has to write a line first."""

    done: bool
    sentences: tuple[str, ...]


async def drain(options: DrainOptions) -> Outcome:
    """Do it, or say what to write. Raises VipcastError; NoSuchNodeError if there is none."""
    ref = Ref(NODE, Key("", options.node))
    if options.objects.directory is not None:
        return _in_directory(options.objects.directory, ref, undo=options.undo)
    node = parse_node(await _patched(options, ref))
    return Outcome(done=True, sentences=tuple(_follows(node, undo=options.undo)))


async def _patched(options: DrainOptions, ref: Ref) -> Raw:
    """The Node, with the annotation or without it."""
    from vipcast.kube.api import Access, Api  # a client that a directory has no use for

    value = None if options.undo else "true"
    body = {"metadata": {"annotations": {DRAIN_ANNOTATION: value}}}
    async with Api(Access(options.objects.kubeconfig)) as api:
        try:
            raw: Raw = await api.call(
                "PATCH", single(ref), {"fieldManager": "vipcast"}, body, content=MERGE
            )
        except RefusedError as error:
            if error.code == 404:
                raise NoSuchNodeError(f"There is no node {ref.key.name} at {api.url}.") from error
            if error.code == 403:
                raise RefusedError(f"{error} {RIGHT}", error.code) from error
            raise
    return raw


def _in_directory(directory: Path, ref: Ref, *, undo: bool) -> Outcome:
    texts = gather([directory], sys.stdin.buffer)
    readings = {name: read(name, text) for name, text in texts.by_name.items()}
    found = [
        (name, one)
        for name, reading in readings.items()
        for one in reading.objects
        if one.ref == ref
    ]
    if not found:
        problems = [str(each) for reading in readings.values() for each in reading.problems]
        if unread := [*texts.failures, *problems]:
            where = f"in what can be read of {directory}"
            raise SourceError(f"There is no node {ref.key.name} {where}. {' '.join(unread)}")
        raise NoSuchNodeError(f"There is no node {ref.key.name} in {directory}.")
    lacking = [(name, one) for name, one in found if parse_node(one.raw).draining is undo]
    if not lacking:
        node = parse_node(found[0][1].raw)
        return Outcome(done=True, sentences=tuple(_follows(node, undo=undo)))
    sentences = [line for name, one in lacking for line in _to_write(name, one.line, undo=undo)]
    last = "Nothing was changed: files are yours. Give the same command again when it is done."
    return Outcome(done=False, sentences=(*sentences, last))


def _to_write(name: str, line: int, *, undo: bool) -> Iterator[str]:
    where = f"{name}, in the Node that begins in line {line}"
    if undo:
        yield f"Take this line out of {where}, below metadata.annotations:"
        yield f"  {DRAIN_ANNOTATION}"
        return
    yield f"Write this into {where}:"
    if name.endswith(".json"):
        yield f'  "metadata": {{"annotations": {{"{DRAIN_ANNOTATION}": "true"}}}}'
        return
    yield "  metadata:"
    yield "    annotations:"
    yield f'      {DRAIN_ANNOTATION}: "true"'


def _follows(node: Node, *, undo: bool) -> Iterator[str]:
    see = f"`vipcast explain node/{node.name}` shows"
    if not undo:
        yield f"Node {node.name} is to announce nothing any more."
        yield "On segments other nodes answer for its addresses at once."
        yield (
            f"Its routers are asked to use other paths; {WAIT:.0f} s later it withdraws its routes"
            " and ends the sessions."
        )
        yield f"Its pods stay where they are. {see} when it has left."
        yield f"To take it back: vipcast drain {node.name} --undo"
        return
    wish = wish_of(node)
    if wish is Wish.LEAVE:
        yield (
            f"Node {node.name} is not drained any more, but still announces nothing: it has the"
            f" label {EXCLUDE_LABEL}."
        )
    elif wish is Wish.YIELD:
        yield (
            f"Node {node.name} may announce addresses again. It is cordoned, so it tells routers"
            " only of addresses that no node that stays can tell them, and asks to be used last,"
            f" until it is uncordoned: kubectl uncordon {node.name}"
        )
    else:
        yield f"Node {node.name} may announce addresses again. {see} what it does."
