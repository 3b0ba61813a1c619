"""Greetings on the wire: neighbours learn from them, and what does not leave is counted."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from typing import Any

import pytest

from lab import kernel, measure
from lab.cluster import Lab
from lab.host import ROOT
from tests.support.labs import unique_name
from tests.support.waiting import eventually

VIP = "192.0.2.240"
OTHER_MAC = "02:00:00:00:09:09"


@pytest.fixture(scope="module")
def lab() -> Iterator[Lab]:
    with Lab(unique_name(), nodes=1, pods=False) as standing:
        yield standing


def greet(lab: Lab, ifindex: int, mac: str = "") -> Any:
    node = lab.node(1)
    python = ["env", f"PYTHONPATH={ROOT}", sys.executable, "-W", "error", "-m"]
    words = ["tests.support.greeting", str(ifindex), VIP, mac or node.mac]
    return json.loads(node.run([*python, *words]).stdout)


def index(lab: Lab, interface: str = "lan0") -> int:
    return int(kernel.links(lab.node(1).namespace)[interface]["ifindex"])


def test_a_greeting_is_heard_twice_and_moves_a_neighbours_entry(lab: Lab) -> None:
    node, client = lab.node(1), lab.client
    client.run(
        ["ip", "neighbour", "replace", VIP, "lladdr", OTHER_MAC, "nud", "stale", "dev", "lan0"]
    )
    with measure.watch(client, VIP) as watch:
        assert greet(lab, index(lab)) == {"sent": 2, "failed": 0, "error": ""}
        eventually(lambda: client.neighbour(VIP) == node.mac, what="the client has learned it")
    assert [mac for _, mac in watch.seen[VIP].greetings] == [node.mac, node.mac]


def test_an_interface_that_is_gone_or_down_is_counted_and_not_raised(lab: Lab) -> None:
    gone = {"sent": 0, "failed": 2, "error": "ENXIO"}
    assert greet(lab, 2**31 - 1) == gone
    kernel.ip(lab.node(1).namespace, ["link add br9 type bridge"])
    try:
        down = {"sent": 0, "failed": 2, "error": "ENETDOWN"}
        assert greet(lab, index(lab, "br9")) == down
    finally:
        kernel.ip(lab.node(1).namespace, ["link del br9"])
