"""A bare-metal cluster in network namespaces: build it, use it, take it down.

    with Lab() as lab:
        speaker = lab.node(1).start(["vipcast-speaker", …], name="speaker")
        lab.program_services([ServiceRule("192.0.2.240", 80, lab.backends())])
        lab.switch.pull(lab.node(1))
        …

Everything is inside namespaces `vipcast-<lab>-…`; nothing of the machine's own network is touched.
On the way out, be it an exception, Ctrl-C or SIGTERM, every process is ended by its own id and
every namespace, mount and file is removed. What a killed run left, the next one of its name cleans.
"""

from __future__ import annotations

import atexit
from collections.abc import Iterable, Sequence
from contextlib import ExitStack
from pathlib import Path

from lab import kernel, objects, preflight, services, signals, wiring
from lab.errors import LabError
from lab.faults import Switch
from lab.host import ROOT, Host
from lab.rundir import RunDirectory, load_plan, sweep_abandoned
from lab.services import Backend, ServiceRule
from lab.topology import SEGMENTS, Topology, plan

SERVICE_SETTLING = {"net.netfilter.nf_conntrack_tcp_timeout_time_wait": "5"}
"""Seconds that a node remembers a finished connection: benchmarks make thousands of them."""


class Lab:
    """A lab by its name and size; entered as a context manager, it stands.

    `segments` are networks in CIDR notation, one per segment; every host has a port on each.
    `pod_ports` are the TCP ports that every pod's HTTP server listens on. `pods=False` builds the
    pods' namespaces without their servers. With `control_plane` there is a host `cp` for
    Kubernetes' own programs (lab.kubernetes starts them). With `routers` there are these, each with
    a client behind it (lab.routers starts what runs on them). With `ipv6` the segments and what is
    behind routers have IPv6, too. Raises LabError when the arguments make no lab.
    """

    def __init__(
        self,
        name: str = "lab",
        *,
        nodes: int = 3,
        clients: int = 1,
        segments: Sequence[str] = SEGMENTS[:1],
        pod_ports: Sequence[int] = (8080,),
        pods: bool = True,
        control_plane: bool = False,
        routers: int = 0,
        ipv6: bool = False,
    ) -> None:
        self._serve = pods
        self._signals = ExitStack()
        self._take(
            plan(
                name,
                nodes=nodes,
                clients=clients,
                segments=list(segments),
                pod_ports=list(pod_ports),
                control_plane=control_plane,
                routers=routers,
                ipv6=ipv6,
            )
        )

    @classmethod
    def standing(cls, name: str = "lab") -> Lab:
        """The lab of that name that stands already; to look at, not to enter. Raises LabError."""
        return cls(**load_plan(name))

    def _take(self, topology: Topology) -> None:
        self.topology = topology
        self.run = RunDirectory(topology.lab)
        self.nodes = tuple(Host(each, self.run) for each in topology.nodes)
        self.pods = tuple(Host(each, self.run) for each in topology.pods)
        self.clients = tuple(Host(each, self.run) for each in topology.clients)
        self.routers = tuple(Host(each, self.run) for each in topology.routers)
        self.remotes = tuple(Host(each, self.run) for each in topology.remotes)
        self._cp = Host(topology.control_plane, self.run) if topology.control_plane else None
        self.switch = Switch(topology)

    @property
    def name(self) -> str:
        """The lab's name, `lab` by default."""
        return self.topology.lab

    @property
    def client(self) -> Host:
        """The first client."""
        return self.clients[0]

    @property
    def remote(self) -> Host:
        """The client behind the first router. Raises LabError in a lab that was built without."""
        if not self.remotes:
            raise LabError(f"lab {self.name!r} has no routers: build it with one")
        return self.remotes[0]

    @property
    def cp(self) -> Host:
        """The host of the control plane. Raises LabError in a lab that was built without."""
        if self._cp is None:
            raise LabError(f"lab {self.name!r} has no control plane: build it with one")
        return self._cp

    @property
    def hosts(self) -> tuple[Host, ...]:
        """Nodes, clients, pods, routers, remote clients, and the control plane's host if any."""
        control_plane = () if self._cp is None else (self._cp,)
        return self.nodes + self.clients + self.pods + control_plane + self.routers + self.remotes

    def node(self, number: int) -> Host:
        """A node by its number, from 1."""
        return self.nodes[number - 1]

    def host(self, name: str) -> Host:
        """A host of any kind by its name; raises LabError, which lists the names."""
        known = {host.name: host for host in self.hosts}
        if name not in known:
            raise LabError(f"no host {name!r}; there are {', '.join(known)}")
        return known[name]

    def owner(self, mac: str) -> str:
        """Name of the host that has a MAC, or the MAC itself when none does."""
        for host in self.topology.hosts:
            if mac in (port.mac for port in host.ports):
                return host.name
        return mac

    # Up and down

    def __enter__(self) -> Lab:
        self._signals.enter_context(signals.as_exit())
        try:
            self.up()
        except BaseException:
            self._signals.close()
            raise
        return self

    def __exit__(self, *_error: object) -> None:
        try:
            self.down()
        finally:
            self._signals.close()

    def up(self) -> None:
        """Build the lab, after taking down what earlier runs of its name, or killed ones, left.

        Holds the lab's lock until `down`, `leave` or the end of this process. A signal that comes
        meanwhile is delivered afterwards. Raises Unfit when the machine lacks something, Busy when
        another process has the lab, and LabError when a step fails, with nothing left behind.
        """
        preflight.check()
        # The last net under a signal that comes between two steps here, or between two of `with`.
        atexit.register(self._down_if_held)
        try:
            self.run.lock.take()
            with signals.deferred():
                sweep_abandoned()
                self.run.sweep()
                self.run.create(self.topology.as_json())
                self._build()
        except BaseException:
            self._down_if_held()
            raise

    def down(self) -> None:
        """Take the lab down, whoever built it; a signal that comes meanwhile is delivered after.

        Raises Busy when another process has the lab.
        """
        with signals.deferred():
            self.run.lock.take()
            try:
                self.run.sweep()
                for host in self.hosts:
                    host.forget()
            finally:
                self.run.lock.release()
                atexit.unregister(self._down_if_held)

    def leave(self) -> None:
        """Let the lab stand when this process ends; `down` or the next `up` takes it down."""
        with signals.deferred():
            self.run.keep()
            self.run.lock.release()
            atexit.unregister(self._down_if_held)

    def _down_if_held(self) -> None:
        if self.run.lock.held:
            self.down()

    def _build(self) -> None:
        topology = self.topology
        kernel.ip(None, [f"netns add {name}" for name in topology.namespaces])
        for name, values in wiring.sysctls(topology).items():
            kernel.sysctl(name, values)
        kernel.ip(topology.switch, wiring.switch(topology))
        for number, node in enumerate(topology.nodes):
            kernel.ip(node.namespace, wiring.node(topology, number))
        for number, router in enumerate(topology.routers):
            kernel.ip(router.namespace, wiring.router(topology, number))
        for other in topology.hosts:
            if other not in topology.nodes + topology.routers:
                kernel.ip(other.namespace, wiring.host(other))
        for pod in topology.pods:
            kernel.ip(pod.namespace, wiring.pod(pod))
        for remote in topology.remotes:
            kernel.ip(remote.namespace, wiring.remote(remote))
        for host in self.nodes + self.routers:
            host.run_dir.mkdir()
        if self._serve:
            self._serve_pods()

    def _serve_pods(self) -> None:
        ports = [f"--port={port}" for port in self.topology.pod_ports]
        servers = [
            pod.python(
                "lab.tools.httpserver", f"{pod.name} on {plan.node}\n", *ports,
                name="http", notify=True,
            )
            for pod, plan in zip(self.pods, self.topology.pods, strict=True)
        ]  # fmt: skip
        for server in servers:
            server.await_ready(30.0)

    def native_switch(self, *hosts: Host) -> None:
        """Give the switch's ports of some hosts (all by default) a native pass-only XDP program.

        What a node's native program sends back reaches the switch only then; see Switch.native_xdp.
        """
        program = self.run.path / "passonly.o"
        kernel.compile_bpf(ROOT / "bpf" / "passonly.c", program)
        self.switch.native_xdp(program, *hosts)

    # Services

    def backends(self, port: int | None = None) -> tuple[Backend, ...]:
        """Every pod, as what a Service leads to, by default on the first of `pod_ports`."""
        target = port if port is not None else self.topology.pod_ports[0]
        return tuple(Backend(str(p.address), target, p.node) for p in self.topology.pods)

    def program_services(self, rules: Iterable[ServiceRule]) -> None:
        """Make these, and no others, the Services of every node (kube-proxy's part)."""
        wanted = list(rules)
        for node in self.nodes:
            kernel.nft(node.namespace, services.ruleset(node.name, wanted))
            kernel.sysctl(node.namespace, SERVICE_SETTLING)

    def write_nodes(self, directory: Path) -> None:
        """Write the lab's Node objects to `directory`/lab-nodes.yaml, replaced atomically."""
        objects.write(directory / "lab-nodes.yaml", objects.nodes(self.topology))

    def write_endpoints(
        self,
        directory: Path,
        service: str,
        *,
        namespace: str = "default",
        port: int | None = None,
        port_name: str = "",
        nodes: Iterable[str] | None = None,
    ) -> None:
        """Write a Service's EndpointSlice, ready pods on all nodes (or on `nodes` only).

        The file is `directory`/lab-endpoints-<namespace>-<service>.yaml, replaced atomically.
        """
        chosen = None if nodes is None else set(nodes)
        backends = [b for b in self.backends(port) if chosen is None or b.node in chosen]
        objects.write(
            directory / f"lab-endpoints-{namespace}-{service}.yaml",
            [objects.endpoint_slice(service, namespace, port_name, backends)],
        )
