"""`kubectl vipcast drain` on a real API server: who may, does; who may not, is told what lacks."""

from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path

from lab import kernel
from lab.kubernetes.cluster import Cluster
from lab.vipcast import BIN
from vipcast.cli.main import NOT_FOUND, UNREADABLE, WELL
from vipcast.model.objects import DRAIN_ANNOTATION


def vipcast(cluster: Cluster, *words: str | Path) -> subprocess.CompletedProcess[str]:
    """Run it as kubectl's own command, as the administrator if no --kubeconfig is given."""
    path = f"PATH={BIN}:{os.environ['PATH']}"
    command = ["env", path, cluster.credentials.bin / "kubectl", "vipcast", *words]
    return kernel.run([str(word) for word in command])


def annotations_of(cluster: Cluster, node: str) -> dict[str, str]:
    """Those of a Node."""
    found = json.loads(cluster.kubectl("get", "node", node, "-ojson"))
    return dict(found["metadata"].get("annotations", {}))


def test_kubectl_vipcast_drain_writes_one_annotation_and_takes_it_off(cluster: Cluster) -> None:
    node = cluster.lab.node(2).name
    before = annotations_of(cluster, node)
    done = vipcast(cluster, "drain", node)
    assert (done.returncode, done.stderr) == (WELL, "")
    assert f"Node {node} is to announce nothing any more." in done.stdout
    assert annotations_of(cluster, node) == {**before, DRAIN_ANNOTATION: "true"}
    assert vipcast(cluster, "drain", f"node/{node}", "--undo").returncode == WELL
    assert annotations_of(cluster, node) == before


def test_who_may_not_patch_nodes_is_told_which_right_lacks(
    cluster: Cluster, namespace: str
) -> None:
    node = cluster.lab.node(2).name
    cluster.kubectl("create", "serviceaccount", "reader", "-n", namespace)
    reader = cluster.kubeconfig_of("reader", namespace)
    refused = vipcast(cluster, "drain", node, "--kubeconfig", reader)
    assert (refused.returncode, refused.stdout) == (UNREADABLE, "")
    assert "cannot patch resource" in refused.stderr
    assert "the right to patch Nodes (verb patch, resource nodes)" in refused.stderr
    assert DRAIN_ANNOTATION not in annotations_of(cluster, node)


def test_a_node_that_there_is_not_is_told(cluster: Cluster) -> None:
    nobody = vipcast(cluster, "drain", "nobody")
    assert nobody.returncode == NOT_FOUND
    assert nobody.stderr.startswith("vipcast: There is no node nobody at https://")
