"""Runs NetlinkLinks inside a namespace of the lab: one JSON line for the snapshot, one per change.

python -m tests.support.linkwatching BUFFER      bytes of room for unread events
"""

from __future__ import annotations

import asyncio
import json
import os
import sys

from speaker.adapters.links import NetlinkLinks
from speaker.layer2.interfaces import Link


def plain(link: Link | None) -> dict[str, object] | None:
    """A link as JSON can say it."""
    if link is None:
        return None
    return {
        "ifindex": link.ifindex,
        "name": link.name,
        "mac": link.mac.hex(":"),
        "up": link.up,
        "carrier": link.carrier,
        "kind": link.kind,
        "master": link.master,
        "arp": link.arp,
        "broadcast": link.broadcast,
        "addresses": [str(address) for address in link.addresses],
    }


def say(line: object) -> None:
    """One line, at once."""
    sys.stdout.write(json.dumps(line) + "\n")
    sys.stdout.flush()


async def main() -> None:
    """Watch until ended."""
    async with NetlinkLinks(int(sys.argv[1])) as links:
        say([plain(link) for link in (await links.snapshot()).values()])
        os.write(int(os.environ["LAB_READY_FD"]), b"!")
        async for change in links.changes():
            say({"before": plain(change.before), "after": plain(change.after)})


if __name__ == "__main__":
    asyncio.run(main())
