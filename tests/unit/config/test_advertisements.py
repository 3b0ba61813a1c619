"""The keys bgp-advertisements and bgp-communities: kept if right, named if wrong."""

from __future__ import annotations

from ipaddress import IPv4Address, summarize_address_range

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.unit.config.making import OBJECT, finding, findings, good
from vipcast.config.ranges import widest_block
from vipcast.model.addresses import AddressRange, Family
from vipcast.model.advertisement import BgpAdvertisement, Community
from vipcast.model.errors import Finding

ENTRY = "address-pools[0].addresses[0]"
FIRST = "address-pools[0].bgp-advertisements[0]"
LITERAL = "Write two numbers from 0 to 65535 with a colon between them, such as 64512:1."


def pool(advertisements: str = "[]", addresses: str = "[192.0.2.0/24]", name: str = "a") -> str:
    return (
        f"- {{name: {name}, protocol: bgp, addresses: {addresses},"
        f" bgp-advertisements: {advertisements}}}\n"
    )


def document(*pools: str, communities: str = "{}") -> str:
    return f"bgp-communities: {communities}\naddress-pools:\n{''.join(pools)}"


@pytest.mark.parametrize("nothing", ["[]", "~", ""])
def test_a_pool_without_any_has_one_that_says_nothing_else(nothing: str) -> None:
    assert good(document(pool(nothing))).bgp == (
        BgpAdvertisement("bgpadvertisement1", frozenset({"a"}), 32, 128),
    )


def test_every_key_is_kept_and_names_count_through_all_pools() -> None:
    found = good(
        document(
            pool("[{}, {aggregation-length: 24, localpref: 4294967295}]"),
            pool(
                "[{aggregation-length-v6: 120, communities: [b, '7:1', 65535:65535]}]",
                "['2001:db8::/120']",
                "b",
            ),
            communities="{b: 64512:1}",
        )
    ).bgp
    parts = ((7, 1), (64512, 1), (65535, 65535))
    assert found == (
        BgpAdvertisement("bgpadvertisement1", frozenset({"a"})),
        BgpAdvertisement("bgpadvertisement2", frozenset({"a"}), 24, local_pref=4294967295),
        BgpAdvertisement(
            "bgpadvertisement3",
            frozenset({"b"}),
            32,
            120,
            communities=tuple(Community(each) for each in parts),
        ),
    )


@pytest.mark.parametrize(
    ("advertisements", "field", "value", "message", "fix"),
    [
        (
            "{}",
            "",
            "",
            "This is a mapping; it must be a list.",
            "Write a list of advertisements.",
        ),
        (
            "[5]",
            "[0]",
            "5",
            "This is not right; it must be a mapping of keys to values.",
            "Known keys: aggregation-length, aggregation-length-v6, localpref, communities.",
        ),
        (
            "[{aggregation-length: 33}]",
            "[0].aggregation-length",
            "33",
            "This is not right; it must be a number from 1 to 32.",
            "Correct it.",
        ),
        (
            "[{aggregation-length: -1}]",
            "[0].aggregation-length",
            "-1",
            "This is not right; it must be a number from 1 to 32.",
            "Correct it.",
        ),
        (
            "[{aggregation-length-v6: 129}]",
            "[0].aggregation-length-v6",
            "129",
            "This is not right; it must be a number from 1 to 128.",
            "Correct it.",
        ),
        (
            "[{aggregation-length: 23}]",
            "[0].aggregation-length",
            "23",
            f"A route of /23 is wider than the widest block of 192.0.2.0/24 ({ENTRY}), a /24.",
            "Write 24 or more, or leave the key out.",
        ),
        (
            "[{localpref: 4294967296}]",
            "[0].localpref",
            "4294967296",
            "This is not right; it must be a number from 0 to 4294967295.",
            "Correct it.",
        ),
        (
            "[{local-pref: 5}]",
            "[0].local-pref",
            "5",
            "There is no such key.",
            "Did you mean localpref?",
        ),
        (
            "[{communities: [no-exprot]}]",
            "[0].communities[0]",
            "no-exprot",
            "There is no alias 'no-exprot' in bgp-communities.",
            "Did you mean no-export?",
        ),
        (
            "[{communities: [blue]}]",
            "[0].communities[0]",
            "blue",
            "There is no alias 'blue' in bgp-communities.",
            f"Add it there. Or: {LITERAL}",
        ),
        (
            "[{communities: [1:65536]}]",
            "[0].communities[0]",
            "1:65536",
            "65536 does not fit into 16 bits.",
            LITERAL,
        ),
        (
            "[{communities: [large:1:2:3]}]",
            "[0].communities[0]",
            "large:1:2:3",
            "This is no community.",
            LITERAL,
        ),
        (
            "[{communities: [no-export, no-export]}]",
            "[0].communities[1]",
            "no-export",
            "It is in the list already: address-pools[0].bgp-advertisements[0].communities[0].",
            "Remove one of the two.",
        ),
        (
            "[{localpref: 5}, {localpref: 5, aggregation-length: 32}]",
            "[1]",
            "",
            f"The same advertisement is in the list already: {FIRST}.",
            "Remove one of the two.",
        ),
    ],
)
def test_an_advertisement_that_is_wrong_is_named(
    advertisements: str, field: str, value: str, message: str, fix: str
) -> None:
    text = document(pool(advertisements), communities="{no-export: 65535:65281}")
    path = f"address-pools[0].bgp-advertisements{field}"
    assert finding(text) == Finding(OBJECT, path, value, message, fix)


@pytest.mark.parametrize(
    ("communities", "field", "value", "message", "fix"),
    [
        (
            "[]",
            "",
            "",
            "This is a list; it must be a mapping of names to communities.",
            "Write name: value.",
        ),
        ("{a: b}", ".a", "b", "This is no community.", LITERAL),
        ("{a: 1:2:3}", ".a", "1:2:3", "This is no community.", LITERAL),
        ("{a: 65536:1}", ".a", "65536:1", "65536 does not fit into 16 bits.", LITERAL),
        ("{a: }", ".a", "", "The alias has no value.", LITERAL),
        ("{a: ''}", ".a", "", "The alias has no value.", LITERAL),
        ("{a: [1]}", ".a", "", "This is a list; it must be text.", LITERAL),
    ],
)
def test_an_alias_that_is_wrong_is_named_once(
    communities: str, field: str, value: str, message: str, fix: str
) -> None:
    text = document(pool("[{communities: [1:1]}]"), communities=communities)
    assert finding(text) == Finding(OBJECT, f"bgp-communities{field}", value, message, fix)


def test_an_alias_that_is_wrong_is_not_unknown_where_it_is_used() -> None:
    text = document(pool("[{communities: [a]}]"), communities="{a: b}")
    assert [found.field for found in findings(text)] == ["bgp-communities.a"]


def test_each_entry_counts_by_its_widest_block_alone() -> None:
    unaligned = "[192.0.2.1-192.0.2.200, 198.51.100.0/26]"
    assert good(document(pool("[{aggregation-length: 26}]", unaligned))).bgp
    wider = findings(document(pool("[{aggregation-length: 25}]", unaligned)))
    assert [found.message.rpartition(", ")[2] for found in wider] == ["a /26.", "a /26."]


def test_a_length_of_the_other_family_does_not_matter() -> None:
    assert good(document(pool("[{aggregation-length: 8}]", "['2001:db8::/64']"))).bgp


NUMBERS = st.integers(0, 2**32 - 1)


@given(NUMBERS, NUMBERS)
def test_the_widest_block_is_that_of_the_fewest_networks(one: int, other: int) -> None:
    first, last = min(one, other), max(one, other)
    networks = summarize_address_range(IPv4Address(first), IPv4Address(last))
    expected = min(network.prefixlen for network in networks)
    assert widest_block(AddressRange(Family.IPV4, first, last)) == expected


def test_the_widest_block_of_everything_is_everything() -> None:
    assert widest_block(AddressRange(Family.IPV6, 0, 2**128 - 1)) == 0
