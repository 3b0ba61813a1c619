"""From a plan to commands: the links, addresses, routes and kernel parameters of a lab.

PURE. Each function gives the lines of one `ip -batch`, or the parameters of one `sysctl`.
"""

from __future__ import annotations

from lab.topology import (
    FAR_INTERFACE,
    POD_INTERFACE,
    PREFIX_LENGTH6,
    SERVICES,
    HostPlan,
    PodPlan,
    RemotePlan,
    Topology,
)

# IPv6 is off, so that neither duplicate address detection nor router solicitations add frames to
# what a test counts; the rest is pinned because a namespace inherits it from the machine.
EVERYWHERE = {
    "net.ipv6.conf.all.disable_ipv6": "1",
    "net.ipv6.conf.default.disable_ipv6": "1",
    "net.ipv4.conf.all.rp_filter": "0",
    "net.ipv4.conf.default.rp_filter": "0",
    **{
        f"net.ipv4.conf.{which}.{key}": "0"
        for which in ("all", "default")
        for key in ("arp_accept", "arp_announce", "arp_filter", "arp_ignore", "arp_notify")
    },
}

# Where a lab has IPv6, addresses are there at once, and nothing is learned but what the lab gives.
IPV6 = {
    "net.ipv6.conf.all.disable_ipv6": "0",
    "net.ipv6.conf.default.disable_ipv6": "0",
    **{
        f"net.ipv6.conf.{which}.{key}": "0"
        for which in ("all", "default")
        for key in ("accept_dad", "accept_ra", "accept_redirects", "router_solicitations")
    },
    "net.ipv6.conf.default.addr_gen_mode": "0",
    "net.ipv6.conf.default.dad_transmits": "0",
}

# A redirect would teach clients a way around the node that answers for an address.
NODE = {
    "net.ipv4.ip_forward": "1",
    "net.ipv4.conf.all.send_redirects": "0",
    "net.ipv4.conf.default.send_redirects": "0",
}

# A router spreads what it forwards by ports, too: by addresses alone a client has one path.
ROUTER = NODE | {"net.ipv4.fib_multipath_hash_policy": "1"}
ROUTER6 = {
    "net.ipv6.conf.all.forwarding": "1",
    "net.ipv6.fib_multipath_hash_policy": "1",
}

# A thousand new connections a second to one address and port need every port, and soon again.
CLIENT = {
    "net.ipv4.ip_local_port_range": "1024 65535",
    "net.ipv4.tcp_tw_reuse": "1",
}


def sysctls(topology: Topology) -> dict[str, dict[str, str]]:
    """Kernel parameters by namespace."""
    extra = {host.namespace: NODE for host in topology.nodes}
    extra |= {client.namespace: CLIENT for client in topology.clients}
    extra |= {remote.namespace: CLIENT for remote in topology.remotes}
    everywhere = EVERYWHERE
    router = ROUTER
    if topology.ipv6:
        everywhere, router = EVERYWHERE | IPV6, ROUTER | ROUTER6
    extra |= {host.namespace: router for host in topology.routers}
    return {name: everywhere | extra.get(name, {}) for name in topology.namespaces}


def switch(topology: Topology) -> list[str]:
    """A bridge per segment, and a cable from it to each host's interface."""
    lines = []
    for index in range(len(topology.segments)):
        # Without snooping a bridge floods multicast, as switches without a querier do; without a
        # forward delay a port that comes back carries traffic at once.
        options = "forward_delay 0 stp_state 0 mcast_snooping 0"
        lines += [f"link add br{index} type bridge {options}", f"link set br{index} up"]
    for host in topology.hosts:
        for port in host.ports:
            far_end = f"{port.interface} address {port.mac} netns {host.namespace}"
            lines += [
                f"link add {port.switch_port} type veth peer name {far_end}",
                f"link set {port.switch_port} master {port.bridge} up",
            ]
    return lines


def node(topology: Topology, number: int) -> list[str]:
    """Addresses of a node, the cable to its pod, and routes to the pods of the other nodes.

    `number` counts from 0, as in `topology.nodes`.
    """
    pod = topology.pods[number]
    lines = [
        *host(topology.nodes[number]),
        f"link add {POD_INTERFACE} type veth peer name eth0 netns {pod.namespace}",
        f"address add {pod.gateway}/{pod.network.prefixlen} dev {POD_INTERFACE}",
        f"link set {POD_INTERFACE} up",
    ]
    for other, its_pod in zip(topology.nodes, topology.pods, strict=True):
        if its_pod is not pod:
            lines.append(f"route add {its_pod.network} via {other.ports[0].address}")
    if topology.control_plane:
        # Only what has a route can be led elsewhere; an address that no Service has is nobody's.
        lines.append(f"route add {SERVICES} via {topology.control_plane.ports[0].address}")
    for its_router, remote in zip(topology.routers, topology.remotes, strict=True):
        lines += _route(remote, its_router)
    return lines


def router(topology: Topology, number: int) -> list[str]:
    """Addresses of a router, the cable to its remote client, and routes to those of the others.

    `number` counts from 0, as in `topology.routers`.
    """
    remote = topology.remotes[number]
    lines = [
        *host(topology.routers[number]),
        f"link add {FAR_INTERFACE} type veth peer name eth0 netns {remote.namespace}",
        f"address add {remote.gateway}/{remote.network.prefixlen} dev {FAR_INTERFACE}",
        f"link set {FAR_INTERFACE} up",
    ]
    if remote.gateway6:
        lines.append(f"address add {remote.gateway6}/{PREFIX_LENGTH6} dev {FAR_INTERFACE}")
    for other, its_remote in zip(topology.routers, topology.remotes, strict=True):
        if its_remote is not remote:
            lines += _route(its_remote, other)
    return lines


def _route(remote: RemotePlan, its_router: HostPlan) -> list[str]:
    port = its_router.ports[0]
    lines = [f"route add {remote.network} via {port.address}"]
    if remote.network6:
        lines.append(f"route add {remote.network6} via {port.address6}")
    return lines


def host(plan: HostPlan) -> list[str]:
    """Addresses on the segments."""
    lines = ["link set lo up"]
    for port in plan.ports:
        lines += [
            f"address add {port.address}/{port.prefix_length} brd + dev {port.interface}",
            f"link set {port.interface} up",
        ]
        if port.address6:
            lines.append(f"address add {port.address6}/{PREFIX_LENGTH6} dev {port.interface}")
    return lines


def remote(plan: RemotePlan) -> list[str]:
    """A remote client's address, and its way to everything through its router."""
    lines = [
        "link set lo up",
        f"address add {plan.address}/{plan.network.prefixlen} dev eth0",
        "link set eth0 up",
        f"route add default via {plan.gateway}",
    ]
    if plan.address6:
        lines += [
            f"address add {plan.address6}/{PREFIX_LENGTH6} dev eth0",
            f"route add default via {plan.gateway6}",
        ]
    return lines


def pod(plan: PodPlan) -> list[str]:
    """A pod's address, and its way out through its node."""
    return [
        "link set lo up",
        f"address add {plan.address}/{plan.network.prefixlen} dev eth0",
        "link set eth0 up",
        f"route add default via {plan.gateway}",
    ]
