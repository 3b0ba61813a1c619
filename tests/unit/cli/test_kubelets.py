"""Who lives on a cluster: by Pods, whose kubelets know, and by Nodes, whose kubelets are heard."""

from __future__ import annotations

import time
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import pytest

from tests.support.manifests import documents
from tests.support.pods import CRASHED, RUNNING, owner, pod
from tests.unit.cli.cluster import NAMESPACE, NODES, WEB, healthy
from vipcast.cli.announcing import settled
from vipcast.cli.picture import Picture
from vipcast.cli.speakers import NOT_HEARD
from vipcast.cli.world import look
from vipcast.kube.defaults import with_defaults
from vipcast.kube.owners import owned
from vipcast.kube.store import Store
from vipcast.model.classes import EVERY_DEFAULT
from vipcast.model.objects import Key
from vipcast.model.raw import CLUSTER_WIDE, POD, VERSIONS, Batch, Delta, Raw, Ref
from vipcast.model.reasons import Reason

PODS = {node: owner(f"speaker-{node}", f"uid-{node}") for node in NODES}
CONTROLLER = owner("controller-y", "uid-controller")
LIVING = {
    "": pod(CONTROLLER, "node9", controller=RUNNING),
    **{node: pod(PODS[node], node, speaker=RUNNING) for node in NODES},
}
UNKNOWN = {"conditions": [{"type": "Ready", "status": "Unknown"}]}


@pytest.fixture
def objects(tmp_path: Path) -> list[dict[str, Any]]:
    """A healthy cluster in which every program's state goes with its Pod."""
    healthy(tmp_path)
    found = documents(*tmp_path.glob("*.yaml"))
    for raw in found:
        if raw["kind"] == "ConfigurationState":
            raw["status"].pop("heartbeat", None)
            node = raw["metadata"]["labels"].get("metallb.io/node-name", "")
            raw.update(owned(raw, PODS.get(node, CONTROLLER)))
    return found


def seen(objects: Iterable[Raw], pods: Mapping[str, Raw]) -> Picture:
    """What `vipcast status` makes of objects and of Pods."""
    kinds = {kind.name: kind for kind in (*VERSIONS, POD)}
    deltas = []
    for raw in (*objects, *pods.values()):
        kind, metadata = kinds[raw["kind"]], raw["metadata"]
        namespace = "" if kind in CLUSTER_WIDE else metadata.get("namespace", "default")
        ref = Ref(kind, Key(namespace, metadata["name"]))
        deltas.append(Delta(ref, with_defaults(kind, raw)))
    store = Store(NAMESPACE)
    store.apply(Batch(tuple(deltas), synced=True))
    return settled(look(store, NAMESPACE, EVERY_DEFAULT, (), time.time()))


def lost(picture: Picture) -> dict[str, str]:
    """The speakers that are lost, and what is said of them."""
    return {one.node: " ".join(one.problems) for one in picture.speakers if one.lost}


def unheard(objects: list[dict[str, Any]], *nodes: str) -> None:
    """The kubelets of some nodes are silent."""
    for raw in objects:
        if raw["kind"] == "Node" and raw["metadata"]["name"] in nodes:
            raw["status"] = UNKNOWN


def test_programs_whose_pods_run_live(objects: list[dict[str, Any]]) -> None:
    picture = seen(objects, LIVING)
    assert picture.well
    assert [line.holder for line in picture.lines] == ["node2"]


def test_speakers_whose_containers_ended_together_vouch_for_nobody(
    objects: list[dict[str, Any]],
) -> None:
    dead = {node: pod(PODS[node], node, speaker=CRASHED) for node in NODES}
    picture = seen(objects, LIVING | dead)
    assert not picture.well
    assert lost(picture) == {
        node: (
            f"The speaker in Pod metallb-system/speaker-{node} does not run (CrashLoopBackOff):"
            f" `kubectl describe pod -n metallb-system speaker-{node}` says more,"
            f" `kubectl logs -p -n metallb-system speaker-{node}` has its last words."
        )
        for node in NODES
    }
    (line,) = picture.of(WEB)
    assert (line.holder, line.reason) == ("", Reason.NO_SPEAKER)


def test_a_speaker_whose_pod_is_gone_is_not_heard_before_its_reports_are_gone_too(
    objects: list[dict[str, Any]],
) -> None:
    pods = {node: one for node, one in LIVING.items() if node != "node2"}
    successor = pod(owner("speaker-node2", "another"), "node2", speaker=RUNNING)
    for others in (pods, pods | {"other": successor}):
        assert lost(seen(objects, others)) == {
            "node2": "The speaker's Pod metallb-system/speaker-node2 is gone."
            " `kubectl get pods -n metallb-system -o wide` shows those that there are."
        }


def test_nodes_that_die_together_do_not_vouch_for_each_other(
    objects: list[dict[str, Any]],
) -> None:
    unheard(objects, "node2", "node3")
    for raw in objects:
        if raw["kind"] == "SpeakerStatus" and raw["metadata"]["name"] == "node1":
            raw["status"]["segments"][0]["members"] = []
    picture = seen(objects, LIVING)
    assert lost(picture) == {
        node: (
            f"The kubelet of {node} is not heard, so nobody knows if the speaker there lives."
            f" Look at the node: `kubectl describe node {node}`."
        )
        for node in ("node2", "node3")
    }
    assert [line.holder for line in picture.of(WEB)] == [""]


def test_a_speaker_without_a_kubelet_lives_if_one_with_a_kubelet_hears_it(
    objects: list[dict[str, Any]],
) -> None:
    unheard(objects, "node2", "node3")
    picture = seen(objects, LIVING)
    assert lost(picture) == {}
    assert [line.holder for line in picture.of(WEB)] == ["node2"]


def test_where_no_kubelet_is_heard_nobody_is(objects: list[dict[str, Any]]) -> None:
    unheard(objects, *NODES)
    assert lost(seen(objects, LIVING)).keys() == set(NODES)


def test_programs_without_a_pod_are_known_by_who_hears_them_alone(
    objects: list[dict[str, Any]],
) -> None:
    for raw in objects:
        raw["metadata"].pop("ownerReferences", None)
    unheard(objects, *NODES)
    assert seen(objects, {}).well
    assert seen(objects, LIVING).well


def test_a_node_that_is_not_heard_by_anybody_says_so(objects: list[dict[str, Any]]) -> None:
    for raw in objects:
        if raw["kind"] == "SpeakerStatus":
            for segment in raw["status"]["segments"]:
                segment["members"] = [
                    each for each in segment["members"] if each["node"] != "node3"
                ]
    assert lost(seen(objects, LIVING)) == {"node3": NOT_HEARD}


@pytest.mark.parametrize(
    ("pods", "problem"),
    [
        ({}, "The controller's Pod metallb-system/controller-y is gone."),
        (
            {"": pod(CONTROLLER, controller={"terminated": {"reason": "Error"}})},
            "The controller in Pod metallb-system/controller-y does not run (Error): ",
        ),
        ({"": pod(CONTROLLER, "node1", controller=RUNNING)}, "The kubelet of node1 is not heard"),
    ],
)
def test_a_controller_that_is_gone_is_told(
    objects: list[dict[str, Any]], pods: dict[str, Any], problem: str
) -> None:
    unheard(objects, "node1")
    picture = seen(objects, {node: LIVING[node] for node in NODES} | pods)
    assert picture.controller.problem.startswith(problem)
