"""Names and addresses of a lab follow from its size, and a lab that cannot be is refused."""

from __future__ import annotations

from ipaddress import IPv4Address, IPv4Network

import pytest

from lab import draw, wiring
from lab.errors import LabError
from lab.topology import HostPlan, PodPlan, Port, RemotePlan, plan


def test_a_node_has_a_port_on_every_segment_and_a_pod_behind_it() -> None:
    drawn = plan("x", nodes=2, segments=("10.200.200.0/24", "198.51.100.0/24"))

    assert drawn.nodes[1] == HostPlan(
        name="node2",
        namespace="vipcast-x-node2",
        ports=(
            Port(
                interface="lan0",
                address=IPv4Address("10.200.200.12"),
                prefix_length=24,
                mac="02:76:69:70:00:0c",
                switch_port="node2-lan0",
                bridge="br0",
            ),
            Port(
                interface="lan1",
                address=IPv4Address("198.51.100.12"),
                prefix_length=24,
                mac="02:76:69:70:01:0c",
                switch_port="node2-lan1",
                bridge="br1",
            ),
        ),
    )
    assert drawn.pods[1] == PodPlan(
        name="pod2",
        namespace="vipcast-x-pod2",
        node="node2",
        address=IPv4Address("10.244.2.2"),
        gateway=IPv4Address("10.244.2.1"),
        network=IPv4Network("10.244.2.0/24"),
    )


def test_every_name_address_and_mac_of_the_largest_lab_is_its_own() -> None:
    drawn = plan("a2345678901234567890", nodes=80, clients=80, segments=["192.0.2.0/24"] * 1)

    ports = [port for host in drawn.hosts for port in host.ports]
    assert len(set(drawn.namespaces)) == 1 + 80 + 80 + 80
    assert len({port.address for port in ports}) == len({port.mac for port in ports}) == 160
    # The kernel's interface names have 15 characters at most (IFNAMSIZ, linux/if.h).
    assert max(len(port.switch_port) for port in ports) <= 15
    assert all(port.address in drawn.segments[0] for port in ports)


def test_no_node_of_a_wide_segment_stands_in_the_pool_of_the_masked_input() -> None:
    drawn = plan(nodes=80, clients=80, segments=("192.168.0.0/18",))

    pool = IPv4Network("192.168.31.240/28")
    assert not any(port.address in pool for host in drawn.hosts for port in host.ports)


def test_the_arguments_that_are_kept_draw_the_same_lab_again() -> None:
    segments = ("192.168.1.0/24",)
    drawn = plan(
        "x",
        nodes=4,
        clients=2,
        segments=segments,
        pod_ports=(80, 8443),
        control_plane=True,
        routers=2,
        ipv6=True,
    )

    assert plan(**drawn.as_json()) == drawn


def test_a_control_plane_has_a_host_on_the_first_segment_and_nodes_a_route_for_services() -> None:
    segments = ("192.0.2.0/24", "198.51.100.0/24")
    without, drawn = plan(segments=segments), plan(segments=segments, control_plane=True)

    assert without.control_plane is None
    assert drawn.control_plane is not None
    assert [str(port.address) for port in drawn.control_plane.ports] == ["192.0.2.5"]
    assert set(drawn.namespaces) - set(without.namespaces) == {"vipcast-lab-cp"}
    route = "route add 10.96.0.0/16 via 192.0.2.5"
    assert route in wiring.node(drawn, 0)
    assert route not in wiring.node(without, 0)


def test_a_router_has_a_client_behind_it_and_nodes_and_other_routers_a_route_there() -> None:
    drawn = plan("x", nodes=1, routers=2)

    assert [str(router.ports[0].address) for router in drawn.routers] == ["192.0.2.1", "192.0.2.2"]
    assert drawn.remotes[1] == RemotePlan(
        name="remote2",
        namespace="vipcast-x-remote2",
        router="router2",
        address=IPv4Address("198.18.2.2"),
        gateway=IPv4Address("198.18.2.1"),
        network=IPv4Network("198.18.2.0/24"),
    )
    routes = ["route add 198.18.1.0/24 via 192.0.2.1", "route add 198.18.2.0/24 via 192.0.2.2"]
    assert wiring.node(drawn, 0)[-2:] == routes
    assert wiring.router(drawn, 0)[-1] == routes[1]
    assert wiring.router(drawn, 1)[-1] == routes[0]


def test_with_ipv6_segments_and_remote_clients_have_it_and_without_nothing_has() -> None:
    segments = ("192.0.2.0/24", "198.51.100.0/24")
    without = plan("x", nodes=2, segments=segments, routers=1)
    drawn = plan("x", nodes=2, segments=segments, routers=1, ipv6=True)

    assert [str(port.address6) for port in drawn.nodes[1].ports] == [
        "2001:db8::c",
        "2001:db8:1::c",
    ]
    assert (str(drawn.remotes[0].address6), str(drawn.remotes[0].network6)) == (
        "2001:db8:ff01::2",
        "2001:db8:ff01::/64",
    )
    for lab, off in ((without, "1"), (drawn, "0")):
        for values in wiring.sysctls(lab).values():
            assert values["net.ipv6.conf.all.disable_ipv6"] == off
    lines = [
        *wiring.node(without, 0),
        *wiring.router(without, 0),
        *wiring.remote(without.remotes[0]),
        *wiring.host(without.clients[0]),
    ]
    assert not any("2001:db8" in line for line in lines)


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ({"name": "a-b"}, "lab name 'a-b'"),
        ({"name": ""}, "lab name ''"),
        ({"nodes": 0}, "nodes 0: give a number from 1 to 80"),
        ({"clients": 81}, "clients 81"),
        ({"segments": ()}, "segments 0"),
        ({"segments": ("192.0.2.1/24",)}, "segment '192.0.2.1/24': 192.0.2.1/24 has host bits"),
        ({"segments": ("192.0.2.0/25",)}, "too small"),
        ({"segments": ("10.0.0.0/8",)}, "overlaps 10.244.0.0/16"),
        ({"segments": ("10.96.1.0/24",)}, "overlaps 10.96.0.0/16"),
        ({"segments": ("192.0.2.0/24", "192.0.0.0/16")}, "overlaps 192.0.2.0/24"),
        ({"segments": ("198.18.1.0/24",)}, "overlaps 198.18.0.0/16"),
        ({"pod_ports": (0,)}, "pod port 0"),
        ({"routers": 5}, "routers 5: give a number from 0 to 4"),
    ],
)
def test_a_lab_that_cannot_be_is_refused_by_argument_and_value(
    arguments: dict[str, object], words: str
) -> None:
    with pytest.raises(LabError) as caught:
        plan(**arguments)  # type: ignore[arg-type]
    assert words in str(caught.value)


def test_the_picture_shows_who_is_behind_a_router() -> None:
    lines = draw.topology(plan("x", nodes=1, routers=1), {}, {"remote": ["load 9"]})

    assert lines[3:] == [
        " ├─── router1   lan0 192.0.2.1       02:76:69:70:00:01",
        " │         └── far0 198.18.1.1 ── remote 198.18.1.2   [load 9]",
        " └─── client    lan0 192.0.2.101     02:76:69:70:00:65",
    ]


def test_the_picture_shows_addresses_pods_programs_and_a_pulled_cable() -> None:
    drawn = plan("x", nodes=2, segments=("192.0.2.0/24", "198.51.100.0/24"))

    lines = draw.topology(drawn, {"node2-lan1": False}, {"node1": ["speaker 7"], "pod1": ["http"]})

    assert lines == [
        "sw   segment 0: 192.0.2.0/24, segment 1: 198.51.100.0/24",
        " ├─── node1     lan0 192.0.2.11      02:76:69:70:00:0b   [speaker 7]",
        " │              lan1 198.51.100.11   02:76:69:70:01:0b",
        " │         └── vethpod0 10.244.1.1 ── pod1 10.244.1.2   [http]",
        " ├─── node2     lan0 192.0.2.12      02:76:69:70:00:0c",
        " │─✗─           lan1 198.51.100.12   02:76:69:70:01:0c",
        " │         └── vethpod0 10.244.2.1 ── pod2 10.244.2.2",
        " └─── client    lan0 192.0.2.101     02:76:69:70:00:65",
        "                lan1 198.51.100.101  02:76:69:70:01:65",
    ]
