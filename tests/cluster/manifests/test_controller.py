"""The controller at work with its service account's rights: what it writes, and what not."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from lab.kubernetes.cluster import Cluster
from lab.vipcast import BIN, service
from tests.support.manifests import Object
from tests.support.waiting import eventually
from vipcast.kube.render import CONTESTED, whole
from vipcast.model.objects import Key
from vipcast.model.raw import IP_ADDRESS_POOL, Ref

OWN = "metallb-system"
OURS, THEIRS = "192.0.2.200", "10.0.0.1"
HOLD = "example.com/hold"
THEIR_CONDITION = {
    "type": "example.com/Checked",
    "status": "True",
    "reason": "Checked",
    "message": "All is well.",
    "lastTransitionTime": "2026-01-01T00:00:00Z",
}


@pytest.fixture(scope="module")
def running(cluster: Cluster) -> Iterator[Cluster]:
    """The controller, and a pool of eight addresses."""
    pool = Ref(IP_ADDRESS_POOL, Key(OWN, "home"))
    cluster.apply(whole(pool, spec={"addresses": [f"{OURS}/29"]}))
    kubeconfig, cp = cluster.kubeconfig_of("controller", OWN), cluster.lab.cp
    argv: list[str | Path] = [BIN / "vipcast-controller", "--kubeconfig", kubeconfig]
    argv += ["--port", "0", "--run-dir", cp.run_dir / "controller"]
    process = cp.start(argv, name="controller")
    yield cluster
    process.stop()
    for kind, name in (
        ("ipaddresspool", "home"),
        ("configurationstate", "controller"),
        ("secret", "memberlist"),
    ):
        cluster.kubectl("delete", kind, name, "-n", OWN)


@pytest.fixture
def web(running: Cluster) -> Iterator[str]:
    """A Service that has its address; gone with the test."""
    running.apply(service("web"))
    eventually(lambda: shown(running, "web") == OURS, what="it has an address")
    yield "web"
    running.kubectl("delete", "service", "web", "--ignore-not-found")
    eventually(lambda: assigned(running) == (0, 8), what="its address is free")


def shown(cluster: Cluster, name: str) -> str:
    """The address on a Service, "" if there is none."""
    ingress = cluster.get("service", name)["status"]["loadBalancer"].get("ingress")
    return str(ingress[0]["ip"]) if ingress else ""


def assigned(cluster: Cluster) -> tuple[int, int] | None:
    """What the pool says: how many addresses are assigned, and how many available."""
    status = cluster.get("ipaddresspool", "home", OWN).get("status", {})
    if "assignedIPv4" not in status:
        return None
    return status["assignedIPv4"], status["availableIPv4"]


def patch(cluster: Cluster, name: str, body: Any, *options: str) -> None:
    """Patch a Service, as somebody else does."""
    words = ("patch", "service", name, "--type=merge", "-p", json.dumps(body))
    cluster.kubectl(*words, *options)


def usurp(cluster: Cluster, name: str) -> int:
    """Put another address where ours stands, as k3s does; how often that was (0 or 1)."""
    if shown(cluster, name) == THEIRS:
        return 0
    status = {"status": {"loadBalancer": {"ingress": [{"ip": THEIRS}]}}}
    patch(cluster, name, status, "--subresource=status", "--field-manager=k3s")
    return 1


def condition(cluster: Cluster, name: str) -> Object:
    """The controller's condition on a Service."""
    conditions = cluster.get("service", name)["status"]["conditions"]
    return next(one for one in conditions if one["type"] == "vipcast.io/AddressAssigned")


def contested(cluster: Cluster) -> str:
    """The Services that the controller says somebody else writes on."""
    state = cluster.get("configurationstate", "controller", OWN)
    found = (one["message"] for one in state["status"]["conditions"] if one["type"] == CONTESTED)
    return str(next(found, ""))


def test_finalizers_and_conditions_of_others_stay_and_so_does_the_address_to_the_end(
    running: Cluster, web: str
) -> None:
    patch(running, web, {"metadata": {"finalizers": [HOLD]}})
    status = {"status": {"conditions": [THEIR_CONDITION, condition(running, web)]}}
    patch(running, web, status, "--subresource=status")
    running.kubectl("annotate", "service", web, "metallb.io/loadBalancerIPs=192.0.2.205")
    eventually(lambda: shown(running, web) == "192.0.2.205", what="it has the other address")
    raw = running.get("service", web)
    assert raw["metadata"]["finalizers"] == [HOLD]
    assert THEIR_CONDITION in raw["status"]["conditions"]
    assert condition(running, web)["status"] == "True"

    running.kubectl("delete", "service", web, "--wait=false")
    running.apply(service("next", loadBalancerIP="192.0.2.205"))
    eventually(
        lambda: condition(running, "next")["reason"] == "addressInUse", what="it is still held"
    )
    assert shown(running, web) == "192.0.2.205"
    patch(running, web, {"metadata": {"finalizers": None}})
    eventually(lambda: shown(running, "next") == "192.0.2.205", what="the next one has it")
    running.kubectl("delete", "service", "next")


def test_a_pool_counts_its_addresses_and_what_is_quiet_is_not_written(
    running: Cluster, web: str
) -> None:
    eventually(lambda: assigned(running) == (1, 7), what="it is counted")

    def versions() -> dict[str, str]:
        found = (
            running.get("service", web),
            running.get("configurationstate", "controller", OWN),
            running.get("secret", "memberlist", OWN),
        )
        return {raw["metadata"]["name"]: raw["metadata"]["resourceVersion"] for raw in found}

    before = versions()
    running.apply(service("passing"))
    eventually(lambda: assigned(running) == (2, 6), what="another one is counted")
    running.kubectl("delete", "service", "passing")
    eventually(lambda: assigned(running) == (1, 7), what="it is gone")
    assert versions() == before


def test_a_program_that_writes_against_us_is_named_and_left_alone_until_the_service_changes(
    running: Cluster, web: str
) -> None:
    taken = []

    def told() -> Object | None:
        taken.append(usurp(running, web))
        found = running.list("events", "default")
        return next((one for one in found if one["reason"] == "StatusContested"), None)

    event = eventually(told, what="it is told")
    assert event is not None
    assert event["message"].startswith(f"k3s puts {THEIRS} into the Service's status again")
    assert "Start the servers of k3s with --disable=servicelb." in event["message"]
    assert event["involvedObject"]["name"] == web
    assert sum(taken) == 2
    eventually(lambda: contested(running) == "default/web k3s", what="the state says so")
    command: list[str | Path] = [BIN / "vipcast", "explain", web]
    command += ["--kubeconfig", running.kubeconfig]
    said = running.lab.cp.run(command, check=False).stdout
    assert f"Service default/web has {THEIRS} (statusContested)." in said
    assert shown(running, web) == THEIRS

    running.kubectl("label", "service", web, "changed=yes")
    eventually(lambda: shown(running, web) == OURS, what="our address again")
    eventually(lambda: contested(running) == "", what="it is over")
    running.kubectl("delete", "events", "--all", "-n", "default")
