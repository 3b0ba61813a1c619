"""What people get wrong about one node: its log says what to look at, and no other node notices.

Four routers at once, one of each make; every node but the last is wrong about each of them.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack
from typing import Any

import pytest

from lab.cluster import Lab
from lab.routers import MAKES
from lab.routers.port import IPV6, Neighbour, Path, Router, Settings
from lab.vipcast import Vipcast
from tests.lab.bgp.logs import begun, hint
from tests.lab.bgp.objects import advertisement, given, peer, pool
from tests.support.labs import unique_name
from tests.support.waiting import eventually

OURS, OTHERS, ROUTERS = 64500, 64501, 64600
ADDRESS, PREFIX = "203.0.113.7", "203.0.113.7/32"
PASSWORD, OUR_ASN, THEIR_ASN, FAMILY, PORT, UNKNOWN, RIGHT = range(1, 8)
"""Numbers of nodes, by what is wrong about each."""

HINTS = {
    PASSWORD: ("did not answer", "whose password is another than its own"),
    OUR_ASN: ("bad peer AS", f"expects another AS than {OURS} of this node"),
    THEIR_ASN: (f"is in AS {ROUTERS}; configured is AS {ROUTERS + 1}", "Correct the AS"),
    FAMILY: ("IPv6 unicast; to be carried is IPv4 unicast", "Activate the family"),
    PORT: (":1179 refuses the connection.",),
    UNKNOWN: ("dropped it before OPEN: it has no neighbour 192.0.2.16",),
}


@pytest.fixture(scope="module")
def lab() -> Iterator[Lab]:
    with Lab(unique_name(), nodes=RIGHT, routers=len(MAKES), ipv6=True, pods=False) as standing:
        yield standing


@pytest.fixture(scope="module")
def routers(lab: Lab) -> Iterator[dict[str, Router]]:
    address = {number: str(node.address) for number, node in enumerate(lab.nodes, 1)}
    settings = Settings(
        ROUTERS,
        (
            Neighbour(address[PASSWORD], OURS, password="of-the-router"),
            Neighbour(address[OUR_ASN], OTHERS),
            Neighbour(address[THEIR_ASN], OURS),
            Neighbour(address[FAMILY], OURS, (IPV6,)),
            Neighbour(address[PORT], OURS),
            Neighbour(address[RIGHT], OURS),
        ),
    )
    with ExitStack() as running:
        yield {
            make: running.enter_context(MAKES[make](host, settings))
            for make, host in zip(MAKES, lab.routers, strict=True)
        }


@pytest.fixture(scope="module")
def vipcast(lab: Lab, routers: dict[str, Router]) -> Vipcast:
    product = Vipcast(lab)
    product.prepare()
    product.apply("config", pool("all", "203.0.113.0/27"), advertisement("all"))
    product.apply("web", given("web", ADDRESS))
    lab.write_endpoints(product.directory, "web")
    wrong: dict[int, dict[str, Any]] = {
        PASSWORD: {"password": "of-the-node"},
        PORT: {"peerPort": 1179},
    }
    product.apply(
        "peers",
        *(
            peer(
                f"{make}-{node.name}",
                router.host.address,
                OURS,
                ROUTERS + (number == THEIR_ASN),
                node,
                connectTime="1s",
                **wrong.get(number, {}),
            )
            for make, router in routers.items()
            for number, node in enumerate(lab.nodes, 1)
        ),
    )
    for node in lab.nodes:
        product.start_speaker(node)
    return product


@pytest.mark.parametrize(
    "mistake", HINTS, ids=["password", "our AS", "their AS", "family", "port", "unknown"]
)
def test_a_node_says_of_each_router_what_to_look_at(
    lab: Lab, vipcast: Vipcast, mistake: int
) -> None:
    node = lab.node(mistake)
    assert vipcast.speaker(node).alive
    for make in MAKES:
        hint(node, f"{make}-{node.name}", *HINTS[mistake])


def test_a_node_without_a_mistake_notices_nothing_of_the_others(
    lab: Lab, routers: dict[str, Router], vipcast: Vipcast
) -> None:
    right = lab.node(RIGHT)
    path = Path(str(right.address), str(right.address), (OURS,))
    for make, router in routers.items():
        eventually(
            lambda router=router: path in router.routes().get(PREFIX, ()),  # type: ignore[misc]
            what=f"{make} has the path by {right.name}",
        )
        for mistake, words in HINTS.items():
            hint(lab.node(mistake), f"{make}-{lab.node(mistake).name}", *words)

    expected = Counter((right.name, f"{make}-{right.name}") for make in MAKES)
    # To a node that wants other families OpenBGPD offers none at last, which stands for IPv4.
    gives_in = (lab.node(FAMILY).name, f"openbgpd-{lab.node(FAMILY).name}")
    assert vipcast.speaker(right).alive
    assert Counter({each: n for each, n in begun(lab).items() if each != gives_in}) == expected
    assert all(router.session(right.address).established for router in routers.values())
