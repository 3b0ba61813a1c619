"""The product and real routers: a path by every node, for what is announced in the old way."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from lab.cluster import Lab
from lab.objects import Object
from lab.routers import MAKES, neighbours_of
from lab.routers.port import Path, Router, Settings
from lab.vipcast import Vipcast, config_map, service
from tests.support.labs import unique_name
from tests.support.waiting import eventually

OURS, THEIRS = 64500, 64600
PATIENCE = 60.0
POOL = "203.0.113.0/28"


def configuration(lab: Lab) -> Object:
    """The ConfigMap of old: one pool, announced to the lab's router."""
    return config_map(
        f"""
peers:
- my-asn: {OURS}
  peer-asn: {THEIRS}
  peer-address: {lab.routers[0].address}
address-pools:
- name: default
  protocol: bgp
  addresses: [{POOL}]
"""
    )


@pytest.fixture(scope="module")
def lab() -> Iterator[Lab]:
    with Lab(unique_name(), nodes=3, routers=1) as standing:
        yield standing


@pytest.fixture(scope="module")
def vipcast(lab: Lab) -> Vipcast:
    """On every node, with one Service."""
    product = Vipcast(lab)
    product.start()
    product.apply("config", configuration(lab))
    product.apply("web", service("web"))
    product.serve("web")
    return product


@pytest.fixture(params=MAKES)
def router(request: pytest.FixtureRequest, lab: Lab, vipcast: Vipcast) -> Iterator[Router]:  # noqa: ARG001
    settings = Settings(THEIRS, neighbours_of(lab.nodes, OURS))
    with MAKES[request.param](lab.routers[0], settings) as started:
        yield started


def has(router: Router, lab: Lab, *prefixes: str) -> None:
    """Wait until the router has exactly these, by every node alike."""
    paths = frozenset(Path(str(n.address), str(n.address), (OURS,)) for n in lab.nodes)
    wanted = dict.fromkeys(prefixes, paths)

    def look() -> bool:
        assert router.routes() == wanted
        return True

    eventually(look, what=f"{router.name} has {prefixes}", deadline=PATIENCE)


def test_every_router_has_a_path_by_every_node(router: Router, lab: Lab, vipcast: Vipcast) -> None:
    vip = vipcast.await_address("web")
    has(router, lab, f"{vip}/32")
    vipcast.apply("more", service("more"))
    more = vipcast.serve("more")
    has(router, lab, f"{vip}/32", f"{more}/32")
    vipcast.delete("more")
    has(router, lab, f"{vip}/32")
