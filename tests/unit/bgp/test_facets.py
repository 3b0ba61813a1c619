"""What is said about a route, by configuration and by session."""

from __future__ import annotations

from ipaddress import IPv4Address, IPv6Address, ip_address
from itertools import permutations

import pytest

from speaker.bgp.facets import Egress, Facets, NextHop, facets_of, leaving, unite
from speaker.bgp.messages import IPV4_UNICAST, IPV6_UNICAST, Attributes
from speaker.bgp.prefixes import record
from vipcast.model.advertisement import BgpAdvertisement, Community

V4, V6 = IPv4Address("192.0.2.1"), IPv6Address("2001:db8::1")
LINK_LOCAL = IPv6Address("fe80::1")
ROUTE = record(ip_address("198.51.100.1"), 32)
ROUTE6 = record(ip_address("2001:db8:1::1"), 128)
LARGE = ((64512, 1, 2), (64512, 4294967295, 0))
FACETS = Facets(150, (64512 << 16 | 1, 64512 << 16 | 2), LARGE)


def advertisement(local_pref: int = 0, *communities: tuple[int, ...]) -> BgpAdvertisement:
    return BgpAdvertisement(
        "a",
        frozenset(),
        local_pref=local_pref,
        communities=tuple(Community(parts) for parts in communities),
    )


def test_communities_are_sorted_each_once_the_large_ones_apart() -> None:
    written = ((64512, 4294967295, 0), (64512, 2), (64512, 1), (64512, 2), (64512, 1, 2))
    assert facets_of(advertisement(150, *written)) == FACETS


def test_without_a_preference_it_is_the_one_that_routers_have_by_themselves() -> None:
    assert facets_of(advertisement()) == Facets(100)


def test_what_several_say_is_united_whatever_their_order() -> None:
    several = (Facets(90, (1, 5), LARGE[:1]), Facets(110, (5, 3)), Facets(100, (), LARGE))
    for order in permutations(several):
        assert unite(order) == Facets(110, (1, 3, 5), LARGE)
    assert unite(several[:1]) is several[0]


def test_a_node_that_leaves_says_so_in_both_ways() -> None:
    gone = leaving(Facets(150, (64512 << 16 | 1, 0xFFFFFF01), LARGE))
    assert gone == Facets(0, (64512 << 16 | 1, 65535 << 16, 0xFFFFFF01), LARGE)
    assert leaving(gone) == gone


@pytest.mark.parametrize(("ibgp", "path", "local_pref"), [(False, (64512,), None), (True, (), 150)])
def test_a_peer_of_another_as_sees_our_path_and_one_of_ours_the_preference(
    ibgp: bool, path: tuple[int, ...], local_pref: int | None
) -> None:
    hops = {IPV4_UNICAST: NextHop(V4), IPV6_UNICAST: NextHop(V6, LINK_LOCAL)}
    egress = Egress(64512, ibgp=ibgp, next_hops=hops)
    dressed = egress.dress({ROUTE: FACETS, ROUTE6: FACETS})
    assert dressed == {
        ROUTE: Attributes(path, V4, None, local_pref, FACETS.communities, LARGE),
        ROUTE6: Attributes(path, V6, LINK_LOCAL, local_pref, FACETS.communities, LARGE),
    }


def test_routes_without_a_next_hop_are_left_out_and_withdrawals_stay() -> None:
    egress = Egress(64512, ibgp=False, next_hops={IPV4_UNICAST: NextHop(V4)})
    assert egress.families == (IPV4_UNICAST,)
    gone = record(ip_address("198.51.100.2"), 32)
    dressed = egress.dress({ROUTE: Facets(), ROUTE6: Facets(), gone: None})
    assert dressed == {ROUTE: Attributes((64512,), V4), gone: None}


def test_equal_facets_are_dressed_in_one_object_from_call_to_call() -> None:
    egress = Egress(64512, ibgp=False, next_hops={IPV4_UNICAST: NextHop(V4)})
    first, second = (egress.dress({ROUTE: Facets(100, (7,))})[ROUTE] for _ in range(2))
    assert first is second
