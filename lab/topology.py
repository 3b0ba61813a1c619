"""What stands where: the names and addresses of a lab, worked out before anything is built.

PURE. A lab is a rack: a switch with one bridge per segment, nodes with one pod each behind them,
and clients. Every host has a port on every segment. From the number of each and the segments'
networks follow all names, addresses and MACs, so that a test can name what it expects and another
process (`python -m lab status`) can read the same plan back from the run directory. Where a control
plane is asked for, it has a host of its own, `cp`, on the first segment.

    segment 0: node i has network + 10 + i, client k has network + 100 + k, on interface lan0;
               cp has network + 5
    pods:      node i has 10.244.i.1 on vethpod0, its pod has 10.244.i.2 on eth0
    services:  10.96.0.0/16, which nodes have a route for where there is a control plane

Interfaces on which addresses are announced are called lan0, lan1, …; the nodes' interfaces towards
pods are called veth…, which the speaker's default exclusions know.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from ipaddress import (
    AddressValueError,
    IPv4Address,
    IPv4Network,
    IPv6Address,
    IPv6Network,
    NetmaskValueError,
)
from typing import Any

from lab.errors import LabError

PREFIX = "vipcast-"
"""Begins the name of every namespace that a lab makes, so that nothing else can be hit."""

SEGMENTS = ("192.0.2.0/24", "198.51.100.0/24", "203.0.113.0/24")
"""Networks of the first segments (RFC 5737), where none are given."""

PODS = IPv4Network("10.244.0.0/16")
SERVICES = IPv4Network("10.96.0.0/16")
"""Cluster addresses of Services; the first one is the API server's own."""
REMOTES = IPv4Network("198.18.0.0/16")
"""What lies behind routers (RFC 2544)."""
SEGMENTS6 = IPv6Network("2001:db8::/40")
REMOTES6 = IPv6Network("2001:db8:ff00::/40")
"""Networks of IPv6 (RFC 3849), a /48 for each segment, and for what is behind each router."""
PREFIX_LENGTH6 = 64
POD_INTERFACE = "vethpod0"
FAR_INTERFACE = "far0"
FIRST_ROUTER = 1
MOST_ROUTERS = 4
CONTROL_PLANE = 5
FIRST_NODE = 11
FIRST_CLIENT = 101
MOST_NODES = 80
MOST_CLIENTS = 80


@dataclass(frozen=True, slots=True)
class Port:
    """A host's interface on a segment, and the switch's end of the same cable.

    `address6` is None in a lab without IPv6.
    """

    interface: str
    address: IPv4Address
    prefix_length: int
    mac: str
    switch_port: str
    bridge: str
    address6: IPv6Address | None = None


@dataclass(frozen=True, slots=True)
class HostPlan:
    """A namespace that stands for a machine on the segments."""

    name: str
    namespace: str
    ports: tuple[Port, ...]


@dataclass(frozen=True, slots=True)
class PodPlan:
    """A pod's namespace, and the node in front of it."""

    name: str
    namespace: str
    node: str
    address: IPv4Address
    gateway: IPv4Address
    network: IPv4Network


@dataclass(frozen=True, slots=True)
class RemotePlan:
    """A client's namespace behind a router; the addresses of IPv6 are None in a lab without."""

    name: str
    namespace: str
    router: str
    address: IPv4Address
    gateway: IPv4Address
    network: IPv4Network
    address6: IPv6Address | None = None
    gateway6: IPv6Address | None = None
    network6: IPv6Network | None = None


@dataclass(frozen=True, slots=True)
class Topology:
    """The whole plan. Names count from 1, segments from 0.

    `pods[i]` is behind `nodes[i]`, and `remotes[i]` behind `routers[i]`. `control_plane` is None in
    a lab that has none.
    """

    lab: str
    segments: tuple[IPv4Network, ...]
    nodes: tuple[HostPlan, ...]
    pods: tuple[PodPlan, ...]
    clients: tuple[HostPlan, ...]
    pod_ports: tuple[int, ...]
    control_plane: HostPlan | None = None
    routers: tuple[HostPlan, ...] = ()
    remotes: tuple[RemotePlan, ...] = ()
    ipv6: bool = False

    @property
    def switch(self) -> str:
        """Namespace of the switch."""
        return namespace_of(self.lab, "sw")

    @property
    def hosts(self) -> tuple[HostPlan, ...]:
        """Everything that has a port on the switch."""
        control_plane = (self.control_plane,) if self.control_plane else ()
        return self.nodes + control_plane + self.routers + self.clients

    @property
    def namespaces(self) -> tuple[str, ...]:
        """Every namespace of this lab, the switch first."""
        return (
            self.switch,
            *(host.namespace for host in self.hosts),
            *(pod.namespace for pod in self.pods),
            *(remote.namespace for remote in self.remotes),
        )

    def as_json(self) -> dict[str, Any]:
        """The arguments that `plan` needs to draw the same lab again."""
        return {
            "name": self.lab,
            "nodes": len(self.nodes),
            "clients": len(self.clients),
            "segments": [str(network) for network in self.segments],
            "pod_ports": list(self.pod_ports),
            "control_plane": self.control_plane is not None,
            "routers": len(self.routers),
            "ipv6": self.ipv6,
        }


def plan(
    name: str = "lab",
    *,
    nodes: int = 3,
    clients: int = 1,
    segments: tuple[str, ...] | list[str] = SEGMENTS[:1],
    pod_ports: tuple[int, ...] | list[int] = (8080,),
    control_plane: bool = False,
    routers: int = 0,
    ipv6: bool = False,
) -> Topology:
    """Work out a lab's names and addresses.

    `segments` are networks in CIDR notation, one per segment. Raises LabError, which names the
    argument and its value, when a lab of that kind cannot be.
    """
    if not re.fullmatch(r"[a-z][a-z0-9]{0,19}", name):
        raise LabError(
            f"lab name {name!r}: give 1 to 20 lower-case letters and digits, a letter first, "
            "so that no lab's names begin with another's"
        )
    _within("nodes", nodes, 1, MOST_NODES)
    _within("clients", clients, 1, MOST_CLIENTS)
    _within("routers", routers, 0, MOST_ROUTERS)
    networks = _networks(segments)
    for port in pod_ports:
        _within("pod port", port, 1, 65535)

    def host(host_name: str, number: int, on: tuple[IPv4Network, ...] = networks) -> HostPlan:
        return _host(name, host_name, number, on, ipv6=ipv6)

    return Topology(
        lab=name,
        segments=networks,
        nodes=tuple(host(f"node{i}", FIRST_NODE - 1 + i) for i in range(1, nodes + 1)),
        pods=tuple(_pod(name, i) for i in range(1, nodes + 1)),
        clients=tuple(
            host(_counted("client", k), FIRST_CLIENT - 1 + k) for k in range(1, clients + 1)
        ),
        pod_ports=tuple(pod_ports),
        control_plane=host("cp", CONTROL_PLANE, networks[:1]) if control_plane else None,
        routers=tuple(host(f"router{k}", FIRST_ROUTER - 1 + k) for k in range(1, routers + 1)),
        remotes=tuple(_remote(name, k, ipv6=ipv6) for k in range(1, routers + 1)),
        ipv6=ipv6,
    )


def namespace_of(lab: str, host: str) -> str:
    """Name of the namespace of a host in a lab."""
    return f"{PREFIX}{lab}-{host}"


def _counted(name: str, number: int) -> str:
    """The first of its kind has no number."""
    return name if number == 1 else f"{name}{number}"


def _host(
    lab: str, name: str, number: int, networks: tuple[IPv4Network, ...], *, ipv6: bool
) -> HostPlan:
    return HostPlan(
        name=name,
        namespace=namespace_of(lab, name),
        ports=tuple(
            Port(
                interface=f"lan{index}",
                address=network.network_address + number,
                prefix_length=network.prefixlen,
                # Locally administered, and readable in a capture: segment, then host.
                mac=f"02:76:69:70:{index:02x}:{number:02x}",
                switch_port=f"{name}-lan{index}",
                bridge=f"br{index}",
                address6=_part(SEGMENTS6, index)[number] if ipv6 else None,
            )
            for index, network in enumerate(networks)
        ),
    )


def _pod(lab: str, number: int) -> PodPlan:
    network = IPv4Network((int(PODS.network_address) + (number << 8), 24))
    return PodPlan(
        name=f"pod{number}",
        namespace=namespace_of(lab, f"pod{number}"),
        node=f"node{number}",
        address=network.network_address + 2,
        gateway=network.network_address + 1,
        network=network,
    )


def _remote(lab: str, number: int, *, ipv6: bool) -> RemotePlan:
    network = IPv4Network((int(REMOTES.network_address) + (number << 8), 24))
    network6 = _part(REMOTES6, number) if ipv6 else None
    name = _counted("remote", number)
    return RemotePlan(
        name=name,
        namespace=namespace_of(lab, name),
        router=f"router{number}",
        address=network[2],
        gateway=network[1],
        network=network,
        address6=network6[2] if network6 else None,
        gateway6=network6[1] if network6 else None,
        network6=network6,
    )


def _part(whole: IPv6Network, number: int) -> IPv6Network:
    """The first /64 of a /48, counted from 0."""
    return IPv6Network((int(whole.network_address) + (number << 80), PREFIX_LENGTH6))


def _networks(segments: tuple[str, ...] | list[str]) -> tuple[IPv4Network, ...]:
    _within("segments", len(segments), 1, 10)
    networks: list[IPv4Network] = []
    for text in segments:
        try:
            network = IPv4Network(text)
        except (AddressValueError, NetmaskValueError, ValueError) as error:
            raise LabError(
                f"segment {text!r}: {error}; give a network such as 192.0.2.0/24"
            ) from None
        if network.prefixlen > 24:
            raise LabError(f"segment {text!r}: too small for the lab; give a /24 or larger")
        for other in (PODS, SERVICES, REMOTES, *networks):
            if network.overlaps(other):
                raise LabError(f"segment {text!r}: overlaps {other}, which the lab uses already")
        networks.append(network)
    return tuple(networks)


def _within(what: str, value: int, low: int, high: int) -> None:
    if not low <= value <= high:
        raise LabError(f"{what} {value}: give a number from {low} to {high}")
