"""A directory whose addresses are told to routers: two nodes speak with two of them."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

from tests.unit.cli.cluster import (
    ALLOCATED,
    HOME,
    NAMESPACE,
    SINCE,
    VIP,
    WEB,
    Directory,
    metallb,
    report,
)
from vipcast.kube.status import render_bgp_status
from vipcast.model.status import BgpStatus, PeerReport, SpeakerReport

NODES = ("node1", "node2")
ROUTED = metallb("BGPAdvertisement", "all")
TORS = {"tor-1": "192.0.2.1", "tor-2": "192.0.2.2"}
REFUSES: dict[str, Any] = {
    "state": "Connect",
    "announced": 0,
    "reason": "unreachable",
    "error": "192.0.2.2:179 refuses the connection.",
    "hint": "",
}


def peer(name: str, **spec: Any) -> dict[str, Any]:
    """A BGPPeer."""
    made = metallb("BGPPeer", name, myASN=64500, peerASN=64501, peerAddress=TORS[name], **spec)
    return {**made, "apiVersion": "metallb.io/v1beta2"}


def session(name: str = "tor-1", **fields: Any) -> PeerReport:
    """What a speaker says of a router, by default that a session stands."""
    made = PeerReport(
        *(name, TORS[name], 179, 64500, 64501, "Established", SINCE),
        announced=1,
        families=("IPv4 unicast",),
    )
    return replace(made, **fields)


def speaker(node: str, *peers: PeerReport) -> SpeakerReport:
    return replace(report(node, NODES), peers=peers or (session(), session("tor-2")))


def routed(path: Path) -> Directory:
    """Two nodes, one Service, both tell both routers."""
    directory = Directory(path)
    directory.nodes(*NODES)
    directory.service("web", ALLOCATED, [VIP], endpoints=NODES)
    directory.put("pools.yaml", HOME, ROUTED)
    directory.put("peers.yaml", *map(peer, TORS))
    directory.speakers(*map(speaker, NODES))
    directory.put(
        "told.yaml",
        *(render_bgp_status(NAMESPACE, BgpStatus(node, WEB, tuple(TORS)))[1] for node in NODES),
    )
    directory.config("", *NODES)
    return directory
