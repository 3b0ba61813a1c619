"""What should be announced: whole objects in, one Decision out."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from ipaddress import IPv4Address
from typing import Any

import pytest

from speaker import plan
from speaker.leadership import Candidate, Candidates
from speaker.plan import (
    NOWHERE,
    Claim,
    Decision,
    Memo,
    Unannounced,
    decide,
    misplaced,
    settle,
)
from tests.support.steps import steps
from vipcast.config.config import Config
from vipcast.model import selectors
from vipcast.model.addresses import AddressRange, Family, parse_address
from vipcast.model.advertisement import BgpAdvertisement, L2Advertisement, Preference
from vipcast.model.objects import (
    EXCLUDE_LABEL,
    Endpoint,
    EndpointSlice,
    Key,
    Node,
    Service,
    TrafficPolicy,
)
from vipcast.model.pool import Pool
from vipcast.model.reasons import Reason, sentence
from vipcast.model.selectors import Operator, Requirement, Selector
from vipcast.model.status import BOTH, LAYER2

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
        Pool("lan", (v4("192.0.2.240", "192.0.2.249"), V6_RANGE)),
        Pool("dmz", (v4("198.51.100.1", "198.51.100.9"),), avoid_buggy=True),
        Pool("far", (v4("203.0.113.1", "203.0.113.9"),)),
        Pool("mute", (v4("198.18.0.1", "198.18.0.9"),)),
    ),
    l2=(L2Advertisement("all", frozenset({"lan", "dmz"})),),
    bgp=(BgpAdvertisement("far", frozenset({"far"})),),
)
NODES = {name: Node(name) for name in ("node1", "node2", "node3")}
ALL = those(*NODES)
SERVICE = Service(WEB, load_balancer=True, families=(Family.IPV4,), ingress=(str(VIP),))
LOCAL = replace(SERVICE, policy=TrafficPolicy.LOCAL)
UNREADY = replace(SERVICE, publish_not_ready=True)
CLAIM = Claim(VIP, (WEB,), "lan", ALL)
YES = Decision(WEB, (CLAIM,))


def endpoint(node: str | None, *, ready: bool = True, serving: bool = True) -> Endpoint:
    return Endpoint((IPv4Address("10.0.0.1"),), node, ready, serving)


def slices(*endpoints: Endpoint, family: Family = Family.IPV4) -> tuple[EndpointSlice, ...]:
    return (EndpointSlice(Key("default", "web-1"), WEB, family, endpoints),)


def nodes(**changes: Node) -> Mapping[str, Node]:
    return {**NODES, **changes}


STOPS_BOTH = {
    Reason.NOT_LOAD_BALANCER,
    Reason.OTHER_CLASS,
    Reason.NO_CONFIG,
    Reason.NO_IP_ALLOCATED,
    Reason.NOT_IN_ANY_POOL,
    Reason.INVALID_IP,
}


def no(reason: Reason, address: str = str(VIP)) -> Decision:
    message = NOWHERE.get(reason) or sentence(reason)
    protocol = BOTH if reason in STOPS_BOTH else LAYER2
    return Decision(WEB, unannounced=(Unannounced(address, WEB, reason, message, protocol),))


SOME = slices(endpoint("node1"))
EXCLUDED = {EXCLUDE_LABEL: ""}


@pytest.mark.parametrize(
    ("service", "config", "decision"),
    [
        (replace(SERVICE, load_balancer=False), CONFIG, no(Reason.NOT_LOAD_BALANCER, "")),
        (replace(SERVICE, load_balancer=False), None, no(Reason.NOT_LOAD_BALANCER, "")),
        (
            replace(SERVICE, load_balancer_class="example.com/other"),
            CONFIG,
            no(Reason.OTHER_CLASS, ""),
        ),
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
        (UNREADY, (), no(Reason.NO_ENDPOINTS)),
        (UNREADY, slices(endpoint("node1", ready=False, serving=False)), YES),
        (
            replace(UNREADY, policy=TrafficPolicy.LOCAL),
            slices(endpoint("node1", ready=False, serving=False)),
            Decision(WEB, (replace(CLAIM, candidates=those("node1")),)),
        ),
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


def test_an_address_of_a_pool_for_bgp_alone_is_no_segment_s_business() -> None:
    assert decide(replace(SERVICE, ingress=("203.0.113.1",)), (), NODES, CONFIG) == Decision(WEB)


def test_each_address_of_a_service_has_its_own_answer() -> None:
    ingress = ("198.51.100.255", str(V6), "198.51.100.1", "nonsense", str(VIP))
    assert decide(replace(SERVICE, ingress=ingress), SOME, NODES, CONFIG) == Decision(
        WEB,
        (Claim(IPv4Address("198.51.100.1"), (WEB,), "dmz", ALL), CLAIM),
        tuple(
            Unannounced(address, WEB, reason, sentence(reason), protocol)
            for address, reason, protocol in [
                ("198.51.100.255", Reason.NOT_IN_ANY_POOL, BOTH),
                (str(V6), Reason.FAMILY_UNSUPPORTED, LAYER2),
                ("nonsense", Reason.INVALID_IP, BOTH),
            ]
        ),
    )


def test_an_address_is_refused_for_itself_before_it_is_for_its_nodes() -> None:
    refused = decide(replace(SERVICE, ingress=("nonsense", str(VIP))), (), NODES, CONFIG)
    assert [one.reason for one in refused.unannounced] == [Reason.INVALID_IP, Reason.NO_ENDPOINTS]


def test_an_address_that_a_pool_avoids_is_announced_while_a_service_has_it() -> None:
    buggy = Pool("lan", (v4("192.0.2.0", "192.0.2.255"),), True, True)
    config = Config((buggy,), l2=CONFIG.l2)
    address = IPv4Address("192.0.2.0")
    decision = decide(replace(SERVICE, ingress=(str(address),)), SOME, NODES, config)
    assert decision.claims == (Claim(address, (WEB,), "lan", ALL),)


# Advertisements


def where(label: str) -> Selector:
    """Objects with a label of that name."""
    return Selector((Requirement(label, Operator.EXISTS),))


def ad(name: str = "ad", **parts: Any) -> L2Advertisement:
    """An advertisement for the pool lan."""
    return L2Advertisement(name, frozenset({"lan"}), **parts)


def by(*ads: L2Advertisement, service: Service = SERVICE) -> Decision:
    """What is decided by these advertisements, with labels edge on node1 and node2, big on node2
    and node3."""
    edge, big = {"edge": ""}, {"big": ""}
    labelled = nodes(
        node1=Node("node1", edge), node2=Node("node2", edge | big), node3=Node("node3", big)
    )
    return decide(service, SOME, labelled, replace(CONFIG, l2=ads))


def may(**candidates: Candidate) -> Decision:
    """A decision with these candidates."""
    return Decision(WEB, (replace(CLAIM, candidates=candidates),))


ANY = Candidate()


@pytest.mark.parametrize(
    ("ads", "decision"),
    [
        ([ad()], may(node1=ANY, node2=ANY, node3=ANY)),
        ([ad(nodes=(where("edge"),))], may(node1=ANY, node2=ANY)),
        (
            [ad(nodes=(where("edge"), where("big")))],
            may(node1=ANY, node2=ANY, node3=ANY),
        ),
        (
            [ad("a", nodes=(where("edge"),)), ad("b", nodes=(where("big"),))],
            may(node1=ANY, node2=ANY, node3=ANY),
        ),
        (
            [ad(preferences=(Preference(30, where("edge")), Preference(5, where("big"))))],
            may(node1=Candidate(30), node2=Candidate(35), node3=Candidate(5)),
        ),
        (
            [
                ad("a", preferences=(Preference(30, where("edge")),)),
                ad("b", preferences=(Preference(30, where("edge")),)),
            ],
            may(node1=Candidate(60), node2=Candidate(60), node3=ANY),
        ),
        (
            [
                ad("a", nodes=(where("edge"),), preferences=(Preference(7, where("big")),)),
                ad("b", nodes=(where("big"),)),
            ],
            may(node1=ANY, node2=Candidate(7), node3=ANY),
        ),
        (
            [ad(interfaces=frozenset({"eth1"}))],
            may(**dict.fromkeys(NODES, Candidate(0, frozenset({"eth1"})))),
        ),
        (
            [
                ad("a", nodes=(where("edge"),), interfaces=frozenset({"eth1"})),
                ad("b", nodes=(where("big"),), interfaces=frozenset({"eth2"})),
            ],
            may(
                node1=Candidate(0, frozenset({"eth1"})),
                node2=Candidate(0, frozenset({"eth1", "eth2"})),
                node3=Candidate(0, frozenset({"eth2"})),
            ),
        ),
        (
            [ad("a", nodes=(where("edge"),), interfaces=frozenset({"eth1"})), ad("b")],
            may(node1=ANY, node2=ANY, node3=ANY),
        ),
        (
            [
                ad("a", services=(where("other"),), nodes=(where("big"),)),
                ad("b", nodes=(where("edge"),)),
            ],
            may(node1=ANY, node2=ANY),
        ),
    ],
)
def test_advertisements_say_which_nodes_may_how_gladly_and_on_which_interfaces(
    ads: list[L2Advertisement], decision: Decision
) -> None:
    assert by(*ads) == decision


def test_an_advertisement_is_for_services_that_one_of_its_selectors_matches() -> None:
    web = replace(SERVICE, labels={"web": ""})
    one = ad(services=(where("db"), where("web")))
    assert by(one, service=web) == may(node1=ANY, node2=ANY, node3=ANY)
    assert by(one) == refused(
        Reason.NO_MATCHING_ADVERTISEMENT,
        "The serviceSelectors of L2Advertisement ad do not match the Service's labels. Change these"
        " or those, or write an L2Advertisement for the Service.",
    )


def refused(
    reason: Reason, message: str, address: str = str(VIP), protocol: str = LAYER2
) -> Decision:
    """A decision against the Service's only address."""
    return Decision(WEB, unannounced=(Unannounced(address, WEB, reason, message, protocol),))


def test_a_pool_that_nothing_advertises_is_named_with_what_to_do() -> None:
    service = replace(SERVICE, ingress=("198.18.0.1",))
    assert decide(service, SOME, NODES, CONFIG) == refused(
        Reason.NO_MATCHING_ADVERTISEMENT,
        "No L2Advertisement is for pool mute, and no BGPAdvertisement. Write one that names"
        " it under spec.ipAddressPools, or one that names no pool: it is for all.",
        "198.18.0.1",
        BOTH,
    )


def test_advertisements_that_no_able_node_matches_are_named() -> None:
    assert by(ad("b", nodes=(where("no"),)), ad("a", nodes=(where("nope"),))) == refused(
        Reason.NO_MATCHING_ADVERTISEMENT,
        "The nodeSelectors of L2Advertisement a, b match no node that could announce. Change them,"
        " or give a node such labels.",
    )


def test_with_policy_local_the_endpoints_node_must_be_advertised_too() -> None:
    local = replace(LOCAL, ingress=(str(VIP),))
    assert by(ad(nodes=(where("edge"),)), service=local) == may(node1=ANY)
    assert by(ad(nodes=(where("big"),)), service=local) == no(Reason.NO_LOCAL_ENDPOINTS)


def test_nodes_are_looked_at_once_for_all_services_of_the_same_advertisements() -> None:
    memo: Memo = {}
    many = {f"n{i}": Node(f"n{i}", {"edge": ""}) for i in range(100)}
    config = replace(CONFIG, l2=(ad(nodes=(where("edge"),)),))

    def run(policy: TrafficPolicy) -> Decision:
        return decide(replace(SERVICE, policy=policy), SOME, many, config, memo=memo)

    first = steps(lambda: run(TrafficPolicy.CLUSTER), plan, selectors)
    later = steps(lambda: run(TrafficPolicy.CLUSTER), plan, selectors)
    assert later < first / 10
    assert run(TrafficPolicy.CLUSTER) == decide(SERVICE, SOME, many, config)
    assert run(TrafficPolicy.LOCAL) == no(Reason.NO_LOCAL_ENDPOINTS)


def test_an_address_that_may_be_shared_is_not_announced_by_selectors_over_services() -> None:
    shared = replace(SERVICE, labels={"web": ""}, sharing_key="key")
    both = by(ad("a"), ad("b", services=(where("web"),)), service=shared)
    assert both == refused(
        Reason.SHARED_WITH_SELECTOR,
        "The Service may share its address, and L2Advertisement b has serviceSelectors, so that"
        " Services of one address could be for different nodes. Give the Service an address of its"
        " own (without the annotation allow-shared-ip), or remove these.",
    )
    other = by(ad("a"), ad("b", services=(where("db"),)), service=shared)
    assert [claim.sharing_key for claim in other.claims] == ["key"]


def test_a_node_without_any_of_the_named_interfaces_says_which_and_where_it_is() -> None:
    claims, _ = settle({WEB: by(ad(interfaces=frozenset({"eth7", "eth8"})))})
    assert list(misplaced(claims.values(), "node1", {"lan1", "lan0"})) == [
        Unannounced(
            str(VIP),
            WEB,
            Reason.NOT_MATCH_INTERFACE,
            "The L2Advertisements of pool lan name eth7, eth8, and node1 can announce on lan0,"
            " lan1. Add its interface to spec.interfaces of one of them.",
        )
    ]
    for node, interfaces in (("node1", {"lan0", "eth8"}), ("node1", set()), ("node9", {"lan0"})):
        assert list(misplaced(claims.values(), node, interfaces)) == []


# All Services together


def claimed(name: str, *addresses: str, sharing: str = "") -> Decision:
    key = Key("default", name)
    return Decision(
        key, tuple(Claim(IPv4Address(each), (key,), "lan", ALL, sharing) for each in addresses)
    )


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


def test_services_with_one_sharing_key_have_the_address_together() -> None:
    a, b, c = (claimed(name, str(VIP), sharing="key") for name in "abc")
    claims, beaten = settle({c.service: c, b.service: b, a.service: a})
    assert claims == {VIP: replace(a.claims[0], services=(a.service, b.service, c.service))}
    assert beaten == ()


def test_what_is_shared_is_announced_by_nodes_that_may_serve_all() -> None:
    a, b = (claimed(name, str(VIP), sharing="key") for name in "ab")
    weighed = {"node1": Candidate(5), "node3": Candidate(7)}
    a = replace(a, claims=(replace(a.claims[0], candidates=weighed),))
    b = replace(b, claims=(replace(b.claims[0], candidates=those("node2", "node3")),))
    claims, beaten = settle({a.service: a, b.service: b})
    assert claims[VIP].candidates == {"node3": Candidate(7)}
    assert beaten == ()


def test_where_no_node_may_serve_all_those_of_the_first_by_name_have_it_and_the_rest_are_told() -> (
    None
):
    a, b = (claimed(name, str(VIP), sharing="key") for name in "ab")
    a = replace(a, claims=(replace(a.claims[0], candidates=those("node1")),))
    b = replace(b, claims=(replace(b.claims[0], candidates=those("node2")),))
    claims, beaten = settle({a.service: a, b.service: b})
    assert claims == {VIP: a.claims[0]}
    assert beaten == (
        Unannounced(
            str(VIP),
            b.service,
            Reason.NO_COMMON_NODE,
            "No node may announce the address both for it and for Service default/a, which shares"
            " it and comes first by name. Look at the traffic policies and where the endpoints"
            " run.",
        ),
    )


def test_a_service_without_endpoints_leaves_the_shared_address_to_the_other() -> None:
    a = no(Reason.NO_ENDPOINTS)
    b = claimed("z", str(VIP), sharing="key")
    assert settle({a.service: a, b.service: b}) == ({VIP: b.claims[0]}, ())


def test_services_of_the_same_candidates_share_at_no_cost_for_each_node() -> None:
    def cost(number: int) -> int:
        same = those(*(f"n{i}" for i in range(number)))
        wishes = {
            key: Decision(key, (Claim(VIP, (key,), "lan", same, "key"),))
            for key in (WEB, Key("default", "db"))
        }
        return steps(lambda: settle(wishes), plan)

    assert cost(300) == cost(3)


def test_a_service_of_another_sharing_key_or_without_one_has_no_part_in_the_address() -> None:
    a, b = claimed("a", str(VIP), sharing="key"), claimed("b", str(VIP), sharing="other")
    c, d = claimed("c", str(VIP)), claimed("d", str(VIP), sharing="key")
    claims, beaten = settle({each.service: each for each in (a, b, c, d)})
    assert claims[VIP].services == (a.service, d.service)
    assert [(one.service, one.reason) for one in beaten] == [
        (b.service, Reason.CONFLICT),
        (c.service, Reason.CONFLICT),
    ]


def test_a_service_that_names_an_address_twice_has_it_once() -> None:
    a = claimed("a", "192.0.2.240", "192.0.2.240")
    assert settle({a.service: a}) == ({VIP: a.claims[0]}, ())


def test_without_decisions_nothing_is_claimed() -> None:
    assert settle({WEB: no(Reason.NO_ENDPOINTS)}) == ({}, ())
