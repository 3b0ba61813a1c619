"""MetalLB's metrics, as controllers and speakers at work show them."""

from __future__ import annotations

import asyncio
import re
import tempfile
from collections.abc import Callable
from pathlib import Path

import pytest

from controller.main import KINDS
from speaker.bgp.codes import Cease, ErrorCode
from speaker.bgp.encode import end_of_rib, notification
from speaker.bgp.messages import IPV4_UNICAST, Notification
from tests.support.memory_source import MemoryCluster, MemorySource
from tests.support.parity import Line, lines, shows, words
from tests.support.virtual import pass_time, until, virtually
from tests.support.waiting import eventually_async
from tests.unit.controller.running import NOON, Place, Running, config_map, running
from tests.unit.controller.running import service as service_object
from tests.unit.speaker.test_bgp import ROUTER, Router, configure, peer
from tests.unit.speaker.world import OTHER, SYSTEM, VIP, Machine, World, story
from vipcast.model.objects import Key
from vipcast.model.raw import BGP_PEER, Ref

HOME = {"name": "home", "addresses": ["192.0.2.0/28"], "avoid-buggy-ips": True}
BOTH = {"name": "both", "addresses": ["198.51.100.1-198.51.100.4", "2001:db8::/124"]}
SHARED = {"metallb.io/allow-shared-ip": "dns", "metallb.io/loadBalancerIPs": "192.0.2.9"}
UPDATES = "metallb_k8s_client_updates_total"
ERRORS = "metallb_k8s_client_update_errors_total"
LOADED = "metallb_k8s_client_config_loaded_bool"
STALE = "metallb_k8s_client_config_stale_bool"

Series = dict[str, float]
"""Values by labels, as name=value between commas."""


def series(of: Running | Machine | str, name: str) -> Series:
    """The series of one metric."""
    text = of if isinstance(of, str) else of.metrics.take().text().decode()
    rows = re.findall(rf"^{name}(?:{{(.*)}})? (\S+)$", text, re.MULTILINE)
    return {labels.replace('"', ""): float(number) for labels, number in rows}


def value(of: Running | Machine, name: str) -> float:
    """The value of a metric without labels."""
    return series(of, name)[""]


def pools(of: Running, what: str) -> list[Series]:
    """A gauge of the allocator for all addresses, and for those of each family."""
    names = (f"{family}addresses_{what}" for family in ("", "ipv4_", "ipv6_"))
    return [series(of, f"metallb_allocator_{name}") for name in names]


@pytest.fixture
def place(tmp_path: Path) -> Place:
    made = Place(tmp_path)
    made.pools(HOME, BOTH)
    return made


async def comes(read: Callable[[], object], wanted: object) -> None:
    """Wait until something is so."""

    def so() -> bool:
        assert read() == wanted
        return True

    await eventually_async(so, what=f"it is {wanted}")


# Names, types and labels


def _controller_at_work() -> str:
    async def tell() -> str:
        with tempfile.TemporaryDirectory() as path:
            place = Place(Path(path))
            place.pools(HOME, BOTH)
            async with running(place) as one:
                await comes(lambda: len(series(one, "metallb_allocator_addresses_total")), 2)
                return one.metrics.take().text().decode()

    return asyncio.run(tell())


def _speaker_at_work() -> str:
    async def tell() -> str:
        async with World("node1", config=False) as world:
            router = Router(world)
            configure(world)
            world.advertise()
            world.serve("web", VIP)
            await router.has(f"{VIP}/32")
            await world.holder()
            await world.settled()
            return world["node1"].metrics.take().text().decode()

    found: list[str] = []

    async def keep() -> None:
        found.append(await tell())

    virtually(keep())
    return found[0]


@pytest.fixture(scope="module")
def at_work() -> str:
    """What a controller and a speaker show, one after the other."""
    return _controller_at_work() + _speaker_at_work()


def named(*, here: bool) -> list[tuple[Line, str]]:
    return [(line, name) for line in lines("Metrics") if line.here is here for name in line.names]


@pytest.mark.parametrize(
    ("line", "name"), named(here=True), ids=[name for _, name in named(here=True)]
)
def test_a_metric_that_is_there_has_metallb_s_type_and_exactly_its_labels(
    at_work: str, line: Line, name: str
) -> None:
    types, labels, _ = line.cells
    place = line.names.index(name) if "," in types else 0
    wanted = types.split(", ")[place]
    assert set(re.findall(rf"^# TYPE {name} (\w+)$", at_work, re.MULTILINE)) == {wanted}
    found = {
        tuple(sorted(label.split("=")[0] for label in one.split(",") if label))
        for one in series(at_work, name)
    }
    assert found == {tuple(sorted(words(labels)))}


@pytest.mark.parametrize("name", [name for _, name in named(here=False)])
def test_a_metric_that_is_not_yet_there_is_shown_by_no_program(at_work: str, name: str) -> None:
    assert name not in at_work


# Controller


@shows(
    "metallb_allocator_addresses_total",
    "metallb_allocator_ipv4_addresses_total",
    "metallb_allocator_ipv6_addresses_total",
)
async def test_the_addresses_of_each_pool_are_counted_and_go_with_it(place: Place) -> None:
    async with running(place) as one:
        await comes(
            lambda: pools(one, "total"),
            [
                {"pool=home": 15.0, "pool=both": 20.0},
                {"pool=home": 15.0, "pool=both": 4.0},
                {"pool=home": 0.0, "pool=both": 16.0},
            ],
        )
        place.pools(BOTH)
        await comes(
            lambda: pools(one, "total"),
            [{"pool=both": 20.0}, {"pool=both": 4.0}, {"pool=both": 16.0}],
        )


@shows(
    "metallb_allocator_addresses_in_use_total",
    "metallb_allocator_ipv4_addresses_in_use_total",
    "metallb_allocator_ipv6_addresses_in_use_total",
    "metallb_allocator_services_allocated_total",
)
async def test_a_shared_address_is_one_in_use_by_as_many_services_as_have_it(place: Place) -> None:
    def counted() -> tuple[list[Series], Series]:
        allocated = series(one, "metallb_allocator_services_allocated_total")
        return pools(one, "in_use_total"), allocated

    def of(used: int, services: int) -> tuple[list[Series], Series]:
        home = {"pool=home": float(used), "pool=both": 0.0}
        none = {"pool=home": 0.0, "pool=both": 0.0}
        return [home, home, none], {"pool=home": float(services), "pool=both": 0.0}

    async with running(place) as one:
        place.service("tcp", annotations=SHARED, ports=[{"port": 53, "protocol": "TCP"}])
        place.service("udp", annotations=SHARED, ports=[{"port": 53, "protocol": "UDP"}])
        await comes(counted, of(1, 2))
        place.service("web")
        await comes(counted, of(2, 3))
        place.remove("default-tcp.yaml")
        await comes(counted, of(2, 2))
        place.remove("default-udp.yaml")
        place.remove("default-web.yaml")
        await comes(counted, of(0, 0))
        place.service("six", ipFamilies=["IPv6"])
        none, one_of_both = ({"pool=home": 0.0, "pool=both": number} for number in (0.0, 1.0))
        await comes(counted, ([one_of_both, none, one_of_both], one_of_both))


@shows("metallb_k8s_client_updates_total", "metallb_k8s_client_update_errors_total")
async def test_what_a_controller_works_on_is_counted_and_what_fails_until_it_does_not() -> None:
    cluster = MemoryCluster()
    cluster.apply(config_map({"name": "home", "addresses": ["192.0.2.10/32"]}))
    async with running(MemorySource(cluster, "controller", KINDS, clock=lambda: NOON)) as one:
        await comes(lambda: series(one, "metallb_allocator_addresses_total"), {"pool=home": 1.0})
        await eventually_async(lambda: value(one, UPDATES) >= 2, what="state and key are written")
        before = value(one, UPDATES)
        assert value(one, ERRORS) == 0
        cluster.refuses = True
        cluster.apply(service_object("web"))
        await eventually_async(lambda: value(one, ERRORS) >= 1, what="a write is refused")
        assert value(one, UPDATES) > before
        cluster.refuses = False
        cluster.apply(service_object("poor", loadBalancerIP="10.0.0.1"))
        await comes(
            lambda: series(one, "vipcast_services_without_address"), {"reason=ipNotAllowed": 1.0}
        )


@shows("metallb_k8s_client_config_loaded_bool", "metallb_k8s_client_config_stale_bool")
async def test_a_controller_says_that_a_configuration_is_in_force_and_whether_it_is_the_newest(
    place: Place,
) -> None:
    def state() -> tuple[float, float]:
        return value(one, LOADED), value(one, STALE)

    place.remove("config.yaml")
    async with running(place) as one:
        await comes(state, (0, 1))
        place.pools(HOME)
        await comes(state, (1, 0))
        place.pools({"name": "home", "addresses": ["192.0.2.300"]})
        await comes(state, (1, 1))
        place.pools(HOME, BOTH)
        await comes(state, (1, 0))


# Speaker


@shows("metallb_k8s_client_updates_total", "metallb_k8s_client_update_errors_total")
@story("node1")
async def test_what_a_speaker_decides_upon_is_counted_and_what_it_cannot_write(
    world: World,
) -> None:
    node = world["node1"]
    await world.settled()
    before = value(node, UPDATES)
    world.serve("web", VIP)
    await world.settled()
    assert before < value(node, UPDATES) <= before + 2  # the Service, and again with its endpoints
    assert value(node, ERRORS) == 0
    world.cluster.refuses = True
    world.serve("other", OTHER)
    await world.settled()
    assert value(node, ERRORS) > 0


@shows("metallb_k8s_client_config_loaded_bool", "metallb_k8s_client_config_stale_bool")
@story("node1", config=False)
async def test_a_speaker_says_that_a_configuration_is_in_force_and_whether_it_is_the_newest(
    world: World,
) -> None:
    node, told = world["node1"], []
    for addresses in ("192.0.2.240/28", "192.0.2.300", "192.0.2.0/24"):
        world.configure(addresses)
        await pass_time(1.0)
        told.append((value(node, LOADED), value(node, STALE)))
    assert told == [(1, 0), (1, 1), (1, 0)]


@shows("metallb_speaker_announced")
@story("node1", "node2")
async def test_the_holder_alone_announces_each_service_that_has_the_address_and_until_it_is_gone(
    world: World,
) -> None:
    def announced(node: str) -> Series:
        return series(world[node], "metallb_speaker_announced")

    def one(service: str) -> str:
        return f"ip={VIP},node={holder},protocol=layer2,service=default/{service}"

    world.serve("udp", VIP, sharing="dns")
    world.serve("tcp", VIP, sharing="dns")
    holder = await world.holder()
    await world.settled()
    (other,) = world.others(holder)
    assert announced(holder) == {one("tcp"): 1.0, one("udp"): 1.0}
    assert announced(other) == {}
    world.delete_service("tcp")
    await world.settled()
    assert announced(holder) == {one("udp"): 1.0}
    world.delete_service("udp")
    await world.settled()
    assert announced(holder) == {}
    for machine in world.machines.values():
        assert str(VIP) not in machine.metrics.take().text().decode()


@shows("metallb_layer2_gratuitous_sent")
@story("node1", "node2")
async def test_gratuitous_frames_are_counted_by_address_where_they_leave(world: World) -> None:
    world.serve("web", VIP)
    world.serve("other", OTHER)
    await world.holder(VIP)
    await world.holder(OTHER)
    await world.settled()
    counts: Series = {}
    for machine in world.machines.values():
        found = series(machine, "metallb_layer2_gratuitous_sent")
        assert sum(found.values()) == len(machine.greeter.frames)
        counts |= found
    assert set(counts) == {f"ip={VIP}", f"ip={OTHER}"}
    assert min(counts.values()) > 0


BGP = "metallb_bgp_"
HERE = f"peer={ROUTER}:179"


@shows("metallb_bgp_session_up", "metallb_speaker_announced")
@story("node1", config=False)
async def test_a_session_is_up_when_both_sides_say_so_and_what_it_tells_is_announced(
    world: World,
) -> None:
    node = world["node1"]
    configure(world)
    world.serve("web", VIP)
    await until(lambda: series(node, f"{BGP}session_up") == {HERE: 0.0}, "it is not up")
    assert series(node, "metallb_speaker_announced") == {}
    router = Router(world)
    await router.has(f"{VIP}/32")
    await until(lambda: series(node, f"{BGP}session_up") == {HERE: 1.0}, "it is up")
    assert series(node, "metallb_speaker_announced") == {
        f"ip={VIP},node=node1,protocol=bgp,service=default/web": 1.0
    }
    world.delete_service("web")
    await router.has()
    assert series(node, "metallb_speaker_announced") == {}


@shows(
    "metallb_bgp_announced_prefixes_total",
    "metallb_bgp_pending_prefixes_total",
    "metallb_bgp_updates_total",
)
@story("node1", config=False)
async def test_routes_are_counted_by_router_and_gone_with_it(world: World) -> None:
    node, router = world["node1"], Router(world)
    configure(world)
    for name, vip in (("web", VIP), ("db", OTHER)):
        world.serve(name, vip)
    await router.has(f"{VIP}/32", f"{OTHER}/32")
    assert series(node, f"{BGP}announced_prefixes_total") == {HERE: 2.0}
    assert series(node, f"{BGP}pending_prefixes_total") == {HERE: 0.0}
    assert series(node, f"{BGP}updates_total") == {HERE: router.updates}
    world.cluster.remove(Ref(BGP_PEER, Key(SYSTEM, "router")))
    await until(lambda: f"{ROUTER}" not in node.metrics.take().text().decode(), "it is gone")


@shows(
    "metallb_bgp_opens_sent",
    "metallb_bgp_opens_received",
    "metallb_bgp_notifications_sent",
    "metallb_bgp_updates_total_received",
    "metallb_bgp_keepalives_sent",
    "metallb_bgp_keepalives_received",
    "metallb_bgp_route_refresh_sent",
    "metallb_bgp_total_sent",
    "metallb_bgp_total_received",
)
@story("node1", config=False)
async def test_messages_are_counted_by_type_over_all_sessions_with_a_router(world: World) -> None:
    node, router = world["node1"], Router(world)
    configure(world)
    await router.has()
    assert router.far is not None
    await router.far.write(end_of_rib(IPV4_UNICAST))
    router.far.reset()
    await until(lambda: router.sessions == 2, "there is another session")
    await router.has()
    found = {
        name: series(node, f"{BGP}{name}")[f"{HERE},vrf="]
        for name in (
            *("opens_sent", "opens_received", "notifications_sent", "updates_total_received"),
            *("keepalives_sent", "keepalives_received", "route_refresh_sent"),
            *("total_sent", "total_received"),
        )
    }
    assert found == {
        "opens_sent": 2.0,
        "opens_received": 2.0,
        "notifications_sent": 0.0,
        "updates_total_received": 1.0,
        "keepalives_sent": 2.0,
        "keepalives_received": 2.0,
        "route_refresh_sent": 0.0,
        "total_sent": 4.0 + router.updates,
        "total_received": 5.0,
    }


@story("node1", config=False)
async def test_a_router_with_a_bfd_profile_is_told_of_and_so_is_its_last_error(
    world: World,
) -> None:
    node, router = world["node1"], Router(world)
    configure(world)
    world.apply("BFDProfile", "fast", spec={})
    peer(world, bfdProfile="fast")
    await until(lambda: series(node, "vipcast_bgp_without_bfd") == {HERE: 1.0}, "it is told")
    await router.has()
    assert router.far is not None
    await router.far.write(notification(Notification(ErrorCode.CEASE, Cease.PEER_DECONFIGURED)))
    error = "direction=received,error=Cease, peer deconfigured"
    await until(
        lambda: series(node, "vipcast_bgp_last_error") == {f"{error},{HERE}": 1.0}, "it is told"
    )


@shows("process_resident_memory_bytes", "process_cpu_seconds_total", "process_open_fds")
@story("node1")
async def test_the_process_tells_how_it_is(world: World) -> None:
    node = world["node1"]
    assert value(node, "process_resident_memory_bytes") == pytest.approx(_resident(), rel=0.2)
    assert value(node, "process_cpu_seconds_total") > 0
    assert value(node, "process_open_fds") > 2


def _resident() -> int:
    """Bytes of memory that this process has, as the kernel says."""
    status = Path("/proc/self/status").read_text()
    (kilobytes,) = re.findall(r"^VmRSS:\s+(\d+) kB$", status, re.MULTILINE)
    return 1024 * int(kilobytes)
