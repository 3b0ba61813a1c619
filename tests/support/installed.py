"""Racks on real Kubernetes: what tests.support.racks has with a directory."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from lab.host import Host
from lab.kubernetes.cluster import Cluster
from lab.kubernetes.vipcast import NAMESPACE, Installed
from lab.objects import Object
from lab.vipcast import pool, service
from tests.support.racks import POOL, SERVICE, Rack


@dataclass(frozen=True, slots=True)
class ClusterRack(Rack):
    """A rack, and the cluster that it is."""

    cluster: Cluster

    @property
    def installed(self) -> Installed:
        """The product, as what it is here."""
        assert isinstance(self.vipcast, Installed)
        return self.vipcast

    def addresses(self, namespace: str = "default") -> dict[str, str | None]:
        """What each Service of type LoadBalancer shows as its address, by name."""
        return {
            each["metadata"]["name"]: address_in(each)
            for each in self.cluster.list("services", namespace)
            if each["spec"]["type"] == "LoadBalancer"
        }

    def holders(self) -> dict[str, str]:
        """Which node reports that it holds a Service's address, by the Service's name."""
        return {
            each["status"]["serviceName"]: each["status"]["node"]
            for each in self.cluster.list("servicel2statuses", NAMESPACE)
            if "node" in each.get("status", {})
        }

    def members(self, node: Host) -> int:
        """How many others a node's speaker hears; its own word, without the API server."""
        said = self.vipcast.metrics(node)
        found = re.search(r"^vipcast_layer2_members{.*} (\d+)", said, re.MULTILINE)
        return int(found[1]) if found else 0

    def controller_says(self, path: str = "readyz") -> str:
        """What the controller answers at an endpoint, "" while it does not run."""
        host = self.vipcast.controller_host
        file = host.run_dir / "controller" / "vipcast-controller.port"
        if not file.exists():
            return ""
        url = f"http://127.0.0.1:{file.read_text().strip()}/{path}"
        return host.run(["curl", "-sS", "-m", "5", url], check=False).stdout


def address_in(service: Object) -> str | None:
    """The address in a Service's status, None if it has none."""
    ingress = service["status"]["loadBalancer"].get("ingress")
    return str(ingress[0]["ip"]) if ingress else None


@contextmanager
def installed_rack(cluster: Cluster) -> Iterator[ClusterRack]:
    """Vipcast installed, its Service served and its speakers settled; taken off again."""
    vipcast = Installed(cluster)
    vipcast.start()
    try:
        vipcast.apply("pool", pool([POOL]))
        vipcast.apply(SERVICE, service(SERVICE))
        standing = ClusterRack(cluster.lab, vipcast, vipcast.serve(SERVICE), cluster)
        standing.settle()
        standing.holder()
        yield standing
        cluster.unserve(SERVICE)
        vipcast.delete(SERVICE)
        vipcast.delete("pool")
    finally:
        vipcast.uninstall()
