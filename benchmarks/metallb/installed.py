"""MetalLB on a lab's cluster: what its manifest installs, its programs on the nodes.

    contender = MetalLB(cluster, provide(print))
    contender.begin(["192.0.2.240-192.0.2.249"])

Its speakers find each other as always: by Pod objects, which here the lab writes, and the port of
memberlist. Programs have the arguments and the environment of the manifest, with two exceptions:
the webhooks that check what people write are off, and the key for memberlist is a file that the
lab has made, since there is no Deployment that the controller could hang its Secret on.
"""

from __future__ import annotations

import re
import secrets
from collections.abc import Sequence
from pathlib import Path

import yaml

from benchmarks.metallb.programs import MANIFEST
from lab.errors import NotReady
from lab.host import Host
from lab.kubernetes.cluster import Cluster
from lab.kubernetes.objects import pod
from lab.objects import Object
from lab.processes import Process
from lab.waiting import until

NAMESPACE = "metallb-system"
PORT = 7472
_LABELS = {"app": "metallb", "component": "speaker"}
_INSTALLED = frozenset(
    {
        *("Namespace", "CustomResourceDefinition", "ServiceAccount"),
        *("Role", "ClusterRole", "RoleBinding", "ClusterRoleBinding"),
    }
)
_EVENT = re.compile(r'"node event":"Node(Join|Leave)".*"node name":"([^"]+)"')


class MetalLB:
    """MetalLB on every node of a cluster that stands; `programs` is what `provide` gave."""

    name = "MetalLB"

    def __init__(self, cluster: Cluster, programs: Path) -> None:
        self.cluster = cluster
        self.lab = cluster.lab
        self._programs = programs
        self._kubeconfigs: dict[str, Path] = {}
        self._key = self.lab.run.path / "memberlist"
        self._controller: Process | None = None
        self._speakers: dict[str, Process] = {}
        self._logged: dict[str, int] = {}

    @property
    def controller(self) -> Process:
        """The controller's process."""
        if self._controller is None:
            raise NotReady("MetalLB's controller was not started")
        return self._controller

    def speaker(self, node: Host) -> Process:
        """The speaker's process on a node."""
        return self._speakers[node.name]

    def begin(self, addresses: Sequence[str]) -> None:
        """Install it with one pool, start everything, and wait until it is settled."""
        self._install()
        self.cluster.apply(*pool(addresses))
        controller: list[str | Path] = [self._programs / "controller", *self._flags("controller")]
        controller += ["--webhook-mode=disabled", "--disable-cert-rotation"]
        self._controller = self.lab.cp.start(
            controller, name="controller", env={"METALLB_NAMESPACE": NAMESPACE}
        )
        for node in self.lab.nodes:
            self.start_speaker(node)
        self._await_metrics(self.lab.cp, "127.0.0.1")
        self.settle()

    def start_speaker(self, node: Host) -> Process:
        """Start the speaker of a node; does not wait."""
        env = {
            "METALLB_NAMESPACE": NAMESPACE,
            "METALLB_NODE_NAME": node.name,
            "METALLB_POD_NAME": _pod_name(node),
            "METALLB_HOST": str(node.address),
            "METALLB_BGP_TYPE": "native",
            "METALLB_ML_BIND_ADDR": str(node.address),
            "METALLB_ML_LABELS": ",".join(f"{key}={value}" for key, value in _LABELS.items()),
            "METALLB_ML_SECRET_KEY_PATH": str(self._key),
        }
        before = self._speakers.get(node.name)
        self._logged[node.name] = 0 if before is None else len(before.output)
        argv: list[str | Path] = [self._programs / "speaker", *self._flags("speaker")]
        self._speakers[node.name] = node.start(argv, name="speaker", env=env)
        return self._speakers[node.name]

    def settle(self) -> None:
        """Wait until every speaker serves its metrics, and has every other one for a member."""
        names = {node.name for node in self.lab.nodes}
        for node in self.lab.nodes:
            self._await_metrics(node, str(node.address))
            until(
                lambda node=node: self._members(node) >= names,  # type: ignore[misc]
                f"{node.name} has all speakers for members",
                90.0,
            )

    def _install(self) -> None:
        text = (self._programs / MANIFEST).read_text()
        documents = yaml.load_all(text, Loader=yaml.CSafeLoader)
        wanted = [each for each in documents if each and each["kind"] in _INSTALLED]
        self.cluster.apply(*wanted)
        self.cluster.kubectl("wait", "--for=condition=Established", "crd", "--all", "--timeout=60s")
        self.cluster.await_namespace(NAMESPACE)
        pods = [self._pod(node) for node in self.lab.nodes]
        self.cluster.apply(*pods)
        status = yaml.safe_dump_all(pods, sort_keys=False)
        self.cluster.kubectl("replace", "--subresource=status", "-f", "-", text=status)
        self._key.mkdir()
        (self._key / "secretkey").write_text(secrets.token_hex(16))
        self._kubeconfigs = {
            program: self.cluster.kubeconfig_of(program, NAMESPACE)
            for program in ("controller", "speaker")
        }

    def _flags(self, program: str) -> list[str]:
        return [
            f"--kubeconfig={self._kubeconfigs[program]}",
            f"--port={PORT}",
            "--log-level=info",
        ]

    def _pod(self, node: Host) -> Object:
        """A speaker's Pod, as a kubelet would show it; it shares the node's address."""
        plan = next(each for each in self.lab.topology.pods if each.node == node.name)
        made = pod(plan, str(node.address), "speaker", NAMESPACE, [PORT])
        made["metadata"] |= {"name": _pod_name(node), "labels": dict(_LABELS)}
        made["status"] |= {"podIP": str(node.address), "podIPs": [{"ip": str(node.address)}]}
        return made

    def _members(self, node: Host) -> set[str]:
        """Whom a node's speaker has for members, by what it has logged since it was started."""
        members = set()
        for what, name in _EVENT.findall(self.speaker(node).output[self._logged[node.name] :]):
            members.add(name) if what == "Join" else members.discard(name)
        return members

    def _await_metrics(self, host: Host, address: str) -> None:
        ask = [
            "curl",
            "-sS",
            "-f",
            "-o",
            "/dev/null",
            "-m",
            "5",
            f"http://{address}:{PORT}/metrics",
        ]
        until(lambda: host.run(ask, check=False).returncode == 0, f"{host.name} serves metrics")


def pool(addresses: Sequence[str]) -> list[Object]:
    """A pool and its advertisement, as both contenders read them."""
    return [
        {
            "apiVersion": "metallb.io/v1beta1",
            "kind": kind,
            "metadata": {"name": "default", "namespace": NAMESPACE},
            "spec": spec,
        }
        for kind, spec in (
            ("IPAddressPool", {"addresses": list(addresses)}),
            ("L2Advertisement", {}),
        )
    ]


def _pod_name(node: Host) -> str:
    return f"speaker-{node.name}"
