"""The real kube-proxy on each node, in nftables mode, with its view of the lab's cluster."""

from __future__ import annotations

from pathlib import Path

import yaml

from lab.cluster import Lab
from lab.errors import NotReady
from lab.host import Host
from lab.kubernetes.controlplane import PATIENCE
from lab.kubernetes.credentials import Credentials
from lab.processes import Process
from lab.topology import PODS
from lab.waiting import until

_HEALTH = "http://127.0.0.1:10256/healthz"


class Proxies:
    """One process per node."""

    def __init__(self, lab: Lab, programs: Path, credentials: Credentials) -> None:
        self._lab = lab
        self._programs = programs
        self._credentials = credentials
        self._started: dict[str, Process] = {}

    def start(self, node: Host) -> Process:
        """Start a node's; does not wait."""
        config = self._credentials.folder / f"proxy-{node.name}.yaml"
        config.write_text(yaml.safe_dump(self._configuration(node)))
        argv: list[str | Path] = [self._programs / "kube-proxy", f"--config={config}"]
        self._started[node.name] = node.start(argv, name="kube-proxy")
        return self._started[node.name]

    def process(self, node: Host) -> Process:
        """The process of a node's kube-proxy."""
        if node.name not in self._started:
            raise NotReady(f"kube-proxy was not started on {node.name}")
        return self._started[node.name]

    def await_ready(self, node: Host) -> None:
        """Wait until a node's rules are in the kernel. Raises NotReady, at once when it ended."""
        process = self.process(node)

        def ready() -> bool:
            if not process.alive:
                raise NotReady(f"{process.name} ended; {process.last_words}")
            return node.run(["curl", "-sS", "-f", "-m", "5", _HEALTH], check=False).returncode == 0

        until(ready, f"{process.name} has written its rules", PATIENCE)

    def _configuration(self, node: Host) -> dict[str, object]:
        return {
            "apiVersion": "kubeproxy.config.k8s.io/v1alpha1",
            "kind": "KubeProxyConfiguration",
            "mode": "nftables",
            "hostnameOverride": node.name,
            "clusterCIDR": str(PODS),
            "clientConnection": {"kubeconfig": str(self._credentials.kubeconfig("proxy"))},
            # The kernel's limits of connections are the machine's, and nobody else's to set.
            "conntrack": {"maxPerCore": 0, "min": 0},
            "metricsBindAddress": "127.0.0.1:10249",
            "healthzBindAddress": "127.0.0.1:10256",
        }
