"""Vipcast on a lab: its programs on the nodes, its directory of objects, and how things stand.

with Lab() as lab:
    vipcast = Vipcast(lab)
    vipcast.start()
    vipcast.apply("pool", pool(...))
    vipcast.apply("web", service(...))
    vip = vipcast.await_address("web")

The controller runs in the first node's namespace, where nothing but `lo` and the segment is; each
speaker in its node's. Everything ends with the lab. The same on a cluster: lab.kubernetes.vipcast.
"""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import yaml

from lab import kernel, measure, objects
from lab.cluster import Lab
from lab.errors import NotReady
from lab.host import Host
from lab.objects import Object
from lab.processes import Process
from lab.services import ServiceRule
from lab.waiting import until

BIN = Path(sys.executable).parent


def pool(
    addresses: Sequence[str], *, name: str = "default", namespace: str = "metallb-system"
) -> Object:
    """The ConfigMap of old, with one layer 2 pool."""
    document = {
        "address-pools": [{"name": name, "protocol": "layer2", "addresses": list(addresses)}]
    }
    return config_map(yaml.safe_dump(document, sort_keys=False), namespace=namespace)


def config_map(text: str, *, namespace: str = "metallb-system") -> Object:
    """The ConfigMap of old, with any text as its configuration."""
    return {
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "metadata": {"namespace": namespace, "name": "config"},
        "data": {"config": text},
    }


def service(name: str, *, port: int = 80, **spec: Any) -> Object:
    """A Service of type LoadBalancer in namespace `default`."""
    return {
        "apiVersion": "v1",
        "kind": "Service",
        "metadata": {"name": name, "namespace": "default"},
        "spec": {
            "type": "LoadBalancer",
            "selector": {"app": name},
            "ports": [{"port": port, "protocol": "TCP", "targetPort": 8080}],
            **spec,
        },
    }


class Vipcast:
    """The product, installed on every node of a lab that stands."""

    def __init__(self, lab: Lab, *, xdp_mode: str = "auto", log_level: str = "info") -> None:
        self.lab = lab
        self.directory = lab.run.path / "objects"
        self._options = ["--log-level", log_level]
        self._xdp_mode = xdp_mode
        self._controller: Process | None = None
        self._speakers: dict[str, Process] = {}

    # Programs

    def prepare(self) -> None:
        """Make what the programs follow, with the lab's Nodes."""
        self.directory.mkdir(exist_ok=True)
        self.lab.write_nodes(self.directory)

    def follow(self, _program: str) -> list[str | Path]:
        """Flags that say what a program, `controller` or `speaker`, follows."""
        return ["--directory", self.directory]

    def variables(self, _program: str, _host: Host) -> Mapping[str, str]:
        """What is added to a program's environment on a host."""
        return {}

    @property
    def controller_host(self) -> Host:
        """Where the controller runs."""
        return self.lab.node(1)

    def start(self, speakers: Iterable[Host] | None = None) -> None:
        """Prepare, and start the controller and the speakers; does not wait."""
        self.prepare()
        self.start_controller()
        for node in self.lab.nodes if speakers is None else speakers:
            self.start_speaker(node)

    def start_controller(self) -> Process:
        """Start the controller; its metrics are on a free port."""
        host = self.controller_host
        argv: list[str | Path] = [BIN / "vipcast-controller", *self.follow("controller")]
        argv += ["--port", "0", "--run-dir", host.run_dir / "controller", *self._options]
        env = self.variables("controller", host)
        self._controller = host.start(argv, name="controller", env=env)
        return self._controller

    def start_speaker(self, node: Host, *more: str) -> Process:
        """Start the speaker of a node, with more flags if need be."""
        argv: list[str | Path] = [BIN / "vipcast-speaker", *self.follow("speaker")]
        argv += ["--node-name", node.name]
        argv += ["--run-dir", node.run_dir, "--pin-path", node.pin_path]
        argv += ["--xdp-mode", self._xdp_mode, *self._options, *more]
        env = self.variables("speaker", node)
        self._speakers[node.name] = node.start(argv, name="speaker", env=env)
        return self._speakers[node.name]

    @property
    def controller(self) -> Process:
        """The controller's process."""
        if self._controller is None:
            raise NotReady("the controller was not started")
        return self._controller

    def speaker(self, node: Host | str) -> Process:
        """The speaker's process on a node."""
        return self._speakers[node if isinstance(node, str) else node.name]

    def await_ready(self, *nodes: Host) -> None:
        """Wait until the speakers of some nodes (all that were started) say that they are ready."""
        for node in nodes or [self.lab.host(name) for name in self._speakers]:
            until(
                lambda node=node: self.readiness(node)[0],  # type: ignore[misc]
                f"{node.name} is ready: {self.readiness(node)[1]}",
            )

    def readiness(self, node: Host) -> tuple[bool, str]:
        """What /readyz of a node's speaker says."""
        done = node.run(
            ["curl", "-sS", "-o-", "-w", "\n%{http_code}", "http://127.0.0.1:7472/readyz"],
            check=False,
        )
        text, _, code = done.stdout.rpartition("\n")
        return code == "200", text or done.stderr

    def await_checks(self, *waived: str) -> None:
        """Wait until every speaker is ready but for some of the checks of /readyz.

        Raises NotReady, at once when one has ended.
        """

        def ready(node: Host) -> bool:
            speaker = self.speaker(node)
            if not speaker.alive:
                raise NotReady(f"{speaker.name} ended; {speaker.last_words}")
            said = dict(line.split(": ", 1) for line in self.readiness(node)[1].splitlines())
            return bool(said) and all(
                answer == "ok" or check in waived for check, answer in said.items()
            )

        for name in self._speakers:
            node = self.lab.host(name)
            until(lambda node=node: ready(node), f"{name} is ready")  # type: ignore[misc]

    def await_unheard(self, node: Host, other: Host) -> None:
        """Wait until a node's speaker counts another node as lost."""
        until(lambda: other.name not in self.heard_by(node), f"{node.name} lost {other.name}")

    def heard_by(self, node: Host) -> frozenset[str]:
        """Names of the nodes that a node's speaker hears, as it reports itself."""
        name = f"speaker-{node.name}"
        found = self.status_object(name, "SpeakerStatus", "metallb-system", node.name) or {}
        segments = found.get("status", {}).get("segments", [])
        return frozenset(member["node"] for each in segments for member in each["members"])

    def metrics(self, node: Host) -> str:
        """The speaker's metrics."""
        return node.run(["curl", "-sS", "http://127.0.0.1:7472/metrics"]).stdout

    def command(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        """Run `vipcast` on what the programs follow."""
        command = [str(BIN / "vipcast"), *arguments, "--directory", str(self.directory)]
        return kernel.run(command)

    # Objects

    def apply(self, name: str, *documents: Mapping[str, Any]) -> None:
        """Write objects as the file NAME.yaml, replaced atomically."""
        objects.write(self.directory / f"{name}.yaml", [dict(each) for each in documents])

    def delete(self, name: str) -> None:
        """Remove the file NAME.yaml."""
        (self.directory / f"{name}.yaml").unlink()

    def serve(self, name: str, *, namespace: str = "default") -> str:
        """Make pods and rules stand for port 80 of a Service; returns its address."""
        self.lab.write_endpoints(self.directory, name, namespace=namespace)
        vip = self.await_address(name, namespace=namespace)
        self.lab.program_services([ServiceRule(vip, 80, self.lab.backends())])
        return vip

    def await_address(self, name: str, *, namespace: str = "default") -> str:
        """Wait for a Service's address."""
        return until(lambda: self.address(name, namespace), f"{namespace}/{name} has an address")

    def address(self, name: str, namespace: str = "default") -> str | None:
        """The address in a Service's status, None while it has none."""
        found = self.status_object("controller", "Service", namespace, name)
        ingress = ((found or {}).get("status", {}).get("loadBalancer") or {}).get("ingress") or []
        return str(ingress[0]["ip"]) if ingress else None

    def status_object(self, writer: str, kind: str, namespace: str, name: str) -> Object | None:
        """An object that a program wrote, None if there is none."""
        path = self.directory / "status" / writer / kind / namespace / f"{name}.yaml"
        try:
            found: Object = yaml.load(path.read_text(), Loader=yaml.CSafeLoader)
        except FileNotFoundError:
            return None
        return found

    # On the wire

    def answering(self, vip: str, segment: int = 0) -> str | None:
        """Name of the host that answers ARP for an address, None if nobody does."""
        asked = measure.ask(self.lab.client, vip, count=1, segment=segment, timeout=0.2)
        return "+".join(sorted(self.lab.owner(mac) for mac in asked.macs)) or None

    def await_answer(self, vip: str, *not_from: str, segment: int = 0) -> str:
        """Wait until one host answers, none of those named; returns its name."""

        def found() -> str | None:
            host = self.answering(vip, segment)
            return host if host is not None and host not in not_from else None

        return until(found, f"somebody answers for {vip}")

    def await_holder(self, name: str, node: str, *, namespace: str = "default") -> None:
        """Wait until a node's speaker has written that it holds a Service's address."""
        until(
            lambda: self.status_object(
                f"speaker-{node}", "ServiceL2Status", "metallb-system", f"{name}.{namespace}.{node}"
            ),
            f"{node} reports that it holds the address of {namespace}/{name}",
        )
