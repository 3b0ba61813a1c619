"""From a plan to commands: the links, addresses, routes and kernel parameters of a lab.

PURE. Each function gives the lines of one `ip -batch`, or the parameters of one `sysctl`.
"""

from __future__ import annotations

from lab.topology import POD_INTERFACE, SERVICES, HostPlan, PodPlan, Topology

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

# A redirect would teach clients a way around the node that answers for an address.
NODE = {
    "net.ipv4.ip_forward": "1",
    "net.ipv4.conf.all.send_redirects": "0",
    "net.ipv4.conf.default.send_redirects": "0",
}

# A thousand new connections a second to one address and port need every port, and soon again.
CLIENT = {
    "net.ipv4.ip_local_port_range": "1024 65535",
    "net.ipv4.tcp_tw_reuse": "1",
}


def sysctls(topology: Topology) -> dict[str, dict[str, str]]:
    """Kernel parameters by namespace."""
    extra = {host.namespace: NODE for host in topology.nodes}
    extra |= {host.namespace: CLIENT for host in topology.clients}
    return {name: EVERYWHERE | extra.get(name, {}) for name in topology.namespaces}


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
    return lines


def host(plan: HostPlan) -> list[str]:
    """Addresses on the segments."""
    lines = ["link set lo up"]
    for port in plan.ports:
        lines += [
            f"address add {port.address}/{port.prefix_length} brd + dev {port.interface}",
            f"link set {port.interface} up",
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
