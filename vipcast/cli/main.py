"""The command `vipcast`: reads the objects once, prints what is so (status) or why (explain).

`vipcast lint` reads files that are given to it, and nothing else; `vipcast drain` writes on a Node.

Exit codes: 0 all is as wanted · 1 something lacks · 2 wrong arguments, or unreadable · 3 not found
"""

from __future__ import annotations

import asyncio
import sys
import time
from collections.abc import Sequence
from typing import Final

from vipcast.cli.announcing import settled
from vipcast.cli.arguments import (
    DrainOptions,
    ExplainOptions,
    LintOptions,
    StatusOptions,
    command_line,
)
from vipcast.cli.bgp import sessions_well
from vipcast.cli.configured import explain_config, tell_config
from vipcast.cli.drain import NoSuchNodeError, drain
from vipcast.cli.explain import explain
from vipcast.cli.linting import check, gather, tell_checked
from vipcast.cli.node import explain_node
from vipcast.cli.nodetext import tell_node
from vipcast.cli.output import written
from vipcast.cli.routes import with_routes
from vipcast.cli.sentences import tell
from vipcast.cli.status import show, show_sessions
from vipcast.cli.subject import Subject, Topic
from vipcast.cli.text import Screen, screen_of
from vipcast.cli.vip import Standing, explain_vip
from vipcast.cli.viptext import tell_vip
from vipcast.cli.world import World, look
from vipcast.config.inputs import CONFIGURATION
from vipcast.kube.store import Store
from vipcast.kube.unread import without_effect
from vipcast.model.addresses import parse_address
from vipcast.model.errors import SourceError, VipcastError
from vipcast.model.objects import Service
from vipcast.model.raw import (
    CONFIGURATION_STATE,
    ENDPOINT_SLICE,
    NODE,
    POD,
    SERVICE,
    SERVICE_BGP_STATUS,
    SERVICE_L2_STATUS,
    SPEAKER_STATUS,
    Ref,
)
from vipcast.ops.flags import CONFIG
from vipcast.ops.values import Output
from vipcast.sources import open_source

WELL: Final = 0
LACKING: Final = 1
UNREADABLE: Final = 2
NOT_FOUND: Final = 3

NAMED: Final = "`vipcast status` names every node, and Services of type LoadBalancer."

KINDS: Final = (
    NODE,
    SERVICE,
    ENDPOINT_SLICE,
    SERVICE_BGP_STATUS,
    SERVICE_L2_STATUS,
    SPEAKER_STATUS,
    CONFIGURATION_STATE,
    *sorted(CONFIGURATION),
)
PATIENCE: Final = 20.0
"""Seconds for one reading of everything."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command; returns the exit code."""
    options = command_line(arguments)
    screen = screen_of(sys.stdout)
    if isinstance(options, LintOptions):
        return _lint(options, screen)
    if isinstance(options, DrainOptions):
        return _drain(options, screen)
    try:
        store = asyncio.run(_read(options))
    except VipcastError as error:
        return _fail(UNREADABLE, options.output, str(error))
    if isinstance(options, StatusOptions):
        world = look(store, options.namespace, options.classes, (), time.time())
        picture = settled(with_routes(world))
        if options.bgp:
            sys.stdout.write(show_sessions(picture, options.output, screen))
            return WELL if sessions_well(picture) else LACKING
        sys.stdout.write(show(picture, options.output, screen))
        return WELL if picture.well else LACKING
    world = with_routes(
        look(store, options.namespace, options.classes, options.service_cidr, time.time())
    )
    return _explain(world, options, screen)


async def _read(options: StatusOptions | ExplainOptions) -> Store:
    """Everything as it is now. Raises VipcastError."""
    config = options.config if isinstance(options, ExplainOptions) else CONFIG.default
    store = Store(options.namespace, config or "")
    # In a directory nobody tells of Pods, and a Pod that stands there is nobody's business.
    kinds = KINDS if options.objects.directory is not None else (*KINDS, POD)
    source = open_source(
        options.objects, "cli", kinds, namespace=options.namespace, config=config or ""
    )
    try:
        async with asyncio.timeout(PATIENCE), source:
            async for batch in source.changes():
                store.apply(batch)
                if batch.synced:
                    break
    except TimeoutError:
        why = source.health().message
        message = f"The objects could not be read within {PATIENCE:.0f} s. {why}"
        raise SourceError(message.rstrip()) from None
    return store


def _lint(options: LintOptions, screen: Screen) -> int:
    texts = gather(options.files, sys.stdin.buffer)
    if texts.by_name:
        checked = check(texts.by_name, options.namespace, options.config, options.service_cidr)
        sys.stdout.write(tell_checked(checked, options.output, screen))
        if not texts.failures:
            return WELL if checked.well else LACKING
        for failure in texts.failures:
            _say(failure)
        return UNREADABLE
    return _fail(UNREADABLE, options.output, *texts.failures)


def _drain(options: DrainOptions, screen: Screen) -> int:
    try:
        outcome = asyncio.run(drain(options))
    except NoSuchNodeError as error:
        return _fail(NOT_FOUND, Output.TABLE, str(error))
    except VipcastError as error:
        return _fail(UNREADABLE, Output.TABLE, str(error))
    for sentence in outcome.sentences:
        text = sentence.lstrip(" ")
        for line in screen.wrapped(text, sentence[: len(sentence) - len(text)]):
            sys.stdout.write(f"{line}\n")
    return WELL if outcome.done else LACKING


def _explain(world: World, options: ExplainOptions, screen: Screen) -> int:
    subject, output = options.subject, options.output
    match subject.topic:
        case Topic.ADDRESS:
            vip = explain_vip(world, parse_address(subject.name))
            sys.stdout.write(tell_vip(vip, output, screen))
            return _code(vip.well, there=vip.standing is not Standing.OUTSIDE)
        case Topic.CONFIG:
            told = explain_config(world)
            sys.stdout.write(tell_config(told, output, screen))
            if not told.present and told.unread:
                return UNREADABLE  # it may stand in what cannot be read
            return _code(told.well, there=told.present)
        case Topic.NODE:
            return _explain_node(world, options, screen)
    found = _find(world.store, str(subject))
    node = subject.topic is Topic.NAME and subject.name in world.picture.nodes
    if node and not found:
        return _explain_node(world, options, screen)
    if len(found) > 1:
        names = ", ".join(str(service.key) for service in found)
        several = f"Several Services have the name {subject}: give one of {names}."
        return _fail(UNREADABLE, output, several)
    if not found:
        return _not_there(world.store, subject, output)
    if node:
        other = f"node/{subject} stands for the node of that name"
        _say(f"{subject} is Service {found[0].key} here; {other}.")
    explanation = explain(world, found[0])
    sys.stdout.write(tell(explanation, output, screen))
    return _code(explanation.well, there=True)


def _explain_node(world: World, options: ExplainOptions, screen: Screen) -> int:
    story = explain_node(world, options.subject.name)
    if story is None:
        return _not_there(world.store, options.subject, options.output)
    sys.stdout.write(tell_node(story, options.output, screen))
    return _code(story.well, there=True)


def _code(well: bool, *, there: bool) -> int:
    return WELL if well else LACKING if there else NOT_FOUND


def _find(store: Store, wanted: str) -> list[Service]:
    """The Services that NAME or NAMESPACE/NAME stands for."""
    namespace, _, name = wanted.rpartition("/")
    return [
        store.services[key]
        for key in sorted(store.services)
        if key.name == name and namespace in ("", key.namespace)
    ]


_SOUGHT: Final = {
    Topic.SERVICE: ("Service", (SERVICE,)),
    Topic.NODE: ("node", (NODE,)),
    Topic.NAME: ("Service or node", (SERVICE, NODE)),
}


def _not_there(store: Store, subject: Subject, output: Output) -> int:
    """Nothing of that name can be read: is it bad, may a bad file hold it, or neither?"""
    what, kinds = _SOUGHT[subject.topic]
    bad = {
        str(Ref(kind, key))
        for kind in kinds
        for key in store.raws(kind)
        if key.name == subject.name and subject.namespace in ("", key.namespace)
    }
    findings = [one for one in store.findings if one.object in bad]
    if findings:
        text = [f"{findings[0].object} is there, but its file cannot be read as one:"]
        return _fail(UNREADABLE, output, *text, *map(str, findings))
    files = [
        one for one in store.problems if one.object.startswith("file ") and not without_effect(one)
    ]
    if files:
        text = [f"No {what} {subject} can be read. It may stand in a file that cannot be read:"]
        return _fail(UNREADABLE, output, *text, *map(str, files))
    elsewhere = sorted(str(key) for key in store.services if key.name == subject.name)
    if elsewhere and subject.topic is not Topic.NODE:
        return _fail(
            NOT_FOUND, output, f"There is no {what} {subject}; there is {', '.join(elsewhere)}."
        )
    return _fail(NOT_FOUND, output, f"There is no {what} {subject}. {NAMED}")


def _fail(code: int, output: Output, *sentences: str) -> int:
    """Nothing can be told but why; JSON and YAML say it on stdout, too."""
    for sentence in sentences:
        _say(sentence)
    if output is not Output.TABLE:
        data = {"healthy": False, "errors": list(sentences)}
        sys.stdout.write(written(data, tuple, output, screen_of(sys.stdout)))
    return code


def _say(sentence: str) -> None:
    """A sentence on stderr, as wide as its terminal."""
    screen = screen_of(sys.stderr)
    for line in sentence.splitlines():
        for part in screen.wrapped(f"vipcast: {line}"):
            sys.stderr.write(f"{part}\n")
