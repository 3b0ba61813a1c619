"""Where a host's kernel sends packets, and which pods a client behind a router reaches."""

from __future__ import annotations

import json

from lab.cluster import Lab
from lab.host import Host
from tests.support.waiting import eventually


def next_hops(host: Host, prefix: str, family: str = "-4") -> set[str]:
    """Next hops that the host's kernel has for a prefix."""
    routes = json.loads(host.run(["ip", family, "-j", "route", "show", prefix]).stdout)
    entries = [hop for route in routes for hop in route.get("nexthops", [route])]
    return {hop["gateway"] for hop in entries if "gateway" in hop}


def reach_every_pod(lab: Lab, vip: str) -> None:
    """Wait until the client behind the first router has had answers from all pods and no others."""
    seen: set[str] = set()
    every = {f"{pod.name} on {pod.node}" for pod in lab.topology.pods}
    get = ["curl", "-sS", "--max-time", "10", f"http://{vip}/"]

    def look() -> bool:
        # Each request is a connection of its own, so by its port it may take another path.
        seen.add(lab.remote.run(get).stdout.strip())
        assert seen == every
        return True

    eventually(look, what=f"every pod has answered for {vip}")
