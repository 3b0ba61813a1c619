"""The programs on a real API server: a Service gets an address, is answered for, and stays so."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from functools import partial
from ipaddress import IPv4Address
from pathlib import Path

import pytest
import yaml

from lab.errors import CommandFailed
from lab.host import Host
from lab.kubernetes.cluster import Cluster
from lab.vipcast import BIN, pool, service
from tests.support.kubesources import NAMESPACE, prepare
from tests.support.waiting import eventually

FIRST, LAST = "192.0.2.200", "192.0.2.209"


@pytest.fixture
def running(cluster: Cluster) -> Iterator[Cluster]:
    """A controller, and a speaker on each node, that follow the cluster with all rights."""
    prepare(cluster)
    cluster.apply(pool([f"{FIRST}-{LAST}"]))
    lab, started = cluster.lab, []
    flags: list[str | Path] = ["--kubeconfig", cluster.kubeconfig, "--port", "0"]
    place = lab.cp.run_dir / "controller"
    argv: list[str | Path] = [BIN / "vipcast-controller", *flags, "--run-dir", place]
    started.append(lab.cp.start(argv, name="controller"))
    for node in lab.nodes:
        argv = [BIN / "vipcast-speaker", *flags, "--node-name", node.name]
        argv += ["--run-dir", node.run_dir, "--pin-path", node.pin_path]
        started.append(node.start(argv, name="speaker"))
    yield cluster
    for process in started:
        process.stop()
    for node in lab.nodes:
        node.run([BIN / "vipcast-speaker", "--uninstall", "--run-dir", node.run_dir,
                  "--pin-path", node.pin_path])  # fmt: skip
    cluster.kubectl("delete", "configmap", "config", "-n", NAMESPACE)
    cluster.kubectl("delete", "events", "--all", "-n", "default")
    # These programs had no Pods that their reports could have gone with.
    reports = "configurationstates,servicel2statuses,speakerstatuses"
    cluster.kubectl("delete", reports, "--all", "-n", NAMESPACE)
    cluster.kubectl("delete", "secret", "memberlist", "-n", NAMESPACE)


def shown(cluster: Cluster) -> IPv4Address | None:
    """The address that kubectl shows of the Service, if it has one."""
    line = cluster.kubectl("get", "svc", "shop", "--no-headers")
    external = line.split()[3]
    return None if external == "<pending>" else IPv4Address(external)


def answers(client: Host, address: IPv4Address | None) -> bool:
    """Whether a pod answers at the Service's address."""
    ask = ["curl", "-sS", "-f", "-m", "2", f"http://{address}/"]
    return client.run(ask, check=False).returncode == 0


def ready(host: Host, program: str, place: Path) -> str:
    """What the readiness of a program says; "" while it does not run."""
    file = place / f"{program}.port"
    if not file.exists():
        return ""
    url = f"http://127.0.0.1:{file.read_text().strip()}/readyz"
    return host.run(["curl", "-sS", "-m", "5", url], check=False).stdout


def test_a_service_gets_an_address_that_answers_with_and_without_the_api_server(
    running: Cluster,
) -> None:
    lab = running.lab
    running.apply(service("shop"))
    running.serve("shop")
    try:
        address = eventually(partial(shown, running), what="kubectl shows an address")
        eventually(lambda: answers(lab.client, address), what="it answers", deadline=60)
        described = running.kubectl("describe", "svc", "shop")
        assert re.search(rf"Normal +IPAllocated .* {address} ", described)
        status: list[str | Path] = [BIN / "vipcast", "status", "--kubeconfig", running.kubeconfig]
        eventually(
            lambda: str(address) in lab.cp.run(status, check=False).stdout, what="status shows it"
        )
        running.plane.apiserver.kill()
        try:
            controller = lab.cp.run_dir / "controller"
            eventually(
                lambda: re.search(
                    r"Not followed for \d+ s: .*services",
                    ready(lab.cp, "vipcast-controller", controller),
                ),
                what="the controller's readiness names what is late",
            )
            with pytest.raises(CommandFailed):
                lab.cp.run(status)
            assert answers(lab.client, address)
        finally:
            running.plane.start_apiserver()
            running.plane.await_apiserver()
        eventually(
            lambda: "Not followed" not in ready(lab.cp, "vipcast-controller", controller),
            what="it follows again",
        )
        assert shown(running) == address
    finally:
        running.kubectl("delete", "svc", "shop")
        running.unserve("shop")


def test_vipcast_asks_the_cluster_that_kubectl_would_ask(cluster: Cluster, tmp_path: Path) -> None:
    prepare(cluster)
    whole = yaml.safe_load(cluster.kubeconfig.read_text())
    parts = {"users": ("users",), "rest": tuple(whole.keys() - {"users"})}
    for name, keys in parts.items():
        (tmp_path / name).write_text(yaml.safe_dump({key: whole[key] for key in keys}))
    (tmp_path / ".kube").mkdir()
    (tmp_path / ".kube" / "config").symlink_to(cluster.kubeconfig)

    several = f"KUBECONFIG={tmp_path / 'missing'}:{tmp_path / 'users'}:{tmp_path / 'rest'}"
    for settings in ("KUBECONFIG=", several):
        words = ["env", f"HOME={tmp_path}", settings, str(BIN / "vipcast"), "status", "-ojson"]
        said = json.loads(cluster.lab.cp.run(words, check=False).stdout)
        assert [one["node"] for one in said["speakers"]] == [n.name for n in cluster.lab.nodes]
