"""A router that pours in all that it knows, at a node that answers on its segment, too."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from lab import measure
from lab.cluster import Lab
from lab.host import Host
from lab.vipcast import Vipcast, config_map, service
from speaker.bgp import encode
from speaker.bgp.messages import IPV4_UNICAST, Attributes, RouteRefresh, Update
from tests.lab.bgp.logs import begun
from tests.support.bgp_router import Router
from tests.support.labs import unique_name
from tests.support.waiting import eventually

OURS, THEIRS = 64500, 64600
ROUTES = 1_000_000
HOLD_TIME = 30
PATIENCE = 60.0
ROUTED, ANSWERED = "203.0.113.1", "192.0.2.240"
"""Addresses of the Services `routed` and `answered`."""


@pytest.fixture
def lab() -> Iterator[Lab]:
    with Lab(unique_name(), nodes=1, routers=1, pods=False) as standing:
        yield standing


@pytest.fixture
def vipcast(lab: Lab) -> Vipcast:
    """One Service for routers, one for the segment."""
    product = Vipcast(lab)
    product.start()
    product.apply(
        "config",
        config_map(
            f"""
peers:
- {{my-asn: {OURS}, peer-asn: {THEIRS}, peer-address: {lab.routers[0].address}}}
address-pools:
- {{name: routed, protocol: bgp, addresses: [{ROUTED}/32]}}
- {{name: answered, protocol: layer2, addresses: [{ANSWERED}/32]}}
"""
        ),
    )
    for name, vip in (("routed", ROUTED), ("answered", ANSWERED)):
        product.apply(name, service(name, loadBalancerIP=vip))
        lab.write_endpoints(product.directory, name)
    return product


def test_a_million_routes_are_taken_and_left_while_a_session_stands_and_the_segment_is_answered(
    lab: Lab, vipcast: Vipcast
) -> None:
    node, host = lab.node(1), lab.routers[0]
    router = Router(host, THEIRS, HOLD_TIME)
    eventually(lambda: announced(router) == 1, what="the route is announced")
    vipcast.await_answer(ANSWERED)
    before = known(node)

    with measure.watch(lab.client, ANSWERED) as watch:
        router.say(flood(host))
        # What comes behind all of it is answered when all of it has been read.
        router.say(encode.route_refresh(RouteRefresh(IPV4_UNICAST, 0)))
        eventually(
            lambda: announced(router) == 2,
            what="the route is announced again",
            deadline=PATIENCE,
        )
    seen = watch.seen[ANSWERED]

    assert known(node) == before
    assert (router.end, list(begun(lab).values())) == ("", [1])
    assert (seen.lost, seen.macs) == (0, (node.mac,))
    assert seen.sent > 0
    vipcast.speaker(node).stop()
    router.join(PATIENCE)
    assert router.end == "closed"


def flood(host: Host) -> bytes:
    """UPDATEs with routes to as many networks, 24 bits each."""
    prefixes = b"".join(b"\x18" + (number << 8).to_bytes(4, "big") for number in range(ROUTES))
    attributes = Attributes(as_path=(THEIRS, 4200000001), next_hop=host.address)
    return encode.announce(IPV4_UNICAST, attributes, prefixes, four_octet=True)


def announced(router: Router) -> int:
    """How many UPDATEs with a route the router has heard."""
    return router.heard.count(Update(announced=((IPV4_UNICAST, 1),)))


def known(node: Host) -> str:
    """Every route of the node's kernel."""
    return node.run(["ip", "route", "show", "table", "all"]).stdout
