"""BGPAdvertisement, Community and BFDProfile: what is right loads, what is wrong is named."""

from __future__ import annotations

from typing import Any

import pytest

from tests.unit.config.making import (
    SYSTEM,
    bfd_profile,
    bgp_ad,
    bgp_peer,
    community,
    ip_pool,
    label,
    loaded,
    match,
    of_kind,
    refused,
)
from vipcast.config.bgpkinds import ADVERTISEMENT_KEYS, PROFILE_KEYS
from vipcast.model.addresses import Family
from vipcast.model.advertisement import BgpAdvertisement, Community
from vipcast.model.errors import Finding
from vipcast.model.peer import BfdProfile
from vipcast.model.raw import BGP_ADVERTISEMENT, COMMUNITY

AD = f"BGPAdvertisement {SYSTEM}/ad"
NAMES = f"Community {SYSTEM}/names"
FAST = f"BFDProfile {SYSTEM}/fast"
EVERY_FORM = (
    "Write two numbers from 0 to 65535 with a colon between them, such as 64512:1."
    " A large one is three numbers of up to 32 bits: large:64512:1:2."
)
V6 = "2001:db8::/64"


def test_an_advertisement_with_every_field_loads() -> None:
    config = loaded(
        ip_pool("a", "192.0.2.0/24", V6),
        ip_pool("b", "198.51.100.0/24", labels={"zone": "x"}),
        ip_pool("c", "203.0.113.0/24"),
        bgp_peer("tor"),
        bgp_peer("spine", peerAddress="10.0.0.2"),
        community("names", secret="64512:7", wide="large:4294967295:0:1"),
        bgp_ad(
            "ad",
            aggregationLength=24,
            aggregationLengthV6=64,
            localPref=4294967295,
            communities=["wide", "65535:65281", "large:1:2:3", "secret"],
            ipAddressPools=["a"],
            ipAddressPoolSelectors=[match(zone="x")],
            nodeSelectors=[match(rack="1")],
            peers=["tor"],
        ),
    )
    (found,) = config.bgp
    assert found == BgpAdvertisement(
        "ad",
        frozenset({"a", "b"}),
        aggregation_length=24,
        aggregation_length_v6=64,
        local_pref=4294967295,
        communities=(
            Community((1, 2, 3)),
            Community((64512, 7)),
            Community((65535, 65281)),
            Community((4294967295, 0, 1)),
        ),
        peers=("tor",),
        nodes=(label("rack", "1"),),
    )
    assert (found.length(Family.IPV4), found.length(Family.IPV6)) == (24, 64)
    assert config.only_by_bgp("a")
    assert not config.only_by_bgp("c")


def test_one_without_a_spec_tells_every_pool_to_every_peer() -> None:
    bare = of_kind(BGP_ADVERTISEMENT, "ad", None)
    assert loaded(ip_pool("a"), bare).bgp == (BgpAdvertisement("ad", frozenset({"a"})),)


def test_without_an_advertisement_nothing_is_told() -> None:
    assert loaded(ip_pool("a"), bgp_peer("tor")).bgp == ()


def test_one_that_selects_no_pool_is_warned_of() -> None:
    config = loaded(ip_pool("a"), bgp_ad("ad", ipAddressPoolSelectors=[match(zone="x")]))
    message = "It applies to no pool, so it has no effect."
    fix = "Correct it, or add a pool that it selects."
    assert Finding(AD, "spec", "", message, fix) in config.warnings


def test_what_is_told_to_routers_has_no_warning() -> None:
    config = loaded(bgp_ad("ad"), community("names", x="1:2"), ip_pool("a"), bgp_peer("tor"))
    assert config.warnings == ()


def test_service_selectors_go_with_single_addresses() -> None:
    (found,) = loaded(
        ip_pool("a"), bgp_ad("ad", serviceSelectors=[match(tier="x")], aggregationLength=32)
    ).bgp
    assert found.services == (label("tier", "x"),)


@pytest.mark.parametrize(
    ("spec", "field", "value", "message", "fix"),
    [
        (
            {"serviceSelectors": [match(tier="x")], "aggregationLength": 28},
            "aggregationLength",
            "28",
            "With serviceSelectors each route is a single address, a /32.",
            "Leave aggregationLength out, or remove serviceSelectors.",
        ),
        (
            {"serviceSelectors": [match(tier="x")], "aggregationLengthV6": 64},
            "aggregationLengthV6",
            "64",
            "With serviceSelectors each route is a single address, a /128.",
            "Leave aggregationLengthV6 out, or remove serviceSelectors.",
        ),
        (
            {"aggregationLength": 33},
            "aggregationLength",
            "33",
            "This is not right; it must be a number from 1 to 32.",
            "Correct it.",
        ),
        (
            {"aggregationLength": 27},
            "aggregationLength",
            "27",
            (
                "A route of /27 is wider than the widest block of 192.0.2.0/28 (IPAddressPool"
                " metallb-system/a spec.addresses[0]), a /28."
            ),
            "Write 28 or more, or leave the key out.",
        ),
        (
            {"aggregationLengthV6": 63},
            "aggregationLengthV6",
            "63",
            (
                "A route of /63 is wider than the widest block of 2001:db8::/64 (IPAddressPool"
                " metallb-system/a spec.addresses[1]), a /64."
            ),
            "Write 64 or more, or leave the key out.",
        ),
        (
            {"localPref": -1},
            "localPref",
            "-1",
            "This is not right; it must be a number from 0 to 4294967295.",
            "Correct it.",
        ),
        (
            {"communities": ["secret", "secret"]},
            "communities[1]",
            "secret",
            "It is in the list already: spec.communities[0].",
            "Remove one of the two.",
        ),
        (
            {"communities": ["secre"]},
            "communities[0]",
            "secre",
            "There is no alias 'secre' in any Community object.",
            "Did you mean secret?",
        ),
        (
            {"communities": ["x"]},
            "communities[0]",
            "x",
            "There is no alias 'x' in any Community object.",
            f"Add it to one (spec.communities). Or: {EVERY_FORM}",
        ),
        (
            {"communities": ["large:1:2:4294967296"]},
            "communities[0]",
            "large:1:2:4294967296",
            "4294967296 does not fit into 32 bits.",
            EVERY_FORM,
        ),
        (
            {"communities": ["large:1:2"]},
            "communities[0]",
            "large:1:2",
            "This is no community.",
            EVERY_FORM,
        ),
        (
            {"communities": ["64512:65536"]},
            "communities[0]",
            "64512:65536",
            "65536 does not fit into 16 bits.",
            EVERY_FORM,
        ),
        (
            {"ipAddressPools": ["b"]},
            "ipAddressPools[0]",
            "b",
            "There is no IPAddressPool of this name.",
            "Create it, or remove its name here.",
        ),
        (
            {"peers": ["torr"]},
            "peers[0]",
            "torr",
            "There is no BGPPeer of this name.",
            "Did you mean tor?",
        ),
        (
            {"peers": ["tor", "tor"]},
            "peers[1]",
            "tor",
            "It is in the list already: spec.peers[0].",
            "Remove one of the two.",
        ),
        (
            {"localpref": 1},
            "localpref",
            "1",
            "There is no such key.",
            "Did you mean localPref?",
        ),
    ],
)
def test_an_advertisement_that_is_wrong_is_named(
    spec: dict[str, Any], field: str, value: str, message: str, fix: str
) -> None:
    found = refused(
        ip_pool("a", "192.0.2.0/28", V6),
        bgp_peer("tor"),
        community("names", secret="64512:7"),
        bgp_ad("ad", **spec),
    )
    assert found == (Finding(AD, f"spec.{field}", value, message, fix),)


@pytest.mark.parametrize(
    ("spec", "field", "value", "message", "fix"),
    [
        (
            {"communities": [{"value": "1:2"}]},
            "communities[0].name",
            "",
            "The alias has no name.",
            "Write a name, and the community as value.",
        ),
        (
            {"communities": [{"name": "x"}]},
            "communities[0].value",
            "",
            "The alias has no value.",
            EVERY_FORM,
        ),
        (
            {"communities": [{"name": "x", "value": "1:2:3"}]},
            "communities[0].value",
            "1:2:3",
            "This is no community.",
            EVERY_FORM,
        ),
        (
            {"communities": [{"name": "x", "value": "1:2"}, {"name": "x", "value": "1:2"}]},
            "communities[1].name",
            "x",
            f"The alias is defined already: {NAMES} spec.communities[0].",
            "Rename one of the two.",
        ),
        (
            {"aliases": []},
            "aliases",
            "[]",
            "There is no such key.",
            "Known keys: communities.",
        ),
    ],
)
def test_an_alias_that_is_wrong_is_named(
    spec: dict[str, Any], field: str, value: str, message: str, fix: str
) -> None:
    found = refused(of_kind(COMMUNITY, "names", spec))
    assert found == (Finding(NAMES, f"spec.{field}", value, message, fix),)


def test_an_alias_is_known_to_all_objects_and_so_defined_once() -> None:
    (found,) = refused(community("names", x="1:2"), community("other", x="1:2"))
    assert (found.object, found.message) == (
        f"Community {SYSTEM}/other",
        f"The alias is defined already: {NAMES} spec.communities[0].",
    )


def test_an_alias_that_is_wrong_is_told_once_and_not_where_it_is_used() -> None:
    found = refused(ip_pool("a"), community("names", x="y"), bgp_ad("ad", communities=["x"]))
    assert [one.object for one in found] == [NAMES]


def test_every_field_of_a_profile_is_kept() -> None:
    spec = dict(
        zip(PROFILE_KEYS, (10, 60000, 2, 50, True, True, 1), strict=True),
    )
    assert loaded(bfd_profile("fast", **spec), bfd_profile("bare")).bfd_profiles == (
        BfdProfile("bare"),
        BfdProfile("fast", 10, 60000, 2, 50, echo_mode=True, passive_mode=True, minimum_ttl=1),
    )


@pytest.mark.parametrize(
    ("key", "value", "wanted"),
    [
        ("receiveInterval", 9, "a number from 10 to 60000"),
        ("transmitInterval", 60001, "a number from 10 to 60000"),
        ("echoInterval", 0, "a number from 10 to 60000"),
        ("detectMultiplier", 1, "a number from 2 to 255"),
        ("minimumTtl", 255, "a number from 1 to 254"),
    ],
)
def test_a_profile_that_is_wrong_is_named(key: str, value: int, wanted: str) -> None:
    message, fix = f"This is not right; it must be {wanted}.", "Correct it."
    found = refused(bfd_profile("fast", **{key: value}))
    assert found == (Finding(FAST, f"spec.{key}", str(value), message, fix),)


def test_each_field_has_its_origin_and_its_default() -> None:
    config = loaded(ip_pool("a"), bgp_ad("ad"), bfd_profile("fast"), community("names", x="1:2"))
    by_object: dict[str, set[str]] = {}
    for each in config.settings:
        by_object.setdefault(each.object, set()).add(each.field)
    assert by_object[AD] == {f"spec.{key}" for key in ADVERTISEMENT_KEYS}
    assert by_object[FAST] == {f"spec.{key}" for key in PROFILE_KEYS}
    assert by_object[NAMES] == {"spec.communities[0].name", "spec.communities[0].value"}


@pytest.mark.parametrize(("literal", "most"), [("1:{}", 975), ("large:1:2:{}", 325)])
def test_an_advertisement_has_no_more_communities_than_a_message_holds(
    literal: str, most: int
) -> None:
    few = [literal.format(number) for number in range(most)]
    (found,) = loaded(bgp_ad("a", communities=few)).bgp
    assert len(found.communities) == most
    assert refused(bgp_ad("a", communities=[*few, literal.format(most)])) == (
        Finding(
            "BGPAdvertisement metallb-system/a",
            "spec.communities",
            f"{most + 1} communities",
            "A route cannot have so many: they do not fit into one message of BGP.",
            "Write fewer: 975, or 325 large ones.",
        ),
    )
