"""The command `vipcast`: reads the objects once, prints what is so (status) or why (explain).

Exit codes: 0 all is as wanted · 1 something lacks · 2 wrong arguments, or unreadable · 3 not found
"""

from __future__ import annotations

import asyncio
import sys
import time
from collections.abc import Sequence
from typing import Final

from vipcast.cli.explain import explain
from vipcast.cli.picture import Picture, take
from vipcast.cli.sentences import tell
from vipcast.cli.status import show
from vipcast.cli.text import Screen, screen_of
from vipcast.files import DirectorySource
from vipcast.kube.store import Store
from vipcast.kube.unread import UNREAD
from vipcast.model.errors import VipcastError
from vipcast.model.objects import Service
from vipcast.model.raw import (
    CONFIGURATION_STATE,
    ENDPOINT_SLICE,
    NODE,
    SERVICE,
    SERVICE_L2_STATUS,
    SPEAKER_STATUS,
    Ref,
)
from vipcast.ops import flags
from vipcast.ops.flags import CliOptions, ExplainOptions, StatusOptions
from vipcast.ports import Source

WELL: Final = 0
LACKING: Final = 1
UNREADABLE: Final = 2
NOT_FOUND: Final = 3

KINDS: Final = (
    NODE,
    SERVICE,
    ENDPOINT_SLICE,
    SERVICE_L2_STATUS,
    SPEAKER_STATUS,
    CONFIGURATION_STATE,
)
PATIENCE: Final = 20.0
"""Seconds for one reading of everything."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command; returns the exit code."""
    options = flags.command_line(arguments)
    try:
        store = asyncio.run(_read(options))
    except TimeoutError:
        message = f"{options.directory} could not be read within {PATIENCE:.0f} s."
        return _fail(UNREADABLE, message)
    except VipcastError as error:
        return _fail(UNREADABLE, str(error))
    picture = take(store, options.namespace, time.time())
    screen = screen_of(sys.stdout)
    if isinstance(options, StatusOptions):
        sys.stdout.write(show(picture, options.output, screen))
        return WELL if picture.well else LACKING
    return _explain(store, picture, options, screen)


async def _read(options: CliOptions) -> Store:
    """Everything as it is now. Raises VipcastError or TimeoutError."""
    store = Store(options.namespace)
    source: Source = DirectorySource(options.directory, "cli", KINDS)
    async with asyncio.timeout(PATIENCE), source:
        async for batch in source.changes():
            store.apply(batch)
            if batch.synced:
                break
    return store


def _explain(store: Store, picture: Picture, options: ExplainOptions, screen: Screen) -> int:
    found = _find(store, options.service)
    if len(found) > 1:
        names = ", ".join(str(service.key) for service in found)
        several = f"Several Services have the name {options.service}: give one of {names}."
        return _fail(UNREADABLE, several)
    if not found:
        return _not_there(store, options.service)
    explanation = explain(store, picture, found[0])
    sys.stdout.write(tell(explanation, options.output, screen))
    return WELL if explanation.well else LACKING


def _find(store: Store, wanted: str) -> list[Service]:
    """The Services that NAME or NAMESPACE/NAME stands for."""
    namespace, _, name = wanted.rpartition("/")
    return [
        store.services[key]
        for key in sorted(store.services)
        if key.name == name and namespace in ("", key.namespace)
    ]


def _not_there(store: Store, wanted: str) -> int:
    """No Service of that name can be read: is it bad, may a bad file hold it, or neither?"""
    namespace, _, name = wanted.rpartition("/")
    bad = {
        str(Ref(SERVICE, key)): key
        for key in sorted(store.raws(SERVICE))
        if key.name == name and namespace in ("", key.namespace)
    }
    findings = [one for one in store.findings if one.object in bad]
    if findings:
        text = [f"{findings[0].object} is there, but its file cannot be read as one:"]
        return _fail(UNREADABLE, *text, *map(str, findings))
    others = {kind.name for kind in UNREAD}
    files = [
        one for one in store.problems if one.object.startswith("file ") and one.value not in others
    ]
    if files:
        text = [f"No Service {wanted} can be read. It may stand in a file that cannot be read:"]
        return _fail(UNREADABLE, *text, *map(str, files))
    return _fail(NOT_FOUND, f"There is no Service {wanted}.")


def _fail(code: int, *lines: str) -> int:
    for line in "\n".join(lines).splitlines():
        sys.stderr.write(f"vipcast: {line}\n")
    return code
