"""Whole Services in, whole Outcomes out: those that have an address, and those not ours."""

from __future__ import annotations

from dataclasses import replace

import pytest

from controller.allocator import Assignment
from controller.reconcile import Outcome, Status, decide
from tests.unit.controller.deciding import (
    CONFIG,
    POOLS,
    about,
    assigned,
    gift,
    holding,
    ledger,
    refusal,
)
from tests.unit.controller.making import ip, key, pool, service
from vipcast.config import Config
from vipcast.model.addresses import Family
from vipcast.model.classes import Classes
from vipcast.model.objects import (
    Recorded,
    Service,
)
from vipcast.model.raw import SERVICE, EventNote, EventType, Ref
from vipcast.model.reasons import Reason, sentence
from vipcast.model.steps import STEPS

# --- a Service that has an address --------------------------------------------------------------


def test_what_stands_on_the_service_already_is_not_written_again() -> None:
    having = holding("web", "192.0.2.12", "home")
    assert decide(having, CONFIG, ledger(web="192.0.2.12")) == Outcome(
        key("web"),
        Reason.KEPT,
        "192.0.2.12 from pool home.",
        assignment=Assignment(ip("192.0.2.12"), "home"),
    )


def test_an_address_that_metallb_gave_is_kept_and_marked_without_an_event() -> None:
    having = service("web", ingress=("192.0.2.12",), recorded=Recorded("home"))
    assert decide(having, CONFIG, ledger(web="192.0.2.12")) == Outcome(
        key("web"),
        Reason.KEPT,
        "192.0.2.12 from pool home.",
        assignment=Assignment(ip("192.0.2.12"), "home"),
        status=Status(("192.0.2.12",), assigned("192.0.2.12", "home")),
    )


def test_an_address_whose_pool_has_another_name_now_is_kept() -> None:
    having = holding("web", "192.0.2.12", "formerly")
    outcome = decide(having, CONFIG, ledger(web="192.0.2.12"))
    assert outcome.status == Status(("192.0.2.12",), assigned("192.0.2.12", "home"))
    assert outcome.events == ()


def test_an_address_is_kept_though_its_pool_hands_out_nothing_by_itself_any_more() -> None:
    having = holding("web", "203.0.113.5", "spare")
    assert decide(having, CONFIG, ledger(web="203.0.113.5")).reason is Reason.KEPT


MOVED: dict[str, tuple[Service, str, str]] = {
    "the pool is gone": (
        holding("web", "10.0.0.1", "old"),
        "192.0.2.10 home",
        (
            f"10.0.0.1 is taken back (poolChanged): 10.0.0.1 is in no configured pool ({POOLS})."
            " Ask for an address of a pool, or add this one to a pool."
        ),
    ),
    "the pool avoids it now": (
        holding("web", "198.51.100.0", "lab"),
        "192.0.2.10 home",
        (
            "198.51.100.0 is taken back (poolChanged): 198.51.100.0 ends in .0 or .255, which pool"
            " lab avoids (avoid-buggy-ips). Ask for another address."
        ),
    ),
    "another pool is wished for": (
        holding("web", "192.0.2.11", "home", pool_wish="lab"),
        "198.51.100.1 lab",
        (
            "192.0.2.11 is taken back (requestChanged): 192.0.2.11 lies in pool home, and the"
            " annotation address-pool asks for pool lab. Change one of the two."
        ),
    ),
    "another address is requested": (
        holding("web", "192.0.2.11", "home", requested=("192.0.2.12",)),
        "192.0.2.12 home",
        "192.0.2.11 is taken back (requestChanged): The Service asks for 192.0.2.12 now.",
    ),
}


@pytest.mark.parametrize(("having", "new", "cleared"), MOVED.values(), ids=MOVED)
def test_a_service_moves_by_itself_and_frees_its_address_only_after_the_write(
    having: Service, new: str, cleared: str
) -> None:
    address, pool_name = new.split()
    old = having.ingress[0]
    assert decide(having, CONFIG, ledger(web=old)) == replace(
        gift("web", address, pool_name),
        events=(
            about("web", EventType.NORMAL, "ClearAssignment", cleared),
            *gift("web", address, pool_name).events,
        ),
        frees=(ip(old),),
    )


def test_of_two_services_that_show_one_address_the_one_without_it_in_the_ledger_moves() -> None:
    loser = holding("web", "192.0.2.10", "home")
    assert decide(loser, CONFIG, ledger(older="192.0.2.10")) == replace(
        gift("web", "192.0.2.11", "home"),
        events=(
            about(
                "web",
                EventType.NORMAL,
                "ClearAssignment",
                "192.0.2.10 is taken back (conflictingAssignment): 192.0.2.10 belongs to Service"
                " default/older. Ask for another address, or free it there.",
            ),
            *gift("web", "192.0.2.11", "home").events,
        ),
    )


def test_a_request_that_cannot_be_read_takes_nothing_away() -> None:
    having = holding("web", "192.0.2.11", "home", requested=("192.0.2.300",))
    given = "192.0.2.11 from pool home."
    lacks = (
        "The requested address '192.0.2.300' is not an IP address. Write an address of a pool,"
        " or leave it out."
    )
    message, told = f"{given} {lacks}", f"The Service has {given} {lacks}"
    recorded = Recorded("home", assigned=True, reason=Reason.INVALID_REQUEST, message=message)
    outcome = Outcome(
        key("web"),
        Reason.INVALID_REQUEST,
        message,
        assignment=Assignment(ip("192.0.2.11"), "home"),
        status=Status(("192.0.2.11",), recorded),
        events=(about("web", EventType.WARNING, "LoadBalancerFailed", told),),
    )
    book = ledger(web="192.0.2.11")
    assert decide(having, CONFIG, book) == outcome
    again = replace(having, recorded=recorded)
    assert decide(again, CONFIG, book) == replace(outcome, status=None, events=())


def test_a_request_that_cannot_be_met_gives_up_the_old_address_as_in_metallb() -> None:
    having = holding("web", "192.0.2.11", "home", requested=("192.0.2.12",))
    message = (
        "192.0.2.12 belongs to Service default/other. Ask for another address, or free it there."
    )
    assert decide(having, CONFIG, ledger(web="192.0.2.11", other="192.0.2.12")) == replace(
        refusal(
            having,
            Reason.ADDRESS_IN_USE,
            message,
            about(
                "web",
                EventType.NORMAL,
                "ClearAssignment",
                "192.0.2.11 is taken back (requestChanged): The Service asks for 192.0.2.12 now.",
            ),
        ),
        frees=(ip("192.0.2.11"),),
    )


# --- statuses that somebody else wrote ----------------------------------------------------------


@pytest.mark.parametrize("ingress", [(), ("192.0.2.12",), ("lb.example",), ("garbage", "10.0.0.9")])
def test_a_status_that_somebody_overwrote_is_put_right(ingress: tuple[str, ...]) -> None:
    overwritten = holding("web", "192.0.2.11", "home", ingress=ingress)
    outcome = decide(overwritten, CONFIG, ledger(web="192.0.2.11"))
    assert outcome.assignment == Assignment(ip("192.0.2.11"), "home")
    assert outcome.status == Status(("192.0.2.11",), assigned("192.0.2.11", "home"))
    assert [event.reason for event in outcome.events] == ["IPAllocated"]
    assert outcome.frees == ()


@pytest.mark.parametrize("ingress", [("lb.example",), ("10.0.0",), ("",)])
def test_a_status_without_any_address_counts_as_having_none(ingress: tuple[str, ...]) -> None:
    assert decide(service("web", ingress=ingress), CONFIG, ledger()) == gift(
        "web", "192.0.2.10", "home"
    )


def test_of_two_addresses_in_a_status_the_ipv4_one_that_may_stay_stays() -> None:
    shown = {"ingress": ("2001:db8::1", "192.0.2.11")}
    both = service("web", families=(Family.IPV6, Family.IPV4), **shown)
    outcome = decide(both, CONFIG, ledger(web="2001:db8::1 192.0.2.11"))
    assert outcome.assignment == Assignment(ip("192.0.2.11"), "home")
    assert outcome.frees == (ip("2001:db8::1"),)
    assert [event.reason for event in outcome.events] == ["ClearAssignment"]
    assert "2001:db8::1 is taken back (ipv6NotYet)" in outcome.events[0].message
    alone = decide(service("web", **shown), CONFIG, ledger(web="2001:db8::1 192.0.2.11"))
    assert alone.assignment == outcome.assignment
    assert "2001:db8::1 is taken back (requestChanged)" in alone.events[0].message


def test_an_address_of_the_other_family_is_taken_back_and_one_of_its_own_given() -> None:
    config = Config((pool("both", "192.0.2.0/24", "2001:db8::/64"),))
    six = service("web", families=(Family.IPV6,), ingress=("192.0.2.0",))
    outcome = decide(six, config, ledger(config, web="192.0.2.0"))
    assert outcome.assignment == Assignment(ip("2001:db8::"), "both")
    assert [event.reason for event in outcome.events][:2] == ["ClearAssignment", "IPAllocated"]
    assert "The Service is of IPv6 alone, which 192.0.2.0 is not." in outcome.events[0].message


def test_while_it_moves_a_service_goes_on_to_the_address_that_was_kept_for_it() -> None:
    """The write of .12 failed, perhaps after it took effect; .12 stays reserved."""
    moving = holding("web", "10.0.0.1", "old")
    outcome = decide(moving, CONFIG, ledger(web="10.0.0.1 192.0.2.12"))
    assert outcome.assignment == Assignment(ip("192.0.2.12"), "home")
    assert outcome.frees == (ip("10.0.0.1"),)
    assert [event.reason for event in outcome.events] == ["ClearAssignment", "IPAllocated"]


# --- not ours, and no configuration -------------------------------------------------------------

NOT_OURS: dict[Reason, dict[str, object]] = {
    Reason.NOT_LOAD_BALANCER: {"load_balancer": False},
    Reason.OTHER_CLASS: {"load_balancer_class": "other.example/lb"},
}
SENTENCES = {
    Reason.NOT_LOAD_BALANCER: "The Service is not of type LoadBalancer.",
    Reason.OTHER_CLASS: "The Service asks for another load balancer by spec.loadBalancerClass.",
}


@pytest.mark.parametrize("reason", NOT_OURS)
@pytest.mark.parametrize("ingress", [(), ("192.0.2.10",)])
def test_what_is_not_ours_is_not_touched(reason: Reason, ingress: tuple[str, ...]) -> None:
    foreign = service("web", ingress=ingress, **NOT_OURS[reason])
    assert decide(foreign, CONFIG, ledger()) == Outcome(foreign.key, reason, SENTENCES[reason])


@pytest.mark.parametrize("reason", NOT_OURS)
def test_what_is_ours_no_more_gives_back_everything_and_is_told(reason: Reason) -> None:
    former = holding("web", "192.0.2.11", "home", **NOT_OURS[reason])
    message = f"192.0.2.11 is taken back ({reason}): {SENTENCES[reason]} {STEPS[reason]}"
    note = EventNote(Ref(SERVICE, former.key), EventType.NORMAL, "ClearAssignment", message)
    assert decide(former, CONFIG, ledger(web="192.0.2.11")) == Outcome(
        former.key,
        reason,
        SENTENCES[reason],
        status=Status(),
        events=(note,),
        frees=(ip("192.0.2.11"),),
    )


def test_an_address_that_another_program_has_written_is_not_said_to_be_taken_back() -> None:
    former = holding("web", "203.0.113.5", "home", load_balancer_class="other.example/lb")
    outcome = decide(former, CONFIG, ledger(web="192.0.2.11"))
    assert (outcome.events, outcome.frees) == ((), (ip("192.0.2.11"),))


CLASSES: dict[str, tuple[Classes, str | None, Reason | None]] = {
    "no class, as by default": (Classes(), None, None),
    "a class, by default": (Classes(), "example.com/lb", Reason.OTHER_CLASS),
    "one of our classes": (Classes(frozenset({"a/x", "b/y"}), default=False), "b/y", None),
    "another class than ours": (
        Classes(frozenset({"a/x"}), default=True),
        "b/y",
        Reason.OTHER_CLASS,
    ),
    "no class, where one is needed": (
        Classes(frozenset({"a/x"}), default=False),
        None,
        Reason.NO_CLASS,
    ),
    "no class, and we are the default, too": (
        Classes(frozenset({"a/x"}), default=True),
        None,
        None,
    ),
}


@pytest.mark.parametrize(("classes", "asked", "reason"), CLASSES.values(), ids=CLASSES)
def test_a_service_is_ours_by_its_class(
    classes: Classes, asked: str | None, reason: Reason | None
) -> None:
    asking = service("web", load_balancer_class=asked)
    outcome = decide(asking, CONFIG, ledger(), classes)
    if reason is None:
        assert outcome == gift("web", "192.0.2.10", "home")
    else:
        assert outcome == Outcome(asking.key, reason, sentence(reason))


def test_without_a_configuration_addresses_stay_and_new_services_are_told() -> None:
    message = "No valid configuration has been loaded. `vipcast status` says what is wrong with it."
    having = holding("web", "192.0.2.11", "home")
    assert decide(having, None, ledger(None)) == Outcome(having.key, Reason.NO_CONFIG, message)
    former = holding("web", "192.0.2.11", "home", load_balancer=False)
    assert decide(former, None, ledger(None)).status is None
    fresh = service("web")
    assert decide(fresh, None, ledger(None)) == refusal(fresh, Reason.NO_CONFIG, message)
