"""Routers from before AS numbers took four bytes (RFC 6793), and from before capabilities.

OpenBGPD can be told to know nothing of longer AS numbers, FRR to offer no capability at all.
"""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from lab.cluster import Lab
from lab.routers import MAKES
from lab.routers.capture import Capture, Stream, messages
from lab.routers.port import Neighbour, Path, Router, Settings
from lab.vipcast import Vipcast
from speaker.bgp.codes import AS_TRANS
from speaker.bgp.decode import Context, decode
from speaker.bgp.messages import Capabilities, Open
from tests.lab.bgp.logs import begun
from tests.lab.bgp.objects import advertisement, given, peer, pool
from tests.support.bgp_readers import by_exabgp, by_scapy
from tests.support.labs import unique_name
from tests.support.waiting import eventually

SMALL, LARGE, ROUTERS = 64500, 4200000001, 64600
ADDRESS, PREFIX = "203.0.113.7", "203.0.113.7/32"


@pytest.fixture(scope="module")
def lab() -> Iterator[Lab]:
    with Lab(unique_name(), nodes=1, routers=1, pods=False) as standing:
        yield standing


@pytest.fixture(scope="module")
def vipcast(lab: Lab) -> Vipcast:
    product = Vipcast(lab)
    product.prepare()
    product.apply("config", pool("all", "203.0.113.0/27"), advertisement("all"))
    product.apply("web", given("web", ADDRESS))
    lab.write_endpoints(product.directory, "web")
    product.start_speaker(lab.node(1))
    return product


def converse(vipcast: Vipcast, router: Router, asn: int) -> Stream:
    """A session from its begin to its end, with one route that the router has as it was told."""
    lab, name = vipcast.lab, f"{router.name}-{asn}"
    node = lab.node(1)
    path = Path(str(node.address), str(node.address), (asn,))
    with router, Capture(router.host) as capture:
        vipcast.apply("router", peer(name, router.host.address, asn, ROUTERS, connectTime="1s"))
        eventually(lambda: router.routes() == {PREFIX: {path}}, what="the route with its path")
        assert begun(lab)[node.name, name] == 1
        vipcast.delete("router")
        eventually(lambda: router.routes() == {}, what="no route")
    assert capture.problems() == []
    # An attempt that came to nothing says an OPEN and its end.
    (stream,) = (each for each in capture.streams() if len(messages(each.sent)) > 2)
    return stream


def offered(stream: Stream) -> Capabilities:
    """What the router's own OPEN offers."""
    opening = decode(messages(stream.received)[0], Context())
    assert isinstance(opening, Open)
    return opening.capabilities


def test_a_router_of_two_byte_as_numbers_has_the_real_one_of_a_node_from_a_second_path(
    lab: Lab, vipcast: Vipcast
) -> None:
    neighbour = Neighbour(str(lab.node(1).address), LARGE, two_octets=True)
    router = MAKES["openbgpd"](lab.routers[0], Settings(ROUTERS, (neighbour,)))
    stream = converse(vipcast, router, LARGE)
    read = by_exabgp(messages(stream.sent), four_octet=False)

    assert offered(stream).four_octet_asn is None
    assert by_scapy(messages(stream.sent), four_octet=False) == read
    assert (read[0]["asn"], read[0]["asn4"]) == (AS_TRANS, LARGE)
    assert [
        (each["announced"], each["as_path"], each["as4_path"])
        for each in read
        if each["type"] == "update"
    ] == [([PREFIX], [AS_TRANS], [LARGE]), ([], None, None)]


def test_a_router_without_any_capability_has_a_session_for_ipv4(lab: Lab, vipcast: Vipcast) -> None:
    node = lab.node(1)
    settings = Settings(
        ROUTERS,
        (Neighbour(str(node.address), SMALL),),
        extra=(f"neighbor {node.address} dont-capability-negotiate",),
    )
    stream = converse(vipcast, MAKES["frr"](lab.routers[0], settings), SMALL)
    read = by_exabgp(messages(stream.sent), four_octet=False)

    assert offered(stream) == Capabilities()
    assert by_scapy(messages(stream.sent), four_octet=False) == read
    assert [
        (each["announced"], each["as_path"], each["as4_path"])
        for each in read
        if each["type"] == "update"
    ] == [([PREFIX], [SMALL], None), ([], None, None)]
