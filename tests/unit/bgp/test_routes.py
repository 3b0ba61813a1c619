"""Which routes a node wants to tell, and to whom: MetalLB's rules, one Service at a time."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

import pytest

from speaker.bgp.facets import Facets
from speaker.bgp.routes import Answer, Routes, Rules, Standing
from tests.unit.bgp.making import (
    LOCAL,
    NODE,
    SOME,
    TOR,
    VIP,
    VIP6,
    WEB,
    ad,
    config,
    endpoint,
    matching,
    peer,
    service,
    slices,
    told,
)
from vipcast.config.config import Config
from vipcast.model.advertisement import Community
from vipcast.model.classes import Classes
from vipcast.model.objects import EXCLUDE_LABEL, EndpointSlice, Node, Service
from vipcast.model.reasons import Reason, sentence

SERVICE = service()
HOST = f"{VIP}/32"
EXCLUDED = replace(NODE, labels={**NODE.labels, EXCLUDE_LABEL: ""})
CUT_OFF = replace(NODE, network_unavailable=True)
RACK_2 = (matching("rack", "2"),)
YES = (Reason.ADVERTISED, "The node tells its BGP peers a route to the address.")


def decide(
    found: Service = SERVICE,
    settings: Config | None = None,
    node: Node | None = NODE,
    endpoints: Iterable[EndpointSlice] = SOME,
    standing: Standing = Standing.STAYS,
) -> Routes:
    return Rules(settings or config(), node, standing).decide(found, endpoints)


def refused(routes: Routes) -> tuple[Reason, str]:
    """The reason and what is said about the only address, which is not told."""
    (answer,) = routes.answers
    assert not answer.offers
    return answer.reason, answer.message


def test_a_service_that_is_served_anywhere_is_told_from_every_node() -> None:
    routes = decide()
    assert told(routes) == [(HOST, "all", Facets(), ("tor",))]
    assert [(each.address, (each.reason, each.message)) for each in routes.answers] == [(VIP, YES)]
    assert (routes.service, routes.peers) == (WEB, ("tor",))


def test_all_nodes_say_the_same_of_a_route_so_that_routers_spread_the_load() -> None:
    settings = config(ad(communities=(Community((64512, 2)), Community((64512, 1))), local_pref=7))
    nodes = (NODE, Node("node2"), Node("node3", {"rack": "2"}))
    said = [told(Rules(settings, node).decide(SERVICE, SOME)) for node in nodes]
    facets = Facets(7, (64512 << 16 | 1, 64512 << 16 | 2))
    assert said == [[(HOST, "all", facets, ("tor",))]] * 3


@pytest.mark.parametrize(
    ("found", "endpoints", "reason"),
    [
        (SERVICE, slices(endpoint("elsewhere")), None),
        (SERVICE, slices(endpoint(None)), None),
        (SERVICE, slices(endpoint(serving=False), endpoint()), None),
        (SERVICE, (*slices(), *slices(endpoint())), None),
        (SERVICE, (), Reason.NO_ENDPOINTS),
        (SERVICE, slices(), Reason.NO_ENDPOINTS),
        (SERVICE, slices(endpoint(serving=False)), Reason.NO_ENDPOINTS),
        (LOCAL, slices(endpoint("node1")), None),
        (LOCAL, slices(endpoint("node2"), endpoint("node1")), None),
        (LOCAL, slices(endpoint("node2")), Reason.NO_LOCAL_ENDPOINTS),
        (LOCAL, slices(endpoint(None)), Reason.NO_LOCAL_ENDPOINTS),
        (
            LOCAL,
            slices(endpoint("node1", serving=False), endpoint("node2")),
            Reason.NO_LOCAL_ENDPOINTS,
        ),
        (LOCAL, (), Reason.NO_LOCAL_ENDPOINTS),
        (
            replace(LOCAL, publish_not_ready=True),
            slices(endpoint("node1", serving=False)),
            None,
        ),
        (replace(SERVICE, publish_not_ready=True), slices(endpoint(serving=False)), None),
    ],
)
def test_endpoints_decide_and_with_policy_local_those_on_the_node(
    found: Service, endpoints: tuple[EndpointSlice, ...], reason: Reason | None
) -> None:
    routes = decide(found, endpoints=endpoints)
    if reason is None:
        assert told(routes) == [(HOST, "all", Facets(), ("tor",))]
    else:
        assert refused(routes) == (reason, sentence(reason))


@pytest.mark.parametrize(
    ("found", "address", "reason"),
    [
        (replace(SERVICE, load_balancer=False), "", Reason.NOT_LOAD_BALANCER),
        (replace(SERVICE, load_balancer_class="other"), "", Reason.OTHER_CLASS),
        (replace(SERVICE, ingress=()), "", Reason.NO_IP_ALLOCATED),
        (replace(SERVICE, ingress=("lb.example",)), "lb.example", Reason.INVALID_IP),
        (replace(SERVICE, ingress=("203.0.113.1",)), "203.0.113.1", Reason.NOT_IN_ANY_POOL),
    ],
)
def test_a_service_without_an_address_of_ours_has_no_routes(
    found: Service, address: str, reason: Reason
) -> None:
    assert decide(found).answers == (Answer(address, reason, sentence(reason)),)


def test_without_a_configuration_or_a_node_object_nothing_is_told() -> None:
    lacking = ((None, NODE, Reason.NO_CONFIG), (config(), None, Reason.NODE_UNKNOWN))
    for settings, node, reason in lacking:
        rules = Rules(settings, node)
        assert refused(rules.decide(SERVICE, SOME)) == (reason, sentence(reason))
        assert (rules.peers, rules.audiences) == ((), ())


def test_only_services_of_our_classes_are_told() -> None:
    rules = Rules(config(), NODE, classes=Classes(frozenset({"mine"}), default=False))
    assert refused(rules.decide(SERVICE, SOME))[0] is Reason.NO_CLASS
    assert told(rules.decide(replace(SERVICE, load_balancer_class="mine"), SOME))


@pytest.mark.parametrize(
    ("node", "reason"),
    [
        (CUT_OFF, Reason.NODE_NETWORK_UNAVAILABLE),
        (EXCLUDED, Reason.NODE_EXCLUDED),
        (replace(EXCLUDED, network_unavailable=True), Reason.NODE_NETWORK_UNAVAILABLE),
    ],
)
def test_a_node_that_is_excluded_or_cut_off_tells_nothing_and_says_so_before_endpoints_count(
    node: Node, reason: Reason
) -> None:
    for endpoints in (SOME, ()):
        assert refused(decide(node=node, endpoints=endpoints)) == (reason, sentence(reason))


def test_a_pool_that_no_advertisement_is_for_is_named_with_what_to_do() -> None:
    assert refused(decide(settings=config(ad("other", "dmz")), node=CUT_OFF)) == (
        Reason.NO_MATCHING_ADVERTISEMENT,
        (
            "No BGPAdvertisement is for pool lan. Write one that names it under"
            " spec.ipAddressPools, or one that names no pool: it is for all."
        ),
    )


def test_advertisements_that_do_not_take_the_node_are_named() -> None:
    settings = config(ad("b", nodes=RACK_2), ad("a", nodes=RACK_2), ad("other", "dmz"))
    assert refused(decide(settings=settings)) == (
        Reason.NO_MATCHING_ADVERTISEMENT,
        (
            "The nodeSelectors of BGPAdvertisement a, b do not match node node1. Change them, or"
            " give the node such labels."
        ),
    )
    assert told(decide(settings=settings, node=Node("node2", {"rack": "2"})))


def test_advertisements_for_other_services_are_named() -> None:
    settings = config(ad("a", services=(matching("app", "mail"),)), ad("b", nodes=RACK_2))
    assert refused(decide(settings=settings)) == (
        Reason.NO_MATCHING_ADVERTISEMENT,
        (
            "The serviceSelectors of BGPAdvertisement a do not match the Service's labels. Change"
            " these or those, or write a BGPAdvertisement for the Service."
        ),
    )
    assert told(decide(service("mail"), settings)) == [(HOST, "a", Facets(), ("tor",))]


def test_each_advertisement_gives_a_prefix_of_its_own_length_in_each_family() -> None:
    settings = config(
        ad("hosts", communities=(Community((65535, 65282)),)),
        ad("blocks", aggregation_length=24, aggregation_length_v6=64),
    )
    marked = Facets(communities=(0xFFFFFF02,))
    assert told(decide(service("web", VIP, VIP6), settings)) == [
        (HOST, "hosts", marked, ("tor",)),
        ("192.0.2.0/24", "blocks", Facets(), ("tor",)),
        (f"{VIP6}/128", "hosts", marked, ("tor",)),
        ("2001:db8::/64", "blocks", Facets(), ("tor",)),
    ]


def test_every_pool_has_advertisements_of_its_own() -> None:
    rules = Rules(config(ad("a"), ad("b", "dmz", aggregation_length=24)), NODE)
    routes = rules.decide(service("web", VIP, "198.51.100.7"), SOME)
    assert told(routes) == [
        (HOST, "a", Facets(), ("tor",)),
        ("198.51.100.0/24", "b", Facets(), ("tor",)),
    ]


def test_one_address_may_be_told_while_another_is_not() -> None:
    routes = decide(service("web", VIP, "203.0.113.1"))
    assert [each.reason for each in routes.answers] == [Reason.ADVERTISED, Reason.NOT_IN_ANY_POOL]
    assert told(routes) == [(HOST, "all", Facets(), ("tor",))]


CONFLICT = (
    Reason.CONFLICTING_ADVERTISEMENTS,
    (
        "BGPAdvertisement a, b give one route to one peer different preferences: localPref is 100"
        " and 200. Give both the same, or other peers or Services."
    ),
)


@pytest.mark.parametrize(
    ("first", "second", "conflict"),
    [
        ({}, {}, True),
        ({}, {"peers": ("tor",)}, True),
        ({"peers": ("tor", "core")}, {"peers": ("tor",)}, True),
        ({"peers": ("core",)}, {"peers": ("tor",)}, False),
        ({}, {"aggregation_length": 24}, False),
        ({}, {"aggregation_length_v6": 64}, True),
        ({}, {"local_pref": 100}, False),
        ({}, {"services": (matching("app", "web"),)}, True),
        ({}, {"services": (matching("app", "mail"),)}, False),
        ({}, {"nodes": RACK_2}, False),
    ],
)
def test_one_route_with_two_preferences_for_one_peer_is_not_told(
    first: dict[str, object], second: dict[str, object], conflict: bool
) -> None:
    one = replace(ad("a"), local_pref=100, **first)  # type: ignore[arg-type]
    other = ad("b", **{"local_pref": 200, **second})
    routes = decide(settings=config(one, other, peers=(TOR, peer("core"))), endpoints=SOME)
    if conflict:
        assert refused(routes) == CONFLICT
    else:
        assert told(routes)


def test_a_conflict_is_told_of_the_family_that_has_it() -> None:
    settings = config(ad("a", local_pref=100), ad("b", local_pref=200, aggregation_length=24))
    routes = decide(service("web", VIP, VIP6), settings)
    assert [(each.address, each.reason) for each in routes.answers] == [
        (VIP, Reason.ADVERTISED),
        (VIP6, Reason.CONFLICTING_ADVERTISEMENTS),
    ]


def test_an_advertisement_that_names_peers_is_for_these_alone() -> None:
    peers = (peer("tor1", "10.0.0.1"), peer("tor2", "10.0.0.2"), peer("core", "10.0.0.3"))
    settings = config(ad("a"), ad("b", peers=("core",), communities=(Community((1, 1)),)))
    routes = decide(settings=replace(settings, peers=peers))
    assert told(routes) == [
        (HOST, "a", Facets(), ("core", "tor1", "tor2")),
        (HOST, "b", Facets(communities=(1 << 16 | 1,)), ("core",)),
    ]
    assert routes.peers == ("core", "tor1", "tor2")


def test_peers_that_are_told_the_same_are_one_audience() -> None:
    peers = (
        peer("a", "10.0.0.1"),
        peer("b", "10.0.0.2", my_asn=64999),
        peer("c", "10.0.0.3"),
        peer("d", "2001:db8::1"),
        peer("e", "10.0.0.4", nodes=RACK_2),
        peer("f", "2001:db8::2", dual_stack=True),
    )
    rules = Rules(config(ad("x"), ad("y", peers=("c", "e")), peers=peers), NODE)
    assert [each.name for each in rules.peers] == ["a", "b", "c", "d", "f"]
    assert [each.peers for each in rules.audiences] == [("a", "b"), ("c",), ("d",), ("f",)]


def test_a_session_carries_the_family_of_its_address_or_both_if_it_is_told_to() -> None:
    peers = (peer("four", "10.0.0.1"), peer("six", "2001:db8::1"), TOR)
    assert told(decide(service("web", VIP, VIP6), config(peers=peers))) == [
        (HOST, "all", Facets(), ("four", "tor")),
        (f"{VIP6}/128", "all", Facets(), ("six", "tor")),
    ]


@pytest.mark.parametrize(
    ("settings", "address", "message"),
    [
        (
            config(peers=(peer("tor"), peer("far", nodes=RACK_2))),
            VIP6,
            (
                "The sessions of BGPPeer tor carry no IPv6 routes. Set dualStackAddressFamily"
                " there, or write a BGPPeer with an IPv6 address."
            ),
        ),
        (
            config(ad("a", peers=("far", "gone")), peers=(TOR, peer("far", nodes=RACK_2))),
            VIP,
            (
                "BGPAdvertisement a is for BGPPeer far, gone alone, with none of which node node1"
                " speaks. Add one that it speaks with to spec.peers."
            ),
        ),
        (
            config(peers=(peer("far", nodes=RACK_2),)),
            VIP,
            (
                "Node node1 speaks with no router. Write a BGPPeer, or let the nodeSelectors of one"
                " match the node."
            ),
        ),
    ],
)
def test_where_no_peer_would_hear_it_is_said_what_to_change(
    settings: Config, address: str, message: str
) -> None:
    assert refused(decide(service("web", address), settings)) == (Reason.NO_PEER, message)


def test_a_node_that_leaves_asks_routers_first_to_use_other_paths_whatever_excludes_it() -> None:
    settings = config(ad(local_pref=200, communities=(Community((64512, 1)),)))
    for node in (NODE, EXCLUDED):
        routes = decide(settings=settings, node=node, standing=Standing.LEAVES)
        lowered = Facets(0, (64512 << 16 | 1, 0xFFFF0000))
        assert told(routes) == [(HOST, "all", lowered, ("tor",))]
    cut_off = decide(node=CUT_OFF, standing=Standing.LEAVES)
    assert refused(cut_off)[0] is Reason.NODE_NETWORK_UNAVAILABLE


def test_a_node_that_has_left_tells_nothing() -> None:
    for node in (NODE, EXCLUDED, CUT_OFF):
        routes = decide(node=node, standing=Standing.LEFT)
        assert refused(routes) == (Reason.NODE_DRAINED, sentence(Reason.NODE_DRAINED))
