"""The section address-pools: what is right loads, what is wrong is named."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.unit.config.making import FORMS, OBJECT, finding, findings, good, pool, pools
from vipcast.config import Config
from vipcast.model.addresses import AddressRange, Family
from vipcast.model.advertisement import L2Advertisement
from vipcast.model.errors import Finding
from vipcast.model.pool import Pool

SHARED = "It shares addresses with 192.0.2.0/24 of the same pool (address-pools[0].addresses[0])."


def v4(first: int, last: int) -> AddressRange:
    return AddressRange(Family.IPV4, first, last)


def test_a_pool_with_every_key_loads() -> None:
    document = pools(
        pool("[192.0.2.0/28, 192.0.2.32 - 192.0.2.40]", "avoid-buggy-ips: true\nauto-assign: no")
    )
    base = 0xC0000200
    assert good(document) == Config(
        pools=(
            Pool(
                "default",
                (v4(base, base + 15), v4(base + 32, base + 40)),
                auto_assign=False,
                avoid_buggy=True,
            ),
        ),
        source=OBJECT,
        l2=(L2Advertisement("default", frozenset({"default"})),),
    )


def test_a_network_written_with_host_bits_is_the_network() -> None:
    (found,) = good(pools(pool("[192.168.31.254/28]"))).pools
    assert [str(entry) for entry in found.entries] == ["192.168.31.240-192.168.31.255"]


def test_a_pool_as_large_as_can_be_costs_nothing() -> None:
    (found,) = good(pools(pool("[10.0.0.0/8, 128.0.0.0/2, '2001:db8::/64', '8000::/2']"))).pools
    assert found.capacity(Family.IPV4) == 2**24 + 2**30
    assert found.capacity(Family.IPV6) == 2**64 + 2**126


def test_an_ipv6_range_and_an_ipv4_range_stand_in_one_pool() -> None:
    (found,) = good(pools(pool('["2001:db8::a-2001:db8::f", 192.0.2.1-192.0.2.1]'))).pools
    assert [str(entry) for entry in found.entries] == ["2001:db8::a-2001:db8::f", "192.0.2.1"]


def test_the_order_of_pools_and_entries_is_the_users() -> None:
    config = good(
        pools(
            pool("[192.0.2.128/28, 192.0.2.0/28]", name="b"),
            pool(name="a").replace("192.0.2.0", "198.51.100.0"),
        )
    )
    assert [one.name for one in config.pools] == ["b", "a"]
    assert [str(entry) for entry in config.pools[0].entries] == [
        "192.0.2.128-192.0.2.143",
        "192.0.2.0-192.0.2.15",
    ]


@pytest.mark.parametrize(("word", "value"), [("yes", True), ("Off", False), ("TRUE", True)])
def test_a_flag_may_be_spelled_as_metallb_allowed(word: str, value: bool) -> None:
    (found,) = good(pools(pool(more=f"avoid-buggy-ips: {word}"))).pools
    assert found.avoid_buggy is value


def test_a_name_that_looks_like_a_number_is_text() -> None:
    (found,) = good(pools(pool(name="2024"))).pools
    assert found.name == "2024"


@pytest.mark.parametrize(
    ("addresses", "field", "value", "message", "fix"),
    [
        (
            "[192.0.2.0/33]",
            "[0]",
            "192.0.2.0/33",
            "'33' is not a prefix length: it must be 0 to 32.",
            FORMS,
        ),
        (
            "[192.0.2.0/x]",
            "[0]",
            "192.0.2.0/x",
            "'x' is not a prefix length: it must be 0 to 32.",
            FORMS,
        ),
        (
            "['2001:db8::/129']",
            "[0]",
            "2001:db8::/129",
            "'129' is not a prefix length: it must be 0 to 128.",
            FORMS,
        ),
        (
            "[192.0.2.0/255.255.255.0]",
            "[0]",
            "192.0.2.0/255.255.255.0",
            "'255.255.255.0' is not a prefix length: it must be 0 to 32.",
            FORMS,
        ),
        ("[192.0.2.256/24]", "[0]", "192.0.2.256/24", "'192.0.2.256' is not an IP address.", FORMS),
        ("[192.0.02.0/24]", "[0]", "192.0.02.0/24", "'192.0.02.0' is not an IP address.", FORMS),
        ("[lan/24]", "[0]", "lan/24", "'lan' is not an IP address.", FORMS),
        (
            "[192.0.2.9-192.0.2.1]",
            "[0]",
            "192.0.2.9-192.0.2.1",
            "The range ends before it begins.",
            "Did you mean 192.0.2.1-192.0.2.9?",
        ),
        ("[192.0.2.9-10]", "[0]", "192.0.2.9-10", "'10' is not an IP address.", FORMS),
        (
            "[192.0.2.9-]",
            "[0]",
            "192.0.2.9-",
            "A range is two addresses with one dash between them.",
            FORMS,
        ),
        (
            "[192.0.2.1-192.0.2.2-192.0.2.3]",
            "[0]",
            "192.0.2.1-192.0.2.2-192.0.2.3",
            "A range is two addresses with one dash between them.",
            FORMS,
        ),
        (
            "['192.0.2.1-2001:db8::1']",
            "[0]",
            "192.0.2.1-2001:db8::1",
            "The range begins in one IP family and ends in the other.",
            "Write one range for IPv4 and another one for IPv6.",
        ),
        (
            "['fe80::1%eth0-fe80::2']",
            "[0]",
            "fe80::1%eth0-fe80::2",
            "'fe80::1%eth0' names an interface, which a pool cannot.",
            FORMS,
        ),
        (
            "[192.0.2.1]",
            "[0]",
            "192.0.2.1",
            "This is neither a network nor a range.",
            f"For this one address write 192.0.2.1/32. {FORMS}",
        ),
        ("[5]", "[0]", "5", "This is neither a network nor a range.", FORMS),
        ("[~]", "[0]", "~", "There is no value; it must be text.", FORMS),
        ("['']", "[0]", "", "There is no value; it must be text.", FORMS),
        ("[[192.0.2.0/24]]", "[0]", "", "This is a list; it must be text.", FORMS),
        ("[192.0.2.0/24, {a: b}]", "[1]", "", "This is a mapping; it must be text.", FORMS),
        ("192.0.2.0/24", "", "192.0.2.0/24", "This is not right; it must be a list.", FORMS),
        ("[]", "", "[]", "The pool has no addresses.", FORMS),
        ("", "", "", "There is no value; it must be a list.", FORMS),
        (
            "[192.0.2.0/24, 192.0.2.7/32]",
            "[1]",
            "192.0.2.7/32",
            SHARED,
            "Give each address to one entry only.",
        ),
    ],
)
def test_an_entry_that_is_wrong_is_named(
    addresses: str, field: str, value: str, message: str, fix: str
) -> None:
    path = f"address-pools[0].addresses{field}"
    assert finding(pools(pool(addresses))) == Finding(OBJECT, path, value, message, fix)


@pytest.mark.parametrize(
    ("item", "field", "value", "message", "fix"),
    [
        (
            "- {protocol: layer2, addresses: [192.0.2.0/24]}",
            "name",
            "",
            "The pool has no name.",
            "Add the key name.",
        ),
        (
            "- {name: ~, protocol: layer2, addresses: [192.0.2.0/24]}",
            "name",
            "~",
            "There is no value; it must be text.",
            "Give the pool a name.",
        ),
        (
            "- {name: [a], protocol: layer2, addresses: [192.0.2.0/24]}",
            "name",
            "",
            "This is a list; it must be text.",
            "Give the pool a name.",
        ),
        (
            "- {name: a, addresses: [192.0.2.0/24]}",
            "protocol",
            "",
            "The pool has no protocol.",
            "Add the key protocol: layer2 or bgp.",
        ),
        (
            "- {name: a, protocol: layer-2, addresses: [192.0.2.0/24]}",
            "protocol",
            "layer-2",
            "There is no such protocol.",
            "Did you mean layer2?",
        ),
        (
            "- {name: a, protocol: ospf, addresses: [192.0.2.0/24]}",
            "protocol",
            "ospf",
            "There is no such protocol.",
            "Write layer2 or bgp.",
        ),
        (
            "- {name: a, protocol: layer2}",
            "addresses",
            "",
            "The pool has no addresses.",
            f"Add the key addresses. {FORMS}",
        ),
        (
            pool(more="auto-assign: maybe"),
            "auto-assign",
            "maybe",
            "This is not right; it must be true or false.",
            "Write true or false, without quotes.",
        ),
        (
            pool(more="auto-assign: 'true'"),
            "auto-assign",
            "true",
            "This is not right; it must be true or false.",
            "Write true or false, without quotes.",
        ),
        (
            pool(more="avoid-buggy-ips:"),
            "avoid-buggy-ips",
            "",
            "There is no value; it must be true or false.",
            "Write true or false, without quotes.",
        ),
        (
            pool(more="avoid-buggy-ip: true"),
            "avoid-buggy-ip",
            "true",
            "There is no such key.",
            "Did you mean avoid-buggy-ips?",
        ),
        (
            pool(more="autoAssign: true"),
            "autoAssign",
            "true",
            "There is no such key.",
            "Did you mean auto-assign?",
        ),
        (
            pool(more="bgp-advertisements: [{}]"),
            "bgp-advertisements",
            "",
            "A layer2 pool has no BGP advertisements.",
            "Remove them, or use bgp.",
        ),
    ],
)
def test_a_key_of_a_pool_that_is_wrong_is_named(
    item: str, field: str, value: str, message: str, fix: str
) -> None:
    expected = Finding(OBJECT, f"address-pools[0].{field}", value, message, fix)
    assert finding(pools(item)) == expected


def test_two_pools_of_one_name_are_refused_and_both_are_named() -> None:
    assert finding(pools(pool(), pool("[198.51.100.0/24]"))) == Finding(
        OBJECT,
        "address-pools[1].name",
        "default",
        "Another pool has this name already: address-pools[0].",
        "Rename one of the two.",
    )


def test_two_pools_that_share_addresses_are_refused_and_both_are_named() -> None:
    document = pools(pool("[192.0.2.0/24]", name="a"), pool("[192.0.2.250-192.0.3.9]", name="b"))
    assert finding(document) == Finding(
        OBJECT,
        "address-pools[1].addresses[0]",
        "192.0.2.250-192.0.3.9",
        "It shares addresses with 192.0.2.0/24 of pool a (address-pools[0].addresses[0]).",
        "Give each address to one entry only.",
    )


def test_the_later_entry_is_the_one_that_is_refused_also_where_its_addresses_come_first() -> None:
    found = finding(pools(pool("[192.0.2.128/25, 192.0.2.0/24]")))
    assert (found.field, found.value) == ("address-pools[0].addresses[1]", "192.0.2.0/24")


def test_an_entry_inside_of_a_wide_one_is_found_behind_a_narrow_one() -> None:
    document = pools(pool("[10.0.0.0/8, 10.1.0.0/16, 10.2.0.0/16]"))
    assert [found.value for found in findings(document)] == ["10.1.0.0/16", "10.2.0.0/16"]


def test_neighbours_share_nothing() -> None:
    assert good(pools(pool("[192.0.2.0/25, 192.0.2.128/25, '::c000:200/128']"))).pools


NUMBERS = st.integers(min_value=0, max_value=300)


@given(st.lists(st.tuples(NUMBERS, NUMBERS), min_size=1, max_size=8))
def test_an_overlap_is_found_exactly_where_an_address_is_in_two_entries(
    spans: list[tuple[int, int]],
) -> None:
    ranges = [(min(span), max(span)) for span in spans]
    entries = ", ".join(
        f"10.0.{low >> 8}.{low & 255}-10.0.{high >> 8}.{high & 255}" for low, high in ranges
    )
    taken = [number for low, high in ranges for number in range(low, high + 1)]
    assert bool(findings(pools(pool(f"[{entries}]")))) == (len(set(taken)) < len(taken))
