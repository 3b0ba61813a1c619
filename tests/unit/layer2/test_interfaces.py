"""Which links VIPs are announced on: MetalLB's list, and its other rules."""

from __future__ import annotations

import re
from dataclasses import replace
from ipaddress import IPv4Address, IPv4Interface

import pytest

from speaker.layer2.interfaces import Exclusions, Link, skip_reason
from vipcast.model.reasons import Reason

LINK = Link(
    ifindex=2,
    name="lan0",
    mac=bytes.fromhex("0200c0000201"),
    up=True,
    carrier=True,
    addresses=(IPv4Interface("192.0.2.11/24"), IPv4Interface("198.51.100.11/24")),
)


def test_a_link_with_nothing_against_it_is_announced_on() -> None:
    assert skip_reason(LINK, Exclusions()) is None


@pytest.mark.parametrize("name", ["eth0", "ens3", "bond0", "br0", "lan0", "lo0", "xdocker0", "dum"])
def test_names_of_network_cards_bonds_and_bridges_are_announced_on(name: str) -> None:
    assert skip_reason(replace(LINK, name=name), Exclusions()) is None


@pytest.mark.parametrize(
    "name",
    [
        *("docker0", "cbr0", "dummy1", "virbr0-nic", "lxcbr0", "veth12ab", "vethpod0", "lo"),
        *("cali0123", "tunl0", "flannel.1", "kube-ipvs0", "cni0", "nodelocaldns", "lxc_health"),
    ],
)
def test_names_on_metallbs_list_are_not(name: str) -> None:
    assert skip_reason(replace(LINK, name=name), Exclusions()) is Reason.INTERFACE_EXCLUDED


@pytest.mark.parametrize(
    ("link", "reason"),
    [
        (replace(LINK, up=False), Reason.INTERFACE_DOWN),
        (replace(LINK, master=7), Reason.INTERFACE_ENSLAVED),
        (replace(LINK, arp=False), Reason.INTERFACE_NO_ARP),
        (replace(LINK, mac=b""), Reason.INTERFACE_NO_ARP),
        (replace(LINK, broadcast=False), Reason.INTERFACE_NO_BROADCAST),
        (replace(LINK, name="lo", up=False, master=7), Reason.INTERFACE_EXCLUDED),
        (replace(LINK, up=False, master=7), Reason.INTERFACE_DOWN),
        (replace(LINK, carrier=False), None),
        (replace(LINK, addresses=()), None),
    ],
)
def test_what_else_speaks_against_a_link_is_said_in_a_word(
    link: Link, reason: Reason | None
) -> None:
    assert skip_reason(link, Exclusions()) is reason


def test_a_list_of_ones_own_is_searched_anywhere_in_the_name_and_may_be_empty() -> None:
    own = Exclusions(["an0", "^x|y$"])
    assert [own.matches(name) for name in ("lan0", "x1", "xy", "1y", "1x", "docker0")] == [
        *(True, True, True, True),
        *(False, False),
    ]
    assert not Exclusions([]).matches("lo")


def test_an_expression_that_cannot_be_read_is_an_error() -> None:
    with pytest.raises(re.error):
        Exclusions(["("])


def test_the_first_address_of_a_link_is_the_one_it_speaks_from() -> None:
    assert LINK.address == IPv4Address("192.0.2.11")
    assert replace(LINK, addresses=()).address is None
