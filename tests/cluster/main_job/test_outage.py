"""No API server and no etcd, while nodes and programs fail: VIPs move as ever, and nothing changes.

That no address was ever given twice or changed is read in the API server's own record of what the
controller has written; what a killed API server did not come to write down, the Services show.
"""

from __future__ import annotations

import time
from collections.abc import Iterator

import pytest

from lab import measure
from lab.host import Host
from lab.kubernetes.audit import Audit
from lab.vipcast import pool, service
from tests.lab.test_failover import BOTH, TAKEOVER
from tests.support.installed import ClusterRack
from tests.support.racks import SERVICE
from tests.support.waiting import eventually

LARGE = "192.0.2.200-192.0.2.249"
PATIENCE = 60.0
OUTAGE = 60.0
"""Seconds for which there is no API server, if nodes have not failed for longer by then."""
FOLLOWED = ("configmaps", "nodes", "services")


@pytest.fixture(autouse=True)
def _large_pool(standing: ClusterRack) -> Iterator[None]:
    standing.vipcast.apply("pool", pool([LARGE]))
    yield
    standing.cluster.kubectl("delete", "service", "-l", "made=many", "--wait=false")


def create(rack: ClusterRack, *names: str) -> None:
    """Create Services that have the pods of the rack's own."""
    made = [service(name, selector={"app": SERVICE}) for name in names]
    for each in made:
        each["metadata"]["labels"] = {"made": "many"}
    rack.cluster.apply(*made)


def served(rack: ClusterRack, count: int) -> dict[str, str]:
    """Wait until so many Services have addresses, all different, that are answered for."""

    def given() -> dict[str, str]:
        found = {name: vip for name, vip in rack.addresses().items() if vip is not None}
        assert len(found) == count
        return found

    addresses = eventually(given, what=f"{count} Services have addresses", deadline=PATIENCE)
    assert len(set(addresses.values())) == count
    for vip in addresses.values():
        rack.vipcast.await_answer(vip)
    return addresses


def stop_kubernetes(rack: ClusterRack) -> None:
    """End API server and etcd, and wait until every program says that it follows nothing."""
    rack.cluster.plane.apiserver.kill()
    rack.cluster.plane.etcd.kill()

    def late(said: str) -> bool:
        return "Not followed" in said and all(kind in said for kind in FOLLOWED)

    eventually(lambda: late(rack.controller_says()), what="the controller follows nothing")
    for node in rack.lab.nodes:
        eventually(
            lambda node=node: late(rack.vipcast.readiness(node)[1]),  # type: ignore[misc]
            what=f"the speaker of {node.name} follows nothing",
        )


def start_kubernetes(rack: ClusterRack) -> None:
    """Start both again, on the data that etcd has."""
    rack.cluster.plane.start_etcd()
    rack.cluster.plane.await_etcd()
    rack.cluster.plane.start_apiserver()
    rack.cluster.plane.await_apiserver()
    restart_controllers(rack)


def restart_controllers(rack: ClusterRack) -> None:
    """Kubernetes' own: after an outage they wait for up to a minute before they look again."""
    rack.cluster.plane.controllers.kill()
    rack.cluster.plane.start_controllers()


def holder(rack: ClusterRack, vip: str) -> Host:
    """The node that answers for an address now."""
    return rack.lab.host(rack.vipcast.await_answer(vip))


def hear_each_other(rack: ClusterRack) -> None:
    """Wait until every speaker hears every other one."""
    others = len(rack.lab.nodes) - 1
    for node in rack.lab.nodes:
        eventually(
            lambda node=node: rack.members(node) == others,  # type: ignore[misc]
            what=f"{node.name} hears all others",
        )


def kill_controller(rack: ClusterRack) -> None:
    """SIGKILL, and a new one."""
    rack.vipcast.controller.kill()
    rack.vipcast.start_controller()


def kill_speaker(rack: ClusterRack, node: Host) -> None:
    """SIGKILL, and a new one."""
    rack.vipcast.speaker(node).kill()
    rack.vipcast.start_speaker(node)


def all_is_as_wanted(rack: ClusterRack, wanted: dict[str, str]) -> None:
    """Addresses as wanted, each answered by the one node that kubectl names."""
    rack.settle()
    eventually(lambda: "Not followed" not in rack.controller_says(), what="the controller is back")
    assert rack.addresses() == wanted

    def agreed() -> bool:
        on_the_wire = {name: rack.vipcast.answering(vip) for name, vip in wanted.items()}
        assert rack.holders() == on_the_wire
        return True

    eventually(agreed, what="reports and answers agree", deadline=PATIENCE)
    for vip in wanted.values():
        asked = measure.ask(rack.lab.client, vip, count=50)
        assert (asked.lost, asked.doubled, len(asked.macs)) == (0, 0, 1)


def given_since(begun: int, audit: Audit) -> dict[str, set[str]]:
    """Every address that the controller has written on a Service, by the Service's name.

    `begun` is how many calls are older than what is asked for.
    """
    given: dict[str, set[str]] = {}
    for call in audit.writes()[begun:]:
        if call.resource == "services/status" and call.code == 200:
            ingress = (call.body["status"].get("loadBalancer") or {}).get("ingress") or []
            given.setdefault(call.name, set()).update(each["ip"] for each in ingress)
    return given


def test_vips_move_as_ever_without_an_api_server_and_nothing_is_withdrawn(
    standing: ClusterRack, audit: Audit
) -> None:
    begun = len(audit.writes())
    create(standing, *(f"still{number}" for number in range(8)))
    before = served(standing, 9)
    vip, lab = standing.vip, standing.lab
    with measure.watch(lab.client, *before.values(), every_ms=20.0) as watch:
        stop_kubernetes(standing)
        stopped = time.monotonic()

        pulled = holder(standing, vip)
        lab.switch.pull(pulled)
        second = standing.moved(watch, pulled)
        lab.switch.put_back(pulled)
        hear_each_other(standing)

        standing.vipcast.speaker(second).freeze()
        third = standing.moved(watch, second)
        standing.vipcast.speaker(second).wake()
        hear_each_other(standing)

        # A speaker that starts now has nobody to ask what it is to answer for.
        kill_speaker(standing, third)
        standing.moved(watch, third)
        kill_controller(standing)
        kill_controller(standing)
        while time.monotonic() < stopped + OUTAGE:
            for each in before.values():
                assert measure.ask(lab.client, each, count=50).lost == 0

        start_kubernetes(standing)
        all_is_as_wanted(standing, before)
    for each, seen in watch.seen.items():
        assert seen.longest_silence < TAKEOVER, each
        assert sum(span.seconds for span in seen.two_macs) <= BOTH, each
    given = given_since(begun, audit)
    assert given.keys() >= before.keys() - {SERVICE}
    assert given == {name: {before[name]} for name in given}


def test_no_address_is_given_twice_or_changed_however_often_programs_are_killed(
    standing: ClusterRack, audit: Audit
) -> None:
    plane = standing.cluster.plane
    begun = len(audit.writes())
    names: list[str] = []
    shown: dict[str, set[str | None]] = {}
    for number in range(6):
        names += [f"born{number}-{each}" for each in range(4)]
        create(standing, *names[-4:])
        kill_controller(standing)
        kill_speaker(standing, standing.lab.nodes[number % len(standing.lab.nodes)])
        if number % 3 == 0:
            plane.apiserver.kill()
            kill_controller(standing)
            plane.start_apiserver()
            plane.await_apiserver()
        elif number % 3 == 1:
            plane.etcd.kill()
            plane.start_etcd()
            kill_controller(standing)
            plane.await_etcd()
            plane.await_apiserver()
        for name, vip in standing.addresses().items():
            shown.setdefault(name, set()).update({vip} - {None})

    restart_controllers(standing)
    after = served(standing, 1 + len(names))
    all_is_as_wanted(standing, after)

    written = given_since(begun, audit)
    for name in names:
        assert written.get(name, set()) | shown[name] <= {after[name]}
    assert written.keys() & set(names)
    assert after[SERVICE] == standing.vip
