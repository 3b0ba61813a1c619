"""A thousand Services through the API server: all addressed, all answered, then silence."""

from __future__ import annotations

import itertools
import re
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from lab import measure
from lab.cluster import Lab
from lab.kubernetes.audit import Audit, Call
from lab.kubernetes.cluster import Cluster
from lab.kubernetes.programs import provide
from lab.kubernetes.vipcast import Installed
from lab.vipcast import pool, service
from tests.cluster.main_job.conftest import say
from tests.support.installed import ClusterRack
from tests.support.kubesources import Users
from tests.support.labs import unique_name
from tests.support.netns import inside
from tests.support.waiting import eventually

COUNT = 1000
BUDGET = 1000
"""Events that each program may keep."""
PATIENCE = 180.0
NAMES = [f"s{number:04}" for number in range(COUNT)]
_numbers = itertools.count(8000)
SERVICES = "/api/v1/namespaces/default/services"


@pytest.fixture(scope="module")
def lab() -> Iterator[Lab]:
    """A segment that has room for a thousand addresses."""
    with Lab(unique_name(), segments=["10.0.0.0/16"], control_plane=True) as standing:
        yield standing


@pytest.fixture(scope="module")
def audit(lab: Lab) -> Audit:
    """What the programs have asked of the API server."""
    return Audit(lab.run.path)


@contextmanager
def connected(cluster: Cluster) -> Iterator[Users]:
    """The administrator without kubectl, which would take its time over a thousand calls."""
    with inside(cluster.lab.cp.namespace):
        users = Users(cluster)
        yield users
        users.close()


@pytest.fixture(scope="module")
def filled(lab: Lab, audit: Audit) -> ClusterRack:
    """A rack of a thousand Services with one app's pods, all of which have an address."""
    cluster = Cluster(lab, provide(say), audit.flags)
    cluster.start()
    vipcast = Installed(cluster)
    vipcast.start()
    vipcast.apply("pool", pool(["10.0.8.0/21"]))
    cluster.serve("web")
    rack = ClusterRack(lab, vipcast, "", cluster)
    rack.settle()
    with connected(cluster) as users:
        for name in NAMES:
            users.ask("POST", SERVICES, service(name, selector={"app": "web"}))

    def given() -> bool:
        found = rack.addresses()
        return len(found) == COUNT and None not in found.values()

    eventually(given, what="all have an address", deadline=PATIENCE)
    return rack


@pytest.fixture(scope="module")
def addresses(filled: ClusterRack) -> dict[str, str]:
    """Of all Services, by name."""
    return {name: str(vip) for name, vip in filled.addresses().items()}


def test_all_addresses_differ_and_each_is_answered_by_one_node(
    filled: ClusterRack, addresses: dict[str, str]
) -> None:
    wanted = set(addresses.values())
    assert len(wanted) == COUNT
    with measure.watch(filled.lab.client, *wanted, every_ms=2000.0) as watch:

        def missing() -> set[str]:
            return wanted - {each["vip"] for each in watch.events() if each["event"] == "moved"}

        eventually(lambda: not missing(), what="each address is answered for", deadline=PATIENCE)
        eventually(
            lambda: len(filled.holders()) == COUNT, what="each is reported", deadline=PATIENCE
        )
        holders = filled.holders()
    for name, vip in addresses.items():
        seen = watch.seen[vip]
        assert [filled.lab.owner(mac) for mac in seen.macs] == [holders[name]]
        assert seen.doubled == ()
    assert set(holders.values()) == {node.name for node in filled.lab.nodes}


def test_kube_proxy_leads_addresses_of_all_nodes_to_pods(
    filled: ClusterRack, addresses: dict[str, str]
) -> None:
    by_node = {node: name for name, node in filled.holders().items()}
    assert len(by_node) == len(filled.lab.nodes)
    for name in by_node.values():
        ask = ["curl", "-sS", "-m", "5", f"http://{addresses[name]}/"]
        eventually(
            lambda ask=ask: "pod" in filled.lab.client.run(ask, check=False).stdout,  # type: ignore[misc]
            what=f"a pod answers at the address of {name}",
            deadline=PATIENCE,
        )


def test_each_service_has_its_events_and_no_program_has_more_than_its_budget(
    filled: ClusterRack, audit: Audit
) -> None:
    def told(reason: str) -> set[str]:
        found = filled.cluster.list("events", "default", "--field-selector", f"reason={reason}")
        return {each["involvedObject"]["name"] for each in found}

    for reason in ("IPAllocated", "nodeAssigned"):
        eventually(
            lambda reason=reason: told(reason) >= set(NAMES),  # type: ignore[misc]
            what=f"each Service has its {reason}",
            deadline=PATIENCE,
        )
    writers = Counter(
        each["reportingComponent"] for each in filled.cluster.list("events", "default")
    )
    ours = {"controller", *(f"speaker-{node.name}" for node in filled.lab.nodes)}
    assert {name: count for name, count in writers.items() if name in ours and count > BUDGET} == {}
    assert ours <= writers.keys()
    written = Counter(call.program for call in audit.writes() if call.resource == "events")
    # One each; that again where an address went on to its place after a first claim.
    assert COUNT <= written["controller"] <= 2 * COUNT
    assert COUNT <= written["speaker"] <= 2 * COUNT


def updates(rack: ClusterRack) -> dict[str, float]:
    """How many changed objects each program has worked on."""
    said = {node.name: rack.vipcast.metrics(node) for node in rack.lab.nodes}
    said["controller"] = rack.controller_says("metrics")
    pattern = re.compile(r"^metallb_k8s_client_updates_total (\S+)$", re.MULTILINE)
    return {name: float(pattern.findall(text)[0]) for name, text in said.items()}


def writes_over_a_change_of_no_effect(rack: ClusterRack, audit: Audit) -> list[Call]:
    """What is written while every program works on a Service whose port has changed."""
    begun = len(audit.writes())
    before = updates(rack)
    change = f'[{{"op": "replace", "path": "/spec/ports/0/port", "value": {next(_numbers)}}}]'
    rack.cluster.kubectl("patch", "service", NAMES[0], "--type=json", "-p", change)

    def looked() -> bool:
        return all(count > before[name] for name, count in updates(rack).items())

    eventually(looked, what="every program has worked on it")
    return audit.writes()[begun:]


def test_nothing_is_written_once_all_is_as_it_should_be(filled: ClusterRack, audit: Audit) -> None:
    eventually(
        lambda: not writes_over_a_change_of_no_effect(filled, audit),
        what="the programs have written everything",
        deadline=PATIENCE,
    )
    begun = len(audit.writes())

    filled.cluster.restart_apiserver()
    eventually(lambda: "Not followed" not in filled.controller_says(), what="it is followed again")
    filled.vipcast.await_ready()
    writes_over_a_change_of_no_effect(filled, audit)

    assert audit.writes()[begun:] == []


def test_a_restart_of_every_program_changes_no_address(
    filled: ClusterRack, audit: Audit, addresses: dict[str, str]
) -> None:
    begun = len(audit.writes())
    filled.vipcast.controller.stop()
    filled.vipcast.start_controller()
    for node in filled.lab.nodes:
        filled.vipcast.speaker(node).stop()
        filled.vipcast.start_speaker(node)
        filled.settle()
    eventually(lambda: "services" not in filled.controller_says(), what="the controller is ready")
    writes_over_a_change_of_no_effect(filled, audit)

    assert filled.addresses() == addresses
    assert not [call for call in audit.writes()[begun:] if call.resource == "services/status"]


def test_what_is_deleted_is_answered_for_and_reported_no_more(
    filled: ClusterRack, addresses: dict[str, str]
) -> None:
    with connected(filled.cluster) as users:
        for name in NAMES:
            users.ask("DELETE", f"{SERVICES}/{name}")

    eventually(lambda: not filled.holders(), what="no node reports to hold any", deadline=PATIENCE)
    wanted = sorted(addresses.values())
    with measure.watch(filled.lab.client, *wanted, every_ms=1000.0) as watch:
        eventually(lambda: watch.process.alive, what="it asks")
    assert sum(seen.answered for seen in watch.seen.values()) == 0
