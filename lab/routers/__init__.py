"""Routers of four makes in a lab: FRR, BIRD, GoBGP and OpenBGPD, as Debian packages them.

    with Lab(routers=1, ipv6=True) as lab:
        settings = Settings(64600, neighbours_of(lab.nodes, 64601))
        with MAKES["bird"](lab.routers[0], settings) as router:
            router.session("192.0.2.11").established
            router.routes()["203.0.113.7/32"]
            …

All of them are one port (lab.routers.port), so one test runs against each. FRR and BIRD put what
they learn into their kernel, with a path to each neighbour that says the same; GoBGP and OpenBGPD
keep tables only. Everything they write lies in the lab's run directory and goes with the lab.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from lab.host import Host
from lab.routers.bird import Bird
from lab.routers.frr import Frr
from lab.routers.gobgp import GoBgp
from lab.routers.openbgpd import OpenBgpd
from lab.routers.port import IPV4, Neighbour, Router

MAKES: Mapping[str, type[Router]] = {make.name: make for make in (Frr, Bird, GoBgp, OpenBgpd)}
"""Every make by its name."""

FORWARDING = ("frr", "bird")
"""Those that put routes into the kernel."""


def neighbours_of(
    hosts: Iterable[Host], asn: int, families: tuple[str, ...] = (IPV4,), password: str = ""
) -> tuple[Neighbour, ...]:
    """These hosts as neighbours, with sessions over IPv4."""
    return tuple(Neighbour(str(host.address), asn, families, password) for host in hosts)
