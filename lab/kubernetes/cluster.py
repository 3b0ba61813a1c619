"""A cluster on a lab: start it, use it with kubectl, stop and start its parts.

    with Lab(control_plane=True) as lab:
        cluster = Cluster(lab, provide(print))
        cluster.start()
        cluster.apply(service("web"))
        cluster.serve("web")                      # Pods that the Service selects
        cluster.plane.apiserver.freeze()          # plane: etcd, API server and controllers
        cluster.proxies.process(lab.node(1)).kill()

Everything that it starts ends with the lab. The API server listens inside the lab only: whoever
talks to it does so from a namespace of the lab, as kubectl here does from that of `cp`.
"""

from __future__ import annotations

import json
import shlex
import time
from collections.abc import Collection, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import yaml

from lab import kernel, objects
from lab.cluster import Lab
from lab.kubernetes.cache import Say
from lab.kubernetes.controlplane import PATIENCE, ControlPlane
from lab.kubernetes.credentials import ADMIN, Credentials
from lab.kubernetes.objects import conditions, pod
from lab.kubernetes.proxies import Proxies
from lab.objects import Object


class Cluster:
    """A cluster of the lab's nodes; `programs` is what lab.kubernetes.programs.provide gave.

    `flags` are given to the API server, after the lab's own.
    """

    def __init__(self, lab: Lab, programs: Path, flags: Sequence[str] = ()) -> None:
        self.lab = lab
        self.credentials = Credentials.of(lab)
        self.plane = ControlPlane(lab.cp, programs, self.credentials, flags)
        self.proxies = Proxies(lab, programs, self.credentials)
        self._programs = programs

    @property
    def kubeconfig(self) -> Path:
        """The administrator's, for programs inside the lab."""
        return self.credentials.kubeconfig(ADMIN)

    # Up and down

    def start(self, say: Say = lambda _sentence: None) -> None:
        """Start everything, and wait until it is of use. Raises NotReady and CommandFailed."""
        began = time.monotonic()

        def step(sentence: str) -> None:
            say(f"{sentence} ({time.monotonic() - began:.1f} s)")

        self.credentials.make()
        self._write_kubectl()
        self.plane.start_etcd()
        self.plane.await_etcd()
        step("etcd answers")
        self.plane.start_apiserver()
        self.plane.await_apiserver()
        step("the API server is ready")
        self.plane.start_controllers()
        self.apply(*objects.nodes(self.lab.topology))
        for node in self.lab.nodes:
            self.proxies.start(node)
        self.await_namespace("default")
        step("the controllers work")
        for node in self.lab.nodes:
            self.proxies.await_ready(node)
        step("kube-proxy has written its rules on every node")

    def restart_apiserver(self) -> None:
        """End the API server, start it again and wait for it."""
        self.plane.apiserver.stop()
        self.plane.start_apiserver()
        self.plane.await_apiserver()

    # What people do

    def kubectl(self, *arguments: str, text: str | None = None, timeout: float = PATIENCE) -> str:
        """Run kubectl as the administrator; `text` is its standard input; returns its output.

        Raises CommandFailed, with its own words, when it fails or takes over `timeout` seconds.
        """
        return kernel.checked(
            kernel.run([str(self.credentials.bin / "kubectl"), *arguments], text, timeout=timeout)
        )

    def apply(self, *documents: Mapping[str, Any]) -> None:
        """Create objects, or change those that are there, as `kubectl apply` does."""
        self.apply_text(yaml.safe_dump_all(map(dict, documents), sort_keys=False))

    def apply_text(self, text: str) -> None:
        """Apply a YAML text."""
        self.kubectl("apply", "-f", "-", text=text)

    def get(self, kind: str, name: str, namespace: str = "default") -> Object:
        """One object. Raises CommandFailed when there is none."""
        found: Object = json.loads(self.kubectl("get", kind, name, "-n", namespace, "-o", "json"))
        return found

    def list(self, kind: str, namespace: str = "default", *options: str) -> list[Object]:
        """All objects of a kind in a namespace; `options` as of `kubectl get`, -l for instance."""
        text = self.kubectl("get", kind, "-n", namespace, *options, "-o", "json")
        found: list[Object] = json.loads(text)["items"]
        return found

    def create_namespace(self, name: str) -> None:
        """Create a namespace, and wait until Pods can be created in it."""
        self.kubectl("create", "namespace", name)
        self.await_namespace(name)

    def await_namespace(self, name: str) -> None:
        """Wait until a namespace has its own service account and the cluster's certificate."""
        for each in ("serviceaccount/default", "configmap/kube-root-ca.crt"):
            self.kubectl("wait", "--for=create", each, "-n", name, f"--timeout={PATIENCE:g}s")

    def delete_namespace(self, name: str) -> None:
        """Delete a namespace with all that is in it, and wait until it is gone."""
        self.kubectl("delete", "namespace", name, f"--timeout={PATIENCE:g}s")

    def token(self, account: str, namespace: str, *, seconds: int = 3600) -> str:
        """A new token of a service account; the API server refuses less than 600 seconds."""
        words = ("create", "token", account, "-n", namespace, f"--duration={seconds}s")
        return self.kubectl(*words).strip()

    def kubeconfig_of(self, account: str, namespace: str) -> Path:
        """A kubeconfig for a service account, which reads its token from a file beside it.

        The token is that file's whole text; writing another one to it rotates the token.
        """
        name = f"{namespace}-{account}"
        token = self.credentials.folder / f"{name}.token"
        token.write_text(self.token(account, namespace))
        return self.credentials.write_kubeconfig(name, tokenFile=str(token))

    # What kubelets would do

    def serve(
        self, app: str, *, namespace: str = "default", nodes: Collection[str] | None = None
    ) -> None:
        """Make the pods of all nodes, or of `nodes` alone, ready Pods labelled app=`app`.

        Their objects are called APP-1 for node1, and so on; what a kubelet would have created and
        is there already stays as it is. `unserve` and `set_ready` change it.
        """
        plans = [p for p in self.lab.topology.pods if nodes is None or p.node in nodes]
        ports = self.lab.topology.pod_ports
        pods = [
            pod(plan, str(self.lab.host(plan.node).address), app, namespace, ports)
            for plan in plans
        ]
        self.apply(*pods)
        # What is created has not run yet, whatever its text says: the status is a second step.
        self._write_status(pods)

    def unserve(self, app: str, *names: str, namespace: str = "default") -> None:
        """Delete the Pods of `serve`: those named, or all with the label."""
        which = names or ("-l", f"app={app}")
        self.kubectl("delete", "pod", "-n", namespace, *which, f"--timeout={PATIENCE:g}s")

    def set_ready(self, *names: str, ready: bool, namespace: str = "default") -> None:
        """Make Pods ready or not, as their probes would."""
        status = json.dumps({"status": {"conditions": conditions(ready=ready)}})
        for name in names:
            patch = ("patch", "pod", name, "-n", namespace, "--subresource=status")
            self.kubectl(*patch, "--type=strategic", "-p", status)

    def _write_status(self, pods: Iterable[Object]) -> None:
        text = yaml.safe_dump_all(pods, sort_keys=False)
        self.kubectl("replace", "--subresource=status", "-f", "-", text=text)

    def _write_kubectl(self) -> None:
        self.credentials.bin.mkdir()
        script = self.credentials.bin / "kubectl"
        settings = {
            "KUBECONFIG": self.kubeconfig,
            "KUBECACHEDIR": self.credentials.folder / "kubectl-cache",
            # What the person has set for other clusters is not for this one.
            "KUBECTL_KUBERC": "false",
        }
        words = ["env", *(f"{name}={value}" for name, value in settings.items())]
        words.append(str(self._programs / "kubectl"))
        command = shlex.join(kernel.inside(self.lab.cp.namespace, words))
        script.write_text(f'#!/bin/sh\nexec {command} "$@"\n')
        script.chmod(0o755)
