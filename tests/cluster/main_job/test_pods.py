"""Reports go with the Pods of those who wrote them; and who lives is known by their kubelets."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest

from lab.host import Host
from lab.kubernetes.vipcast import NAMESPACE
from tests.support.installed import ClusterRack
from tests.support.waiting import eventually

REPORTS = ("speakerstatuses", "configurationstates", "servicel2statuses")
PATIENCE = 120.0
"""Seconds; the garbage collector looks for new kinds every 30, and backs off when it finds some."""


@pytest.fixture
def rack(standing: ClusterRack) -> Iterator[ClusterRack]:
    """The rack with every speaker at work, before and after."""
    eventually(lambda: status(standing)[0] == 0, what="all is well", deadline=PATIENCE)
    yield standing
    for node in standing.lab.nodes:
        standing.installed.tell_node(node, ready="True")
        if not standing.vipcast.speaker(node).alive:
            standing.vipcast.start_speaker(node)
        standing.installed.pods.tell("speaker", node)
    standing.settle()


def status(rack: ClusterRack) -> tuple[int, dict[str, Any]]:
    """The exit code of `vipcast status`, and what it says."""
    done = rack.vipcast.command("status", "-ojson")
    return done.returncode, json.loads(done.stdout)


def lost(rack: ClusterRack) -> dict[str, str]:
    """The speakers that are lost, and what is said of them."""
    told = status(rack)[1]["speakers"]
    return {one["node"]: " ".join(one["problems"]) for one in told if one["lost"]}


def reports(rack: ClusterRack, program: str, host: Host) -> set[tuple[str, str]]:
    """Kind and name of every report that goes with the Pod of a program on a host now."""
    uid = rack.installed.pods.get(program, host)["metadata"]["uid"]
    return {
        (each["kind"], each["metadata"]["name"])
        for each in rack.cluster.list(",".join(REPORTS), NAMESPACE)
        if [of["uid"] for of in each["metadata"].get("ownerReferences", ())] == [uid]
    }


def names(rack: ClusterRack) -> set[tuple[str, str]]:
    """Kind and name of every report that there is."""
    found = rack.cluster.list(",".join(REPORTS), NAMESPACE)
    return {(each["kind"], each["metadata"]["name"]) for each in found}


def of_speaker(node: Host) -> set[tuple[str, str]]:
    """What each speaker writes, whatever it holds."""
    return {("SpeakerStatus", node.name), ("ConfigurationState", f"speaker-{node.name}")}


def test_every_report_goes_with_the_pod_of_its_writer(rack: ClusterRack) -> None:
    holder = rack.holder()
    found = {node.name: reports(rack, "speaker", node) for node in rack.lab.nodes}
    held = {("ServiceL2Status", f"web.default.{holder.name}")}
    assert found == {
        node.name: of_speaker(node) | (held if node is holder else set()) for node in rack.lab.nodes
    }
    controller = reports(rack, "controller", rack.vipcast.controller_host)
    assert controller == {("ConfigurationState", "controller")}
    assert set().union(controller, *found.values()) == names(rack)


def test_the_reports_of_a_dead_speaker_go_with_its_pod_and_nobody_else_s(
    rack: ClusterRack,
) -> None:
    node = rack.holder()
    before = names(rack)
    rack.vipcast.speaker(node).kill()
    taker = rack.lab.host(rack.vipcast.await_answer(rack.vip, node.name))
    rack.vipcast.await_holder("web", taker.name)
    rack.installed.pods.delete("speaker", node)

    gone = of_speaker(node) | {("ServiceL2Status", f"web.default.{node.name}")}
    taken = {("ServiceL2Status", f"web.default.{taker.name}")}
    eventually(
        lambda: names(rack) == before - gone | taken, what="they are gone", deadline=PATIENCE
    )
    code, told = status(rack)
    assert code == 1
    (silent,) = (one for one in told["speakers"] if one["node"] == node.name)
    assert silent["problems"][0].startswith("The speaker has not reported. ")
    assert [one["holder"] for one in told["addresses"]] == [taker.name]


def test_the_reports_of_a_speaker_whose_pod_is_replaced_stay_and_go_with_the_new_one(
    rack: ClusterRack,
) -> None:
    node = rack.holder()
    held = of_speaker(node) | {("ServiceL2Status", f"web.default.{node.name}")}
    rack.installed.replace_speaker(node)
    eventually(
        lambda: reports(rack, "speaker", node) == held, what="they are those of the new Pod",
        deadline=PATIENCE,
    )  # fmt: skip
    eventually(lambda: status(rack)[0] == 0, what="all is well", deadline=PATIENCE)
    assert rack.holder() == node


def test_a_speaker_on_a_node_that_was_cleaned_takes_its_predecessor_for_nobody_else(
    rack: ClusterRack,
) -> None:
    node = next(each for each in rack.lab.nodes if each != rack.holder())
    rack.installed.replace_speaker(node, clean=True)
    rack.settle()
    assert "Another speaker" not in rack.vipcast.readiness(node)[1]
    assert reports(rack, "speaker", node) == of_speaker(node)


def test_speakers_whose_containers_ended_together_vouch_for_nobody(rack: ClusterRack) -> None:
    for node in rack.lab.nodes:
        rack.vipcast.speaker(node).kill()
        rack.installed.pods.tell("speaker", node, why="CrashLoopBackOff")

    def all_lost() -> dict[str, str]:
        found = lost(rack)
        assert found.keys() == {node.name for node in rack.lab.nodes}
        return found

    found = eventually(all_lost, what="all are lost")
    for node in rack.lab.nodes:
        pod = rack.installed.pods.get("speaker", node)["metadata"]["name"]
        said = f"The speaker in Pod metallb-system/{pod} does not run (CrashLoopBackOff): "
        assert found[node.name].startswith(said)
    assert [one["holder"] for one in status(rack)[1]["addresses"]] == [""]
    assert rack.vipcast.command("explain", "web").returncode == 1


def test_nodes_that_lose_their_power_together_do_not_vouch_for_each_other(
    rack: ClusterRack,
) -> None:
    dead = [node for node in rack.lab.nodes if node != rack.holder()]
    for node in dead:
        rack.vipcast.speaker(node).kill()
    eventually(lambda: rack.members(rack.holder()) == 0, what="the last one hears nobody")
    for node in dead:
        rack.installed.tell_node(node, ready="Unknown")

    def unheard() -> dict[str, str]:
        found = lost(rack)
        assert found.keys() == {node.name for node in dead}
        return found

    found = eventually(unheard, what="they are lost")
    for node in dead:
        assert found[node.name].startswith(f"The kubelet of {node.name} is not heard")
    assert [one["holder"] for one in status(rack)[1]["addresses"]] == [rack.holder().name]


def test_a_controller_whose_pod_is_gone_is_told(rack: ClusterRack) -> None:
    pods, host = rack.installed.pods, rack.vipcast.controller_host
    rack.vipcast.controller.kill()
    pods.tell("controller", host, why="Error")
    said = eventually(lambda: status(rack)[1]["controller"]["problem"], what="it is told")
    name = pods.get("controller", host)["metadata"]["name"]
    assert said.startswith(f"The controller in Pod metallb-system/{name} does not run (Error): ")
    pods.delete("controller", host)
    eventually(
        lambda: ("ConfigurationState", "controller") not in names(rack), what="its state is gone",
        deadline=PATIENCE,
    )  # fmt: skip
    assert status(rack)[1]["controller"]["problem"].startswith("The controller has not reported. ")
    rack.vipcast.start_controller()
