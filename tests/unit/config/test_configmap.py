"""The old ConfigMap as a whole: it loads, or everything wrong with it is named at once."""

from __future__ import annotations

import pytest

from tests.unit.config.making import OBJECT, finding, findings, good, pool, pools
from vipcast.config import Config
from vipcast.model.addresses import AddressRange, Family
from vipcast.model.errors import Finding
from vipcast.model.pool import Pool


def test_json_is_yaml_too() -> None:
    document = (
        '{"address-pools": [{"name": "a", "protocol": "bgp", "addresses": ["192.0.2.0/31"]}]}'
    )
    assert good(document).pools == (
        Pool("a", (AddressRange(Family.IPV4, 0xC0000200, 0xC0000201),)),
    )


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
                "[]",
                "There is no such key.",
                "Did you mean address-pools?",
            ),
        ),
        (
            "addressPools: []",
            Finding(
                OBJECT, "addressPools", "[]", "There is no such key.", "Did you mean address-pools?"
            ),
        ),
        (
            "address-pools: []\nfoo: 1",
            Finding(
                OBJECT,
                "foo",
                "1",
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
        ("peer", "[]"),
        ("address-pools[0].protocol", "layer3"),
        ("address-pools[0].addresses[1]", "nonsense"),
        ("address-pools[1].auto", "true"),
        ("address-pools[1].name", "a"),
        ("address-pools[1].protocol", ""),
        ("address-pools[1].addresses", "[]"),
        ("address-pools[2]", "5"),
        ("peers", "7"),
    ]


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
