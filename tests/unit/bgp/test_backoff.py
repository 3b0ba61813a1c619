"""How long a session rests after what failed, and what it offers when it tries again."""

from __future__ import annotations

from dataclasses import replace

import pytest

from speaker.bgp import encode
from speaker.bgp.codes import Cease
from speaker.bgp.notices import Connect, DownReason
from speaker.bgp.states import State
from tests.unit.bgp.talking import OPEN, SETTINGS, Router

KEEPALIVE = encode.keepalive()
OPENED = encode.open_message(OPEN)


def test_failures_are_answered_by_waits_that_double_up_to_sixteen_seconds() -> None:
    router = Router()
    router.start()
    waits = []
    for _ in range(7):
        router.accept()
        router.notify(6, 5)
        waits.append(router.seconds_to_next_attempt())
    assert waits == [1, 2, 4, 8, 16, 16, 16]


def test_a_session_that_came_up_only_to_fall_is_a_failure_and_one_that_stood_is_not() -> None:
    router = Router()
    waits = []
    for stood in (0, 1, 59, 61, 0):
        router.establish()
        router.keep_up(stood)
        router.drop()
        waits.append(router.seconds_to_next_attempt())
    assert waits == [1, 2, 4, 1, 2]


def test_a_router_that_does_not_answer_is_tried_again_within_the_connect_time() -> None:
    router = Router(replace(SETTINGS, connect_time=5))
    router.start()
    waits = []
    for _ in range(5):
        router.refuse()
        waits.append(router.seconds_to_next_attempt())
    assert waits == [1, 2, 4, 5, 5]
    router.accept()
    router.notify(6, 5)
    assert router.seconds_to_next_attempt() == 1
    router.refuse()
    assert router.seconds_to_next_attempt() == 1


def test_waits_are_shortened_by_chance() -> None:
    router = Router(jitter=0.0)
    router.start()
    router.refuse()
    assert router.seconds_to_next_attempt() == 0.75


@pytest.mark.parametrize(
    ("code", "subcode", "data", "waits"),
    [
        (6, Cease.ADMINISTRATIVE_RESET, b"", [1, 1, 1]),
        (6, Cease.OTHER_CONFIGURATION_CHANGE, b"", [1, 1, 1]),
        (6, Cease.HARD_RESET, bytes((6, Cease.ADMINISTRATIVE_RESET)), [1, 1, 1]),
        (6, Cease.ADMINISTRATIVE_SHUTDOWN, b"", [1, 2, 4]),
        (6, Cease.MAXIMUM_PREFIXES_REACHED, b"", [60, 60, 60]),
        (2, 1, b"", [1, 1, 1]),
    ],
)
def test_how_long_a_router_is_left_alone_depends_on_what_it_said(
    code: int, subcode: int, data: bytes, waits: list[float]
) -> None:
    router = Router()
    router.start()
    found = []
    for _ in waits:
        router.accept()
        router.notify(code, subcode, data)
        found.append(router.seconds_to_next_attempt())
    assert found == waits


def test_a_reset_by_the_owner_is_over_in_a_second() -> None:
    router = Router()
    router.establish()
    router.session.reset(router.now, Cease.ADMINISTRATIVE_RESET, "new password")
    down = router.down(router.look())
    assert (down.reason, str(down.said)) == (
        DownReason.RESET,
        'sent Cease, administrative reset ("new password")',
    )
    assert router.seconds_to_next_attempt() == 1


def test_a_stopped_session_stays_down_and_forgets_its_failures() -> None:
    router = Router()
    router.start()
    for _ in range(3):
        router.accept()
        router.notify(6, 5)
        router.seconds_to_next_attempt()
    router.session.stop(router.now)
    router.look()
    assert (router.session.state, router.session.deadline()) == (State.IDLE, None)
    router.start()
    router.accept()
    router.notify(6, 5)
    assert router.seconds_to_next_attempt() == 1


def test_a_stop_while_the_session_waits_to_begin_again_ends_the_wait() -> None:
    router = Router()
    router.start()
    router.refuse()
    router.session.stop(router.now)
    assert (router.look(), router.session.deadline()) == ([], None)


def test_a_start_while_the_session_waits_ends_the_wait() -> None:
    router = Router()
    router.start()
    router.refuse()
    router.session.start(router.now)
    assert router.look() == [Connect(2)]


def test_a_router_that_refuses_capabilities_is_offered_all_again_after_a_session_that_stood() -> (
    None
):
    router = Router()
    router.start()
    sizes = []
    for seconds in (0, 61, 0):
        router.got = b""
        router.accept()
        sizes.append(len(router.got))
        if not seconds:
            router.notify(2, 4)
        else:
            router.say(OPENED + KEEPALIVE)
            router.keep_up(seconds)
            router.drop()
        router.seconds_to_next_attempt()
    assert sizes == [49, 29, 49]


def test_a_session_that_had_fallen_soon_keeps_to_what_the_router_could_read() -> None:
    router = Router()
    router.start()
    router.accept()
    router.notify(2, 4)
    router.establish()
    router.drop()
    router.seconds_to_next_attempt()
    router.got = b""
    router.accept()
    assert len(router.got) == 29


def test_a_wait_after_a_reset_begins_the_ladder_anew() -> None:
    router = Router()
    for _ in range(3):
        router.establish()
        router.drop()
        router.seconds_to_next_attempt()
    router.accept()
    router.session.reset(router.now, Cease.OTHER_CONFIGURATION_CHANGE)
    router.look()
    assert router.seconds_to_next_attempt() == 1
