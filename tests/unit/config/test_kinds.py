"""IPAddressPool and L2Advertisement: what is right loads, what is wrong is named."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from tests.unit.config.making import (
    FORMS,
    OBJECT,
    SYSTEM,
    bgp_ad,
    bgp_peer,
    config_map,
    ip_pool,
    l2,
    label,
    loaded,
    match,
    of_kind,
    of_objects,
    pools,
    refused,
)
from vipcast.config import Config, parse
from vipcast.config.inputs import KINDS
from vipcast.model.addresses import AddressRange, Family
from vipcast.model.advertisement import L2Advertisement, Preference
from vipcast.model.errors import ConfigError, Finding
from vipcast.model.objects import Key
from vipcast.model.pool import Allocation
from vipcast.model.raw import CONFIG_MAP, IP_ADDRESS_POOL, L2_ADVERTISEMENT, Ref

POOL, AD = f"IPAddressPool {SYSTEM}/a", f"L2Advertisement {SYSTEM}/ad"
A, B = "192.0.2.0/28", "192.0.2.16/28"
SILENT = Finding(
    POOL,
    "",
    "",
    "Services get addresses of this pool, and nobody announces them: neither an L2Advertisement nor"
    " a BGPAdvertisement is for it.",
    "Create one of the two with its name in spec.ipAddressPools; one without a spec is for every"
    " pool.",
)


def test_a_pool_with_every_field_loads() -> None:
    (pool,) = loaded(
        ip_pool(
            "a",
            "192.0.2.7/28",
            "192.0.2.32 - 192.0.2.40",
            autoAssign=False,
            avoidBuggyIPs=True,
            allocation={
                "priority": 5,
                "namespaces": ["web", "db"],
                "namespaceSelectors": [match(team="x")],
                "serviceSelectors": [match(tier="front"), match(tier="back")],
            },
        )
    ).pools
    base = 0xC0000200
    assert pool.entries == (
        AddressRange(Family.IPV4, base, base + 15),
        AddressRange(Family.IPV4, base + 32, base + 40),
    )
    assert (pool.name, pool.auto_assign, pool.avoid_buggy) == ("a", False, True)
    assert pool.allocation == Allocation(
        priority=5,
        namespaces=frozenset({"web", "db"}),
        namespace_selectors=(label("team", "x"),),
        services=(label("tier", "front"), label("tier", "back")),
    )


def test_a_pool_is_handed_out_to_everybody_unless_it_says_otherwise() -> None:
    (pool,) = loaded(ip_pool("a")).pools
    assert (pool.auto_assign, pool.avoid_buggy, pool.allocation) == (True, False, None)


def test_pools_stand_in_the_order_in_which_they_are_tried() -> None:
    allocations = {"e": None, "d": {"priority": 0}, "c": {"priority": 2}, "b": {"priority": 1}}
    raws = [
        ip_pool(name, f"192.0.2.{number * 16}/28", allocation=allocation)
        for number, (name, allocation) in enumerate({**allocations, "a": None, "f": {}}.items())
    ]
    assert [pool.name for pool in loaded(*raws).pools] == ["b", "c", "d", "f", "a", "e"]


def test_an_advertisement_with_every_field_loads() -> None:
    (found,) = loaded(
        ip_pool("a"),
        l2(
            "ad",
            ipAddressPools=["a"],
            nodeSelectors=[match(rack="1")],
            interfaces=["lan0", "lan1"],
            serviceSelectors=[match(tier="front")],
            preferredNodeSelectors=[{"weight": 100, "preference": match(disk="ssd")}],
        ),
    ).l2
    assert found == L2Advertisement(
        "ad",
        frozenset({"a"}),
        nodes=(label("rack", "1"),),
        preferences=(Preference(100, label("disk", "ssd")),),
        interfaces=frozenset({"lan0", "lan1"}),
        services=(label("tier", "front"),),
    )


@pytest.mark.parametrize(
    ("spec", "expected"),
    [
        ({}, {"a", "b", "c"}),
        ({"ipAddressPools": [], "ipAddressPoolSelectors": None}, {"a", "b", "c"}),
        ({"ipAddressPools": ["a"]}, {"a"}),
        ({"ipAddressPoolSelectors": [match(zone="x")]}, {"b"}),
        ({"ipAddressPools": ["a"], "ipAddressPoolSelectors": [match(zone="x")]}, {"a", "b"}),
        ({"ipAddressPoolSelectors": [match(zone="x"), match(zone="y")]}, {"b", "c"}),
        ({"ipAddressPoolSelectors": [{}]}, {"a", "b", "c"}),
    ],
)
def test_names_and_selectors_of_pools_are_added_up(spec: Any, expected: set[str]) -> None:
    (found,) = loaded(
        ip_pool("a", A),
        ip_pool("b", B, labels={"zone": "x"}),
        ip_pool("c", "192.0.2.32/28", labels={"zone": "y"}),
        l2("ad", **spec),
    ).l2
    assert found.pools == expected


def test_an_advertisement_without_a_spec_is_for_every_pool() -> None:
    bare = of_kind(L2_ADVERTISEMENT, "ad", None)
    assert loaded(ip_pool("a"), bare).l2 == (L2Advertisement("ad", frozenset({"a"})),)


def test_one_that_selects_no_pool_is_warned_of() -> None:
    config = loaded(ip_pool("a"), l2("ad", ipAddressPoolSelectors=[match(zone="x")]))
    message = "It applies to no pool, so it has no effect."
    fix = "Correct it, or add a pool that it selects."
    assert config.warnings == (Finding(AD, "spec", "", message, fix), SILENT)
    assert config.l2[0].pools == frozenset()


def test_without_an_advertisement_nothing_is_announced_which_is_said() -> None:
    config = loaded(ip_pool("a"))
    assert (config.l2, config.warnings) == ((), (SILENT,))


def test_each_pool_that_no_advertisement_is_for_is_warned_of() -> None:
    pools = (ip_pool("b", B), ip_pool("a", A), ip_pool("c", "192.0.2.32/28"))
    config = loaded(*pools, l2("ad", ipAddressPools=["b"]))
    assert [each.object for each in config.warnings] == [POOL, f"IPAddressPool {SYSTEM}/c"]
    assert not loaded(*pools, l2("ad")).warnings
    assert not loaded(*pools, l2("ad", ipAddressPools=["b"]), bgp_ad("ad")).warnings


def test_advertisements_without_pools_are_a_configuration_without_pools() -> None:
    assert loaded(l2("ad")).pools == ()


@pytest.mark.parametrize(
    ("raw", "field", "value", "message", "fix"),
    [
        (
            of_kind(IP_ADDRESS_POOL, "a", None),
            "spec.addresses",
            "",
            "The pool has no addresses.",
            f"Add the key addresses. {FORMS}",
        ),
        (
            of_kind(IP_ADDRESS_POOL, "a", []),
            "spec",
            "",
            "This is a list; it must be a mapping of keys to values.",
            "Known keys: addresses, autoAssign, avoidBuggyIPs, serviceAllocation.",
        ),
        (
            of_kind(IP_ADDRESS_POOL, "a", {"addresses": []}),
            "spec.addresses",
            "[]",
            "The pool has no addresses.",
            FORMS,
        ),
        (
            {**ip_pool("a"), "specs": {}},
            "specs",
            "{}",
            "There is no such key.",
            "Did you mean spec?",
        ),
        (
            ip_pool("a", "192.0.2.9-192.0.2.1"),
            "spec.addresses[0]",
            "192.0.2.9-192.0.2.1",
            "The range ends before it begins.",
            "Did you mean 192.0.2.1-192.0.2.9?",
        ),
        (
            ip_pool("a", **{"auto-assign": True}),
            "spec.auto-assign",
            "true",
            "There is no such key.",
            "Did you mean autoAssign?",
        ),
        (
            ip_pool("a", autoAssign="no"),
            "spec.autoAssign",
            "no",
            "This is not right; it must be true or false.",
            "Write true or false, without quotes.",
        ),
        (
            ip_pool("a", labels={"zone": 5}),
            "metadata.labels.zone",
            "5",
            "This is a number; it must be text.",
            "Put it in quotes.",
        ),
        (
            ip_pool("a", labels=["zone"]),
            "metadata.labels",
            "",
            "This is a list; it must be a mapping of labels to values.",
            "Write label: value.",
        ),
        (
            ip_pool("a", allocation=[]),
            "spec.serviceAllocation",
            "",
            "This is a list; it must be a mapping of keys to values.",
            "Known keys: priority, namespaces, namespaceSelectors, serviceSelectors.",
        ),
        (
            ip_pool("a", allocation={"priority": -1}),
            "spec.serviceAllocation.priority",
            "-1",
            "This is not right; it must be a number from 0 to 2147483647.",
            "Correct it.",
        ),
        (
            ip_pool("a", allocation={"namespaces": ["web", "web"]}),
            "spec.serviceAllocation.namespaces[1]",
            "web",
            "It is in the list already: spec.serviceAllocation.namespaces[0].",
            "Remove one of the two.",
        ),
        (
            ip_pool("a", allocation={"namespaces": [5]}),
            "spec.serviceAllocation.namespaces[0]",
            "5",
            "This is a number; it must be text.",
            "Put it in quotes.",
        ),
        (
            ip_pool("a", labels={"zone": True}),
            "metadata.labels.zone",
            "true",
            "This is true or false (as yes, no, on, off, y and n are); it must be text.",
            "Put it in quotes.",
        ),
        (
            ip_pool("a", allocation={"serviceSelector": []}),
            "spec.serviceAllocation.serviceSelector",
            "[]",
            "There is no such key.",
            "Did you mean serviceSelectors?",
        ),
    ],
)
def test_a_pool_that_is_wrong_is_named(
    raw: dict[str, Any], field: str, value: str, message: str, fix: str
) -> None:
    assert refused(raw) == (Finding(POOL, field, value, message, fix),)


@pytest.mark.parametrize(
    ("spec", "field", "value", "message", "fix"),
    [
        (
            {"ipAddressPools": ["homee"]},
            "ipAddressPools[0]",
            "homee",
            "There is no IPAddressPool of this name.",
            "Did you mean home?",
        ),
        (
            {"ipAddressPools": ["b"]},
            "ipAddressPools[0]",
            "b",
            "There is no IPAddressPool of this name.",
            "Create it, or remove its name here.",
        ),
        (
            {"ipAddressPools": ["home", "home"]},
            "ipAddressPools[1]",
            "home",
            "It is in the list already: spec.ipAddressPools[0].",
            "Remove one of the two.",
        ),
        (
            {"interfaces": "lan0"},
            "interfaces",
            "lan0",
            "This is not right; it must be a list.",
            "Write a list of interfaces.",
        ),
        (
            {"interfaces": ["lan0", "lan0"]},
            "interfaces[1]",
            "lan0",
            "It is in the list already: spec.interfaces[0].",
            "Remove one of the two.",
        ),
        (
            {"nodeSelector": []},
            "nodeSelector",
            "[]",
            "There is no such key.",
            "Did you mean nodeSelectors?",
        ),
        (
            {"preferredNodeSelectors": [{"preference": {}}]},
            "preferredNodeSelectors[0].weight",
            "",
            "There is no weight.",
            "Add a number from 1 to 100.",
        ),
        (
            {"preferredNodeSelectors": [{"weight": 101, "preference": {}}]},
            "preferredNodeSelectors[0].weight",
            "101",
            "This is not right; it must be a number from 1 to 100.",
            "Correct it.",
        ),
        (
            {"preferredNodeSelectors": [{"weight": 1}]},
            "preferredNodeSelectors[0].preference",
            "",
            "There is no selector of nodes here.",
            "Add matchLabels or matchExpressions below preference.",
        ),
        (
            {"preferredNodeSelectors": [{"weight": 1, "preference": "ssd"}]},
            "preferredNodeSelectors[0].preference",
            "ssd",
            "This is not right; it must be a mapping of keys to values.",
            "Known keys: matchLabels, matchExpressions.",
        ),
    ],
)
def test_an_advertisement_that_is_wrong_is_named(
    spec: dict[str, Any], field: str, value: str, message: str, fix: str
) -> None:
    expected = Finding(AD, f"spec.{field}", value, message, fix)
    assert refused(ip_pool("home"), l2("ad", **spec)) == (expected,)


def test_two_pools_that_share_addresses_are_refused_and_both_are_named() -> None:
    assert refused(ip_pool("b", "192.0.2.8/29"), ip_pool("a", A)) == (
        Finding(
            f"IPAddressPool {SYSTEM}/b",
            "spec.addresses[0]",
            "192.0.2.8/29",
            f"It shares addresses with {A} of {POOL} (spec.addresses[0]).",
            "Give each address to one entry only.",
        ),
    )


def test_every_finding_of_all_objects_comes_at_once() -> None:
    found = refused(ip_pool("b", "x"), ip_pool("a", "y"), l2("ad", ipAddressPools=["c"]))
    assert [(one.object, one.value) for one in found] == [
        (POOL, "y"),
        (f"IPAddressPool {SYSTEM}/b", "x"),
        (AD, "c"),
    ]


@pytest.mark.parametrize(
    ("raws", "named"),
    [
        ([ip_pool("b", B), ip_pool("a", A), l2("ad")], f"{POOL} and 2 more"),
        ([l2("ad")], AD),
        ([bgp_ad("x"), bgp_peer("tor")], f"BGPPeer {SYSTEM}/tor and 1 more"),
    ],
)
def test_both_forms_at_once_are_refused_and_both_are_named(raws: list[Any], named: str) -> None:
    both = replace(of_objects(*raws), config_map=config_map(pools()))
    with pytest.raises(ConfigError) as caught:
        parse(both)
    assert caught.value.findings == (
        Finding(
            OBJECT,
            "",
            "",
            "There are two configurations: this ConfigMap, and objects of group metallb.io:"
            f" {named}.",
            "Keep one of the two forms, and delete the other.",
        ),
    )


def test_objects_of_other_namespaces_have_no_effect_which_is_said() -> None:
    strays = tuple(Ref(kind, Key("default", "x")) for kind in (CONFIG_MAP, *KINDS))
    mine = (ip_pool("a"), l2("ad"))
    config = parse(replace(of_objects(*mine), elsewhere=strays))
    assert config == replace(loaded(*mine), warnings=config.warnings)
    assert config.warnings == tuple(
        Finding(
            f"{kind.name} default/x",
            "metadata.namespace",
            "default",
            "It has no effect: only objects in namespace metallb-system count.",
            "Move it to metallb-system, or delete it.",
        )
        for kind in KINDS
    )


def test_each_value_has_its_origin_and_its_default() -> None:
    config = loaded(ip_pool("a", allocation={"priority": 1}), l2("ad", interfaces=["lan0"]))
    found = [(each.object, each.field, each.value, each.given) for each in config.settings]
    allocation = "spec.serviceAllocation"
    assert found == [
        (POOL, "spec.addresses[0]", "192.0.2.0/28", True),
        (POOL, "spec.autoAssign", "true", False),
        (POOL, "spec.avoidBuggyIPs", "false", False),
        (POOL, f"{allocation}.namespaces", "every namespace", False),
        (POOL, f"{allocation}.priority", "1", True),
        (POOL, f"{allocation}.namespaceSelectors", "every namespace", False),
        (POOL, f"{allocation}.serviceSelectors", "every Service", False),
        (AD, "spec.ipAddressPools", "every pool", False),
        (AD, "spec.ipAddressPoolSelectors", "every pool", False),
        (AD, "spec.nodeSelectors", "every node", False),
        (AD, "spec.preferredNodeSelectors", "no node", False),
        (AD, "spec.interfaces[0]", "lan0", True),
        (AD, "spec.serviceSelectors", "every Service", False),
    ]


def test_where_a_configuration_comes_from_is_said() -> None:
    source = "metallb.io objects in namespace metallb-system"
    assert loaded(l2("ad")) == Config(
        source=source, l2=(L2Advertisement("ad", frozenset()),), warnings=loaded(l2("ad")).warnings
    )
