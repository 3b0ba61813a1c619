"""What people are told to look at when a session does not come up, or does not stay."""

from __future__ import annotations

from dataclasses import replace

import pytest

from speaker.bgp import encode
from speaker.bgp.codes import Cease
from speaker.bgp.messages import IPV4_UNICAST, IPV6_UNICAST
from tests.unit.bgp.talking import OPEN, SETTINGS, Router, opening


def opened(router: Router) -> Router:
    router.start()
    router.accept()
    return router


def test_a_router_that_does_not_answer_may_want_a_password() -> None:
    router = Router()
    router.start()
    assert router.down(router.wait(10.0)).hint == (
        "Is the address right, and the way open? A router that wants a password does not answer "
        "those who have none."
    )


def test_a_router_that_does_not_answer_who_has_a_password_may_have_another() -> None:
    router = Router(replace(SETTINGS, md5=True))
    router.start()
    assert router.down(router.wait(10.0)).hint == (
        "Is the address right, and the way open? A router does not answer those whose password is "
        "another than its own, or who have one where it has none: compare both."
    )


def test_what_the_host_knows_is_said_in_its_own_words() -> None:
    router = Router()
    router.start()
    down = router.refuse()
    assert (down.sentence, down.hint) == ("Connection refused.", "")


def test_what_the_host_would_have_people_look_at_is_the_hint() -> None:
    router = Router()
    router.start()
    router.session.refused("Refused.", 0.0, generation=1, hint="Look {there}.")
    assert router.down(router.look()).hint == "Look {there}."


def test_a_router_that_drops_the_connection_before_open_does_not_know_us() -> None:
    hint = opened(Router()).drop().hint
    assert hint.startswith("The router took the connection and dropped it before OPEN")
    assert "it has no neighbour 192.0.2.1" in hint


def test_a_router_that_drops_a_session_at_once_has_the_reason_in_its_log() -> None:
    router = Router()
    router.establish()
    assert router.drop().hint.endswith("without a word: its log has the reason.")


def test_a_router_that_goes_after_a_while_leaves_no_hint() -> None:
    router = Router()
    router.establish()
    router.keep_up(60)
    assert router.drop().hint == ""


@pytest.mark.parametrize(
    ("code", "subcode", "hint"),
    [
        (2, 2, "The router expects another AS than 64512 of this node"),
        (2, 3, "The router refuses our router id, 192.0.2.1"),
        (2, 4, "The router knows no capabilities"),
        (2, 6, "The router does not accept a hold time of 90 s"),
        (2, 7, "The router will be offered less"),
        (4, 0, "The router heard nothing of this node"),
        (6, 1, "The router got more routes than it allows"),
        (6, 2, "somebody has shut this neighbour down"),
        (6, 3, "The router has no such neighbour any more"),
        (6, 5, "The router has no neighbour 192.0.2.1, or waits after an error"),
        (6, 7, "does another BGP speaker run here?"),
    ],
)
def test_a_notification_of_the_router_is_explained(code: int, subcode: int, hint: str) -> None:
    assert hint in opened(Router()).notify(code, subcode).hint


def test_a_router_that_misses_families_is_to_activate_ours() -> None:
    settings = replace(SETTINGS, families=(IPV4_UNICAST, IPV6_UNICAST))
    missed = bytes.fromhex("010400010001" + "010400020001")
    assert opened(Router(settings)).notify(2, 7, missed).hint == (
        "No family is common: activate IPv4 unicast and IPv6 unicast for this node on the router."
    )


def test_a_hard_reset_is_explained_by_what_it_wraps() -> None:
    wrapped = bytes((6, Cease.PEER_DECONFIGURED))
    down = opened(Router()).notify(6, Cease.HARD_RESET, wrapped)
    assert down.hint == "The router has no such neighbour any more."


def test_an_error_that_nobody_knows_leaves_no_hint() -> None:
    assert opened(Router()).notify(77, 1).hint == ""


def test_what_we_refuse_is_explained() -> None:
    bad = {
        "Correct the AS": replace(opening(four_octet_asn=64999), asn=64999),
        "Activate the family": opening(families=(IPV6_UNICAST,)),
        "Give the router a hold time": replace(OPEN, hold_time=2),
    }
    for hint, theirs in bad.items():
        router = opened(Router())
        assert router.down(router.say(encode.open_message(theirs))).hint.startswith(hint)


def test_one_identifier_for_two_is_explained() -> None:
    router = opened(Router(replace(SETTINGS, peer_asn=64512)))
    theirs = opening(four_octet_asn=64512)
    theirs = replace(theirs, asn=64512, router_id=SETTINGS.router_id)
    hint = router.down(router.say(encode.open_message(theirs))).hint
    assert hint == "Give the router or this peer another router id."
