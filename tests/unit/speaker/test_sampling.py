"""Routers as metrics show them."""

from __future__ import annotations

from dataclasses import replace

from speaker.bgp.codes import Cease, MessageType
from speaker.bgp.routes import Rules
from speaker.routers import NeighbourView
from speaker.sampling import established, peer_samples, told
from tests.unit.bgp import making
from tests.unit.speaker.test_peerreports import IDLE, PEER, REFUSED, ROUTER, UP, said
from vipcast.model.addresses import parse_address
from vipcast.ops.samples import PeerSample


def test_a_router_is_sampled_with_its_messages_by_type_and_its_last_errors() -> None:
    session = replace(
        UP,
        messages_sent={MessageType.OPEN: 2, MessageType.UPDATE: 3},
        messages_received={MessageType.KEEPALIVE: 4},
        last_sent=said(Cease.PEER_DECONFIGURED, by_us=True),
        last_received=said(Cease.ADMINISTRATIVE_SHUTDOWN, "in a text that may be anything"),
        cause=REFUSED,
    )
    view = NeighbourView(ROUTER, session, 2, 1, ())
    assert peer_samples((replace(PEER, bfd_profile="fast"),), (view,), ()) == (
        PeerSample(
            peer="192.0.2.1:179",
            up=True,
            announced=2,
            pending=1,
            sent={"OPEN": 2, "UPDATE": 3},
            received={"KEEPALIVE": 4},
            down="unreachable",
            errors={
                "sent": "Cease, peer deconfigured",
                "received": "Cease, administrative shutdown",
            },
            without_bfd=True,
        ),
    )


def test_a_router_that_cannot_be_spoken_with_is_down_for_that_reason() -> None:
    six = replace(PEER, address=parse_address("2001:db8::1"))
    assert peer_samples((six,), (), {"tor-1": "There is no Secret."}) == (
        PeerSample("[2001:db8::1]:179", up=False, down="blocked"),
    )


def test_routers_that_only_the_source_tells_apart_are_named() -> None:
    peers = [replace(PEER, name=name) for name in ("a", "b")]
    found = peer_samples((*peers, replace(PEER, port=1790)), (), ())
    assert [each.peer for each in found] == [
        *("192.0.2.1:179 (a)", "192.0.2.1:179 (b)", "192.0.2.1:1790"),
    ]


def test_an_address_is_told_if_a_session_stands_with_a_router_that_is_to_hear_it() -> None:
    tors = (making.peer("tor-1"), making.peer("tor-2", "10.0.0.253"))
    rules = Rules(making.config(making.ad(peers=("tor-1",)), peers=tors), making.NODE)
    routes = (
        rules.decide(making.service("web", "192.0.2.240", "10.1.1.1"), making.SOME),
        rules.decide(making.service("db", "192.0.2.241"), ()),
    )
    assert told(routes, {"tor-1"}) == (("default/web", "192.0.2.240"),)
    assert told(routes, {"tor-2"}) == ()
    standing = (NeighbourView(ROUTER, UP, 0, 0, ()),)
    assert established(standing) == {"tor-1"}
    assert established((replace(standing[0], session=IDLE),)) == frozenset()
