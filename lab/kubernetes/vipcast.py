"""Vipcast installed on a lab's cluster: its manifests applied, its programs on the nodes.

    vipcast = Installed(cluster)
    vipcast.start()
    vipcast.apply("pool", pool(...))
    vipcast.apply("web", service(...))
    vip = vipcast.serve("web")

All that lab.vipcast can do with a directory, with kubectl. No kubelet runs here, so the lab starts
what the DaemonSet and the Deployment ask for: with the tokens of their service accounts, so with
their rights alone, and with Pods that the programs are told of. The controller runs on `cp`, which
has a port on the segment like any node.
"""

from __future__ import annotations

import json
import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from lab import kernel
from lab.cluster import SERVICE_SETTLING
from lab.host import ROOT, Host
from lab.kubernetes.cluster import Cluster
from lab.kubernetes.pods import ProgramPods
from lab.objects import Object
from lab.vipcast import BIN, Vipcast
from lab.waiting import until

NAMESPACE = "metallb-system"
MANIFESTS = (ROOT / "manifests" / "namespace.yaml", ROOT / "manifests" / "vipcast.yaml")


class Installed(Vipcast):
    """The product on every node of a cluster that stands."""

    def __init__(
        self, cluster: Cluster, *, xdp_mode: str = "auto", log_level: str = "info"
    ) -> None:
        super().__init__(cluster.lab, xdp_mode=xdp_mode, log_level=log_level)
        self.cluster = cluster
        self.pods = ProgramPods(cluster, NAMESPACE)
        self._kubeconfigs: dict[str, Path] = {}
        self._applied: dict[str, tuple[Mapping[str, Any], ...]] = {}

    # Programs

    def prepare(self) -> None:
        """Apply the manifests, and fetch a token for each program."""
        words = [word for path in MANIFESTS for word in ("-f", str(path))]
        self.cluster.kubectl("apply", *words)
        self.cluster.kubectl("wait", "--for=condition=Established", "crd", "--all", "--timeout=60s")
        self._kubeconfigs = {
            program: self.cluster.kubeconfig_of(program, NAMESPACE)
            for program in ("controller", "speaker")
        }
        for node in self.lab.nodes:
            kernel.sysctl(node.namespace, SERVICE_SETTLING)

    def follow(self, program: str) -> list[str | Path]:
        """The kubeconfig of a program's own service account."""
        return ["--kubeconfig", self._kubeconfigs[program]]

    def variables(self, program: str, host: Host) -> Mapping[str, str]:
        """What a kubelet tells the program of its Pod."""
        return self.pods.variables(program, host)

    @property
    def controller_host(self) -> Host:
        """The host of the control plane."""
        return self.lab.cp

    def uninstall(self) -> None:
        """End the programs, and take off the nodes what they left there on purpose."""
        self.controller.stop()
        for node in self.lab.nodes:
            self.speaker(node).stop()
            self._clean(node)
        self.pods.delete_all()

    def replace_speaker(self, node: Host, *, clean: bool = False) -> None:
        """End a node's speaker with its Pod and start another; `clean`: nothing is left behind."""
        self.speaker(node).stop()
        self.pods.delete("speaker", node)
        if clean:
            self._clean(node)
        self.start_speaker(node)

    @staticmethod
    def _clean(node: Host) -> None:
        place: list[str | Path] = ["--run-dir", node.run_dir, "--pin-path", node.pin_path]
        node.run([BIN / "vipcast-speaker", "--uninstall", *place])

    def command(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        """Run `vipcast` as the administrator."""
        words: list[str | Path] = [BIN / "vipcast", *arguments]
        return self.lab.cp.run([*words, "--kubeconfig", self.cluster.kubeconfig], check=False)

    # Objects

    def apply(self, name: str, *documents: Mapping[str, Any]) -> None:
        """Apply objects, which `delete` knows by this name together."""
        self.cluster.apply(*documents)
        self._applied[name] = documents

    def delete(self, name: str) -> None:
        """Delete what was applied by this name, and wait until it is gone."""
        text = json.dumps({"apiVersion": "v1", "kind": "List", "items": self._applied.pop(name)})
        self.cluster.kubectl("delete", "-f", "-", text=text)

    def serve(self, name: str, *, namespace: str = "default") -> str:
        """Make Pods for a Service; returns its address, once kube-proxy leads it there."""
        self.cluster.serve(name, namespace=namespace)
        vip = self.await_address(name, namespace=namespace)
        port = self.cluster.get("service", name, namespace)["spec"]["ports"][0]["port"]
        ask = ["curl", "-sS", "-m", "2", "-o", "/dev/null", f"http://{vip}:{port}/"]

        def led() -> bool:
            return all(node.run(ask, check=False).returncode == 0 for node in self.lab.nodes)

        until(led, f"kube-proxy leads {vip} to the pods on every node")
        return vip

    def tell_node(self, node: Host, *, ready: str) -> None:
        """Let a Node say whether its kubelet is ready; Unknown where it is silent."""
        status = {"conditions": [{"type": "Ready", "status": ready}]}
        patch = ("patch", "node", node.name, "--subresource=status", "--type=merge")
        self.cluster.kubectl(*patch, "-p", json.dumps({"status": status}))

    def status_object(self, _writer: str, kind: str, namespace: str, name: str) -> Object | None:
        """An object with its status, None if there is none; whoever wrote it."""
        words = ("get", kind, name, "-n", namespace, "--ignore-not-found", "-o", "json")
        text = self.cluster.kubectl(*words)
        found: Object | None = json.loads(text) if text else None
        return found
