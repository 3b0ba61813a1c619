"""The programs tell their flags: commands use these, and say where they are not the same."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import yaml

from tests.unit.cli.cluster import (
    ALLOCATED,
    EVERYWHERE,
    HOME,
    NODES,
    VIP,
    Directory,
    healthy,
)
from tests.unit.cli.commands import Vipcast
from vipcast.cli.main import LACKING, NOT_FOUND, WELL
from vipcast.cli.wording import said
from vipcast.files.dump import dump
from vipcast.kube.render import program_flags
from vipcast.model.classes import Classes
from vipcast.model.objects import Recorded
from vipcast.model.reasons import Reason

LAN = ("example.com/lan",)


def flags(
    classes: Sequence[str] = (), default: bool = True, cidrs: Sequence[str] = ()
) -> dict[str, Any]:
    """Flags as a program tells them."""
    return program_flags(Classes(frozenset(classes), default), cidrs)


def tell(directory: Directory, told: Mapping[str, Mapping[str, Any]]) -> None:
    """Let the programs tell their flags, by "" or node."""
    directory.config("", *NODES)
    path = directory.path / "config.yaml"
    states = list(filter(None, yaml.safe_load_all(path.read_text())))
    for node, state in zip(("", *NODES), states, strict=True):
        if node in told:
            state["status"]["flags"] = dict(told[node])
    path.write_text("---\n".join(map(dump, states)))


def test_services_of_the_classes_that_the_controller_tells_are_shown(
    tmp_path: Path, vipcast: Vipcast
) -> None:
    directory = healthy(tmp_path)
    directory.service("web", ALLOCATED, [VIP], loadBalancerClass=LAN[0])
    directory.service("plain", Recorded())
    tell(directory, dict.fromkeys(("", *NODES), flags(LAN, default=False)))
    code, lines = vipcast("status")
    assert (code, lines[1].split()[1]) == (WELL, "default/web")
    assert "default/plain" not in "\n".join(lines)
    code, lines = vipcast("explain", "plain")
    assert (code, lines[0]) == (
        LACKING,
        f"Service default/plain has no address ({Reason.NO_CLASS}).",
    )


def test_flags_that_are_not_the_same_everywhere_are_a_finding(
    tmp_path: Path, vipcast: Vipcast
) -> None:
    directory = healthy(tmp_path)
    directory.service("web", ALLOCATED, [VIP], loadBalancerClass=LAN[0])
    tell(directory, {"": flags(LAN, default=False), "node1": flags(), "node2": flags()})
    sentence = (
        "--lb-class is not the same everywhere: example.com/lan (controller);"
        " none (node1, node2). Start all programs with the same value."
    )
    other = (
        "--lb-class-default is not the same everywhere: false (controller);"
        " true (node1, node2). Start all programs with the same value."
    )
    code, lines = vipcast("status")
    assert (code, lines[-2:]) == (LACKING, [sentence, other])
    told = json.loads("\n".join(vipcast("status", "-ojson")[1]))
    assert (told["healthy"], told["differences"]) == (False, [sentence, other])
    code, lines = vipcast("explain", "web")
    assert (code, lines[-2:]) == (LACKING, [sentence, other])
    code, lines = vipcast("explain", "config")
    assert (code, f"  {sentence}" in lines) == (NOT_FOUND, True)
    assert "  controller: --lb-class example.com/lan" in lines


def test_a_speaker_of_other_classes_is_not_promised_to_take_an_address(
    tmp_path: Path, vipcast: Vipcast
) -> None:
    directory = healthy(tmp_path)
    directory.put("pools.yaml", HOME, EVERYWHERE)
    directory.service("web", ALLOCATED, [VIP], loadBalancerClass=LAN[0])
    directory.holders()
    mine, others = flags(LAN, default=False), flags()
    tell(directory, {"": mine, "node1": mine, "node2": others, "node3": mine})
    lines = vipcast("explain", "web")[1]
    assert f"On lan0, nobody answers for {VIP} (waitingForBetterRanked)." in lines
    assert lines[-6:-3] == [
        "Order of those that may: node1, node3.",
        "May not: node2 (otherLoadBalancerClass).",
        "Next: node1 ranks best among those heard and takes it within two seconds.",
    ]
    lines = vipcast("explain", "node2")[1]
    assert (
        f"Does not answer for (layer 2, otherLoadBalancerClass): {said(Reason.OTHER_CLASS)}"
        in lines
    )
    tell(directory, {"": mine, **dict.fromkeys(NODES, others)})
    lines = vipcast("explain", "web")[1]
    assert lines[-7:-3] == [
        f"On lan0, nobody answers for {VIP} (otherLoadBalancerClass).",
        said(Reason.OTHER_CLASS),
        f"May not: {', '.join(f'{node} (otherLoadBalancerClass)' for node in NODES)}.",
        "Next: It is announced as soon as that changes.",
    ]


def test_an_address_stays_with_a_speaker_to_which_one_of_its_services_is_ours(
    tmp_path: Path, vipcast: Vipcast
) -> None:
    directory = healthy(tmp_path)
    directory.put("pools.yaml", HOME, EVERYWHERE)
    shared = {"metallb.io/allow-shared-ip": "key"}
    directory.service("web", ALLOCATED, [VIP], annotations=shared)
    ports = [{"port": 53, "protocol": "UDP"}]
    directory.service(
        "dns", ALLOCATED, [VIP], annotations=shared, ports=ports, loadBalancerClass=LAN[0]
    )
    tell(directory, {"": flags(LAN, default=True), **dict.fromkeys(NODES, flags())})
    assert "Order of those that may: node2, node1, node3." in vipcast("explain", "web")[1]


def test_cluster_ips_that_the_programs_tell_are_no_pools(tmp_path: Path, vipcast: Vipcast) -> None:
    directory = healthy(tmp_path)
    pool = {"apiVersion": "metallb.io/v1beta1", "kind": "IPAddressPool"}
    metadata = {"name": "low", "namespace": "metallb-system"}
    spec = {"addresses": ["10.96.0.0/24"]}
    directory.put("pools.yaml", {**pool, "metadata": metadata, "spec": spec})
    tell(directory, {"": flags(cidrs=["10.96.0.0/12"])})
    code, lines = vipcast("explain", "config")
    assert code == LACKING
    assert "10.96.0.0/12" in "\n".join(lines)


def test_flags_that_cannot_be_read_are_an_object_not_read(tmp_path: Path, vipcast: Vipcast) -> None:
    directory = healthy(tmp_path)
    tell(directory, {"node1": flags(cidrs=["many"])})
    code, lines = vipcast("status")
    assert (code, lines[-2]) == (LACKING, "Objects not read:")
    assert lines[-1].startswith(
        "  ConfigurationState metallb-system/speaker-node1: status.flags.serviceCIDRs = 'many':"
    )
