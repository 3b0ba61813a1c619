"""Whole Services in, whole Outcomes out."""

from __future__ import annotations

from dataclasses import replace

import pytest

from controller.allocator import Assignment
from controller.ledger import Ledger
from controller.reconcile import Outcome, Status, decide
from tests.unit.controller.making import ip, key, pool, service
from vipcast.config import Config
from vipcast.model.addresses import Family
from vipcast.model.objects import FamilyPolicy, Recorded, Service
from vipcast.model.pool import Protocol
from vipcast.model.raw import SERVICE, EventNote, EventType, Ref
from vipcast.model.reasons import Reason

HOME = pool("home", "192.0.2.10-192.0.2.12")
LAB = pool("lab", "198.51.100.0/29", avoid_buggy=True)
SPARE = pool("spare", "203.0.113.5/32", auto_assign=False)
CONFIG = Config((HOME, LAB, SPARE))
POOLS = "pools: home, lab, spare"


def about(name: str, kind: EventType, reason: str, message: str) -> EventNote:
    return EventNote(Ref(SERVICE, key(name)), kind, reason, message)


def ledger(config: Config | None = CONFIG, **held: str) -> Ledger:
    """A ledger in which Services hold addresses, several joined by blanks."""
    made = Ledger(config.pools if config else ())
    for name, addresses in held.items():
        for address in addresses.split():
            made.hold(key(name), ip(address))
    return made


def assigned(address: str, pool_name: str) -> Recorded:
    message = f"{address} from pool {pool_name}."
    return Recorded(pool_name, assigned=True, reason="allocated", message=message)


def holding(name: str, address: str, pool_name: str, **fields: object) -> Service:
    """A Service on which an address stands."""
    given = {"ingress": (address,), "recorded": assigned(address, pool_name), **fields}
    return service(name, **given)


def refusal(of: Service, reason: Reason, message: str, *more: EventNote) -> Outcome:
    """No address, and the user is told so for the first time."""
    name = of.key.name
    return Outcome(
        of.key,
        reason,
        message,
        status=Status((), Recorded(reason=reason, message=message)),
        events=(
            *more,
            about(name, EventType.WARNING, "AllocationFailed", f"{reason}: {message}"),
        ),
        waits=True,
    )


def gift(name: str, address: str, pool_name: str) -> Outcome:
    """The first address of a Service."""
    return Outcome(
        key(name),
        Reason.ALLOCATED,
        f"{address} from pool {pool_name}.",
        assignment=Assignment(ip(address), pool_name),
        status=Status((address,), assigned(address, pool_name)),
        events=(
            about(
                name,
                EventType.NORMAL,
                "IPAllocated",
                f"Assigned {address} from pool {pool_name}.",
            ),
        ),
    )


# --- a new Service ------------------------------------------------------------------------------


def test_a_new_service_gets_the_lowest_free_address_of_the_first_pool() -> None:
    assert decide(service("web"), CONFIG, ledger()) == gift("web", "192.0.2.10", "home")


def test_pools_are_used_in_their_order_and_the_next_one_when_one_is_full() -> None:
    full = ledger(a="192.0.2.10", b="192.0.2.11", c="192.0.2.12")
    assert decide(service("web"), CONFIG, full) == gift("web", "198.51.100.1", "lab")


def test_a_pool_named_by_annotation_is_used_though_it_hands_out_nothing_by_itself() -> None:
    asking = service("web", pool_wish="spare")
    assert decide(asking, CONFIG, ledger()) == gift("web", "203.0.113.5", "spare")


def test_a_requested_address_is_given_from_whatever_pool_it_is_in() -> None:
    asking = service("web", requested=("203.0.113.5",))
    assert decide(asking, CONFIG, ledger()) == gift("web", "203.0.113.5", "spare")


def test_a_service_of_both_families_gets_its_ipv4_address() -> None:
    dual = service("web", families=(Family.IPV6, Family.IPV4))
    assert decide(dual, CONFIG, ledger()) == gift("web", "192.0.2.10", "home")


REFUSED: dict[str, tuple[dict[str, object], Reason, str]] = {
    "ipv6 only": (
        {"families": (Family.IPV6,)},
        Reason.FAMILY_UNSUPPORTED,
        (
            "IPv6 is not served yet: Vipcast announces IPv4 only in this version."
            " The Service is of IPv6 alone; let ipFamilies contain IPv4."
        ),
    ),
    "ipv6 request": (
        {"requested": ("2001:db8::1",)},
        Reason.FAMILY_UNSUPPORTED,
        (
            "IPv6 is not served yet: Vipcast announces IPv4 only in this version."
            " The Service asks for 2001:db8::1; ask for an IPv4 address."
        ),
    ),
    "headless": (
        {"headless": True},
        Reason.NO_CLUSTER_IP,
        (
            "The Service has no cluster IP (headless), so no traffic could be forwarded."
            " Leave out clusterIP: None, or choose another type."
        ),
    ),
    "unreadable request": (
        {"requested": ("192.0.2",)},
        Reason.INVALID_REQUEST,
        (
            "The requested address '192.0.2' is not an IP address."
            " Write an address of a pool, or leave it out."
        ),
    ),
    "request outside of the pools": (
        {"requested": ("10.0.0.1",)},
        Reason.NOT_IN_ANY_POOL,
        (
            f"10.0.0.1 is in no configured pool ({POOLS})."
            " Ask for an address of a pool, or add this one to a pool."
        ),
    ),
    "request that the pool avoids": (
        {"requested": ("198.51.100.0",)},
        Reason.BUGGY_ADDRESS,
        (
            "198.51.100.0 ends in .0 or .255, which pool lab avoids (avoid-buggy-ips)."
            " Ask for another address."
        ),
    ),
    "request in use": (
        {"requested": ("192.0.2.11",)},
        Reason.ADDRESS_IN_USE,
        "192.0.2.11 belongs to Service default/other. Ask for another address, or free it there.",
    ),
    "request in another pool than annotated": (
        {"requested": ("192.0.2.10",), "pool_wish": "lab"},
        Reason.POOL_MISMATCH,
        (
            "192.0.2.10 lies in pool home, and the annotation address-pool asks for pool lab."
            " Change one of the two."
        ),
    ),
    "unknown pool": (
        {"pool_wish": "nowhere"},
        Reason.UNKNOWN_POOL,
        (
            f"The annotation address-pool asks for pool nowhere, which does not exist ({POOLS})."
            " Name a pool of the configuration."
        ),
    ),
    "request and unknown pool": (
        {"requested": ("192.0.2.10",), "pool_wish": "nowhere"},
        Reason.UNKNOWN_POOL,
        (
            f"The annotation address-pool asks for pool nowhere, which does not exist ({POOLS})."
            " Name a pool of the configuration."
        ),
    ),
    "named pool is full": (
        {"pool_wish": "spare"},
        Reason.POOL_EXHAUSTED,
        (
            "Every address that this Service may have is taken: pool spare (1 of 1 in use)."
            " Add addresses to a pool, or delete a Service that is no longer needed."
        ),
    ),
}


@pytest.mark.parametrize(("fields", "reason", "message"), REFUSED.values(), ids=REFUSED)
def test_a_refusal_says_why_and_what_to_do(
    fields: dict[str, object], reason: Reason, message: str
) -> None:
    asking = service("web", **fields)
    taken = ledger(other="192.0.2.11", another="203.0.113.5")
    assert decide(asking, CONFIG, taken) == refusal(asking, reason, message)


def test_pools_that_are_all_full_are_named_with_their_counts() -> None:
    config = Config((HOME, SPARE, pool("tiny", "10.0.0.0/31")))
    full = ledger(config, a="192.0.2.10 192.0.2.11 192.0.2.12", b="10.0.0.0 10.0.0.1")
    assert decide(service("web"), config, full) == refusal(
        service("web"),
        Reason.POOL_EXHAUSTED,
        "Every address that this Service may have is taken:"
        " pool home (3 of 3 in use), pool tiny (2 of 2 in use)."
        " Add addresses to a pool, or delete a Service that is no longer needed.",
    )


def test_of_very_many_full_pools_only_some_are_named() -> None:
    config = Config(tuple(pool(f"p{n}", f"10.0.0.{n}/32") for n in range(11)))
    full = ledger(config, a=" ".join(f"10.0.0.{n}" for n in range(11)))
    message = decide(service("web"), config, full).message
    assert "pool p7 (1 of 1 in use) and 3 more. Add" in message


def test_where_no_pool_hands_out_addresses_by_itself_one_must_be_named() -> None:
    config = Config((SPARE,))
    assert decide(service("web"), config, ledger(config)) == refusal(
        service("web"),
        Reason.NO_AUTO_ASSIGN_POOL,
        "No pool hands out addresses by itself (pools: spare)."
        " Name a pool by the annotation address-pool, or let a pool have auto-assign.",
    )


def test_without_any_pool_the_service_waits() -> None:
    config = Config(())
    assert decide(service("web"), config, ledger(config)) == refusal(
        service("web"),
        Reason.NO_AUTO_ASSIGN_POOL,
        "No pool hands out addresses by itself (there is no pool)."
        " Name a pool by the annotation address-pool, or let a pool have auto-assign.",
    )


def test_a_pool_without_ipv4_addresses_is_no_help() -> None:
    config = Config((pool("six", "2001:db8::/64"),))
    assert decide(service("web"), config, ledger(config)) == refusal(
        service("web"),
        Reason.FAMILY_UNSUPPORTED,
        "IPv6 is not served yet: Vipcast announces IPv4 only in this version. There is no IPv4"
        " address in what this Service may have (pools: six); add IPv4 addresses to a pool.",
    )


def test_a_pool_that_avoids_each_of_its_addresses_is_no_help_either() -> None:
    config = Config((pool("tiny", "192.0.2.0/32", avoid_buggy=True),))
    assert decide(service("web"), config, ledger(config)) == refusal(
        service("web"),
        Reason.BUGGY_ADDRESS,
        "Every address that this Service may have ends in .0 or .255 (pools: tiny), which the"
        " pools avoid (avoid-buggy-ips). Add other addresses to a pool.",
    )


# --- an address, but not all that is asked for --------------------------------------------------

FAR = replace(pool("far", "203.0.113.128/25"), protocol=Protocol.BGP)
NO_BGP = (
    "Pool far announces by BGP, which this version does not do yet; the Service keeps the address."
    " Use a pool of protocol layer2 to have one announced."
)
NO_IPV6 = (
    "IPv6 is not served yet: Vipcast announces IPv4 only in this version. The Service requires both"
    " families and has an IPv4 address only; write ipFamilyPolicy: PreferDualStack to make do with"
    " that."
)
NO_SHARING = (
    "The annotation allow-shared-ip has no effect in this version: each Service has an address of"
    " its own."
)
LACKING: dict[str, tuple[dict[str, object], Reason, str]] = {
    "a pool for bgp": ({"pool_wish": "far"}, Reason.PROTOCOL_NOT_YET, NO_BGP),
    "both families": (
        {"pool_wish": "home", "family_policy": FamilyPolicy.REQUIRE_DUAL},
        Reason.FAMILY_UNSUPPORTED,
        NO_IPV6,
    ),
    "both": (
        {"pool_wish": "far", "family_policy": FamilyPolicy.REQUIRE_DUAL},
        Reason.PROTOCOL_NOT_YET,
        f"{NO_BGP} {NO_IPV6}",
    ),
}


@pytest.mark.parametrize(("fields", "reason", "lacks"), LACKING.values(), ids=LACKING)
def test_a_service_with_an_address_is_told_what_it_does_not_get_once(
    fields: dict[str, object], reason: Reason, lacks: str
) -> None:
    config = Config((HOME, FAR))
    asking = service("web", **fields)
    outcome = decide(asking, config, ledger(config))
    assert outcome.assignment is not None
    given = str(outcome.assignment)
    recorded = Recorded(
        outcome.assignment.pool, assigned=True, reason=reason, message=f"{given}. {lacks}"
    )
    assert outcome == Outcome(
        key("web"),
        reason,
        recorded.message,
        assignment=outcome.assignment,
        status=Status((str(outcome.assignment.address),), recorded),
        events=(
            about("web", EventType.NORMAL, "IPAllocated", f"Assigned {given}."),
            about(
                "web",
                EventType.WARNING,
                "LoadBalancerFailed",
                f"The Service has {given}. {lacks}",
            ),
        ),
    )
    having = replace(asking, ingress=(str(outcome.assignment.address),), recorded=recorded)
    again = decide(having, config, ledger(config, web=having.ingress[0]))
    assert again == replace(outcome, status=None, events=())


@pytest.mark.parametrize(
    ("fields", "hint"),
    [
        (
            {"family_policy": FamilyPolicy.PREFER_DUAL},
            "An IPv6 address, which the Service prefers to have too, is not served yet.",
        ),
        ({"sharing_key": "dns"}, NO_SHARING),
    ],
)
def test_what_a_service_would_rather_have_is_said_in_its_condition_alone(
    fields: dict[str, object], hint: str
) -> None:
    plain = gift("web", "192.0.2.10", "home")
    assert plain.status is not None
    message = f"192.0.2.10 from pool home. {hint}"
    recorded = replace(plain.status.recorded, message=message)
    assert decide(service("web", **fields), CONFIG, ledger()) == replace(
        plain, message=message, status=replace(plain.status, recorded=recorded)
    )


def test_a_service_that_would_share_an_address_in_use_is_told_that_it_cannot_yet() -> None:
    asking = service("web", requested=("192.0.2.11",), sharing_key="dns")
    message = f"{REFUSED['request in use'][2]} {NO_SHARING}"
    assert decide(asking, CONFIG, ledger(other="192.0.2.11")) == refusal(
        asking, Reason.ADDRESS_IN_USE, message
    )


# --- a Service that has an address --------------------------------------------------------------


def test_what_stands_on_the_service_already_is_not_written_again() -> None:
    having = holding("web", "192.0.2.12", "home")
    assert decide(having, CONFIG, ledger(web="192.0.2.12")) == Outcome(
        key("web"),
        Reason.KEPT,
        "192.0.2.12 from pool home.",
        assignment=Assignment(ip("192.0.2.12"), "home"),
    )


@pytest.mark.parametrize("name", REFUSED)
def test_a_refusal_that_stands_on_the_service_already_is_not_told_again(name: str) -> None:
    fields, reason, message = REFUSED[name]
    asking = service("web", **fields)
    told = replace(asking, recorded=Recorded(reason=reason, message=message, since="then"))
    taken = ledger(other="192.0.2.11", another="203.0.113.5")
    assert decide(told, CONFIG, taken) == Outcome(told.key, reason, message, waits=True)


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
    message = REFUSED["request in use"][2].replace("192.0.2.11", "192.0.2.12")
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
    both = service("web", ingress=("2001:db8::1", "192.0.2.11"))
    outcome = decide(both, CONFIG, ledger(web="2001:db8::1 192.0.2.11"))
    assert outcome.assignment == Assignment(ip("192.0.2.11"), "home")
    assert outcome.frees == (ip("2001:db8::1"),)
    assert [event.reason for event in outcome.events] == ["ClearAssignment"]
    assert "2001:db8::1 is taken back (ipv6NotYet)" in outcome.events[0].message


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
def test_what_is_ours_no_more_gives_back_everything(reason: Reason) -> None:
    former = holding("web", "192.0.2.11", "home", **NOT_OURS[reason])
    assert decide(former, CONFIG, ledger(web="192.0.2.11")) == Outcome(
        former.key, reason, SENTENCES[reason], status=Status(), frees=(ip("192.0.2.11"),)
    )


def test_without_a_configuration_addresses_stay_and_new_services_are_told() -> None:
    message = "No valid configuration has been loaded. `vipcast status` says what is wrong with it."
    having = holding("web", "192.0.2.11", "home")
    assert decide(having, None, ledger(None)) == Outcome(having.key, Reason.NO_CONFIG, message)
    former = holding("web", "192.0.2.11", "home", load_balancer=False)
    assert decide(former, None, ledger(None)).status is None
    fresh = service("web")
    assert decide(fresh, None, ledger(None)) == refusal(fresh, Reason.NO_CONFIG, message)
