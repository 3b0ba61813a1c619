"""Whole Services in, whole Outcomes out: those without an address, and what is refused."""

from __future__ import annotations

from dataclasses import replace

import pytest

from controller.reconcile import Outcome, Status, decide
from tests.unit.controller.deciding import (
    CONFIG,
    HOME,
    POOLS,
    SPARE,
    about,
    gift,
    ledger,
    refusal,
)
from tests.unit.controller.making import ip, key, pool, service
from vipcast.config import Config
from vipcast.model.addresses import Family
from vipcast.model.advertisement import BgpAdvertisement, L2Advertisement
from vipcast.model.objects import (
    FamilyPolicy,
    Recorded,
)
from vipcast.model.peer import Peer
from vipcast.model.raw import EventType
from vipcast.model.reasons import Reason

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
    "no pool has its family": (
        {"families": (Family.IPV6,)},
        Reason.NO_ADDRESS_OF_FAMILY,
        (
            "There is no IPv6 address in what this Service may have (pools: home, lab)."
            " Add IPv6 addresses to a pool."
        ),
    ),
    "an ipv6 address for ipv4": (
        {"requested": ("2001:db8::1",)},
        Reason.INVALID_REQUEST,
        "The Service asks for 2001:db8::1, but is of IPv4 alone. Ask for an IPv4 address only.",
    ),
    "an ipv4 address for ipv6": (
        {"requested": ("192.0.2.10",), "families": (Family.IPV6,)},
        Reason.INVALID_REQUEST,
        "The Service asks for 192.0.2.10, but is of IPv6 alone. Ask for an IPv6 address only.",
    ),
    "the second address of both families alone": (
        {"requested": ("2001:db8::1",), "families": (Family.IPV6, Family.IPV4)},
        Reason.FAMILY_UNSUPPORTED,
        (
            "This version announces IPv6 by BGP alone, and gives each Service one address."
            " The Service asks for 2001:db8::1; ask for an IPv4 address, too."
        ),
    ),
    "an address with the name of an interface": (
        {"requested": ("2001:db8::1%eth0",), "families": (Family.IPV6,)},
        Reason.INVALID_REQUEST,
        (
            "The requested address '2001:db8::1%eth0' is not an IP address."
            " Write an address of a pool, or leave it out."
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
    "a request with a comma too many": (
        {"requested": ("192.0.2.10", "")},
        Reason.INVALID_REQUEST,
        (
            "The Service asks for addresses with a comma that has none before or after it."
            " Remove that comma."
        ),
    ),
    "two requests": (
        {"requested": ("192.0.2.10",), "requested_twice": True},
        Reason.INVALID_REQUEST,
        (
            "The Service asks for an address by the annotation loadBalancerIPs and by"
            " spec.loadBalancerIP. Remove one of the two."
        ),
    ),
    "two addresses of one family": (
        {"requested": ("192.0.2.10", "192.0.2.11")},
        Reason.INVALID_REQUEST,
        "The Service asks for two IPv4 addresses, 192.0.2.10 and 192.0.2.11. Ask for one.",
    ),
    "an address of a family that the Service is not of": (
        {"requested": ("192.0.2.10", "2001:db8::1")},
        Reason.INVALID_REQUEST,
        ("The Service asks for 2001:db8::1, but is of IPv4 alone. Ask for an IPv4 address only."),
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


@pytest.mark.parametrize("name", REFUSED)
def test_a_refusal_that_stands_on_the_service_already_is_not_told_again(name: str) -> None:
    fields, reason, message = REFUSED[name]
    asking = service("web", **fields)
    told = replace(asking, recorded=Recorded(reason=reason, message=message, since="then"))
    taken = ledger(other="192.0.2.11", another="203.0.113.5")
    assert decide(told, CONFIG, taken) == Outcome(told.key, reason, message, waits=True)


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
    asking = service("web", families=(Family.IPV4,))
    assert decide(asking, config, ledger(config)) == refusal(
        asking,
        Reason.NO_ADDRESS_OF_FAMILY,
        "There is no IPv4 address in what this Service may have (pools: six)."
        " Add IPv4 addresses to a pool.",
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

FAR = pool("far", "203.0.113.128/25")
BY_BGP = BgpAdvertisement("far", frozenset({"far"}))
ROUTER = Peer("router", 64512, 64513, ip("192.0.2.1"))
NO_IPV6 = (
    "This version announces IPv6 by BGP alone, and gives each Service one address. The Service"
    " requires both families and has an IPv4 address only; write ipFamilyPolicy: PreferDualStack to"
    " make do with that."
)
LACKING: dict[str, tuple[dict[str, object], Reason, str]] = {
    "both families": (
        {"pool_wish": "home", "family_policy": FamilyPolicy.REQUIRE_DUAL},
        Reason.FAMILY_UNSUPPORTED,
        NO_IPV6,
    ),
}


@pytest.mark.parametrize(("fields", "reason", "lacks"), LACKING.values(), ids=LACKING)
def test_a_service_with_an_address_is_told_what_it_does_not_get_once(
    fields: dict[str, object], reason: Reason, lacks: str
) -> None:
    config = Config((HOME,))
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
                "NotAnnounced",
                f"The Service has {given}. {lacks}",
            ),
        ),
    )
    having = replace(asking, ingress=(str(outcome.assignment.address),), recorded=recorded)
    again = decide(having, config, ledger(config, web=having.ingress[0]))
    assert again == replace(outcome, status=None, events=())


def test_what_a_service_would_rather_have_is_said_in_its_condition_alone() -> None:
    plain = gift("web", "192.0.2.10", "home")
    assert plain.status is not None
    message = (
        "192.0.2.10 from pool home."
        " A second address, which the Service prefers to have, is not given yet."
    )
    recorded = replace(plain.status.recorded, message=message)
    preferring = service("web", family_policy=FamilyPolicy.PREFER_DUAL)
    assert decide(preferring, CONFIG, ledger()) == replace(
        plain, message=message, status=replace(plain.status, recorded=recorded)
    )


def test_a_pool_that_is_announced_by_bgp_alone_lacks_nothing_but_a_peer() -> None:
    asking = service("web", pool_wish="far")
    config = Config((HOME, FAR), bgp=(BY_BGP,), peers=(ROUTER,))
    assert decide(asking, config, ledger(config)) == gift("web", "203.0.113.128", "far")
    alone = replace(config, peers=())
    outcome = decide(asking, alone, ledger(alone))
    hint = "Pool far is announced by BGP alone, and no BGP peer is configured: write a BGPPeer."
    assert (outcome.reason, outcome.message) == (
        Reason.ALLOCATED,
        f"203.0.113.128 from pool far. {hint}",
    )
    assert [event.reason for event in outcome.events] == ["IPAllocated"]
    segments = replace(alone, l2=(L2Advertisement("all", frozenset({"far"})),))
    assert decide(asking, segments, ledger(alone)) == gift("web", "203.0.113.128", "far")


def test_an_annotation_that_nobody_reads_is_said_beside_the_address() -> None:
    odd = service("web", misspelled=(("metallb.io/adress-pool", "Did you mean x?"),))
    assert decide(odd, CONFIG, ledger()).message == (
        "192.0.2.10 from pool home. Nothing reads the annotation metallb.io/adress-pool."
        " Did you mean x?"
    )
