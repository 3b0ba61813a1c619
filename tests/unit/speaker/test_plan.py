"""What should be announced: whole objects in, one Decision out."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from ipaddress import IPv4Address

import pytest

from speaker.leadership import Candidate, Candidates
from speaker.plan import EXCLUDE_LABEL, Claim, Decision, Unannounced, decide, settle
from vipcast.config.config import Config
from vipcast.model.addresses import AddressRange, Family, parse_address
from vipcast.model.objects import Endpoint, EndpointSlice, Key, Node, Service, TrafficPolicy
from vipcast.model.pool import Pool, Protocol
from vipcast.model.reasons import Reason, sentence

WEB = Key("default", "web")
VIP = IPv4Address("192.0.2.240")
V6 = parse_address("2001:db8::1")
V6_RANGE = AddressRange(Family.IPV6, int(V6), int(V6) + 9)


def v4(first: str, last: str) -> AddressRange:
    return AddressRange(Family.IPV4, int(IPv4Address(first)), int(IPv4Address(last)))


def those(*names: str) -> Candidates:
    """Nodes that may announce, none rather than another, on every interface."""
    return {name: Candidate() for name in names}


CONFIG = Config(
    (
        Pool("lan", Protocol.LAYER2, (v4("192.0.2.240", "192.0.2.249"), V6_RANGE)),
        Pool("dmz", Protocol.LAYER2, (v4("198.51.100.1", "198.51.100.9"),), avoid_buggy=True),
        Pool("far", Protocol.BGP, (v4("203.0.113.1", "203.0.113.9"),)),
    )
)
NODES = {name: Node(name) for name in ("node1", "node2", "node3")}
ALL = those(*NODES)
SERVICE = Service(WEB, load_balancer=True, families=(Family.IPV4,), ingress=(str(VIP),))
LOCAL = replace(SERVICE, policy=TrafficPolicy.LOCAL)
CLAIM = Claim(VIP, WEB, "lan", ALL)
YES = Decision(WEB, (CLAIM,))


def endpoint(node: str | None, *, ready: bool = True, serving: bool = True) -> Endpoint:
    return Endpoint((IPv4Address("10.0.0.1"),), node, ready, serving)


def slices(*endpoints: Endpoint, family: Family = Family.IPV4) -> tuple[EndpointSlice, ...]:
    return (EndpointSlice(Key("default", "web-1"), WEB, family, endpoints),)


def nodes(**changes: Node) -> Mapping[str, Node]:
    return {**NODES, **changes}


def no(reason: Reason, address: str = str(VIP)) -> Decision:
    return Decision(WEB, unannounced=(Unannounced(address, WEB, reason, sentence(reason)),))


SOME = slices(endpoint("node1"))
EXCLUDED = {EXCLUDE_LABEL: ""}


@pytest.mark.parametrize(
    ("service", "config", "decision"),
    [
        (replace(SERVICE, load_balancer=False), CONFIG, no(Reason.NOT_LOAD_BALANCER, "")),
        (replace(SERVICE, load_balancer=False), None, no(Reason.NOT_LOAD_BALANCER, "")),
        (SERVICE, None, no(Reason.NO_CONFIG, "")),
        (replace(SERVICE, ingress=()), CONFIG, no(Reason.NO_IP_ALLOCATED, "")),
        (SERVICE, Config(), no(Reason.NOT_IN_ANY_POOL)),
        (
            replace(SERVICE, ingress=("192.0.2.250",)),
            CONFIG,
            no(Reason.NOT_IN_ANY_POOL, "192.0.2.250"),
        ),
        (
            replace(SERVICE, ingress=("lb.example",)),
            CONFIG,
            no(Reason.INVALID_IP, "lb.example"),
        ),
        (replace(SERVICE, ingress=("",)), CONFIG, no(Reason.INVALID_IP, "")),
        (
            replace(SERVICE, ingress=("192.0.2.240/24",)),
            CONFIG,
            no(Reason.INVALID_IP, "192.0.2.240/24"),
        ),
        (replace(SERVICE, ingress=(str(V6),)), CONFIG, no(Reason.FAMILY_UNSUPPORTED, str(V6))),
        (
            replace(SERVICE, ingress=("2001:db8:1::1",)),
            CONFIG,
            no(Reason.NOT_IN_ANY_POOL, "2001:db8:1::1"),
        ),
        (SERVICE, CONFIG, YES),
    ],
)
def test_a_service_with_endpoints_on_good_nodes(
    service: Service, config: Config | None, decision: Decision
) -> None:
    assert decide(service, SOME, NODES, config) == decision


@pytest.mark.parametrize(
    ("service", "found", "decision"),
    [
        (SERVICE, (), no(Reason.NO_ENDPOINTS)),
        (SERVICE, slices(), no(Reason.NO_ENDPOINTS)),
        (
            SERVICE,
            slices(endpoint("node1", ready=False, serving=False)),
            no(Reason.NO_ENDPOINTS),
        ),
        (SERVICE, slices(endpoint("node1", ready=False, serving=True)), YES),
        (SERVICE, slices(endpoint(None)), YES),
        (SERVICE, slices(endpoint("elsewhere")), YES),
        (SERVICE, (*slices(), *slices(endpoint("node1"))), YES),
        (LOCAL, (), no(Reason.NO_ENDPOINTS)),
        (LOCAL, slices(endpoint(None)), no(Reason.NO_LOCAL_ENDPOINTS)),
        (LOCAL, slices(endpoint("elsewhere")), no(Reason.NO_LOCAL_ENDPOINTS)),
        (
            LOCAL,
            slices(endpoint("node1", ready=False, serving=False), endpoint("node2")),
            Decision(WEB, (replace(CLAIM, candidates=those("node2")),)),
        ),
        (
            LOCAL,
            (*slices(endpoint("node3")), *slices(endpoint("node1", ready=False), endpoint(None))),
            Decision(WEB, (replace(CLAIM, candidates=those("node1", "node3")),)),
        ),
    ],
)
def test_endpoints_decide_whether_and_where(
    service: Service, found: tuple[EndpointSlice, ...], decision: Decision
) -> None:
    assert decide(service, found, NODES, CONFIG) == decision


@pytest.mark.parametrize(
    ("service", "there", "decision"),
    [
        (SERVICE, {}, no(Reason.NODE_UNKNOWN)),
        (
            SERVICE,
            {name: Node(name, labels=EXCLUDED) for name in NODES},
            no(Reason.NODE_EXCLUDED),
        ),
        (
            SERVICE,
            {name: Node(name, network_unavailable=True) for name in NODES},
            no(Reason.NODE_NETWORK_UNAVAILABLE),
        ),
        (
            SERVICE,
            nodes(
                node1=Node("node1", labels={EXCLUDE_LABEL: "false"}),
                node2=Node("node2", network_unavailable=True),
            ),
            Decision(WEB, (replace(CLAIM, candidates=those("node3")),)),
        ),
        (LOCAL, nodes(node1=Node("node1", labels=EXCLUDED)), no(Reason.NO_LOCAL_ENDPOINTS)),
        (LOCAL, {"node2": Node("node2")}, no(Reason.NO_LOCAL_ENDPOINTS)),
        (
            SERVICE,
            nodes(node1=Node("node1", labels={"other": "label"})),
            YES,
        ),
    ],
)
def test_nodes_decide_who_may(
    service: Service, there: Mapping[str, Node], decision: Decision
) -> None:
    assert decide(service, SOME, there, CONFIG) == decision


def test_an_address_of_a_pool_for_bgp_is_not_announced_and_the_pool_is_named() -> None:
    message = (
        "Pool far announces by BGP, which this version does not do yet; the Service keeps the"
        " address. Use a pool of protocol layer2 to have one announced."
    )
    refused = Unannounced("203.0.113.1", WEB, Reason.PROTOCOL_NOT_YET, message)
    answer = Decision(WEB, unannounced=(refused,))
    assert decide(replace(SERVICE, ingress=("203.0.113.1",)), (), NODES, CONFIG) == answer


def test_each_address_of_a_service_has_its_own_answer() -> None:
    ingress = ("198.51.100.255", str(V6), "198.51.100.1", "nonsense", str(VIP))
    assert decide(replace(SERVICE, ingress=ingress), SOME, NODES, CONFIG) == Decision(
        WEB,
        (Claim(IPv4Address("198.51.100.1"), WEB, "dmz", ALL), CLAIM),
        tuple(
            Unannounced(address, WEB, reason, sentence(reason))
            for address, reason in [
                ("198.51.100.255", Reason.NOT_IN_ANY_POOL),
                (str(V6), Reason.FAMILY_UNSUPPORTED),
                ("nonsense", Reason.INVALID_IP),
            ]
        ),
    )


def test_an_address_is_refused_for_itself_before_it_is_for_its_nodes() -> None:
    refused = decide(replace(SERVICE, ingress=("nonsense", str(VIP))), (), NODES, CONFIG)
    assert [one.reason for one in refused.unannounced] == [Reason.INVALID_IP, Reason.NO_ENDPOINTS]


def test_an_address_that_a_pool_avoids_is_announced_while_a_service_has_it() -> None:
    config = Config((Pool("lan", Protocol.LAYER2, (v4("192.0.2.0", "192.0.2.255"),), True, True),))
    address = IPv4Address("192.0.2.0")
    decision = decide(replace(SERVICE, ingress=(str(address),)), SOME, NODES, config)
    assert decision.claims == (Claim(address, WEB, "lan", ALL),)


# All Services together


def claimed(name: str, *addresses: str) -> Decision:
    key = Key("default", name)
    return Decision(key, tuple(Claim(IPv4Address(each), key, "lan", ALL) for each in addresses))


def test_of_two_claims_to_one_address_the_first_by_name_counts_and_the_other_is_told() -> None:
    a, b = claimed("a", "192.0.2.240"), claimed("b", "192.0.2.241", "192.0.2.240")
    claims, beaten = settle({b.service: b, a.service: a})
    assert claims == {VIP: a.claims[0], IPv4Address("192.0.2.241"): b.claims[0]}
    assert beaten == (
        Unannounced(
            "192.0.2.240",
            b.service,
            Reason.CONFLICT,
            "Service default/a has the same address, and comes first by name.",
        ),
    )


def test_a_service_that_names_an_address_twice_has_it_once() -> None:
    a = claimed("a", "192.0.2.240", "192.0.2.240")
    assert settle({a.service: a}) == ({VIP: a.claims[0]}, ())


def test_without_decisions_nothing_is_claimed() -> None:
    assert settle({WEB: no(Reason.NO_ENDPOINTS)}) == ({}, ())
