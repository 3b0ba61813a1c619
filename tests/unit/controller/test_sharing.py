"""The rule by which two Services may have one address, condition by condition."""

from __future__ import annotations

import pytest

import controller.ledger
import controller.sharing
import controller.slots
from controller.ledger import Ledger
from controller.sharing import ALONE, Sharing
from tests.support.steps import steps
from tests.unit.controller.making import ip, key, pool, service
from vipcast.model.addresses import Family
from vipcast.model.objects import Key, Port, TrafficPolicy

CLUSTER, LOCAL = TrafficPolicy.CLUSTER, TrafficPolicy.LOCAL
DNS_TCP, DNS_UDP, WEB = Port("TCP", 53), Port("UDP", 53), Port("TCP", 80)


def of(sharing_key: str, *ports: Port, policy: TrafficPolicy = CLUSTER, **selector: str) -> Sharing:
    """The conditions of a Service that is written down like this."""
    fields = {"sharing_key": sharing_key, "ports": ports, "policy": policy, "selector": selector}
    return Sharing.of(service("any", **fields))


PAIRS: dict[str, tuple[Sharing, Sharing, bool]] = {
    "TCP and UDP of one number": (of("dns", DNS_TCP), of("dns", DNS_UDP), True),
    "different ports": (of("k", DNS_TCP), of("k", WEB), True),
    "one port in common": (of("k", DNS_TCP, WEB), of("k", DNS_UDP, WEB), False),
    "different keys": (of("k", DNS_TCP), of("l", WEB), False),
    "keys that differ in a blank": (of("k", DNS_TCP), of("k ", WEB), False),
    "only one key": (of("k", DNS_TCP), of("", WEB), False),
    "no keys": (of("", DNS_TCP), of("", WEB), False),
    "Cluster with different selectors": (of("k", WEB, app="a"), of("k", DNS_TCP, app="b"), True),
    "Local with the same selector": (
        of("k", WEB, policy=LOCAL, app="a", tier="b"),
        of("k", DNS_TCP, policy=LOCAL, tier="b", app="a"),
        True,
    ),
    "Local with different selectors": (
        of("k", WEB, policy=LOCAL, app="a"),
        of("k", DNS_TCP, policy=LOCAL, app="b"),
        False,
    ),
    "Local and Cluster with one selector": (
        of("k", WEB, policy=LOCAL, app="a"),
        of("k", DNS_TCP, app="a"),
        False,
    ),
    "Local without a selector and Cluster": (of("k", WEB, policy=LOCAL), of("k", DNS_TCP), False),
    "Local without a selector, both": (
        of("k", WEB, policy=LOCAL),
        of("k", DNS_TCP, policy=LOCAL),
        True,
    ),
}


@pytest.mark.parametrize(("one", "other", "may"), PAIRS.values(), ids=PAIRS)
def test_two_services_share_an_address_exactly_if_every_condition_is_met(
    one: Sharing, other: Sharing, may: bool
) -> None:
    assert one.permits(other) is may
    assert other.permits(one) is may


def test_a_newcomer_joins_the_first_address_in_order_that_is_free_or_shared() -> None:
    ledger = Ledger([pool("home", "192.0.2.0/29")])
    ledger.hold(key("alone"), ip("192.0.2.0"))
    ledger.hold(key("tcp"), ip("192.0.2.2"), of("dns", DNS_TCP))
    assert ledger.first_open("home", Family.IPV4, of("dns", DNS_UDP)) == ip("192.0.2.1")
    ledger.hold(key("other"), ip("192.0.2.1"))
    assert ledger.first_open("home", Family.IPV4, of("dns", DNS_UDP)) == ip("192.0.2.2")
    assert ledger.first_open("home", Family.IPV4, of("dns", DNS_TCP)) == ip("192.0.2.3")


def test_a_full_pool_still_has_room_for_those_who_share() -> None:
    ledger = Ledger([pool("tiny", "192.0.2.7/32")])
    ledger.hold(key("tcp"), ip("192.0.2.7"), of("dns", DNS_TCP))
    assert ledger.first_open("tiny", Family.IPV4, of("dns", DNS_UDP)) == ip("192.0.2.7")
    assert ledger.first_open("tiny", Family.IPV4, ALONE) is None


def test_an_address_that_the_pool_avoids_now_is_not_shared_with_newcomers() -> None:
    ledger = Ledger([pool("home", "192.0.2.0/30")])
    ledger.hold(key("tcp"), ip("192.0.2.0"), of("dns", DNS_TCP))
    ledger.arrange([pool("home", "192.0.2.0/30", avoid_buggy=True)])
    assert ledger.first_open("home", Family.IPV4, of("dns", DNS_UDP)) == ip("192.0.2.1")


def test_a_closed_holder_lets_nobody_join_and_bothers_nobody_who_is_there() -> None:
    ledger = Ledger([pool("home", "192.0.2.0/30")])
    shared = ip("192.0.2.0")
    ledger.hold(key("tcp"), shared, of("dns", DNS_TCP))
    ledger.hold(key("udp"), shared, of("dns", DNS_UDP))
    ledger.hold(key("udp"), shared, None)
    assert ledger.first_open("home", Family.IPV4, of("dns", WEB)) == ip("192.0.2.1")
    assert ledger.objector(key("web"), shared, of("dns", WEB), standing=False) == key("udp")
    assert ledger.objector(key("tcp"), shared, of("other", WEB), standing=True) is None
    ledger.release(key("udp"), shared)
    assert ledger.first_open("home", Family.IPV4, of("dns", WEB)) == shared


def test_those_who_share_cost_only_those_who_look_for_the_same_key() -> None:
    ledger = Ledger([pool("p", "10.0.0.0/8")])
    for number in range(1_000):
        address = ledger.first_open("p", Family.IPV4, of("crowd", WEB))
        assert address is not None
        ledger.hold(Key("default", str(number)), address, of("crowd", WEB))
    modules = (controller.ledger, controller.sharing, controller.slots)
    assert ledger.first_open("p", Family.IPV4, of("few", WEB)) == ip("10.0.3.232")
    assert steps(lambda: ledger.first_open("p", Family.IPV4, of("few", WEB)), *modules) < 150
