"""What is said of a router that cannot be had: each reason once, until a session stands again."""

from __future__ import annotations

from ipaddress import IPv4Address

import pytest

from speaker.bgp.messages import IPV4_UNICAST, Notification
from speaker.bgp.notices import Down, DownReason, Said
from speaker.bgp.settings import SessionSettings
from speaker.bgp.states import State
from speaker.peerevents import PeerEvents
from speaker.peerlog import PeerLog
from speaker.ports import Target
from speaker.routers import Router
from vipcast.model.raw import EventNote

ADDRESS = IPv4Address("192.0.2.1")
ROUTER = Router(
    "router",
    SessionSettings(64500, 64501, ADDRESS, IPv4Address("192.0.2.11"), (IPV4_UNICAST,)),
    Target(ADDRESS),
)


def down(reason: DownReason, stood: float | None = None, said: Notification | None = None) -> Down:
    heard = None if said is None else Said(said, by_us=False, at=0.0)
    return Down(1, reason, State.OPEN_SENT, "It ended.", "", heard, stood)


@pytest.fixture
def notes() -> list[EventNote]:
    return []


@pytest.fixture
def log(notes: list[EventNote]) -> PeerLog:
    return PeerLog(lambda: 0.0, PeerEvents("node1", "metallb-system", lambda: None, notes.append))


def test_reasons_that_take_turns_are_told_once_each(log: PeerLog, notes: list[EventNote]) -> None:
    for _ in range(3):
        log.happened(ROUTER, down(DownReason.WRONG_ASN))
        log.happened(ROUTER, down(DownReason.CLOSED_BY_PEER))
    assert len(notes) == 2


def test_notifications_that_say_different_things_are_told_once_each(
    log: PeerLog, notes: list[EventNote]
) -> None:
    for _ in range(3):
        log.happened(ROUTER, down(DownReason.NOTIFIED, said=Notification(2, 2)))
        log.happened(ROUTER, down(DownReason.NOTIFIED, said=Notification(2, 6)))
    assert len(notes) == 2


def test_who_is_configured_anew_hears_anew_what_is_wrong(
    log: PeerLog, notes: list[EventNote]
) -> None:
    for number in (1, 2):
        log.happened(ROUTER, down(DownReason.WRONG_ASN))
        log.happened(ROUTER, down(DownReason.STOPPED))
        log.changed(ROUTER)
        assert len(notes) == number


def test_a_session_that_stood_and_ends_is_always_told_and_so_is_what_follows(
    log: PeerLog, notes: list[EventNote]
) -> None:
    log.happened(ROUTER, down(DownReason.CLOSED_BY_PEER))
    log.happened(ROUTER, down(DownReason.CLOSED_BY_PEER, stood=9.0))
    log.happened(ROUTER, down(DownReason.UNREACHABLE))
    log.happened(ROUTER, down(DownReason.UNREACHABLE))
    log.happened(ROUTER, down(DownReason.CLOSED_BY_PEER, stood=1.0))
    assert len(notes) == 4
