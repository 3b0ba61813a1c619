"""The command `vipcast`: reads the objects once, prints what is so (status) or why (explain).

Exit codes: 0 all is well · 1 something lacks · 2 wrong arguments · 3 not found, or unreadable
"""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Sequence
from typing import Final

from vipcast.cli.explain import explain
from vipcast.cli.picture import Picture, take
from vipcast.cli.status import show
from vipcast.cli.text import Screen, screen_of
from vipcast.files import DirectorySource
from vipcast.kube.store import Store
from vipcast.model.errors import VipcastError
from vipcast.model.objects import Service
from vipcast.model.raw import (
    CONFIGURATION_STATE,
    ENDPOINT_SLICE,
    NODE,
    SERVICE,
    SERVICE_L2_STATUS,
    SPEAKER_STATUS,
)
from vipcast.ops import flags
from vipcast.ops.flags import CliOptions, ExplainOptions, StatusOptions
from vipcast.ports import Source

WELL: Final = 0
LACKING: Final = 1
UNREADABLE: Final = 3

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
        return _fail(f"{options.directory} could not be read within {PATIENCE:.0f} s.")
    except VipcastError as error:
        return _fail(str(error))
    picture = take(store, options.namespace)
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
    if len(found) != 1:
        return _fail(_not_one(store, options.service, found))
    explanation = explain(store, picture, found[0])
    paragraphs = (
        "\n".join(line for sentence in paragraph for line in screen.wrapped(sentence))
        for paragraph in explanation.paragraphs
    )
    sys.stdout.write("\n\n".join(paragraphs) + "\n")
    return WELL if explanation.well else LACKING


def _find(store: Store, wanted: str) -> list[Service]:
    """The Services that NAME or NAMESPACE/NAME stands for."""
    namespace, _, name = wanted.rpartition("/")
    return [
        store.services[key]
        for key in sorted(store.services)
        if key.name == name and namespace in ("", key.namespace)
    ]


def _not_one(store: Store, wanted: str, found: list[Service]) -> str:
    """What to say where a name stands for no Service, or for several."""
    if found:
        names = ", ".join(str(service.key) for service in found)
        return f"Several Services have the name {wanted}: give one of {names}."
    name = wanted.rpartition("/")[2]
    unread = [str(one) for one in store.findings if one.object.endswith(f"/{name}")]
    return "\n".join([f"There is no Service {wanted}.", *unread])


def _fail(message: str) -> int:
    for line in message.splitlines():
        sys.stderr.write(f"vipcast: {line}\n")
    return UNREADABLE
