"""A session over time: what is sent when, how long it waits, and what it says when it ends.

What is said word for word is in conversations/.
"""

from __future__ import annotations

from dataclasses import replace

import pytest

from speaker.bgp import encode
from speaker.bgp.codes import Cease, MessageType
from speaker.bgp.messages import (
    IPV4_UNICAST,
    DiscardAttribute,
    Notification,
    TreatAsWithdraw,
)
from speaker.bgp.notices import (
    Close,
    Connect,
    Down,
    DownReason,
    Established,
    Said,
    SessionView,
    UpdateSeen,
)
from speaker.bgp.session import CHUNK
from speaker.bgp.settings import Graceful
from speaker.bgp.states import State
from tests.unit.bgp.talking import (
    BRIDGES,
    HERE,
    OPEN,
    SETTINGS,
    THERE,
    Router,
    kinds,
    opening,
)

KEEPALIVE = encode.keepalive()
UPDATE = encode.end_of_rib(IPV4_UNICAST)
OPENED = encode.open_message(OPEN)


def established(**settings: object) -> Router:
    router = Router(replace(SETTINGS, **settings))  # type: ignore[arg-type]
    router.establish()
    router.got = b""
    return router


def test_a_session_that_nobody_started_waits_for_nothing() -> None:
    router = Router()
    assert (router.session.state, router.session.deadline()) == (State.IDLE, None)
    assert (router.look(), router.got) == ([], b"")


def test_keepalives_leave_on_time_however_much_is_queued() -> None:
    router = established(hold_time=9)
    session = router.session
    session.send(UPDATE * 100_000, generation=1)
    sent: list[bytes] = []
    while router.now < 30.0:
        due = session.deadline()
        assert due is not None
        router.now = due
        session.timer(due)
        taken = session.to_send()
        assert taken.startswith(KEEPALIVE)
        assert len(taken) <= CHUNK
        sent.append(taken)
        session.receive(KEEPALIVE, router.now, generation=1)
    assert router.now == 30.0
    assert len(sent) == 10


@pytest.mark.parametrize(("jitter", "seconds"), [(0.0, 22.5), (1.0, 30.0)])
def test_a_keepalive_comes_up_to_a_quarter_early_by_chance(jitter: float, seconds: float) -> None:
    router = Router(jitter=jitter)
    router.establish()
    assert router.session.deadline() == seconds


def test_keepalives_are_never_closer_together_than_a_second() -> None:
    router = Router(replace(SETTINGS, hold_time=3), jitter=0.0)
    router.establish()
    assert router.session.deadline() == 1.0


def test_without_a_hold_time_there_is_nothing_to_wait_for() -> None:
    router = established(hold_time=0)
    assert router.session.deadline() is None
    router.session.sent(router.now, generation=1)
    assert router.session.deadline() is None


def test_routes_and_keepalives_push_the_end_of_the_hold_time_and_nothing_else_does() -> None:
    router = established(hold_time=9)
    router.wait(4.0)
    router.say(UPDATE)
    router.wait(4.0)
    router.say(bytes.fromhex("ff" * 16 + "0017" + "05" + "00010001"))  # ROUTE-REFRESH
    down = router.down(router.wait(5.0))
    assert (down.reason, router.now) == (DownReason.HOLD_TIMER_EXPIRED, 13.0)


def test_a_router_that_sends_no_open_is_given_four_minutes() -> None:
    router = Router()
    router.start()
    router.accept()
    down = router.down(router.wait(240.0))
    assert (down.reason, down.state) == (DownReason.HOLD_TIMER_EXPIRED, State.OPEN_SENT)


def test_without_a_hold_time_the_first_keepalive_has_to_come_all_the_same() -> None:
    router = Router()
    router.start()
    router.accept()
    router.say(encode.open_message(replace(OPEN, hold_time=0)))
    down = router.down(router.wait(240.0))
    assert (down.reason, down.state) == (DownReason.HOLD_TIMER_EXPIRED, State.OPEN_CONFIRM)


def test_a_session_that_is_always_held_up_ends_at_its_second_look() -> None:
    router = established(hold_time=9)
    for router.now in (20.0, 30.0):
        router.session.timer(router.now)
    assert router.down(router.look()).reason is DownReason.HOLD_TIMER_EXPIRED


def test_a_session_that_was_held_up_itself_looks_at_what_came_meanwhile() -> None:
    router = established(hold_time=9)
    router.now = 20.0
    router.session.timer(router.now)
    assert not [event for event in router.look() if isinstance(event, Down)]
    router.say(KEEPALIVE)
    assert router.session.state is State.ESTABLISHED
    router.now = 40.0
    router.session.timer(router.now)
    router.look()
    down = router.down(router.wait(0.5))
    assert (down.reason, router.now) == (DownReason.HOLD_TIMER_EXPIRED, 40.5)


def test_a_router_that_takes_nothing_for_eight_minutes_is_given_up() -> None:
    router = established(hold_time=90)
    session = router.session
    session.send(UPDATE, generation=1)
    session.to_send()
    while router.now < 480.0 and session.state is State.ESTABLISHED:
        session.receive(KEEPALIVE, router.now, generation=1)
        due = session.deadline()
        assert due is not None
        router.now = due
        session.timer(router.now)
    close, down = session.events()
    assert isinstance(close, Close)
    assert isinstance(down, Down)
    assert (down.reason, router.now) == (DownReason.SEND_HOLD_TIMER_EXPIRED, 480.0)
    assert close.last == encode.notification(Notification(8, 0))


def test_the_send_hold_time_is_twice_a_long_hold_time() -> None:
    router = Router(replace(SETTINGS, hold_time=600))
    router.establish(replace(OPEN, hold_time=600))
    session = router.session
    while router.now < 1200.0 and session.state is State.ESTABLISHED:
        session.receive(KEEPALIVE, router.now, generation=1)
        router.now = session.deadline() or 0.0
        session.timer(router.now)
    assert (session.state, router.now) == (State.IDLE, 1200.0)


def test_what_leaves_restarts_the_send_hold_time() -> None:
    router = established()
    router.keep_up(1000)
    assert router.session.state is State.ESTABLISHED


def test_who_restarts_gracefully_says_nothing_even_where_a_cease_would_be_a_restart() -> None:
    router = Router(replace(SETTINGS, graceful_restart=Graceful()))
    router.establish(opening(graceful_restart=BRIDGES))
    router.session.stop(router.now, cease=None)
    close, down = router.look()
    assert close == Close(1, b"")
    assert isinstance(down, Down)
    assert (down.reason, down.said) == (DownReason.RESTARTING, None)


def test_a_text_is_cut_between_letters_so_that_old_routers_can_read_it() -> None:
    router = established()
    router.session.stop(router.now, text="ü" * 100)
    close = router.look()[0]
    assert isinstance(close, Close)
    assert close.last[21:] == bytes((128,)) + ("ü" * 64).encode()


def test_only_shutdown_and_reset_carry_a_text() -> None:
    router = established()
    router.session.stop(router.now, cease=Cease.PEER_DECONFIGURED, text="gone")
    assert router.look()[0] == Close(1, encode.notification(Notification(6, 3)))


def test_what_is_told_about_an_older_connection_means_nothing() -> None:
    router = Router()
    router.start()
    router.refuse()
    router.wait()
    assert router.session.generation == 2
    session = router.session
    session.connected(HERE, THERE, router.now, generation=1)
    session.refused("late", router.now, generation=1)
    session.closed("late", router.now, generation=1)
    session.receive(OPENED + KEEPALIVE, router.now, generation=1)
    session.sent(router.now, generation=1)
    assert not session.send(UPDATE, generation=1)
    assert (router.look(), session.state, router.got) == ([], State.CONNECT, b"")
    router.accept()
    router.say(OPENED[:20])
    session.connected(HERE, THERE, router.now, generation=2)
    session.receive(OPENED, router.now, generation=1)
    assert (session.state, kinds(router.got)) == (State.OPEN_SENT, [MessageType.OPEN])
    router.say(OPENED[20:])
    assert session.state is State.OPEN_CONFIRM


def test_what_has_ended_cannot_end_again() -> None:
    router = Router()
    router.start()
    router.accept()
    router.drop()
    router.session.closed("Once more.", router.now, generation=1)
    assert (router.look(), router.session.state) == ([], State.ACTIVE)
    router.session.stop(router.now)
    assert (router.look(), router.session.state) == ([], State.IDLE)


def test_a_new_session_counts_on_where_the_old_one_ended() -> None:
    router = Router(generation=41)
    router.start()
    assert router.told == [Connect(42)]


def test_routes_are_taken_only_while_the_session_is_up() -> None:
    router = Router()
    router.start()
    assert not router.session.send(UPDATE, generation=1)
    router.accept()
    router.say(OPENED)
    assert not router.session.send(UPDATE, generation=1)
    router.say(KEEPALIVE)
    assert router.session.send(UPDATE, generation=1)
    router.drop()
    assert not router.session.send(UPDATE, generation=1)


def test_what_waits_is_forgotten_with_its_connection() -> None:
    router = established()
    router.session.send(UPDATE * 3, generation=1)
    assert router.session.view().waiting == 69
    router.session.closed("The router closed the connection.", router.now, generation=1)
    assert (router.session.to_send(), router.session.view().waiting) == (b"", 0)


def test_updates_of_a_dying_session_are_told_before_it_is_down() -> None:
    router = established()
    news = router.say(UPDATE, UPDATE, encode.notification(Notification(6, 2)), UPDATE)
    assert [type(event).__name__ for event in news] == ["UpdateSeen", "Close", "Down"]
    assert router.session.view().messages_received[MessageType.UPDATE] == 2


def test_the_view_shows_all_that_status_says() -> None:
    router = Router()
    news = router.establish()
    router.keep_up(3)
    down = router.notify(6, 1)
    said = Said(Notification(6, 1), by_us=False, at=3.0)
    assert router.session.view() == SessionView(
        state=State.IDLE,
        since=3.0,
        generation=1,
        negotiated=None,
        last_sent=None,
        last_received=said,
        cause=down,
        aftermath=None,
        next_attempt=63.0,
        waiting=0,
        messages_sent={MessageType.OPEN: 1, MessageType.KEEPALIVE: 1},
        messages_received={
            MessageType.OPEN: 1,
            MessageType.KEEPALIVE: 4,
            MessageType.NOTIFICATION: 1,
        },
    )
    assert (down.said, down.stood, news.local, news.remote) == (said, 3.0, HERE, THERE)


def test_last_words_are_counted_like_any_message() -> None:
    router = established()
    router.session.stop(router.now)
    assert router.session.view().messages_sent[MessageType.NOTIFICATION] == 1


def test_what_comes_before_the_session_is_up_is_not_told_as_routes() -> None:
    router = Router()
    router.start()
    router.accept()
    assert [type(event).__name__ for event in router.say(UPDATE)] == ["Close", "Down"]


def test_messages_beyond_4096_octets_are_read_since_we_said_that_we_do() -> None:
    router = established()
    routes = bytes.fromhex("180a0000") * 2000
    attributes = bytes.fromhex("40010100" + "4002060201" + "0000fc01" + "400304c0000202")
    size = 23 + len(attributes) + len(routes)
    head = b"\xff" * 16 + size.to_bytes(2, "big") + b"\x02" + bytes(2)
    body = len(attributes).to_bytes(2, "big") + attributes + routes
    (seen,) = router.say(head + body)
    assert isinstance(seen, UpdateSeen)
    assert (seen.announced, seen.faults) == (((IPV4_UNICAST, 2000),), ())


def test_as_paths_of_two_octets_are_read_where_a_side_knows_no_longer_ones() -> None:
    router = Router()
    router.establish(opening(four_octet_asn=None))
    attributes = bytes.fromhex("40010100" + "4002040201" + "fc01" + "400304c0000202")
    size = 23 + len(attributes) + 1
    head = b"\xff" * 16 + size.to_bytes(2, "big") + b"\x02" + bytes(2)
    (seen,) = router.say(head + len(attributes).to_bytes(2, "big") + attributes + b"\x00")
    assert isinstance(seen, UpdateSeen)
    assert (seen.announced, seen.faults) == (((IPV4_UNICAST, 1),), ())


def test_local_preference_is_read_of_an_internal_peer_and_discarded_of_another() -> None:
    attributes = bytes.fromhex("40010100" + "400200" + "400304c0000202" + "40050100")
    size = 23 + len(attributes) + 1
    head = b"\xff" * 16 + size.to_bytes(2, "big") + b"\x02" + bytes(2)
    update = head + len(attributes).to_bytes(2, "big") + attributes + b"\x00"
    found = []
    for local in (64512, 64513):
        router = Router(replace(SETTINGS, local_asn=local))
        router.establish()
        (seen,) = router.say(update)
        assert isinstance(seen, UpdateSeen)
        found.append([type(fault) for fault in seen.faults])
    assert found == [[DiscardAttribute], [TreatAsWithdraw]]


def test_the_view_shows_when_a_session_in_active_connects_again() -> None:
    router = Router()
    router.start()
    router.accept()
    router.drop()
    view = router.session.view()
    assert (view.state, view.next_attempt) == (State.ACTIVE, 10.0)


def test_an_established_session_has_events_of_one_generation() -> None:
    router = Router()
    told = router.establish()
    assert told == Established(1, told.negotiated, HERE, THERE)
    assert told.negotiated.generation == 1
    assert router.session.negotiated == told.negotiated
