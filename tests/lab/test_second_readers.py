"""What goes over a session is read by three others, and they agree; a broken message does not pass.

The session is one of ExaBGP with a router, so that readers and routers are known to be well before
the project's own speaker is judged by them.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator

import pytest

from lab.cluster import Lab
from lab.errors import LabError
from lab.routers import MAKES
from lab.routers.capture import Capture, messages
from lab.routers.exabgp import ExaBgp, Peer
from lab.routers.port import IPV4, IPV6, Neighbour, Router, Settings
from tests.support.bgp_readers import by_exabgp, by_scapy
from tests.support.labs import unique_name
from tests.support.waiting import eventually

ROUTERS, OTHER = 64600, 64601
FOUR, SIX = "203.0.113.7/32", "2001:db8:5::7/128"

HEADER = "ff" * 16
OPEN = HEADER + "001d01" + "04fc59005ac000020b00"
KEEPALIVE = HEADER + "001304"
# An ORIGIN attribute of five bytes, in an UPDATE that has room for one.
BROKEN = HEADER + "001b02" + "0000" + "0004" + "40010500"

SAY = """\
import socket, sys
with socket.create_connection((sys.argv[1], 179), 10) as peer:
    for message in sys.argv[2:]:
        peer.sendall(bytes.fromhex(message))
    while peer.recv(4096):
        pass
"""


@pytest.fixture(scope="module")
def lab() -> Iterator[Lab]:
    with Lab(unique_name(), nodes=1, routers=1, ipv6=True, pods=False) as standing:
        yield standing


def neighbour(lab: Lab) -> Neighbour:
    return Neighbour(str(lab.node(1).address), OTHER, (IPV4, IPV6), passive=True)


@pytest.mark.parametrize("make", MAKES)
def test_three_readers_agree_on_a_session_with_each_make(lab: Lab, make: str) -> None:
    node, host = lab.node(1), lab.routers[0]
    networks = ("0.0.0.0/0", "::/0")
    router = MAKES[make](host, Settings(ROUTERS, (neighbour(lab),), networks=networks))
    peer = Peer(str(host.address), ROUTERS, str(node.address), OTHER, (IPV4, IPV6))
    speaker = ExaBgp(node, [peer])
    with router, Capture(host) as capture, speaker:
        announce_and_withdraw(router, speaker, lab)
        router.stop()

    # One that came too early a router may have closed without a word.
    (stream,) = (each for each in capture.streams() if each.received)
    sent, received = messages(stream.sent), messages(stream.received)
    read = by_exabgp(sent)

    assert capture.problems() == []
    assert (stream.client, stream.server) == (str(node.address), str(host.address))
    assert by_scapy(sent) == read
    assert by_scapy(received) == by_exabgp(received)
    assert read[0] == {
        "type": "open",
        "asn": OTHER,
        "hold_time": 180,
        "router_id": str(node.address),
        "capabilities": [1, 6, 65],
        "families": [[1, 1], [2, 1]],
        "asn4": OTHER,
        "extended_next_hop": [],
        "graceful_restart": None,
    }
    assert [
        (each["announced"], each["withdrawn"]) for each in read if each["type"] == "update"
    ] == [
        ([FOUR], []),
        ([SIX], []),
        ([], [FOUR]),
        ([], [SIX]),
    ]
    announced = next(each for each in read if each["type"] == "update")
    assert announced == {
        "type": "update",
        "announced": [FOUR],
        "withdrawn": [],
        "next_hops": [str(node.address)],
        "origin": "igp",
        "as_path": [OTHER],
        "as4_path": None,
        "local_pref": None,
        "communities": [[64601, 1], [64601, 2]],
        "large_communities": [[64601, 1, 2]],
    }


def announce_and_withdraw(router: Router, speaker: ExaBgp, lab: Lab) -> None:
    node = lab.node(1)
    routes = (
        f"{FOUR} next-hop self community [64601:1 64601:2] large-community [64601:1:2]",
        f"{SIX} next-hop {node.address6}",
    )
    eventually(lambda: router.session(node.address).established, what="a session")
    speaker.announce(*routes)
    eventually(lambda: set(router.routes()) == {FOUR, SIX}, what="both prefixes")
    speaker.withdraw(*routes)
    eventually(lambda: not router.routes(), what="no prefix")


def test_a_message_that_is_broken_is_found_by_its_frame(lab: Lab) -> None:
    host = lab.routers[0]
    router = MAKES["bird"](host, Settings(ROUTERS, (neighbour(lab),)))
    words = [sys.executable, "-c", SAY, str(host.address), OPEN, KEEPALIVE, BROKEN]
    with router, Capture(host) as capture:
        lab.node(1).run(words)

    assert len(capture.problems()) >= 1
    assert all(problem.startswith("frame ") for problem in capture.problems())
    (stream,) = capture.streams()
    assert [message.hex() for message in messages(stream.sent)] == [OPEN, KEEPALIVE, BROKEN]


@pytest.mark.parametrize("read", [by_exabgp, by_scapy])
def test_a_message_with_something_left_over_is_refused_by_every_reader(
    read: Callable[[list[bytes]], object],
) -> None:
    whole = bytes.fromhex(HEADER + "001704" + "00000000")
    with pytest.raises(AssertionError):
        read([whole])


def test_bytes_that_are_no_whole_message_are_refused() -> None:
    whole = bytes.fromhex(OPEN + KEEPALIVE)
    assert [len(message) for message in messages(whole)] == [29, 19]
    with pytest.raises(LabError, match=r"no whole BGP message: .*0013, 18 bytes left"):
        messages(whole[:-1])
    with pytest.raises(LabError, match="no whole BGP message: 00"):
        messages(b"\0" + whole)
