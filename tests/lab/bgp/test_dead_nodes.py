"""A node that is gone without a word, at routers of four makes at once."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack

import pytest

from lab.cluster import Lab
from lab.host import Host
from lab.routers import MAKES, neighbours_of
from lab.routers.port import Path, Router, Settings
from lab.vipcast import Vipcast
from tests.lab.bgp.logs import begun
from tests.lab.bgp.objects import advertisement, given, peer, pool
from tests.support.labs import unique_name
from tests.support.waiting import eventually

OURS, ROUTERS = 64500, 64600
ADDRESS, PREFIX = "203.0.113.7", "203.0.113.7/32"
HOLD_TIME = 6
OVER = {
    "frr": "0400",
    "bird": "Hold timer expired",
    "gobgp": "hold-timer-expired",
    "openbgpd": "HoldTimer expired",
}
"""How each make says so; FRR by code and subcode (RFC 4271, section 4.5)."""


@pytest.fixture
def lab() -> Iterator[Lab]:
    with Lab(unique_name(), routers=len(MAKES), pods=False) as standing:
        yield standing


@pytest.fixture
def routers(lab: Lab) -> Iterator[dict[str, Router]]:
    settings = Settings(ROUTERS, neighbours_of(lab.nodes, OURS))
    with ExitStack() as running:
        yield {
            make: running.enter_context(MAKES[make](host, settings))
            for make, host in zip(MAKES, lab.routers, strict=True)
        }


@pytest.fixture
def vipcast(lab: Lab, routers: dict[str, Router]) -> Vipcast:
    product = Vipcast(lab)
    product.prepare()
    product.apply("config", pool("all", "203.0.113.0/27"), advertisement("all"))
    product.apply("web", given("web", ADDRESS))
    lab.write_endpoints(product.directory, "web")
    product.apply(
        "peers",
        *(
            peer(make, router.host.address, OURS, ROUTERS, holdTime=f"{HOLD_TIME}s")
            for make, router in routers.items()
        ),
    )
    for node in lab.nodes:
        product.start_speaker(node)
    return product


def test_a_dead_node_s_paths_leave_every_router_with_the_hold_time_and_no_others(
    lab: Lab, routers: dict[str, Router], vipcast: Vipcast
) -> None:
    dead, *living = lab.nodes
    paths_by(routers, *lab.nodes)
    assert {router.session(dead.address).hold_time for router in routers.values()} == {HOLD_TIME}

    # First the cable: the kernel, which cleans up after the speaker, says nothing to the router.
    lab.switch.pull(dead)
    vipcast.speaker(dead).kill()
    paths_by(routers, *living)

    every = ((node.name, make) for node in lab.nodes for make in MAKES)
    assert begun(lab) == dict.fromkeys(every, 1)
    for make, router in routers.items():
        assert OVER[make] in router.session(dead.address).last_error
        assert all(router.session(node.address).established for node in living)


def paths_by(routers: dict[str, Router], *nodes: Host) -> None:
    """Wait until every router has a path by these nodes alone."""
    paths = frozenset(Path(str(node.address), str(node.address), (OURS,)) for node in nodes)
    for make, router in routers.items():
        eventually(
            lambda router=router: router.routes() == {PREFIX: paths},  # type: ignore[misc]
            what=f"{make} has paths by {[node.name for node in nodes]}",
        )
