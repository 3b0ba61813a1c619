"""Objects of a node that speaks BGP: whom it speaks with, and Services that have addresses already.

No controller runs: addresses stand in the Services' statuses from the beginning.
"""

from __future__ import annotations

import time
from collections.abc import Iterable, Sequence
from ipaddress import IPv4Address
from pathlib import Path
from typing import Final

import yaml

from benchmarks.harness import replace
from lab import objects
from lab.host import Host
from lab.objects import Object
from lab.services import Backend
from lab.vipcast import config_map, service

OURS: Final = 64500
ROUTERS: Final = 64600
"""AS numbers of the node and of all routers."""
HOLD_TIME: Final = 3
"""Seconds: the shortest that there is, so KEEPALIVEs are due each second."""

_FIRST: Final = IPv4Address("10.0.0.0")
_POOL: Final = "10.0.0.0/16"
ONE: Final = IPv4Address("10.0.255.255")
"""An address of the pool that none of `prefixes` is."""


def configuration(routers: Iterable[Host], hold_time: int = HOLD_TIME) -> Object:
    """A pool whose addresses all of these routers are told."""
    document = {
        "peers": [
            {
                "my-asn": OURS,
                "peer-asn": ROUTERS,
                "peer-address": str(each.address),
                "hold-time": f"{hold_time}s",
            }
            for each in routers
        ],
        "address-pools": [{"name": "pool", "protocol": "bgp", "addresses": [_POOL]}],
    }
    return config_map(yaml.safe_dump(document, sort_keys=False))


def prefixes(number: int) -> list[str]:
    """The routes of so many Services."""
    return [f"{_FIRST + one}/32" for one in range(number)]


def services(number: int) -> str:
    """So many Services, each with an address and a ready endpoint, as a file has them."""
    return dumped([(f"s{one:05}", _FIRST + one) for one in range(number)])


def dumped(addresses: Sequence[tuple[str, IPv4Address]]) -> str:
    """Services by name and address, each with an EndpointSlice, as a file has them."""
    documents: list[Object] = []
    for name, address in addresses:
        status = {"loadBalancer": {"ingress": [{"ip": str(address)}]}}
        documents.append({**service(name), "status": status})
        there = Backend("10.244.1.2", 8080, "node1")
        documents.append(objects.endpoint_slice(name, "default", "", [there]))
    return yaml.dump_all(documents, Dumper=yaml.CSafeDumper, sort_keys=False)


def place(directory: Path, name: str, text: str | None) -> int:
    """Put the file NAME.yaml there, or take it away; monotonic nanoseconds just before that."""
    path = directory / f"{name}.yaml"
    if text is not None:
        return replace(path, text)
    begun = time.monotonic_ns()
    path.unlink()
    return begun
