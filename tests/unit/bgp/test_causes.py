"""Which end of a connection is told where routers drop what comes after it."""

from __future__ import annotations

from speaker.bgp import encode
from speaker.bgp.codes import Cease, ErrorCode, OpenError
from speaker.bgp.notices import Down
from tests.unit.bgp.talking import Router, opening

HOLD_TIME = (ErrorCode.OPEN_MESSAGE, OpenError.UNACCEPTABLE_HOLD_TIME)
REJECTED = (ErrorCode.CEASE, Cease.CONNECTION_REJECTED)


def accepted(router: Router) -> Router:
    """The router takes the next connection."""
    router.seconds_to_next_attempt()
    router.accept()
    return router


def refusing() -> tuple[Router, Down]:
    """A router that has just refused our OPEN."""
    router = Router()
    router.start()
    router.accept()
    return router, router.notify(*HOLD_TIME)


def told(router: Router) -> tuple[Down | None, Down | None]:
    view = router.session.view()
    return view.cause, view.aftermath


def test_before_anything_has_ended_there_is_no_cause() -> None:
    assert told(Router()) == (None, None)


def test_what_a_router_said_is_not_lost_when_it_drops_what_follows() -> None:
    router, why = refusing()
    assert told(router) == (why, None)
    dropped = accepted(router).drop()
    assert told(router) == (why, dropped)
    router.seconds_to_next_attempt()
    refused = router.refuse()
    assert told(router) == (why, refused)


def test_a_rejection_explains_nothing_that_was_not_explained_before() -> None:
    router, why = refusing()
    rejected = accepted(router).notify(*REJECTED)
    assert told(router) == (why, rejected)


def test_a_rejection_is_told_where_there_is_nothing_else() -> None:
    router = Router()
    router.start()
    router.accept()
    rejected = router.notify(*REJECTED)
    assert told(router) == (rejected, None)


def test_two_that_take_turns_are_both_told_all_the_time() -> None:
    router, _ = refusing()
    dropped = accepted(router).drop()
    again = accepted(router).notify(*HOLD_TIME)
    assert told(router) == (again, dropped)


def test_a_new_explanation_takes_the_place_of_all_that_was() -> None:
    router, _ = refusing()
    accepted(router).drop()
    theirs = encode.open_message(opening(four_octet_asn=64999))
    ours = router.down(accepted(router).say(theirs))
    assert told(router) == (ours, None)


def test_what_came_before_an_explanation_is_none_of_its_aftermath() -> None:
    router = Router()
    router.start()
    refused = router.refuse()
    assert told(router) == (refused, None)
    why = accepted(router).notify(*HOLD_TIME)
    assert told(router) == (why, None)


def test_once_a_session_has_stood_nothing_from_before_it_counts() -> None:
    router, why = refusing()
    router.establish()
    assert told(router) == (why, None)
    dropped = router.drop()
    assert told(router) == (dropped, None)
