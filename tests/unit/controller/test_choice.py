"""Whole Services in, whole Outcomes out: pools for certain Services, addresses for several."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from controller.allocator import Assignment
from controller.ledger import Ledger
from controller.reconcile import decide
from controller.sharing import Sharing
from tests.unit.controller.deciding import (
    CONFIG,
    HOME,
    SPARE,
    about,
    assigned,
    gift,
    holding,
    ledger,
    refusal,
)
from tests.unit.controller.making import ip, key, pool, service
from vipcast.config import Config
from vipcast.model.objects import (
    NAMESPACE_LABEL,
    Key,
    Port,
    Service,
    TrafficPolicy,
)
from vipcast.model.pool import Allocation, Pool
from vipcast.model.raw import EventType
from vipcast.model.reasons import Reason
from vipcast.model.selectors import Operator, Requirement, Selector

# --- pools for certain Services -----------------------------------------------------------------


def only(name: str, *entries: str, auto_assign: bool = True, **limits: Any) -> Pool:
    """A pool with a serviceAllocation."""
    return replace(pool(name, *entries, auto_assign=auto_assign), allocation=Allocation(**limits))


def labelled(**labels: str) -> Selector:
    return Selector.of(Requirement(key, Operator.IN, (value,)) for key, value in labels.items())


SHOP = only("shop", "10.0.0.0/30", namespaces=frozenset({"shop", "till"}))
GOLD = only("gold", "10.0.1.0/30", namespace_selectors=(labelled(tier="gold"),))
WEB = only(
    "web",
    "10.0.2.0/30",
    auto_assign=False,
    namespaces=frozenset({"default"}),
    services=(labelled(app="web"), labelled(app="www")),
)
NAMED = only("named", "10.0.3.0/30", namespace_selectors=(labelled(**{NAMESPACE_LABEL: "till"}),))
CHOOSY = Config((SHOP, GOLD, WEB, NAMED, HOME))


@pytest.mark.parametrize(
    ("namespace", "labels", "namespace_labels", "wish", "given"),
    [
        ("default", {}, {}, None, "192.0.2.10 home"),
        ("shop", {}, {}, None, "10.0.0.0 shop"),
        ("shop", {}, {"tier": "gold"}, None, "10.0.0.0 shop"),
        ("default", {}, {"tier": "gold"}, None, "10.0.1.0 gold"),
        ("default", {"app": "www"}, {}, None, "192.0.2.10 home"),
        ("default", {"app": "www"}, {}, "web", "10.0.2.0 web"),
        ("shop", {}, {}, "home", "192.0.2.10 home"),
        ("till", {}, {}, "named", "10.0.3.0 named"),
    ],
)
def test_a_service_gets_an_address_of_the_first_pool_that_is_for_it(
    namespace: str,
    labels: dict[str, str],
    namespace_labels: dict[str, str],
    wish: str | None,
    given: str,
) -> None:
    asking = replace(service("any", labels=labels, pool_wish=wish), key=Key(namespace, "any"))
    outcome = decide(asking, CHOOSY, ledger(CHOOSY), namespace_labels=namespace_labels)
    address, pool_name = given.split()
    assert outcome.assignment == Assignment(ip(address), pool_name)


NOT_FOR: dict[str, tuple[dict[str, object], str]] = {
    "a pool for two namespaces": (
        {"pool_wish": "shop"},
        "Pool shop is for other Services: it takes those of namespace shop or till.",
    ),
    "a pool for namespaces by labels": (
        {"requested": ("10.0.1.1",)},
        "Pool gold is for other Services: it takes those of namespaces with tier=gold.",
    ),
    "a pool for labels": (
        {"pool_wish": "web", "labels": {"app": "db"}},
        (
            "Pool web is for other Services:"
            " it takes those of namespace default with app=web or app=www."
        ),
    ),
}


@pytest.mark.parametrize(("fields", "message"), NOT_FOR.values(), ids=NOT_FOR)
def test_a_pool_that_is_for_others_says_for_whom(fields: dict[str, object], message: str) -> None:
    asking = service("any", **fields)
    message += (
        " Ask for an address of another pool, or let its serviceAllocation take this Service."
    )
    assert decide(asking, CHOOSY, ledger(CHOOSY)) == refusal(
        asking, Reason.POOL_NOT_FOR_SERVICE, message
    )


def test_where_every_pool_is_for_others_the_service_waits() -> None:
    config = Config((SHOP, GOLD, SPARE))
    assert decide(service("web"), config, ledger(config)) == refusal(
        service("web"),
        Reason.POOL_NOT_FOR_SERVICE,
        "Every pool that hands out addresses by itself is for other Services (pools: shop, gold)."
        " Let the serviceAllocation of one take this Service, or add a pool for it.",
    )


def test_a_pool_that_is_no_longer_for_a_service_takes_its_address_back() -> None:
    having = holding("web", "10.0.1.2", "gold")
    book = ledger(CHOOSY, web="10.0.1.2")
    stays = decide(having, CHOOSY, book, namespace_labels={"tier": "gold"})
    assert (stays.reason, stays.frees) == (Reason.KEPT, ())
    assert decide(having, CHOOSY, book) == replace(
        gift("web", "192.0.2.10", "home"),
        events=(
            about(
                "web",
                EventType.NORMAL,
                "ClearAssignment",
                "10.0.1.2 is taken back (poolNotForService): Pool gold is for other Services: it"
                " takes those of namespaces with tier=gold. Ask for an address of another pool, or"
                " let its serviceAllocation take this Service.",
            ),
            *gift("web", "192.0.2.10", "home").events,
        ),
        frees=(ip("10.0.1.2"),),
    )


# --- one address for several Services -----------------------------------------------------------

HTTP, HTTPS = Port("TCP", 80), Port("TCP", 443)
SHARED = ip("192.0.2.11")


def shared(*others: Service, closed: bool = False) -> Ledger:
    """A ledger in which some Services have 192.0.2.11."""
    book = ledger()
    for other in others:
        book.hold(other.key, SHARED, None if closed else Sharing.of(other))
    return book


def sharer(name: str, *ports: Port, sharing_key: str = "k", **fields: object) -> Service:
    given = {"requested": (str(SHARED),), "sharing_key": sharing_key, "ports": ports, **fields}
    return service(name, **given)


def test_a_service_joins_those_who_share_the_address_that_it_asks_for() -> None:
    assert decide(sharer("b", HTTPS), CONFIG, shared(sharer("a", HTTP))) == gift(
        "b", "192.0.2.11", "home"
    )


ELSEWHERE = ", or ask for another address."
NO_JOINING: dict[str, tuple[Service, Reason, str]] = {
    "neither shares": (
        sharer("b", HTTPS, sharing_key=""),
        Reason.ADDRESS_IN_USE,
        (
            "192.0.2.11 belongs to Service default/a. Ask for another address, or free it there,"
            " or share it by allow-shared-ip: k."
        ),
    ),
    "another key": (
        sharer("b", HTTPS, sharing_key="l"),
        Reason.SHARING_REFUSED,
        (
            "192.0.2.11 belongs to Service default/a and cannot be shared: its annotation"
            f" allow-shared-ip is 'k', not 'l'. Give both the same one{ELSEWHERE}"
        ),
    ),
    "a port in common": (
        sharer("b", HTTPS, HTTP),
        Reason.SHARING_REFUSED,
        (
            "192.0.2.11 belongs to Service default/a and cannot be shared: both have the port"
            f" TCP 80. Change it in one of them{ELSEWHERE}"
        ),
    ),
    "another policy": (
        sharer("b", HTTPS, policy=TrafficPolicy.LOCAL),
        Reason.SHARING_REFUSED,
        (
            "192.0.2.11 belongs to Service default/a and cannot be shared: the two do not lead to"
            " the same pods. Give both externalTrafficPolicy: Cluster, or both Local and the same"
            f" selector{ELSEWHERE}"
        ),
    ),
}


@pytest.mark.parametrize(("asking", "reason", "message"), NO_JOINING.values(), ids=NO_JOINING)
def test_who_cannot_share_is_told_what_stands_against_it_and_with_whom(
    asking: Service, reason: Reason, message: str
) -> None:
    assert decide(asking, CONFIG, shared(sharer("a", HTTP))) == refusal(asking, reason, message)


def test_an_address_whose_holder_has_no_sharing_key_says_so_to_one_that_has() -> None:
    message = (
        "192.0.2.11 belongs to Service default/a and cannot be shared: that one has no annotation"
        f" allow-shared-ip. Give both the same one{ELSEWHERE}"
    )
    assert decide(sharer("b", HTTPS), CONFIG, shared(sharer("a", HTTP, sharing_key=""))) == refusal(
        sharer("b", HTTPS), Reason.SHARING_REFUSED, message
    )


def test_nobody_joins_a_holder_of_which_the_conditions_are_not_known() -> None:
    message = (
        "192.0.2.11 belongs to Service default/a, which cannot be read, or is about to be decided"
        " anew. Correct that Service, or ask for another address."
    )
    book = shared(sharer("a", HTTP), closed=True)
    assert decide(sharer("b", HTTPS), CONFIG, book) == refusal(
        sharer("b", HTTPS), Reason.ADDRESS_IN_USE, message
    )


def test_a_service_that_takes_the_port_of_another_moves_away_from_their_address() -> None:
    before = sharer("b", HTTPS, requested=())
    book = shared(sharer("a", HTTP), before)
    book.hold(key("b"), SHARED, None)
    after = replace(
        before, ports=(HTTP,), ingress=("192.0.2.11",), recorded=assigned("192.0.2.11", "home")
    )
    assert decide(after, CONFIG, book) == replace(
        gift("b", "192.0.2.10", "home"),
        events=(
            about(
                "b",
                EventType.NORMAL,
                "ClearAssignment",
                "192.0.2.11 is taken back (sharingRefused): 192.0.2.11 belongs to Service default/a"
                " and cannot be shared: both have the port TCP 80. Change it in one of them"
                f"{ELSEWHERE}",
            ),
            *gift("b", "192.0.2.10", "home").events,
        ),
        frees=(SHARED,),
    )
