"""Greets once inside a namespace of the lab: `-m tests.support.greeting IFINDEX ADDRESS MAC`.

Writes as JSON what became of the frames.
"""

from __future__ import annotations

import dataclasses
import json
import sys
from contextlib import closing
from ipaddress import IPv4Address

from speaker.adapters.greeter import PacketGreeter
from speaker.layer2.frames import gratuitous


def main() -> None:
    """Do what the command line says."""
    ifindex, address, mac = sys.argv[1:]
    frames = gratuitous(IPv4Address(address), bytes.fromhex(mac.replace(":", "")))
    with closing(PacketGreeter()) as greeter:
        greeted = greeter.send(int(ifindex), frames)
    sys.stdout.write(json.dumps(dataclasses.asdict(greeted)))


if __name__ == "__main__":
    main()
