"""The product and a real router: what is seen of it from outside, with the router and without."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest

from lab.cluster import Lab
from lab.routers import MAKES, neighbours_of
from lab.routers.port import Router, Settings
from lab.vipcast import Vipcast, service
from tests.lab.bgp.objects import advertisement, peer, pool
from tests.support.labs import unique_name
from tests.support.waiting import eventually

OURS, THEIRS = 64500, 64600
PATIENCE = 60.0


@pytest.fixture(scope="module")
def lab() -> Iterator[Lab]:
    with Lab(unique_name(), nodes=2, routers=1) as standing:
        yield standing


@pytest.fixture(scope="module")
def vipcast(lab: Lab) -> Vipcast:
    """On every node, with one Service that routers are told of."""
    product = Vipcast(lab)
    product.start()
    tor = peer("tor", lab.routers[0].address, OURS, THEIRS)
    product.apply("config", pool("home", "203.0.113.0/28"), advertisement("home"), tor)
    product.apply("web", service("web"))
    product.serve("web")
    product.await_address("web")
    return product


def frr(lab: Lab) -> Router:
    neighbours = neighbours_of(lab.nodes, OURS)
    return MAKES["frr"](lab.routers[0], Settings(THEIRS, neighbours))


def sessions(vipcast: Vipcast) -> tuple[int, list[dict[str, Any]]]:
    """What `vipcast status bgp` says."""
    said = vipcast.command("status", "bgp", "-ojson")
    return said.returncode, json.loads(said.stdout)["sessions"]


def explained(vipcast: Vipcast, what: str, code: int, *lines: str) -> None:
    """Wait until `vipcast explain` says so: a Service's report comes after the speaker's own."""

    def says() -> bool:
        told = vipcast.command("explain", what)
        assert all(line in told.stdout for line in lines), told.stdout
        return told.returncode == code

    eventually(says, what=f"explain {what} says it", deadline=PATIENCE)


def test_sessions_routes_and_their_loss_are_seen_by_everybody_who_asks(
    lab: Lab, vipcast: Vipcast
) -> None:
    names = [node.name for node in lab.nodes]
    vip = vipcast.address("web")
    tor = f"{lab.routers[0].address}:179"

    def stand() -> bool:
        code, found = sessions(vipcast)
        assert [(one["node"], one["established"], one["announced"]) for one in found] == [
            (name, True, 1) for name in names
        ]
        return code == 0

    with frr(lab):
        eventually(stand, what="every session stands and has the route", deadline=PATIENCE)
        explained(
            vipcast, "web", 0,
            f"By BGP, 2 nodes tell routers of {vip} (advertised).",
            f"  to tor: {', '.join(names)}",
        )  # fmt: skip
        for node in lab.nodes:
            page = vipcast.metrics(node)
            assert f'metallb_bgp_session_up{{peer="{tor}"}} 1.0' in page
            assert f'metallb_bgp_announced_prefixes_total{{peer="{tor}"}} 1.0' in page
            labels = f'ip="{vip}",node="{node.name}",protocol="bgp",service="default/web"'
            assert f"metallb_speaker_announced{{{labels}}} 1.0" in page

    def lacks() -> bool:
        code, found = sessions(vipcast)
        assert [one["established"] for one in found] == [False, False]
        assert all(one["problem"] for one in found)
        return code == 1

    eventually(lacks, what="no session stands, and it is said why", deadline=PATIENCE)
    explained(vipcast, str(vip), 1, f"By BGP, nobody tells a router of {vip} (noSession).")
    for node in lab.nodes:
        page = vipcast.metrics(node)
        assert f'metallb_bgp_session_up{{peer="{tor}"}} 0.0' in page
        assert "metallb_speaker_announced{" not in page
    with frr(lab):
        eventually(stand, what="every session is back", deadline=PATIENCE)
    for name in names:
        eventually(
            lambda name=name: (
                {"sessionUp", "sessionDown", "nodeAssigned"}  # type: ignore[misc]
                <= _events(vipcast, name)
            ),
            what=f"Events of {name}",
        )


def _events(vipcast: Vipcast, node: str) -> set[str]:
    """The reasons of the Events that a node's speaker has written."""
    found = (vipcast.directory / "status" / f"speaker-{node}" / "Event").rglob("*.yaml")
    return {
        line.removeprefix("reason: ").strip()
        for path in found
        for line in path.read_text().splitlines()
        if line.startswith("reason: ")
    }
