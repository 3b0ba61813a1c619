"""No pool may have the addresses of nodes, pods, Services inside of the cluster, or peers."""

from __future__ import annotations

from ipaddress import IPv4Network, IPv6Network, ip_address

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.unit.config.making import (
    OBJECT,
    SYSTEM,
    bgp_ad,
    findings,
    good,
    ip_pool,
    l2,
    loaded,
    pool,
    pools,
    refused,
)
from vipcast.config import Context
from vipcast.model.errors import Finding
from vipcast.model.objects import Node

AROUND = "Leave it out of the pool: write ranges around it, or choose other addresses."
ELSEWHERE = "Choose addresses that nothing else in the cluster uses."
ENTRY = "address-pools[0].addresses[0]"


def node(name: str, *addresses: str, pods: tuple[str, ...] = ()) -> Node:
    return Node(name, addresses=tuple(map(ip_address, addresses)), pod_cidrs=pods)


@pytest.mark.parametrize(
    ("context", "message", "fix"),
    [
        (
            Context((node("n1", "10.0.0.1", "192.0.2.15"),)),
            "It contains 192.0.2.15, an address of node n1.",
            AROUND,
        ),
        (
            Context((node("n2", "192.0.2.2"), node("n1", "192.0.2.1", "192.0.2.3"))),
            "It contains 192.0.2.1, an address of node n1. 2 more are in it, too.",
            AROUND,
        ),
        (
            Context((node("n1", pods=("10.244.0.0/24", "192.0.0.0/16")),)),
            "It shares addresses with 192.0.0.0/16, the pods of node n1.",
            ELSEWHERE,
        ),
        (
            Context(service_cidrs=(IPv6Network("::/0"), IPv4Network("192.0.2.8/32"))),
            "It shares addresses with 192.0.2.8/32, the cluster IPs (--service-cidr).",
            ELSEWHERE,
        ),
    ],
)
def test_a_pool_that_takes_addresses_of_the_cluster_is_refused(
    context: Context, message: str, fix: str
) -> None:
    expected = Finding(OBJECT, ENTRY, "192.0.2.0/28", message, fix)
    assert findings(pools(pool()), context) == (expected,)
    (found,) = refused(ip_pool("a"), context=context)
    assert found == Finding(
        f"IPAddressPool {SYSTEM}/a", "spec.addresses[0]", "192.0.2.0/28", message, fix
    )


def test_a_pool_that_takes_the_address_of_a_peer_is_refused() -> None:
    peers = "peers: [{my-asn: 1, peer-asn: 2, peer-address: 192.0.2.14}]"
    assert findings(f"{pools(pool())}{peers}") == (
        Finding(
            OBJECT,
            ENTRY,
            "192.0.2.0/28",
            "It contains 192.0.2.14, the address of a BGP peer (peers[0]).",
            AROUND,
        ),
    )


FAR = "Leave it out of the pool; choose addresses that clients have a route to."


@pytest.mark.parametrize(
    ("written", "message"),
    [
        (
            "0.0.0.1/32",
            "It shares addresses with 0.0.0.0/8 (this host), where no Service is reached.",
        ),
        (
            "126.255.255.0-127.0.0.9",
            "It shares addresses with 127.0.0.0/8 (loopback), where no Service is reached.",
        ),
        (
            "224.0.0.0/3",
            (
                "It shares addresses with 224.0.0.0/4 (multicast), where no Service is reached."
                " The same is true of 255.255.255.255/32."
            ),
        ),
        (
            "255.255.255.255/32",
            "It shares addresses with 255.255.255.255/32 (broadcast), where no Service is reached.",
        ),
        (
            "'::/120'",
            "It shares addresses with ::/127 (no host and loopback), where no Service is reached.",
        ),
        (
            "'::ffff:192.0.2.0/120'",
            (
                "It shares addresses with ::ffff:0:0/96 (IPv4 in IPv6's spelling), where no Service"
                " is reached."
            ),
        ),
        (
            "'ff02::/64'",
            "It shares addresses with ff00::/8 (multicast), where no Service is reached.",
        ),
    ],
)
def test_a_pool_of_addresses_that_nobody_reaches_is_refused(written: str, message: str) -> None:
    shown = written.strip("'")
    assert findings(pools(pool(f"[{written}]"))) == (Finding(OBJECT, ENTRY, shown, message, FAR),)


def test_link_local_addresses_are_warned_of() -> None:
    assert good(pools(pool("[169.254.0.0/24]"))).warnings == (
        Finding(
            OBJECT,
            ENTRY,
            "169.254.0.0/24",
            "It shares addresses with 169.254.0.0/16 (link-local), which no router passes on: only"
            " their own segment reaches these Services.",
            FAR,
        ),
    )


UNANSWERED = (
    "Services get these addresses, and nobody announces them: on segments IPv6 is not answered in"
    " this version."
)


def test_ipv6_addresses_that_are_announced_on_segments_alone_are_warned_of() -> None:
    found = good(pools(pool("[192.0.2.0/24, '2001:db8::/64']"))).warnings
    assert [(each.field, each.value, each.message) for each in found] == [
        ("address-pools[0].addresses[1]", "2001:db8::/64", UNANSWERED)
    ]
    assert found[0].fix.startswith("Have routers told of them by BGP (a BGPAdvertisement")


def test_ipv6_addresses_that_routers_are_told_of_are_not_warned_of() -> None:
    six = ip_pool("six", "2001:db8::/64")
    (warning,) = loaded(six, l2("all")).warnings
    assert (warning.object, warning.message) == (f"IPAddressPool {SYSTEM}/six", UNANSWERED)
    for others in ((l2("all"), bgp_ad("all", ipAddressPools=["six"])), ()):
        assert UNANSWERED not in [each.message for each in loaded(six, *others).warnings]


def test_shared_addresses_are_told_in_the_order_of_the_text() -> None:
    entries = "[10.0.9.0/24, 10.0.1.0/24, 10.0.9.8/29, 10.0.1.8/29, 10.0.5.0/24, 10.0.5.1/32]"
    assert [one.field for one in findings(pools(pool(entries)))] == [
        f"address-pools[0].addresses[{index}]" for index in (2, 3, 5)
    ]


def test_the_pools_of_one_name_are_told_apart() -> None:
    (_, shared) = findings(pools(pool(name="a"), pool(name="a")))
    assert shared.message == (
        "It shares addresses with 192.0.2.0/28 of the other pool a (address-pools[0].addresses[0])."
    )


def test_each_kind_of_trouble_is_told_once_for_each_entry() -> None:
    context = Context(
        (node("n1", "192.0.2.1", "192.0.2.17", pods=("192.0.2.2/31",)),),
        (IPv4Network("192.0.2.16/29"),),
    )
    found = findings(pools(pool("[192.0.2.0/28, 192.0.2.16/28]")), context)
    assert [(one.field, one.message.partition(",")[0]) for one in found] == [
        (ENTRY, "It contains 192.0.2.1"),
        (ENTRY, "It shares addresses with 192.0.2.2/31"),
        ("address-pools[0].addresses[1]", "It contains 192.0.2.17"),
        ("address-pools[0].addresses[1]", "It shares addresses with 192.0.2.16/29"),
    ]


def test_neighbours_and_the_other_family_are_no_trouble() -> None:
    context = Context(
        (node("n1", "192.0.1.255", "192.0.2.16", "::c000:200", pods=("10.244.0.0/24",)),),
        (IPv4Network("10.96.0.0/12"),),
    )
    assert good(pools(pool()), context) == good(pools(pool()))


def test_a_range_of_pods_that_cannot_be_read_is_warned_of() -> None:
    config = good(pools(pool()), Context((node("n1", pods=("192.0.2.0/24x",)),)))
    assert config.warnings == (
        Finding(
            "Node n1",
            "spec.podCIDRs[0]",
            "192.0.2.0/24x",
            "This is no network, so no pool is compared with it.",
            "Correct it in the Node object.",
        ),
    )


NUMBERS = st.integers(0, 60)


@given(
    st.lists(st.tuples(NUMBERS, NUMBERS), min_size=1, max_size=6),
    st.lists(NUMBERS, max_size=4),
)
def test_trouble_is_found_exactly_where_there_is_any(
    spans: list[tuple[int, int]], taken: list[int]
) -> None:
    entries = [(min(span), max(span)) for span in spans]
    text = ", ".join(f"192.0.2.{low}-192.0.2.{high}" for low, high in entries)
    context = Context((node("n1", *(f"192.0.2.{number}" for number in taken)),))
    found = {
        one.field for one in findings(pools(pool(f"[{text}]")), context) if "node n1" in one.message
    }
    assert found == {
        f"address-pools[0].addresses[{index}]"
        for index, (low, high) in enumerate(entries)
        if any(low <= number <= high for number in taken)
    }
