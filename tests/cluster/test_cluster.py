"""The lab's cluster is a real one: what Kubernetes does by itself happens here, too."""

from __future__ import annotations

import json
from typing import Any

import aiohttp
import pytest

from lab.errors import CommandFailed
from lab.host import Host
from lab.kubernetes.cluster import Cluster
from tests.support.waiting import eventually


def service(name: str, namespace: str, **spec: Any) -> dict[str, Any]:
    return {
        "apiVersion": "v1",
        "kind": "Service",
        "metadata": {"name": name, "namespace": namespace},
        "spec": {"selector": {"app": name}, "ports": [{"port": 80, "targetPort": 8080}], **spec},
    }


def endpoints(cluster: Cluster, name: str, namespace: str) -> dict[str, bool]:
    """Which nodes the ready and unready endpoints of a Service are on."""
    label = f"kubernetes.io/service-name={name}"
    return {
        each["nodeName"]: each["conditions"]["ready"]
        for piece in cluster.list("endpointslices", namespace, "-l", label)
        for each in piece["endpoints"] or ()
    }


def pods_behind(address: str, asking: Host) -> str:
    """What an HTTP server behind an address says of itself, empty if none answers."""
    return asking.run(["curl", "-sS", "-m", "2", f"http://{address}/"], check=False).stdout.strip()


def test_the_nodes_of_the_lab_are_ready_and_without_taints(cluster: Cluster) -> None:
    nodes = cluster.list("nodes")

    assert {
        node["metadata"]["name"]: node["status"]["addresses"][0]["address"] for node in nodes
    } == {node.name: str(node.address) for node in cluster.lab.nodes}
    assert not any("taints" in node["spec"] for node in nodes)


def test_endpoints_follow_pods_and_their_readiness(cluster: Cluster, namespace: str) -> None:
    cluster.apply(service("web", namespace))

    cluster.serve("web", namespace=namespace, nodes={"node1", "node3"})
    eventually(
        lambda: endpoints(cluster, "web", namespace) == {"node1": True, "node3": True},
        what="both pods are endpoints",
    )
    cluster.set_ready("web-1", ready=False, namespace=namespace)
    eventually(
        lambda: endpoints(cluster, "web", namespace) == {"node1": False, "node3": True},
        what="one is not ready",
    )
    cluster.unserve("web", namespace=namespace)
    eventually(lambda: not endpoints(cluster, "web", namespace), what="none is left")


def test_kube_proxy_leads_cluster_addresses_and_load_balancers_to_the_pods(
    cluster: Cluster, namespace: str
) -> None:
    cluster.apply(service("web", namespace, type="LoadBalancer"))
    cluster.serve("web", namespace=namespace)
    ingress = {"status": {"loadBalancer": {"ingress": [{"ip": "192.0.2.240"}]}}}
    patch = ("patch", "service", "web", "-n", namespace, "--subresource=status")
    cluster.kubectl(*patch, "-p", json.dumps(ingress))
    inside = cluster.get("service", "web", namespace)["spec"]["clusterIP"]
    everybody = {f"pod{number} on node{number}" for number in (1, 2, 3)}

    for address in (inside, "192.0.2.240"):
        for node in cluster.lab.nodes:
            seen: set[str] = set()
            eventually(
                lambda address=address, node=node, seen=seen: (  # type: ignore[misc]
                    seen.add(pods_behind(address, node)) or seen >= everybody
                ),
                what=f"{address} leads {node.name} to every pod",
            )


def test_a_service_account_s_token_is_known_and_may_do_nothing_by_itself(
    cluster: Cluster, namespace: str
) -> None:
    file = cluster.kubeconfig_of("default", namespace)

    who = json.loads(cluster.kubectl("--kubeconfig", str(file), "auth", "whoami", "-o", "json"))
    assert who["status"]["userInfo"]["username"] == f"system:serviceaccount:{namespace}:default"
    with pytest.raises(CommandFailed, match='cannot list resource "services"'):
        cluster.kubectl("--kubeconfig", str(file), "get", "services", "-n", namespace)


@pytest.mark.usefixtures("inside_lab")
async def test_a_test_can_talk_to_the_api_server_itself(cluster: Cluster) -> None:
    async with (
        aiohttp.ClientSession() as session,
        session.get(f"{cluster.credentials.url}/version", ssl=False) as answer,
    ):
        assert (await answer.json())["gitVersion"].startswith("v1.")


def test_a_namespace_goes_with_all_that_is_in_it(cluster: Cluster) -> None:
    cluster.create_namespace("passing")
    cluster.apply(service("web", "passing"))
    cluster.serve("web", namespace="passing")

    cluster.delete_namespace("passing")

    with pytest.raises(CommandFailed, match='namespaces "passing" not found'):
        cluster.get("namespace", "passing")


def test_a_frozen_api_server_answers_nothing_and_goes_on_when_woken(cluster: Cluster) -> None:
    cluster.plane.apiserver.freeze()
    try:
        with pytest.raises(CommandFailed):
            cluster.kubectl("get", "nodes", "--request-timeout=1s")
    finally:
        cluster.plane.apiserver.wake()

    assert len(cluster.list("nodes")) == len(cluster.lab.nodes)


def test_an_api_server_that_is_told_to_end_does_so_in_order(cluster: Cluster) -> None:
    before = cluster.plane.apiserver

    cluster.restart_apiserver()

    assert before.wait(0) == 0
    assert cluster.plane.apiserver.pid != before.pid
    assert len(cluster.list("nodes")) == len(cluster.lab.nodes)


def test_controllers_and_kube_proxy_that_were_killed_catch_up(
    cluster: Cluster, namespace: str
) -> None:
    node = cluster.lab.node(2)
    cluster.plane.controllers.kill()
    cluster.proxies.process(node).kill()
    cluster.apply(service("web", namespace))
    cluster.serve("web", namespace=namespace)

    cluster.plane.start_controllers()
    cluster.proxies.start(node)
    cluster.proxies.await_ready(node)

    address = cluster.get("service", "web", namespace)["spec"]["clusterIP"]
    eventually(lambda: pods_behind(address, node), what="kube-proxy leads to a pod")


def test_an_api_server_that_was_killed_comes_back_with_everything(
    cluster: Cluster, namespace: str
) -> None:
    cluster.apply(service("web", namespace))
    before = cluster.get("service", "web", namespace)

    cluster.plane.apiserver.kill()
    cluster.plane.etcd.kill()
    cluster.plane.start_etcd()
    cluster.plane.start_apiserver()
    cluster.plane.await_apiserver()

    assert cluster.get("service", "web", namespace) == before
    cluster.serve("web", namespace=namespace)
    eventually(
        lambda: len(endpoints(cluster, "web", namespace)) == 3,
        what="the controllers have found their way back",
    )
