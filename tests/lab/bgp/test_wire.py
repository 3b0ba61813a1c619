"""Everything that a speaker says, once of each kind, as three others read it off the wire.

The router is FRR. Its session over IPv6 carries IPv4, too, behind an IPv6 next hop (RFC 8950).
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import compress

import pytest

from lab.cluster import Lab
from lab.host import Host
from lab.routers import MAKES
from lab.routers.capture import Capture, messages
from lab.routers.port import IPV4, IPV6, Neighbour, Router, Settings
from lab.vipcast import Vipcast
from speaker.bgp import encode
from tests.lab.bgp.objects import advertisement, given, peer, pool
from tests.support.bgp_readers import Told, by_exabgp, by_scapy
from tests.support.labs import unique_name
from tests.support.waiting import eventually

OURS, THEIRS = 4200000001, 64600
WEB = "203.0.113.7", "2001:db8:5::7"
MORE = "203.0.113.8", "2001:db8:5::8"
FOUR, SIX = ["203.0.113.7/32", "203.0.113.8/32"], ["2001:db8:5::7/128", "2001:db8:5::8/128"]
COMMUNITIES = ["64601:1", "64601:2", f"large:{OURS}:1:2"]

KEEPALIVE: Told = {"type": "keepalive"}
CEASE: Told = {"type": "notification", "code": 6, "subcode": 2}


@pytest.fixture(scope="module")
def lab() -> Iterator[Lab]:
    with Lab(unique_name(), nodes=1, routers=1, ipv6=True, pods=False) as standing:
        yield standing


def settings(lab: Lab) -> Settings:
    """Two sessions with the node, each with both families."""
    node, families = lab.node(1), (IPV4, IPV6)
    both = (str(node.address), str(node.address6))
    return Settings(
        THEIRS,
        tuple(Neighbour(address, OURS, families) for address in both),
        extra=(f"neighbor {node.address6} capability extended-nexthop",),
    )


def speak(lab: Lab) -> Vipcast:
    host = lab.routers[0]
    vipcast = Vipcast(lab)
    vipcast.prepare()
    vipcast.apply(
        "config",
        pool("all", "203.0.113.0/27", "2001:db8:5::/64"),
        advertisement("all", communities=COMMUNITIES),
        peer("four", host.address, OURS, THEIRS, dualStackAddressFamily=True),
        peer("six", host.address6, OURS, THEIRS, dualStackAddressFamily=True),
    )
    for name, addresses in (("web", WEB), ("more", MORE)):
        vipcast.apply(name, given(name, *addresses))
        lab.write_endpoints(vipcast.directory, name)
    vipcast.start_speaker(lab.node(1))
    return vipcast


def converse(lab: Lab, vipcast: Vipcast, router: Router, capture: Capture) -> None:
    """Announce, withdraw, answer a ROUTE-REFRESH, and leave."""
    node, every = lab.node(1), set(FOUR + SIX)
    eventually(lambda: router.routes().keys() == every, what="all routes")
    for address in (node.address, node.address6):
        eventually(
            lambda address=address: end_of_rib(2) in said(capture, address),  # type: ignore[misc]
            what=f"all is said from {address}",
        )
    vipcast.delete("more")
    eventually(lambda: router.routes().keys() == {FOUR[0], SIX[0]}, what="those of web")
    router.ask("-c", f"clear bgp {IPV4} {node.address} soft in")
    eventually(lambda: refresh(2) in said(capture), what="an answer, to its end")
    vipcast.speaker(node).stop()
    eventually(lambda: router.routes() == {}, what="no route")


def said(capture: Capture, client: object = None) -> list[Told]:
    """What was said on connections from this address, or from any, as ExaBGP has it."""
    return by_exabgp(sent(capture, client))


def sent(capture: Capture, client: object = None) -> list[bytes]:
    """The same as it was sent; of KEEPALIVEs only the first, as the others count half minutes."""
    return [
        message
        for stream in capture.streams()
        if client is None or stream.client == str(client)
        for number, message in enumerate(messages(stream.sent))
        if number < 2 or message != encode.keepalive()
    ]


def announced(prefixes: list[str], *next_hops: object) -> Told:
    """An UPDATE with routes."""
    return {
        "type": "update",
        "announced": prefixes,
        "withdrawn": [],
        "next_hops": [str(hop) for hop in next_hops],
        "origin": "igp",
        "as_path": [OURS],
        "as4_path": None,
        "local_pref": None,
        "communities": [[64601, 1], [64601, 2]],
        "large_communities": [[OURS, 1, 2]],
    }


def withdrawn(prefix: str) -> Told:
    """An UPDATE that takes a route back."""
    nothing = dict.fromkeys(("origin", "as_path", "as4_path", "local_pref"))
    return {
        "type": "update",
        "announced": [],
        "withdrawn": [prefix],
        "next_hops": [],
        **nothing,
        "communities": [],
        "large_communities": [],
    }


def end_of_rib(afi: int) -> Told:
    return {"type": "end of rib", "afi": afi}


def refresh(subtype: int) -> Told:
    """A ROUTE-REFRESH of IPv4 that begins (1) or ends (2) an answer to one (RFC 7313)."""
    return {"type": "refresh", "afi": 1, "subtype": subtype}


def test_three_readers_agree_on_everything_that_a_speaker_says(lab: Lab) -> None:
    host, node = lab.routers[0], lab.node(1)
    with MAKES["frr"](host, settings(lab)) as router, Capture(host) as capture:
        converse(lab, speak(lab), router, capture)
    four, six = said(capture, node.address), said(capture, node.address6)
    hops = str(node.address6), link_local(node)
    opened = {
        "type": "open",
        "asn": 23456,
        "hold_time": 90,
        "router_id": str(node.address),
        "families": [[1, 1], [2, 1]],
        "asn4": OURS,
        "graceful_restart": None,
    }

    assert capture.problems() == []
    assert four == [
        {**opened, "capabilities": [1, 2, 6, 65, 70], "extended_next_hop": []},
        KEEPALIVE,
        announced(FOUR, node.address),
        end_of_rib(1),
        announced(SIX, *hops),
        end_of_rib(2),
        withdrawn(FOUR[1]),
        withdrawn(SIX[1]),
        refresh(1),
        announced(FOUR[:1], node.address),
        refresh(2),
        withdrawn(FOUR[0]),
        withdrawn(SIX[0]),
        CEASE,
    ]
    assert six == [
        {**opened, "capabilities": [1, 2, 5, 6, 65, 70], "extended_next_hop": [[1, 1, 2]]},
        KEEPALIVE,
        announced(FOUR, *hops),
        end_of_rib(1),
        announced(SIX, *hops),
        end_of_rib(2),
        withdrawn(FOUR[1]),
        withdrawn(SIX[1]),
        withdrawn(FOUR[0]),
        withdrawn(SIX[0]),
        CEASE,
    ]
    # scapy does not know RFC 8950.
    behind = announced(FOUR, *hops)
    known = [told != behind for told in four + six]
    whole = sent(capture, node.address) + sent(capture, node.address6)
    assert by_scapy(compress(whole, known)) == list(compress(four + six, known))


def link_local(node: Host) -> str:
    """The node's address on the segment that begins with fe80."""
    words = node.run(["ip", "-6", "-br", "address", "show", "lan0", "scope", "link"]).stdout
    return next(word for word in words.split() if "/" in word).partition("/")[0]
