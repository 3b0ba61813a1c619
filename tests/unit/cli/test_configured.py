"""`vipcast explain config`: every value with its origin, findings, what the programs say."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from functools import partial
from pathlib import Path

import pytest
import yaml

from tests.unit.cli.cluster import EVERYWHERE, HOME, NODES, Directory, healthy, metallb
from tests.unit.cli.commands import Vipcast
from vipcast.cli.main import LACKING, NOT_FOUND, UNREADABLE, WELL, main
from vipcast.cli.text import Screen
from vipcast.model.errors import Finding

Explain = Callable[..., tuple[int, list[str]]]

INPUTS = Path(__file__).parents[2] / "inputs"
MAPS = sorted(path for path in INPUTS.glob("*.yaml") if "kind: ConfigMap" in path.read_text())
PROGRAMS = ["", "The programs say: valid (controller, node1, node2, node3)"]
FLAGS = ["", "Flags, as the programs tell them:", *(f"  {one}: --xdp-mode auto" for one in NODES)]


@pytest.fixture
def explain(vipcast: Vipcast) -> Explain:
    """Explains the configuration."""
    return partial(vipcast, "explain", "config")


@pytest.fixture
def directory(tmp_path: Path) -> Directory:
    """Three nodes with their speakers, and no configuration yet."""
    return healthy(tmp_path)


def test_each_value_of_the_config_map_is_given_or_the_default(
    directory: Directory, explain: Explain
) -> None:
    shutil.copy(INPUTS / "l2-home.yaml", directory.path)
    assert explain() == (
        WELL,
        [
            "The configuration is ConfigMap metallb-system/config; nothing is wrong with it.",
            "",
            "ConfigMap metallb-system/config:",
            "  bgp-communities: none (default)",
            "  address-pools[0].name: default",
            "  address-pools[0].protocol: layer2",
            "  address-pools[0].addresses[0]: 192.168.1.30-192.168.1.49",
            "  address-pools[0].avoid-buggy-ips: false (default)",
            "  address-pools[0].auto-assign: true (default)",
            "  bfd-profiles: none (default)",
            "  peers: none (default)",
            *PROGRAMS,
            *FLAGS,
        ],
    )


def test_values_of_the_kinds_stand_below_their_objects(
    directory: Directory, explain: Explain
) -> None:
    pool = metallb("IPAddressPool", "more", addresses=["192.0.2.32/28"], autoAssign=False)
    directory.put("pools.yaml", HOME, pool, EVERYWHERE)
    code, lines = explain()
    assert (code, lines[0]) == (
        WELL,
        (
            "The configuration is metallb.io objects in namespace metallb-system;"
            " nothing is wrong with it."
        ),
    )
    place = lines.index("IPAddressPool metallb-system/more:")
    assert lines[place : place + 5] == [
        "IPAddressPool metallb-system/more:",
        "  spec.addresses[0]: 192.0.2.32/28",
        "  spec.autoAssign: false (default: true)",
        "  spec.avoidBuggyIPs: false (default)",
        "  spec.serviceAllocation: every Service (default)",
    ]
    assert "L2Advertisement metallb-system/everywhere:" in lines


@pytest.mark.parametrize("path", MAPS, ids=lambda path: str(path.name))
def test_every_value_of_a_users_file_is_shown_in_80_columns_and_no_password(
    path: Path, directory: Directory, explain: Explain, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("vipcast.cli.main.screen_of", lambda _: Screen(80))
    shutil.copy(path, directory.path / "input.yaml")
    _, lines = explain()
    assert max(map(len, lines)) <= 80
    text = path.read_text()
    told = json.loads("\n".join(explain("-ojson")[1]))
    first = next(iter(yaml.safe_load_all(text)))
    written = yaml.safe_load(first["data"]["config"])
    names = [one["value"] for one in told["settings"] if one["field"].endswith("].name")]
    assert {pool["name"] for pool in written["address-pools"]} <= set(names)
    shown = "\n".join(lines) + json.dumps(told)
    secrets = [peer["password"] for peer in written.get("peers", ()) if "password" in peer]
    assert not [secret for secret in secrets if secret in shown]
    assert ("(hidden)" in shown) is bool(secrets)


def test_what_is_wrong_is_named_with_its_fix(directory: Directory, explain: Explain) -> None:
    directory.put("pools.yaml", metallb("IPAddressPool", "home", addresses=["192.0.2.9"]))
    finding = (
        "  IPAddressPool metallb-system/home: spec.addresses[0] = '192.0.2.9': This is neither a"
        " network nor a range. For this one address write 192.0.2.9/32. Write a network such as"
        " 192.0.2.0/24 or a range such as 192.0.2.10-192.0.2.20."
    )
    assert explain() == (
        LACKING,
        [
            "The configuration is refused; a program that had one before keeps it in force:",
            finding,
            *PROGRAMS,
            *FLAGS,
        ],
    )


def test_a_bgp_peer_that_is_wrong_is_named_and_all_else_is_shown(
    directory: Directory, explain: Explain
) -> None:
    peer = metallb("BGPPeer", "tor", myASN=64512, peerASN=64513, vrf="red", peerAddress="10.0.0.1")
    directory.put("pools.yaml", HOME, EVERYWHERE, peer)
    code, lines = explain()
    assert (code, lines[:2]) == (
        LACKING,
        [
            "All counts but these BGP peers; a program that had one before keeps it as it was:",
            (
                "  BGPPeer metallb-system/tor: spec.vrf = 'red': Sessions inside of a VRF are not"
                " spoken in this version. Remove it, if the peer can be reached by the node's main"
                " routing table."
            ),
        ],
    )
    assert "  spec.peerAddress: 10.0.0.1" in lines
    assert "IPAddressPool metallb-system/home:" in lines


def test_ranges_of_cluster_ips_are_compared_with_the_pools(
    directory: Directory, explain: Explain
) -> None:
    directory.put("pools.yaml", HOME, EVERYWHERE)
    code, lines = explain("--service-cidr=192.0.2.0/24")
    assert code == LACKING
    assert "(--service-cidr)" in lines[1]


def test_what_a_program_refuses_for_reasons_of_its_own_is_shown(
    directory: Directory, explain: Explain
) -> None:
    directory.put("pools.yaml", HOME, EVERYWHERE)
    finding = Finding("IPAddressPool metallb-system/home", "", "", "It is odd.", "Mend it.")
    directory.config("", "node1", "node2", "node3", findings=(finding,))
    code, lines = explain()
    assert code == LACKING
    place = lines.index("The programs say: invalid (controller, node1, node2, node3)")
    assert lines[place + 1] == f"  {finding}"


def test_what_has_no_effect_is_a_warning(directory: Directory, explain: Explain) -> None:
    shutil.copy(INPUTS / "everything-0.12.yaml", directory.path)
    lines = explain()[1]
    assert lines[2] == "Accepted without effect:"
    assert lines[3:5] == [
        (
            "  ConfigMap metallb-system/config: bfd-profiles[0] = 'fast': BFD is not spoken in this"
            " version. Keep it for later, or remove it."
        ),
        (
            "  ConfigMap metallb-system/config: peers[0].bfd-profile = 'fast': The session comes up"
            " without BFD. BFD is not spoken in this version. Keep it for later, or remove it."
        ),
    ]


@pytest.mark.usefixtures("directory")
def test_no_configuration_at_all_is_exit_code_3(explain: Explain) -> None:
    code, lines = explain()
    assert (code, lines[0]) == (NOT_FOUND, "There is no configuration:")
    assert lines[1].startswith("  ConfigMap metallb-system/config: There is neither such a")


def test_a_configuration_that_may_be_in_a_bad_file_is_not_said_to_be_missing(
    directory: Directory, explain: Explain
) -> None:
    (directory.path / "bad.yaml").write_text("kind: ConfigMap\n  metadata: {name: config}\n")
    code, lines = explain()
    assert code == UNREADABLE
    assert lines[:3] == [
        "There is no configuration to be seen; it may stand in what cannot be read.",
        "",
        "Objects not read:",
    ]
    assert lines[3].startswith("  file bad.yaml: line 2")


def test_a_configuration_that_is_gone_is_not_said_to_leave_services_without_an_address(
    directory: Directory, explain: Explain
) -> None:
    gone = Finding("ConfigMap metallb-system/config", "", "", "The last one stays in force.")
    directory.config("", *NODES, findings=(gone,))
    code, lines = explain()
    assert (code, lines[:4]) == (
        NOT_FOUND,
        [
            "There is no configuration any more; what the programs keep of it, they say below.",
            "",
            "The programs say: invalid (controller, node1, node2, node3)",
            f"  {gone}",
        ],
    )


def test_an_object_without_effect_spoils_nothing_as_in_lint(
    directory: Directory, explain: Explain, capsys: pytest.CaptureFixture[str]
) -> None:
    directory.put("pools.yaml", HOME, EVERYWHERE)
    directory.put("old.yaml", metallb("AddressPool", "old", addresses=["192.0.2.40/29"]))
    path = f"--directory={directory.path}"
    remark = "Kind AddressPool is not read in this version. Write it as an IPAddressPool."
    code, lines = explain()
    assert (code, lines[2]) == (WELL, "Accepted without effect:")
    assert lines[3].endswith(remark)
    assert main(["status", path]) == WELL
    shown = capsys.readouterr().out.splitlines()
    assert shown[-2] == "Without effect:"
    assert shown[-1].endswith(remark)
    assert main(["status", path, "-ojson"]) == WELL
    told = json.loads(capsys.readouterr().out)
    assert (told["problems"], len(told["warnings"])) == ([], 1)


@pytest.mark.parametrize(
    ("spec", "field", "value"),
    [
        ({"ipAddressPoolSelectors": [{"matchLabels": {"a": "b"}}]}, "ipAddressPools", "no others"),
        ({"ipAddressPools": ["home"]}, "ipAddressPoolSelectors", "no others"),
        ({}, "ipAddressPools", "every pool"),
    ],
)
def test_a_default_that_means_all_means_none_beside_what_limits_it(
    directory: Directory, explain: Explain, spec: dict[str, object], field: str, value: str
) -> None:
    directory.put("pools.yaml", HOME, metallb("L2Advertisement", "ad", **spec))
    assert f"  spec.{field}: {value} (default)" in explain()[1]


def test_json_and_yaml_hold_every_value_with_its_origin(
    directory: Directory, explain: Explain
) -> None:
    ad = metallb("L2Advertisement", "ad", ipAddressPools=["home"])
    directory.put("pools.yaml", HOME, ad)
    code, lines = explain("-ojson")
    told = json.loads("\n".join(lines))
    settings = told.pop("settings")
    assert (code, told) == (
        WELL,
        {
            "source": "metallb.io objects in namespace metallb-system",
            "healthy": True,
            "findings": [],
            "warnings": [],
            "programs": [
                {"component": one, "result": "Valid", "findings": [], "warnings": []}
                for one in ("controller", *NODES)
            ],
            "flags": [{"component": node, "flag": "--xdp-mode", "value": "auto"} for node in NODES],
            "problems": [],
            "differences": [],
            "withoutEffect": [],
            "controller": "",
        },
    )
    assert {
        "object": "IPAddressPool metallb-system/home",
        "field": "spec.autoAssign",
        "value": "true",
        "default": "true",
        "given": False,
    } in settings
    assert yaml.safe_load("\n".join(explain("-oyaml")[1]))["settings"] == settings
