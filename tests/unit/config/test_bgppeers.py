"""BGPPeer: what is right is kept, what is wrong is named, under either version."""

from __future__ import annotations

from ipaddress import IPv4Address, IPv6Address
from typing import Any

import pytest

from tests.unit.config.making import (
    OBJECT,
    SYSTEM,
    bfd_profile,
    bgp_peer,
    good,
    ip_pool,
    label,
    loaded,
    match,
    of_kind,
    of_objects,
    refused,
)
from vipcast.config import Context, parse, restored
from vipcast.config.bgppeers import KEYS
from vipcast.model.errors import Finding
from vipcast.model.objects import Key, Node
from vipcast.model.peer import DynamicAsn, Peer
from vipcast.model.raw import BGP_PEER, api_versions

TOR = f"BGPPeer {SYSTEM}/tor"
ADDRESS = "Write an address such as 192.0.2.1."
DURATION = 'Write a number with its unit, such as "90s" or "1m30s".'
NEEDED = Peer("tor", 64512, 64513, IPv4Address("10.0.0.1"))
ONE_AS = "Remove it, or correct myASN, peerASN or dynamicASN."

EVERY_FIELD: dict[str, Any] = {
    "myASN": 4200000001,
    "peerASN": 4294967295,
    "localASN": 64999,
    "peerAddress": "2001:db8::1",
    "sourceAddress": "2001:db8::2",
    "peerPort": 65535,
    "holdTime": "1m30s",
    "keepaliveTime": "10s",
    "connectTime": "1m5s",
    "routerID": "10.0.0.9",
    "nodeSelectors": [match(rack="1"), match(rack="2")],
    "password": "a b ",
    "bfdProfile": "fast",
    "enableGracefulRestart": True,
    "ebgpMultiHop": True,
    "dualStackAddressFamily": True,
}
EVERY_VALUE = Peer(
    "tor",
    my_asn=4200000001,
    peer_asn=4294967295,
    local_asn=64999,
    address=IPv6Address("2001:db8::1"),
    source=IPv6Address("2001:db8::2"),
    port=65535,
    hold_time=90,
    keepalive_time=10,
    connect_time=65,
    router_id=IPv4Address("10.0.0.9"),
    nodes=(label("rack", "1"), label("rack", "2")),
    password="a b ",
    bfd_profile="fast",
    graceful_restart=True,
    ebgp_multihop=True,
    dual_stack=True,
)


def peer(**spec: Any) -> Peer:
    """The one peer of a configuration that is right."""
    (found,) = loaded(bgp_peer("tor", **spec)).peers
    return found


def test_a_peer_needs_two_as_numbers_and_an_address() -> None:
    assert peer() == NEEDED


@pytest.mark.parametrize("version", api_versions(BGP_PEER))
def test_every_field_is_kept_under_either_version(version: str) -> None:
    raw = {**bgp_peer("tor", **EVERY_FIELD), "apiVersion": version}
    config = parse(restored(of_objects(raw, bfd_profile("fast")).saved(), SYSTEM))
    assert config.peers == (EVERY_VALUE,)


def test_a_secret_is_kept_as_a_reference_and_read_by_nobody_here() -> None:
    expected = Key(SYSTEM, "tor-password")
    assert peer(passwordSecret={"name": "tor-password"}).password_secret == expected
    named = {"name": "tor-password", "namespace": SYSTEM}
    assert peer(passwordSecret=named).password_secret == expected


def test_a_secret_of_another_namespace_is_looked_for_at_home() -> None:
    config = loaded(bgp_peer("tor", passwordSecret={"name": "x", "namespace": "default"}))
    assert config.peers[0].password_secret == Key(SYSTEM, "x")
    assert config.warnings == (
        Finding(
            TOR,
            "spec.passwordSecret.namespace",
            "default",
            "It has no effect: the Secret is looked for in namespace metallb-system.",
            "Put the Secret there, and leave namespace out.",
        ),
    )


@pytest.mark.parametrize("choice", list(DynamicAsn))
def test_the_as_of_a_peer_may_be_left_to_it(choice: DynamicAsn) -> None:
    found = peer(peerASN=None, dynamicASN=str(choice))
    assert (found.peer_asn, found.dynamic_asn) == (None, choice)
    assert peer(peerASN=0, dynamicASN=str(choice)) == found


@pytest.mark.parametrize(
    "empty",
    [
        dict.fromkeys(("sourceAddress", "routerID", "holdTime", "bfdProfile", "vrf"), ""),
        dict.fromkeys(("password", "interface", "dynamicASN", "connectTime"), ""),
        {"passwordSecret": {}, "nodeSelectors": [], "peerPort": 0},
        dict.fromkeys(("ebgpMultiHop", "disableMP", "enableGracefulRestart"), False),
    ],
)
def test_a_field_without_a_value_means_the_default(empty: dict[str, Any]) -> None:
    assert peer(**empty) == NEEDED
    assert loaded(bgp_peer("tor", **empty)).warnings == loaded(bgp_peer("tor")).warnings


@pytest.mark.parametrize(
    ("written", "hold_time", "keepalive"),
    [
        ({}, None, None),
        ({"holdTime": "30s"}, 30, None),
        ({"keepaliveTime": "7s"}, 21, 7),
        ({"keepaliveTime": "21845s"}, 65535, 21845),
        ({"holdTime": "0s", "keepaliveTime": "0s"}, 0, 0),
        ({"holdTime": "3s", "keepaliveTime": "3s"}, 3, 3),
        ({"holdTime": "3.9s"}, 3, None),
    ],
)
def test_of_two_timers_one_follows_from_the_other(
    written: dict[str, str], hold_time: int | None, keepalive: int | None
) -> None:
    found = peer(**written)
    assert (found.hold_time, found.keepalive_time) == (hold_time, keepalive)


def test_that_a_session_comes_up_without_bfd_is_said() -> None:
    config = loaded(bgp_peer("tor", bfdProfile="fast"), bfd_profile("fast"))
    bfd, later = "BFD is not spoken in this version.", "Keep it for later, or remove it."
    without = f"The session comes up without BFD. {bfd}"
    assert config.warnings == (
        Finding(f"BFDProfile {SYSTEM}/fast", "spec", "fast", bfd, later),
        Finding(TOR, "spec.bfdProfile", "fast", without, later),
    )


def test_a_peer_on_the_link_is_named_with_the_interface_to_it() -> None:
    assert peer(peerAddress="fe80::1%eth0").address == IPv6Address("fe80::1%eth0")


def test_a_line_break_at_the_end_of_a_password_does_not_count() -> None:
    assert peer(password="hunter2\n").password == "hunter2"
    assert len(peer(password="x" * 80 + "\r\n").password) == 80


NODES = (
    Node("n1", addresses=(IPv4Address("10.0.0.1"), IPv6Address("2001:db8::1"))),
    Node("n2", {"rack": "2"}, (IPv4Address("10.0.0.2"),)),
)


def test_a_peer_that_has_an_address_of_a_node_it_is_for_is_warned_of() -> None:
    context = Context(NODES)
    assert loaded(bgp_peer("tor"), context=context).warnings == (
        Finding(
            TOR,
            "spec.peerAddress",
            "10.0.0.1",
            "It is an address of node n1, which would speak with itself.",
            "Correct it, or let the node selectors of the peer leave that node out.",
        ),
    )
    elsewhere = bgp_peer("tor", nodeSelectors=[match(rack="2")])
    assert not loaded(elsewhere, context=context).warnings
    assert not loaded(bgp_peer("tor", peerAddress="10.0.0.3"), context=context).warnings
    (found,) = good(
        "peers: [{my-asn: 1, peer-asn: 2, peer-address: '2001:db8::1'}]", context
    ).warnings
    assert (found.object, found.field) == (OBJECT, "peers[0].peer-address")


def test_a_switch_that_does_nothing_is_warned_of() -> None:
    assert loaded(bgp_peer("tor", disableMP=True)).warnings == (
        Finding(
            TOR,
            "spec.disableMP",
            "true",
            "It has no effect, as in MetalLB since 0.15.",
            "Remove it; dualStackAddressFamily says which families a session carries.",
        ),
    )


@pytest.mark.parametrize(
    ("spec", "field", "value", "message", "fix"),
    [
        (
            {"myASN": None},
            "myASN",
            "",
            "The peer has no AS number here.",
            "Write myASN with a number from 1 to 4294967295.",
        ),
        (
            {"peerASN": 0},
            "peerASN",
            "0",
            "The peer has no AS number here.",
            (
                "Write peerASN with a number from 1 to 4294967295, or dynamicASN: internal or"
                " external."
            ),
        ),
        (
            {"peerASN": 4294967296},
            "peerASN",
            "4294967296",
            "This is not right; it must be a number from 0 to 4294967295.",
            "Correct it.",
        ),
        (
            {"dynamicASN": "external"},
            "dynamicASN",
            "external",
            "There are two answers to which AS the peer is in.",
            "Keep one of peerASN and dynamicASN.",
        ),
        (
            {"peerASN": None, "dynamicASN": "externl"},
            "dynamicASN",
            "externl",
            "There is no such choice.",
            "Did you mean external?",
        ),
        (
            {"peerASN": None, "dynamicASN": "any"},
            "dynamicASN",
            "any",
            "There is no such choice.",
            "Write internal or external.",
        ),
        (
            {"localASN": 0},
            "localASN",
            "0",
            "This is not right; it must be a number from 1 to 4294967295.",
            "Correct it.",
        ),
        (
            {"localASN": 64999, "peerASN": 64512},
            "localASN",
            "64999",
            "Both ends are in one AS, and another number is for eBGP sessions only.",
            ONE_AS,
        ),
        (
            {"ebgpMultiHop": True, "peerASN": 64512},
            "ebgpMultiHop",
            "true",
            "Both ends are in one AS, so this is no eBGP session.",
            ONE_AS,
        ),
        (
            {"ebgpMultiHop": True, "peerASN": None, "dynamicASN": "internal"},
            "ebgpMultiHop",
            "true",
            "Both ends are in one AS, so this is no eBGP session.",
            ONE_AS,
        ),
        (
            {"peerAddress": None},
            "peerAddress",
            "",
            "The peer has no address.",
            "Write peerAddress with the neighbour's address.",
        ),
        (
            {"peerAddress": ""},
            "peerAddress",
            "",
            "The peer has no address.",
            "Write peerAddress with the neighbour's address.",
        ),
        (
            {"peerAddress": "tor-1"},
            "peerAddress",
            "tor-1",
            "'tor-1' is not an IP address.",
            ADDRESS,
        ),
        (
            {"peerAddress": None, "interface": "eth1"},
            "interface",
            "eth1",
            (
                "Sessions without addresses, over an interface alone, are not spoken in this"
                " version."
            ),
            "Write peerAddress instead.",
        ),
        (
            {"vrf": "red"},
            "vrf",
            "red",
            "Sessions inside of a VRF are not spoken in this version.",
            "Remove it, if the peer can be reached by the node's main routing table.",
        ),
        (
            {"sourceAddress": "2001:db8::2"},
            "sourceAddress",
            "2001:db8::2",
            "It is of another IP family than peerAddress.",
            "Write an IPv4 address of the node, or leave it out.",
        ),
        (
            {"sourceAddress": "10.0.0.1"},
            "sourceAddress",
            "10.0.0.1",
            "Both ends have the same address.",
            "Correct one of the two.",
        ),
        *(
            (
                {"peerAddress": text},
                "peerAddress",
                text,
                f"{text} is no router's address.",
                ADDRESS,
            )
            for text in ("0.0.0.0", "::", "224.0.0.5", "ff02::5", "255.255.255.255")
        ),
        (
            {"peerAddress": "fe80::1"},
            "peerAddress",
            "fe80::1",
            "It is link-local, and the interface to it is not said, such as fe80::1%eth0.",
            ADDRESS,
        ),
        (
            {"peerAddress": "2001:db8::1%eth0"},
            "peerAddress",
            "2001:db8::1%eth0",
            "'2001:db8::1%eth0' names an interface, as only link-local addresses may.",
            ADDRESS,
        ),
        (
            {"localASN": 64513},
            "localASN",
            "64513",
            "It is the peer's own AS, so both ends would be in one.",
            "Write another, or remove it.",
        ),
        *(
            (
                {"password": text},
                "password",
                "(hidden)",
                "It is longer than 80 bytes, and TCP-MD5 takes no more.",
                "Agree on a shorter one with the router.",
            )
            for text in ("x" * 81, "ä" * 41)
        ),
        (
            {"password": "\ud800"},
            "password",
            "(hidden)",
            "It holds half of a character.",
            "Write it anew.",
        ),
        (
            {"routerID": "0.0.0.0"},
            "routerID",
            "0.0.0.0",
            "A router ID must not be zero: no router accepts it.",
            ADDRESS,
        ),
        (
            {"peerPort": 65536},
            "peerPort",
            "65536",
            "This is not right; it must be a number from 0 to 65535.",
            "Correct it.",
        ),
        (
            {"holdTime": "2s"},
            "holdTime",
            "2s",
            "It must be 0, or 3 to 65535 whole seconds.",
            DURATION,
        ),
        ({"holdTime": "90"}, "holdTime", "90", "The unit is missing.", DURATION),
        (
            {"holdTime": "9s", "keepaliveTime": "10s"},
            "keepaliveTime",
            "10s",
            "It must be no longer than the hold time, 9s.",
            DURATION,
        ),
        (
            {"keepaliveTime": "21846s"},
            "keepaliveTime",
            "21846s",
            "Three times as long would be no hold time: it must be 0s to 21845s.",
            DURATION,
        ),
        *(
            (
                {"connectTime": text},
                "connectTime",
                text,
                "It must be 1 to 65535 whole seconds.",
                DURATION,
            )
            for text in ("0s", "1.5s", "65536s", "-1s")
        ),
        (
            {"routerID": "2001:db8::1"},
            "routerID",
            "2001:db8::1",
            "A router ID is written as an IPv4 address.",
            ADDRESS,
        ),
        (
            {"nodeSelectors": [match(rack="1"), match(rack="1")]},
            "nodeSelectors[1]",
            "rack=1",
            "The same selector is in the list already: spec.nodeSelectors[0].",
            "Remove one of the two.",
        ),
        (
            {"password": "sesame", "passwordSecret": {"name": "x"}},
            "passwordSecret",
            "x",
            "There are two passwords.",
            "Keep one of password and passwordSecret.",
        ),
        (
            {"passwordSecret": {"namespace": SYSTEM}},
            "passwordSecret.name",
            "",
            "The Secret has no name.",
            "Add the name of a Secret, or remove passwordSecret.",
        ),
        (
            {"passwordSecret": {"name": "x", "key": "y"}},
            "passwordSecret.key",
            "(hidden)",
            "There is no such key.",
            "Known keys: name, namespace.",
        ),
        (
            {"bfdProfile": "slow"},
            "bfdProfile",
            "slow",
            "There is no such BFD profile.",
            "Create the BFDProfile, or remove its name here.",
        ),
        (
            {"bfdProfile": "fasd"},
            "bfdProfile",
            "fasd",
            "There is no such BFD profile.",
            "Did you mean fast?",
        ),
        (
            {"peer-asn": 64513},
            "peer-asn",
            "64513",
            "There is no such key.",
            "Did you mean peerASN?",
        ),
    ],
)
def test_a_peer_that_is_wrong_is_named(
    spec: dict[str, Any], field: str, value: str, message: str, fix: str
) -> None:
    found = refused(bgp_peer("tor", **spec), bfd_profile("fast"))
    assert found == (Finding(TOR, f"spec.{field}", value, message, fix),)


def test_where_the_hold_time_cannot_be_read_nothing_is_said_of_the_keepalive_time() -> None:
    (found,) = refused(bgp_peer("tor", holdTime="1s", keepaliveTime="30000s"))
    assert found.field == "spec.holdTime"


def test_a_spec_of_another_shape_is_named() -> None:
    (found,) = refused(of_kind(BGP_PEER, "tor", "x"))
    assert (found.object, found.field, found.value) == (TOR, "spec", "x")


def test_a_pool_that_takes_the_address_of_a_peer_is_refused() -> None:
    (found,) = refused(ip_pool("a"), bgp_peer("tor", peerAddress="192.0.2.14"))
    assert (found.object, found.message) == (
        f"IPAddressPool {SYSTEM}/a",
        f"It contains 192.0.2.14, the address of a BGP peer ({TOR}).",
    )


def test_each_field_has_its_origin_and_its_default_and_no_password_shows() -> None:
    config = loaded(bgp_peer("tor", **EVERY_FIELD), bfd_profile("fast"))
    given = {each.field: each.value for each in config.settings if each.given}
    assert given["spec.password"] == "(hidden)"
    assert "a b" not in f"{config!r} {config.settings!r}"
    written = set(EVERY_FIELD) - {"nodeSelectors"}
    assert {f"spec.{key}" for key in written} <= given.keys()
    mine = {each.field for each in config.settings if each.object == TOR}
    assert {name.partition("[")[0] for name in mine} == {f"spec.{key}" for key in KEYS}
    defaults = {each.field: each.value for each in loaded(bgp_peer("tor")).settings}
    assert defaults["spec.holdTime"] == "90s, or three times keepaliveTime"
    assert defaults["spec.connectTime"] == "10s"
    assert {name for name in defaults if name.startswith("spec.")} == {f"spec.{k}" for k in KEYS}
