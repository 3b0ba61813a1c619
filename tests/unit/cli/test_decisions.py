"""What nodes decide about routes, asked kind by kind."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

import pytest

from speaker.bgp.routes import Rules, Standing
from tests.support.manifests import documents
from tests.unit.cli.cluster import ALLOCATED, HOME, NAMESPACE, VIP, Directory, metallb
from tests.unit.cli.routed import peer, routed
from vipcast.cli.decisions import Decisions, answer_to
from vipcast.cli.world import World, look
from vipcast.kube.defaults import with_defaults
from vipcast.kube.store import Store
from vipcast.model.classes import EVERY_DEFAULT
from vipcast.model.objects import EXCLUDE_LABEL, Key
from vipcast.model.raw import CLUSTER_WIDE, VERSIONS, Batch, Delta, Ref

NAMES = tuple(f"node{number}" for number in range(1, 8))
LABELS = {"node1": {"rack": "1"}, "node2": {"rack": "1"}, "node3": {EXCLUDE_LABEL: ""}}


def world(path: Path) -> World:
    """What the files of a directory hold."""
    kinds = {kind.name: kind for kind in VERSIONS}
    deltas = []
    for raw in documents(*path.glob("*.yaml")):
        kind, metadata = kinds[raw["kind"]], raw["metadata"]
        namespace = "" if kind in CLUSTER_WIDE else metadata.get("namespace", "default")
        ref = Ref(kind, Key(namespace, metadata["name"]))
        deltas.append(Delta(ref, with_defaults(kind, raw)))
    store = Store(NAMESPACE)
    store.apply(Batch(tuple(deltas), synced=True))
    return look(store, NAMESPACE, EVERY_DEFAULT, (), time.time())


@pytest.fixture
def told(tmp_path: Path) -> Directory:
    """Seven nodes, of which one is excluded, and the advertisement is for two of a rack."""
    directory = routed(tmp_path)
    directory.nodes(*NAMES, labels=LABELS)
    rack = [{"matchLabels": {"rack": "1"}}]
    apart = metallb("BGPAdvertisement", "apart", nodeSelectors=rack, ipAddressPools=["home"])
    far = metallb("IPAddressPool", "far", addresses=["198.51.100.0/24"])
    every = metallb("BGPAdvertisement", "every", ipAddressPools=["far"])
    directory.put("pools.yaml", HOME, far, apart, every)
    directory.put("peers.yaml", peer("tor-1"), peer("tor-2", nodeSelectors=rack))
    return directory


SERVICES: dict[str, dict[str, Any]] = {
    "for a rack": {},
    "for all": {"ingress": ["198.51.100.1"]},
    "both": {"ingress": [VIP, "198.51.100.1"]},
    "unserved": {"ingress": ["198.51.100.1"], "endpoints": []},
    "local": {
        "ingress": ["198.51.100.1"],
        "endpoints": ["node1", "node4", "node5"],
        "externalTrafficPolicy": "Local",
    },
    "in no pool": {"ingress": ["10.9.9.9"]},
}


@pytest.mark.parametrize("parts", SERVICES.values(), ids=SERVICES)
def test_asked_kind_by_kind_every_node_says_what_it_says_by_itself(
    told: Directory, parts: dict[str, Any]
) -> None:
    rest = dict(parts)
    told.service("web", ALLOCATED, rest.pop("ingress", [VIP]), **rest)
    seen = world(told.path)
    assert seen.config is not None
    (service,) = seen.store.services.values()
    slices = seen.store.slices(service.key)
    found = dict(Decisions(seen, seen.config, ()).of(service))
    assert sorted(found) == sorted(NAMES)
    for name, routes in found.items():
        standing = Standing.LEFT if name == "node3" else Standing.STAYS
        alone = Rules(seen.config, seen.store.nodes[name], standing).decide(service, slices)
        assert [(one.address, one.reason, one.message) for one in routes.answers] == [
            (one.address, one.reason, one.message) for one in alone.answers
        ]
        assert routes.peers == alone.peers


def test_nodes_that_are_alike_are_asked_once(told: Directory) -> None:
    told.service("web", ALLOCATED, ["198.51.100.1"])
    seen = world(told.path)
    assert seen.config is not None
    (service,) = seen.store.services.values()
    found = dict(Decisions(seen, seen.config, ()).of(service))
    assert len({id(routes) for routes in found.values()}) == 3
    (answer,) = found["node1"].answers
    assert answer_to(found["node1"], "198.51.100.1") is answer
    assert answer_to(found["node1"], VIP) is None
