"""`vipcast explain ADDRESS`: whose it is, who answers, or who could get it."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace

import pytest
import yaml

from tests.unit.cli.cluster import (
    ALLOCATED,
    EVERYWHERE,
    HOME,
    NODES,
    SINCE,
    VIP,
    WEB,
    Directory,
    holding,
    metallb,
    refusing,
)
from tests.unit.cli.commands import Vipcast
from vipcast.cli.main import LACKING, NOT_FOUND, WELL
from vipcast.cli.wording import why
from vipcast.model.objects import Key, Recorded
from vipcast.model.reasons import Reason

Explain = Callable[..., tuple[int, list[str]]]
OWNER = f"{VIP} from pool home belongs to Service default/web, TCP 80 (allocated, since {SINCE})."
GIVEN = "An address was taken from the pool."
ANSWERS = (
    f"On lan0, node2 answers for {VIP} with MAC 02:00:00:00:00:02"
    f" (firstClaim, since {SINCE}, epoch 1)."
)
ASKING = "by asking for it (loadBalancerIP) or for its pool (annotation address-pool)"


@pytest.fixture
def explain(vipcast: Vipcast) -> Explain:
    """Explains the address of the Service web, where a test names nothing else."""

    def run(address: str = VIP, *arguments: str) -> tuple[int, list[str]]:
        return vipcast("explain", address, *arguments)

    return run


def test_an_address_that_a_service_has_is_explained_with_who_answers(
    directory: Directory, explain: Explain
) -> None:
    directory.service("other", ALLOCATED, ["192.0.2.11"])
    assert explain() == (
        WELL,
        [
            OWNER,
            GIVEN,
            "",
            ANSWERS,
            "Nobody held the address; this node ranks best among those that may.",
            "Order of those that may: node2, node1, node3.",
            (
                "Next: node2 keeps it while it is heard, whatever its rank;"
                " if it is lost, node1 takes it within two seconds."
            ),
        ],
    )


def test_services_that_share_an_address_are_all_named_and_the_answer_once(
    directory: Directory, explain: Explain
) -> None:
    key = {"metallb.io/allow-shared-ip": "dns"}
    udp = [{"port": 53, "protocol": "UDP"}]
    directory.service("web", ALLOCATED, [VIP], annotations=key)
    directory.service("dns", ALLOCATED, [VIP], annotations=key, ports=udp, endpoints=["node3"])
    services = (WEB, Key("default", "dns"))
    directory.holders(*(holding("node2", 1, Reason.FIRST_CLAIM, service=one) for one in services))
    code, lines = explain()
    assert (code, lines[:3]) == (
        WELL,
        [
            f"{VIP} from pool home is shared by 2 Services:",
            f"  default/dns, UDP 53 (allocated, since {SINCE}). {GIVEN}",
            f"  default/web, TCP 80 (allocated, since {SINCE}). {GIVEN}",
        ],
    )
    assert lines.count(ANSWERS) == 1


def test_an_address_that_nobody_answers_for_says_why(
    directory: Directory, explain: Explain
) -> None:
    directory.service("web", ALLOCATED, [VIP], endpoints=())
    directory.holders()
    web = Key("default", "web")
    directory.speakers(*(refusing(node, web, Reason.NO_ENDPOINTS) for node in NODES))
    code, lines = explain()
    assert (code, lines[3:5]) == (
        LACKING,
        [
            f"On lan0, nobody answers for {VIP} (noEndpoints).",
            (
                "No endpoint of the Service is ready or serving."
                " Look at the Service's selector, and whether its pods are ready."
            ),
        ],
    )


def test_who_asks_for_the_address_and_has_it_not_is_named(
    directory: Directory, explain: Explain
) -> None:
    message = f"{VIP} belongs to Service default/web. Ask for another address."
    refused = Recorded(reason=Reason.ADDRESS_IN_USE, message=message)
    directory.service("late", refused, loadBalancerIP=VIP)
    assert explain()[1][2:5] == [
        "",
        "Services that ask for it and do not have it:",
        f"  default/late (addressInUse): {message}",
    ]


@pytest.mark.usefixtures("directory")
def test_a_free_address_says_in_which_pool_and_who_could_get_it(explain: Explain) -> None:
    assert explain("192.0.2.11") == (
        LACKING,
        [
            "192.0.2.11 is free: it lies in pool home, and no Service has it.",
            "Pool home (192.0.2.10-192.0.2.20) is announced by layer 2.",
            f"A Service gets it {ASKING}, or when its turn comes.",
        ],
    )


def test_a_pool_that_is_for_some_services_says_for_which(
    directory: Directory, explain: Explain
) -> None:
    allocation = {
        "namespaces": ["shop"],
        "namespaceSelectors": [{"matchLabels": {"team": "a"}}],
        "serviceSelectors": [{"matchLabels": {"app": "x"}}],
    }
    ad = metallb("L2Advertisement", "home", ipAddressPools=["home"])
    pool = metallb(
        "IPAddressPool",
        "shop",
        addresses=["192.0.2.32/28"],
        autoAssign=False,
        serviceAllocation=allocation,
    )
    directory.put("pools.yaml", HOME, pool, ad)
    assert explain("192.0.2.33") == (
        LACKING,
        [
            "192.0.2.33 is free: it lies in pool shop, and no Service has it.",
            "Pool shop (192.0.2.32-192.0.2.47) is not announced by anything.",
            f"A Service gets it only {ASKING}: auto-assign is off.",
            (
                "The pool is only for Services of namespace shop, or of namespaces with team=a"
                " with app=x."
            ),
        ],
    )


def test_a_free_address_that_no_service_can_get_says_why(
    directory: Directory, explain: Explain
) -> None:
    pool = metallb("IPAddressPool", "odd", addresses=["192.0.2.240/28"], avoidBuggyIPs=True)
    directory.put("pools.yaml", HOME, pool, EVERYWHERE)
    assert explain("192.0.2.255")[1][-1] == (
        "No Service can get it: The pool avoids addresses that end in .0 or .255."
    )


def test_a_free_address_of_ipv6_says_whether_anybody_would_announce_it(
    directory: Directory, explain: Explain
) -> None:
    pool = metallb("IPAddressPool", "six", addresses=["2001:db8::/64"])
    directory.put("pools.yaml", pool, EVERYWHERE)
    assert explain("2001:db8::1") == (
        LACKING,
        [
            "2001:db8::1 is free: it lies in pool six, and no Service has it.",
            "Pool six (2001:db8::-2001:db8::ffff:ffff:ffff:ffff) is announced by layer 2.",
            f"Nobody would announce it: {why(Reason.FAMILY_UNSUPPORTED)}",
            f"A Service gets it {ASKING}, or when its turn comes.",
        ],
    )
    directory.put("bgp.yaml", metallb("BGPAdvertisement", "all"))
    assert not any("Nobody would" in line for line in explain("2001:db8::1")[1])


def test_a_free_address_says_by_what_it_would_be_announced(
    directory: Directory, explain: Explain
) -> None:
    pool = metallb("IPAddressPool", "far", addresses=["198.51.100.0/24"])
    directory.put("pools.yaml", pool)
    assert explain("198.51.100.7")[1][1].endswith(" is not announced by anything.")
    directory.put("pools.yaml", pool, EVERYWHERE, metallb("BGPAdvertisement", "all"))
    both = " is announced by layer 2 and told to routers by BGP."
    assert explain("198.51.100.7")[1][1].endswith(both)


def test_an_address_in_no_pool_is_said_to_be_in_none(
    directory: Directory, explain: Explain
) -> None:
    node = {
        "apiVersion": "v1",
        "kind": "Node",
        "metadata": {"name": "node9"},
        "status": {"addresses": [{"type": "InternalIP", "address": "192.0.2.99"}]},
    }
    directory.put("more.yaml", node)
    assert explain("192.0.2.99") == (
        NOT_FOUND,
        [
            "192.0.2.99 is in no pool, and no Service has it.",
            "It is an address of node node9: `vipcast explain node/node9`.",
            "Pools: home (192.0.2.10-192.0.2.20).",
        ],
    )


@pytest.mark.parametrize(
    ("address", "sentence"),
    [
        ("10.244.1.2", "It is for a pod of node node9 (10.244.1.0/24); no pool may have it."),
        (
            "10.96.0.10",
            "It is for a cluster IP (--service-cidr 10.96.0.0/12); no pool may have it.",
        ),
        ("2001:db8::1", "To use it, add it to a pool."),
        ("198.51.100.1", "To use it, add it to a pool."),
    ],
)
def test_an_address_that_no_pool_may_have_is_not_to_be_added_to_one(
    directory: Directory, explain: Explain, address: str, sentence: str
) -> None:
    node = {"apiVersion": "v1", "kind": "Node", "metadata": {"name": "node9"}}
    directory.put("more.yaml", {**node, "spec": {"podCIDRs": ["10.244.1.0/24"]}})
    code, lines = explain(address, "--service-cidr=10.96.0.0/12")
    assert (code, sentence in lines) == (NOT_FOUND, True)
    assert ("To use it, add it to a pool." in lines) == sentence.startswith("To use")


def test_a_pool_of_bgp_is_said_to_be_told_to_routers(
    directory: Directory, explain: Explain
) -> None:
    directory.put(
        "pools.yaml",
        {
            "apiVersion": "v1",
            "kind": "ConfigMap",
            "metadata": {"name": "config", "namespace": "metallb-system"},
            "data": {
                "config": "address-pools:\n- name: far\n  protocol: bgp\n"
                "  addresses: [198.51.100.0/24]\n"
            },
        },
    )
    far = "Pool far (198.51.100.0-198.51.100.255) is told to routers by BGP."
    assert explain("198.51.100.7")[1][1] == far


def test_a_service_that_asks_for_an_address_in_another_spelling_waits_for_it(
    directory: Directory, explain: Explain
) -> None:
    directory.put("pools.yaml", metallb("IPAddressPool", "six", addresses=["2001:db8::/64"]))
    refused = replace(ALLOCATED, assigned=False, reason=Reason.ADDRESS_IN_USE, message="Taken.")
    directory.service("late", refused, ipFamilies=["IPv6"], loadBalancerIP="2001:DB8:0::0:1")
    found = json.loads("\n".join(explain("2001:db8::1", "-ojson")[1]))
    assert [each["service"] for each in found["waiting"]] == ["default/late"]


def test_an_address_that_a_service_has_kept_out_of_every_pool_says_so(
    directory: Directory, explain: Explain
) -> None:
    directory.put("pools.yaml", metallb("IPAddressPool", "home", addresses=["192.0.2.32/28"]))
    assert explain()[1][:3] == [
        OWNER,
        GIVEN,
        (
            "The address is in no configured pool."
            " Ask for an address of a pool, or add this one to a pool."
        ),
    ]


def test_without_a_readable_configuration_the_pool_is_not_known(
    directory: Directory, explain: Explain
) -> None:
    directory.put("pools.yaml", metallb("IPAddressPool", "home", addresses=["192.0.2.9"]))
    unknown = (
        "Which pool it lies in is not known: the configuration cannot be read"
        " (`vipcast explain config` says why)."
    )
    assert explain("192.0.2.11") == (LACKING, ["No Service has 192.0.2.11.", unknown])
    code, lines = explain()
    assert (code, lines[:3]) == (WELL, [OWNER, GIVEN, unknown])
    assert "Order of those that may: node2, node1, node3." in lines


def test_json_and_yaml_of_an_address_have_the_same_keys_whoever_has_it(
    directory: Directory, explain: Explain
) -> None:
    refused = replace(ALLOCATED, assigned=False, reason=Reason.ADDRESS_IN_USE, message="Taken.")
    directory.service("late", refused, loadBalancerIP="192.0.2.11")
    free = {
        "address": "192.0.2.11",
        "healthy": False,
        "standing": "free",
        "pool": "home",
        "notes": [
            "Pool home (192.0.2.10-192.0.2.20) is announced by layer 2.",
            f"A Service gets it {ASKING}, or when its turn comes.",
        ],
        "services": [],
        "waiting": [
            {
                "service": "default/late",
                "ports": ["TCP 80"],
                "reason": "addressInUse",
                "message": "Taken.",
                "since": SINCE,
            }
        ],
        "announcements": [],
        "routes": [],
        "controller": "",
    }
    code, lines = explain("192.0.2.11", "-ojson")
    assert (code, json.loads("\n".join(lines))) == (LACKING, free)
    taken = yaml.safe_load("\n".join(explain(VIP, "-oyaml")[1]))
    assert taken.keys() == free.keys()
    assert (taken["standing"], taken["healthy"]) == ("taken", True)
    assert taken["announcements"][0]["holder"] == "node2"
