"""Whether a node that stays can tell a route: asked by kind, and answered as by its own rules."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from speaker.bgp.others import Others
from speaker.bgp.routes import Rules, served_on
from tests.unit.bgp.making import (
    LOCAL,
    SOME,
    TOR,
    VIP,
    VIP6,
    ad,
    config,
    endpoint,
    matching,
    peer,
    service,
    slices,
)
from vipcast.config.config import Config
from vipcast.model.objects import Endpoint, EndpointSlice, Node, Service, TrafficPolicy

RACK_1, RACK_2 = (matching("rack", "1"),), (matching("rack", "2"),)
FIRST, SECOND = Node("node1", {"rack": "1"}), Node("node2", {"rack": "2"})
CLUSTER = service()


def test_where_no_node_stays_nobody_can_tell_anything() -> None:
    assert not Others(config(), ()).tell(VIP, CLUSTER, SOME)
    assert not Others(None, (FIRST,)).tell(VIP, CLUSTER, SOME)


@pytest.mark.parametrize(
    ("found", "endpoints", "can"),
    [
        (CLUSTER, slices(endpoint("node9")), True),
        (CLUSTER, slices(endpoint(serving=False)), False),
        (CLUSTER, (), False),
        (LOCAL, slices(endpoint("node1")), True),
        (LOCAL, slices(endpoint("node9"), endpoint("node2")), True),
        (LOCAL, slices(endpoint("node1", serving=False), endpoint("node9")), False),
        (LOCAL, slices(endpoint(None)), False),
        (
            replace(LOCAL, publish_not_ready=True),
            slices(endpoint("node1", serving=False)),
            True,
        ),
    ],
)
def test_endpoints_count_where_traffic_has_to_end_on_the_node(
    found: Service, endpoints: tuple[EndpointSlice, ...], can: bool
) -> None:
    assert Others(config(), (FIRST, SECOND)).tell(VIP, found, endpoints) is can


@pytest.mark.parametrize(
    ("settings", "can"),
    [
        (config(ad(nodes=RACK_1)), False),
        (config(ad(nodes=RACK_2)), True),
        (config(ad(nodes=RACK_1), ad("b", nodes=RACK_2, aggregation_length=24)), True),
        (config(peers=(peer("tor", nodes=RACK_1),)), False),
        (config(peers=(peer("tor", nodes=RACK_2),)), True),
        (config(ad(peers=("far",))), False),
        (config(ad(services=(matching("app", "mail"),))), False),
        (config(ad("other", "dmz")), False),
    ],
)
def test_advertisements_and_peers_have_to_take_the_node(settings: Config, can: bool) -> None:
    assert Others(settings, (SECOND,)).tell(VIP, CLUSTER, SOME) is can


def test_each_address_is_asked_for_by_itself() -> None:
    others = Others(config(peers=(peer("four"),)), (FIRST,))
    both = service("web", VIP, VIP6)
    assert [others.tell(each, both, SOME) for each in (VIP, VIP6)] == [True, False]
    assert not others.tell("10.1.1.1", both, SOME)


def test_what_is_kept_of_one_service_is_not_said_of_another_that_rules_tell_apart() -> None:
    others = Others(
        config(ad(services=(matching("app", "web"),)), ad("far", "dmz", nodes=RACK_2)), (FIRST,)
    )
    asked = [service("web"), service("mail"), service("web", "198.51.100.7"), service("web")]
    told = [others.tell(each.ingress[0], each, SOME) for each in asked]
    assert told == [True, False, False, True]
    # By labels alone nothing tells the pools apart.
    both = Others(config(ad(), ad("far", "dmz", nodes=RACK_2)), (FIRST,))
    assert [both.tell(each, CLUSTER, SOME) for each in (VIP, "198.51.100.7")] == [True, False]


SETTINGS = st.builds(
    lambda ads, peers: config(*ads, peers=tuple(peers)),
    st.lists(
        st.builds(
            lambda name, nodes, services, peers: ad(
                name, nodes=nodes, services=services, peers=peers
            ),
            st.sampled_from("abc"),
            st.sampled_from([(), RACK_1, RACK_2]),
            st.sampled_from([(), (matching("app", "web"),), (matching("app", "mail"),)]),
            st.sampled_from([(), ("tor",), ("six",)]),
        ),
        max_size=3,
        unique_by=lambda each: each.name,
    ),
    st.sets(st.sampled_from([TOR, peer("six", "2001:db8::1"), peer("far", nodes=RACK_2)])),
)
NODES = st.dictionaries(st.sampled_from(["node1", "node2", "node3"]), st.sampled_from("12"))
PLACES = st.lists(
    st.builds(
        lambda node, serving: endpoint(node, serving=serving),
        st.sampled_from(["node1", "node2", "node3", "node4", None]),
        st.booleans(),
    ),
    max_size=3,
)
SERVICES = st.builds(
    lambda name, policy, addresses: service(name, *addresses, policy=policy),
    st.sampled_from(["web", "mail"]),
    st.sampled_from(TrafficPolicy),
    st.sampled_from([(VIP,), (VIP6,), (VIP, VIP6)]),
)


@given(SETTINGS, NODES, st.lists(st.tuples(SERVICES, PLACES), max_size=4))
def test_what_is_kept_by_kind_is_what_each_node_says_of_itself(
    settings: Config, racks: dict[str, str], asked: list[tuple[Service, list[Endpoint]]]
) -> None:
    nodes = [Node(name, {"rack": rack}) for name, rack in racks.items()]
    others = Others(settings, nodes)
    for found, places in asked:
        held = slices(*places)
        told = {
            answer.address
            for node in nodes
            for answer in Rules(settings, node).decide(found, held).answers
            if answer.offers
        }
        assert {each for each in found.ingress if others.tell(each, found, held)} == told
        assert list(served_on(found, held)) == [each.node for each in places if each.serving]
