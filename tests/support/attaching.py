"""Runs the attacher inside a namespace of the lab, as a process of its own.

    attach INTERFACE MODE [SOURCES…]   once for each directory of sources, again and again --times
    stands INTERFACE MODE PROGRAM      whether the program of this id is there in this mode
    detach INTERFACE
    retire SOURCES
    uninstall

Writes what came of it as JSON, one line per call.
"""

from __future__ import annotations

import argparse
import asyncio
import dataclasses
import json
import sys
from pathlib import Path
from typing import Any

from bpf import SOURCES, Sources
from speaker.adapters.attach import XdpAttacher, uninstall
from speaker.adapters.links import NetlinkLinks
from speaker.layer2.interfaces import Link
from tests.support.fakes import attachment
from vipcast.model.xdp import XdpMode


async def link_called(name: str) -> Link:
    """The link of this name; one that does not exist has an index that none has."""
    async with NetlinkLinks() as links:
        found = {link.name: link for link in (await links.snapshot()).values()}
    return found.get(name) or Link(2**31 - 1, name, bytes(6), up=True, carrier=True)


def say(result: Any) -> None:
    """One line of JSON."""
    sys.stdout.write(json.dumps(result) + "\n")


def main() -> None:
    """Do what the command line says."""
    parser = argparse.ArgumentParser()
    parser.add_argument("pin_path", type=Path)
    parser.add_argument("what", choices=["attach", "stands", "detach", "retire", "uninstall"])
    parser.add_argument("words", nargs="*")
    parser.add_argument("--times", type=int, default=1)
    parser.add_argument("--kind", help="take the link for one of this kind")
    given = parser.parse_args()
    words: list[str] = given.words
    if given.what == "uninstall":
        say(dataclasses.asdict(uninstall(given.pin_path)))
    elif given.what == "stands":
        link = asyncio.run(link_called(words[0]))
        found = dataclasses.replace(attachment(link), mode=XdpMode(words[1]))
        say(XdpAttacher(given.pin_path).stands(dataclasses.replace(found, program=int(words[2]))))
    elif given.what == "detach":
        link = asyncio.run(link_called(words[0]))
        say(XdpAttacher(given.pin_path).detach(link.ifindex))
    elif given.what == "retire":
        say(XdpAttacher(given.pin_path, Sources(Path(words[0]))).retire_older())
    else:
        link = asyncio.run(link_called(words[0]))
        if given.kind is not None:
            link = dataclasses.replace(link, kind=given.kind)
        versions = [Sources(Path(word)) for word in words[2:]] or [SOURCES]
        for _ in range(given.times):
            for version in versions:
                attacher = XdpAttacher(given.pin_path, version)
                say(dataclasses.asdict(attacher.attach(link, XdpMode(words[1]))))


if __name__ == "__main__":
    main()
