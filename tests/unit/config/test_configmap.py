"""The old ConfigMap: what is right loads, what is wrong is named, all of it at once."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import event, given
from hypothesis import strategies as st

from tests.unit.config.making import FORMS, OBJECT, finding, findings, good, pool, pools
from vipcast.config import Config, parse_config_map
from vipcast.model.addresses import AddressRange, Family
from vipcast.model.errors import ConfigError, Finding
from vipcast.model.pool import Pool, Protocol


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
                Protocol.LAYER2,
                (v4(base, base + 15), v4(base + 32, base + 40)),
                auto_assign=False,
                avoid_buggy=True,
            ),
        ),
        source=OBJECT,
    )


def test_a_network_written_with_host_bits_is_the_network() -> None:
    (found,) = good(pools(pool("[192.168.31.254/28]"))).pools
    assert [str(entry) for entry in found.entries] == ["192.168.31.240-192.168.31.255"]


def test_a_pool_as_large_as_can_be_costs_nothing() -> None:
    (found,) = good(pools(pool("[10.0.0.0/8, 128.0.0.0/1, '2001:db8::/64', '8000::/1']"))).pools
    assert found.capacity(Family.IPV4) == 2**24 + 2**31
    assert found.capacity(Family.IPV6) == 2**64 + 2**127


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


def test_json_is_yaml_too() -> None:
    document = (
        '{"address-pools": [{"name": "a", "protocol": "bgp", "addresses": ["192.0.2.0/31"]}]}'
    )
    assert good(document).pools == (Pool("a", Protocol.BGP, (v4(0xC0000200, 0xC0000201),)),)


def test_no_pools_are_right_where_they_are_said_to_be_none() -> None:
    assert good("address-pools: []") == Config(source=OBJECT)
    assert good("peers: []").pools == ()


@pytest.mark.parametrize(
    ("document", "expected"),
    [
        (
            "",
            Finding(
                OBJECT,
                "data.config",
                "",
                "The configuration is empty.",
                "To run without any pool on purpose, write 'address-pools: []'.",
            ),
        ),
        (
            "address-pools:",
            Finding(
                OBJECT,
                "address-pools",
                "",
                "There is no value; it must be a list.",
                "Write [] to run without any pool.",
            ),
        ),
        (
            "address-pools:\n  a: 1",
            Finding(
                OBJECT,
                "address-pools",
                "",
                "This is a mapping; it must be a list.",
                "Write [] to run without any pool.",
            ),
        ),
        (
            "- a",
            Finding(
                OBJECT,
                "",
                "",
                "This is a list; it must be a mapping of keys to values.",
                "Known keys: address-pools, peers, bgp-communities, bfd-profiles.",
            ),
        ),
        (
            "address-pool: []",
            Finding(
                OBJECT,
                "address-pool",
                "",
                "There is no such key.",
                "Did you mean address-pools?",
            ),
        ),
        (
            "addressPools: []",
            Finding(
                OBJECT, "addressPools", "", "There is no such key.", "Did you mean address-pools?"
            ),
        ),
        (
            "address-pools: []\nfoo: 1",
            Finding(
                OBJECT,
                "foo",
                "",
                "There is no such key.",
                "Known keys: address-pools, peers, bgp-communities, bfd-profiles.",
            ),
        ),
        (
            "address-pools:\n- [",
            Finding(
                OBJECT,
                "data.config, line 2",
                "",
                "This is not YAML: while parsing a flow node, did not find expected node content.",
                "Correct this line.",
            ),
        ),
        (
            "address-pools: []\naddress-pools: []",
            Finding(
                OBJECT,
                "data.config, line 2",
                "address-pools",
                "The key is given twice; it stands in line 1 already.",
                "Remove one of the two.",
            ),
        ),
        (
            "address-pools: []\n---\npeers: []",
            Finding(
                OBJECT,
                "data.config, line 2",
                "",
                "A second document begins here, and only one is read.",
                "Put everything into one document, without '---' lines.",
            ),
        ),
        (
            None,
            Finding(
                OBJECT,
                "data.config",
                "",
                "There is no text under this key.",
                "Write the configuration under data.config, as a block of text: 'config: |'.",
            ),
        ),
        (
            {"address-pools": []},
            Finding(
                OBJECT,
                "data.config",
                "",
                "This is not text.",
                "Write the configuration under data.config, as a block of text: 'config: |'.",
            ),
        ),
    ],
)
def test_a_document_that_is_wrong_as_a_whole_is_named(document: object, expected: Finding) -> None:
    assert finding(document) == expected


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
            "It shares addresses with 192.0.2.0/24 of the same pool"
            " (address-pools[0].addresses[0]).",
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
            "",
            "There is no such key.",
            "Did you mean avoid-buggy-ips?",
        ),
        (
            pool(more="autoAssign: true"),
            "autoAssign",
            "",
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


def test_every_finding_comes_at_once_in_the_order_of_the_text() -> None:
    document = """
peer: []
address-pools:
- name: a
  protocol: layer3
  addresses: [192.0.2.0/24, nonsense]
- name: a
  addresses: []
  auto: true
- 5
peers: 7
"""
    assert [(found.field, found.value) for found in findings(document)] == [
        ("peer", ""),
        ("address-pools[0].protocol", "layer3"),
        ("address-pools[0].addresses[1]", "nonsense"),
        ("address-pools[1].auto", ""),
        ("address-pools[1].name", "a"),
        ("address-pools[1].protocol", ""),
        ("address-pools[1].addresses", "[]"),
        ("address-pools[2]", "5"),
        ("peers", "7"),
    ]


def test_sections_of_bgp_are_kept_as_text_for_later() -> None:
    document = """
peers:
- {my-asn: 64512, peer-address: 10.0.0.1, hold-time: 1:30}
bgp-communities: {a: 64512:1}
bfd-profiles:
address-pools:
- name: a
  protocol: bgp
  addresses: [192.0.2.0/24]
  bgp-advertisements: [{aggregation-length: 032, communities: [64512:1]}]
"""
    assert good(document).later == {
        "peers": [{"my-asn": "64512", "peer-address": "10.0.0.1", "hold-time": "1:30"}],
        "bgp-communities": {"a": "64512:1"},
        "address-pools[0].bgp-advertisements": [
            {"aggregation-length": "032", "communities": ["64512:1"]}
        ],
    }


@pytest.mark.parametrize(
    ("document", "field", "message"),
    [
        ("peers: {a: 1}", "peers", "This is a mapping; it must be a list."),
        ("peers: [5]", "peers[0]", "This is not right; it must be a mapping of keys to values."),
        (
            "bgp-communities: []",
            "bgp-communities",
            "This is a list; it must be a mapping of names to communities.",
        ),
        ("bfd-profiles: 5", "bfd-profiles", "This is not right; it must be a list."),
        (
            pools(pool(more="bgp-advertisements: [5]").replace("layer2", "bgp")),
            "address-pools[0].bgp-advertisements[0]",
            "This is not right; it must be a mapping of keys to values.",
        ),
    ],
)
def test_sections_of_bgp_must_have_the_right_form(document: str, field: str, message: str) -> None:
    found = finding(document)
    assert (found.field, found.message) == (field, message)


def test_a_config_map_is_equal_to_another_one_that_means_the_same() -> None:
    assert good(pools(pool("[192.0.2.0/28]"))) == good(
        "#\naddress-pools: [{addresses: [192.0.2.3/28], protocol: layer2, name: 'default'}]"
    )


def refused_or_loaded(raw: Any) -> None:
    """Whatever is given: a Config, or findings that say what and where."""
    found: tuple[Finding, ...] = ()
    try:
        config = parse_config_map(raw)
    except ConfigError as error:
        config, found = Config(), error.findings
        event("refused")
    assert found or config.source
    for one in found:
        assert one.object.startswith("ConfigMap ")
        assert one.message.endswith(".")
        assert one.fix
        assert len(one.value) <= 80
    for pool_ in config.pools:
        event("loaded with pools")
        assert pool_.entries
        assert all(config.pool_of(next(entry.addresses())) == pool_ for entry in pool_.entries)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=10),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner),
    max_leaves=12,
)


@given(JSON)
def test_any_data_instead_of_a_config_map_is_answered(data: Any) -> None:
    refused_or_loaded({"metadata": data, "data": data})
    refused_or_loaded({"metadata": {"name": data}, "data": {"config": data}})


# Documents that are nearly right: known keys and values of every type in every place.
WORDS = st.sampled_from(
    [
        "layer2",
        "bgp",
        "default",
        "true",
        "~",
        "5",
        "64512:1",
        "''",
        "{}",
        "[]",
        "192.0.2.0/24",
        "192.0.2.1-192.0.2.9",
        "192.0.2.9-192.0.2.1",
        "2001:db8::/64",
        "0.0.0.0/0",
    ]
)
KEYS = st.sampled_from(
    [
        "name",
        "protocol",
        "addresses",
        "avoid-buggy-ips",
        "auto-assign",
        "bgp-advertisements",
        "address-pools",
        "peers",
        "bgp-communities",
        "bfd-profiles",
        "namee",
    ]
)


def _flow(inner: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    lists = st.lists(inner, max_size=4).map(lambda items: f"[{', '.join(items)}]")
    return lists | st.dictionaries(KEYS, inner, max_size=6).map(
        lambda items: "{" + ", ".join(f"{key}: {value}" for key, value in items.items()) + "}"
    )


DOCUMENTS = st.recursive(WORDS, _flow, max_leaves=20)


@given(DOCUMENTS, st.lists(DOCUMENTS, max_size=3))
def test_any_document_of_known_words_is_answered(document: str, items: list[str]) -> None:
    refused_or_loaded({"data": {"config": document}})
    refused_or_loaded({"data": {"config": f"address-pools: [{', '.join(items)}]"}})


@given(st.text())
def test_any_text_is_answered(document: str) -> None:
    refused_or_loaded({"data": {"config": document}})


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
