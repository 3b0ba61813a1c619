"""What a report says of a router: where its session stands, and what happened with it."""

from __future__ import annotations

from dataclasses import replace
from ipaddress import IPv4Address

from speaker.bgp.codes import Cease, ErrorCode
from speaker.bgp.encode import shutdown
from speaker.bgp.messages import IPV4_UNICAST, IPV6_UNICAST, Notification
from speaker.bgp.negotiate import Negotiated
from speaker.bgp.notices import Down, DownReason, Said, SessionView
from speaker.bgp.settings import SessionSettings
from speaker.bgp.states import State
from speaker.peer import target
from speaker.peerreports import NO_BFD, peer_reports
from speaker.routers import NeighbourView, Router
from vipcast.model.addresses import parse_address
from vipcast.model.peer import DynamicAsn, Peer
from vipcast.model.status import PeerReport

PEER = Peer("tor-1", 64500, 64501, parse_address("192.0.2.1"))
SETTINGS = SessionSettings(64500, 64501, PEER.address, IPv4Address("192.0.2.11"), (IPV4_UNICAST,))
ROUTER = Router("tor-1", SETTINGS, target(SETTINGS))
IDLE = SessionView(State.IDLE, None, 0, None, None, None, None, None, None, 0, {}, {})
REFUSED = Down(
    1, DownReason.UNREACHABLE, State.CONNECT, "The router refuses.", "Look there.", None, None
)
AGREED = Negotiated(
    *(64500, 64501, False, 90, 30.0, (IPV4_UNICAST,), True, False, True, False, (), None, False),
    *(IPv4Address("192.0.2.1"), 4),
)
UP = replace(IDLE, state=State.ESTABLISHED, since=7.0, generation=4, negotiated=AGREED)


def said(subcode: Cease, text: str = "", *, by_us: bool = False, at: float = 5.0) -> Said:
    data = shutdown(text) if text else b""
    return Said(Notification(ErrorCode.CEASE, subcode, data), by_us, at)


def report(session: SessionView | None, peer: Peer = PEER, blocked: str = "") -> PeerReport:
    """The report of one router; times are made of what they are asked for."""
    views = () if session is None else (NeighbourView(ROUTER, session, 2, 1, ("IPv6",)),)
    reasons = {peer.name: blocked} if blocked else {}
    (only,) = peer_reports((peer,), views, reasons, lambda name, mark: f"{name}, {mark}")
    return only


def test_a_session_is_told_with_its_routes_and_since_when_it_stands() -> None:
    assert report(UP) == PeerReport(
        "tor-1",
        "192.0.2.1",
        179,
        64500,
        64501,
        "Established",
        "tor-1, 4",
        announced=2,
        pending=1,
        families=("IPv4 unicast",),
        unspoken=("IPv6",),
    )


def test_while_a_router_is_tried_again_and_again_its_report_stays_the_same() -> None:
    waiting = replace(IDLE, cause=REFUSED)
    first = report(waiting)
    assert (first.state, first.since) == ("Connect", "tor-1, 0")
    assert (first.reason, first.error, first.hint) == (
        *("unreachable", "The router refuses.", "Look there."),
    )
    for state in (State.CONNECT, State.ACTIVE, State.OPEN_SENT, State.OPEN_CONFIRM):
        again = replace(waiting, state=state, since=9.0, generation=8, next_attempt=12.0)
        assert report(replace(again, cause=replace(REFUSED, generation=7))) == first


def test_what_explains_a_failure_is_reported_before_what_has_followed() -> None:
    refused = replace(REFUSED, sentence="It refuses.", hint="Look elsewhere.")
    why = replace(
        REFUSED,
        reason=DownReason.NOTIFIED,
        state=State.OPEN_SENT,
        sentence="The router sent OPEN Message Error, unacceptable hold time.",
        hint="Give it another.",
    )
    found = report(replace(IDLE, cause=why, aftermath=refused))
    assert (found.state, found.reason) == ("Connect", "notificationReceived")
    assert found.error == (
        "The router sent OPEN Message Error, unacceptable hold time. Since then: It refuses."
    )
    assert found.hint == "Give it another."


def test_before_anything_has_failed_a_report_says_how_far_the_session_is() -> None:
    assert report(replace(IDLE, state=State.OPEN_SENT)).state == "OpenSent"


def test_a_session_that_ended_leaves_the_router_idle_until_the_next_attempt_fails() -> None:
    ended = replace(REFUSED, state=State.ESTABLISHED, stood=60.0)
    assert report(replace(IDLE, state=State.CONNECT, cause=ended)).state == "Idle"


def test_of_notifications_the_last_is_told_in_words_with_who_sent_it() -> None:
    theirs = said(Cease.ADMINISTRATIVE_SHUTDOWN, "maintenance")
    ours = said(Cease.PEER_DECONFIGURED, by_us=True, at=4.0)
    both = replace(IDLE, last_sent=ours, last_received=theirs)
    words = 'received Cease, administrative shutdown ("maintenance")'
    assert report(both).notification == words
    later = replace(ours, at=6.0)
    assert report(replace(both, last_sent=later)).notification == "sent Cease, peer deconfigured"
    assert report(replace(both, last_sent=None)).notification == words


def test_what_went_wrong_before_is_still_told_of_a_session_that_stands() -> None:
    up = report(replace(UP, cause=REFUSED))
    assert (up.state, up.reason) == ("Established", "unreachable")


def test_a_router_of_any_as_has_the_number_that_it_says() -> None:
    anyone = replace(PEER, peer_asn=None, dynamic_asn=DynamicAsn.EXTERNAL, local_asn=65000)
    assert (report(None, anyone).peer_asn, report(None, anyone).local_asn) == (0, 65000)
    assert report(UP, anyone).peer_asn == 64501


def test_a_router_that_cannot_be_spoken_with_is_told_with_what_it_would_carry() -> None:
    both = replace(PEER, dual_stack=True, bfd_profile="fast")
    assert report(None, both, "There is no Secret.") == PeerReport(
        *("tor-1", "192.0.2.1", 179, 64500, 64501, "Idle", "tor-1, 0"),
        families=(str(IPV4_UNICAST), str(IPV6_UNICAST)),
        bfd=NO_BFD,
        blocked="There is no Secret.",
    )


def test_routers_are_told_by_name() -> None:
    peers = [replace(PEER, name=name) for name in ("b", "a", "c")]
    found = peer_reports(peers, (), {}, lambda name, _: name)
    assert [each.name for each in found] == ["a", "b", "c"]
