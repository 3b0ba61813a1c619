"""Nodes with whole speakers on one wire, over ports in memory and in virtual time.

    @story("node1", "node2")                         # objects in one cluster, a wire, clean maps
    async def test_somebody_answers(world: World) -> None:
        world.serve("web", VIP)                      # a Service with an address and endpoints
        await world.holder(VIP)                      # until exactly one node answers

What a client would get is judged from the maps as the program judges, not from what speakers say.
"""

from __future__ import annotations

import asyncio
import base64
import inspect
from collections.abc import Callable, Coroutine, Mapping, Sequence
from contextlib import AsyncExitStack
from functools import wraps
from ipaddress import IPv4Address, IPv4Interface
from typing import Any, Self

from speaker import own
from speaker.app import Doors, Settings, Speaker
from speaker.layer2.interfaces import Exclusions, Link
from speaker.layer2.room import Room
from speaker.reporter import Reporter
from tests.support.fakes import (
    Hub,
    ManualClock,
    Maps,
    MemoryAttacher,
    MemoryGreeter,
    MemoryLinks,
    MemoryPulse,
    MemoryResponder,
)
from tests.support.memory_links import MemoryConnector, MemoryNetwork
from tests.support.memory_source import MemoryCluster, MemorySource
from tests.support.virtual import VirtualLoop, pass_time, until, virtually
from vipcast.config.inputs import CONFIGURATION
from vipcast.config.keeper import ConfigKeeper
from vipcast.model.addresses import Address
from vipcast.model.objects import Key
from vipcast.model.raw import (
    ENDPOINT_SLICE,
    NODE,
    SECRET,
    SERVICE,
    SERVICE_L2_STATUS,
    SPEAKER_STATUS,
    Raw,
    Ref,
)
from vipcast.model.xdp import XdpMode
from vipcast.ops.metrics import SpeakerMetrics
from vipcast.ops.samples import SpeakerSample
from vipcast.ports import SourceHealth

SYSTEM = "metallb-system"
VIP = IPv4Address("192.0.2.240")
OTHER = IPv4Address("192.0.2.241")
LAN = 2
KINDS = frozenset({NODE, SERVICE, ENDPOINT_SLICE, SECRET}) | CONFIGURATION | own.KINDS
VERSIONS = {
    "BFDProfile": "metallb.io/v1beta1",
    "BGPAdvertisement": "metallb.io/v1beta1",
    "BGPPeer": "metallb.io/v1beta2",
    "EndpointSlice": "discovery.k8s.io/v1",
    "IPAddressPool": "metallb.io/v1beta1",
    "L2Advertisement": "metallb.io/v1beta1",
}
WALL = 1714521600.0
"""Seconds since 1970 at virtual time 0."""


def mac(number: int, ifindex: int = LAN) -> bytes:
    """The MAC of a node's interface."""
    return bytes((2, 0, 0xC0, 0, ifindex, number))


def lan(number: int, ifindex: int = LAN, name: str = "lan0") -> Link:
    """A node's interface on a segment."""
    address = IPv4Interface(f"192.0.{ifindex}.{10 + number}/24")
    return Link(
        ifindex,
        name,
        mac(number, ifindex),
        up=True,
        carrier=True,
        kind="veth",
        addresses=(address,),
    )


class LoopClock(ManualClock):
    """The running loop's clock."""

    def now(self) -> float:
        return asyncio.get_running_loop().time()


class Machine:
    """A node: what lives on while its agent comes and goes, and the agent."""

    def __init__(
        self,
        world: World,
        name: str,
        number: int,
        links: Sequence[Link] = (),
        called: str | None = None,
    ) -> None:
        self.name = name
        self.called = called or name
        self.number = number
        self.maps = Maps(boot=100 + number)
        self.links = MemoryLinks(*(links or (lan(number),)))
        self.attacher = MemoryAttacher()
        self.greeter = MemoryGreeter()
        self.remembered: list[Raw] = []
        self.key: bytes | None = None
        """What its agents are started with; the Secret comes beside it."""
        self._world = world
        self._stop = asyncio.Event()
        self.task: asyncio.Task[None] | None = None

    def start(self, places: int | None = None) -> None:
        """Start an agent; its map is taken to have so many `places`, or those of the real one."""
        world, name = self._world, self.called
        self.responder = MemoryResponder(self.maps)
        self.source = MemorySource(
            world.cluster, f"speaker-{name}", KINDS, clock=lambda: WALL + world.now()
        )
        doors = Doors(
            source=self.source,
            responder=self.responder,
            attacher=self.attacher,
            links=self.links,
            greeter=self.greeter,
            pulse=lambda heard: MemoryPulse(world.hub, self.name, heard),
            connector=MemoryConnector(world.network, IPv4Address(f"192.0.2.{10 + self.number}")),
            clock=LoopClock(),
            jitter=lambda: 0.5,
            remember=self.remembered.append,
        )
        settings = Settings(
            name, SYSTEM, "config", "memberlist", XdpMode.AUTO, Exclusions(), key=self.key
        )

        def read() -> SpeakerSample:
            return self.speaker.sample()

        self.metrics = SpeakerMetrics(
            node=name,
            source=lambda: SourceHealth(alive=True, synced=True),
            lag=lambda: 0.0,
            read=read,
        )
        reporter = Reporter(
            name, SYSTEM, self.source, self.metrics, lambda: WALL + world.now(), "auto"
        )
        room = None if places is None else Room(self.maps.entries, places)
        self.speaker = Speaker(settings, doors, reporter, ConfigKeeper(SYSTEM), room)
        self._stop = asyncio.Event()
        self.task = asyncio.create_task(self.speaker.run(self._stop), name=name)

    async def stop(self) -> None:
        """SIGTERM: the agent leaves as for a restart."""
        assert self.task is not None
        self._stop.set()
        await self.task
        self.task = None

    async def kill(self) -> None:
        """SIGKILL: the agent is gone, and has said nothing."""
        if self.task is not None:
            self.task.cancel()
            await asyncio.wait((self.task,))
            self.task = None

    def answers(self, vip: Address = VIP, ifindex: int = LAN) -> bool:
        """Whether its program would answer a client now."""
        return self.maps.answers(ifindex, vip, self._world.now())


class World:
    """Machines, a cluster of objects and wires; entered, every machine has an agent."""

    def __init__(self, *names: str, key: bool = True, config: bool = True) -> None:
        self.cluster = MemoryCluster()
        self.hub = Hub()
        self.network = MemoryNetwork()
        self.machines = {name: Machine(self, name, i) for i, name in enumerate(names, 1)}
        for name in names:
            self.apply("Node", name, namespace="")
        if config:
            self.configure()
        if key:
            self.give_key()

    async def __aenter__(self) -> Self:
        self._exit = AsyncExitStack()
        for machine in self.machines.values():
            self._exit.push_async_callback(machine.kill)
            machine.start()
        return self

    async def __aexit__(self, *_error: object) -> None:
        await self._exit.aclose()

    def double(self, name: str) -> Machine:
        """One more machine, whose agent, once started, is called like another's."""
        number = len(self.machines) + 1
        machine = Machine(self, f"another-{name}", number, called=name)
        self.machines[machine.name] = machine
        self._exit.push_async_callback(machine.kill)
        return machine

    def __getitem__(self, name: str) -> Machine:
        return self.machines[name]

    # Objects

    def apply(self, kind: str, name: str, namespace: str = SYSTEM, **parts: Any) -> None:
        """Create or replace an object."""
        version = VERSIONS.get(kind, "v1")
        metadata = {"name": name, **parts.pop("metadata", {})}
        if namespace:
            metadata["namespace"] = namespace
        self.cluster.apply({"apiVersion": version, "kind": kind, "metadata": metadata, **parts})

    def configure(self, addresses: str = "192.0.2.240-192.0.2.249") -> None:
        """The configuration: one pool."""
        text = f"address-pools:\n- name: lan\n  protocol: layer2\n  addresses: ['{addresses}']\n"
        self.apply("ConfigMap", "config", data={"config": text})

    def pool(self, addresses: str = "192.0.2.240-192.0.2.249") -> None:
        """The configuration by objects: the pool lan, which nothing advertises yet."""
        self.apply("IPAddressPool", "lan", spec={"addresses": [addresses]})

    def advertise(self, name: str = "lan", **spec: Any) -> None:
        """An L2Advertisement, for every pool if the spec does not say otherwise."""
        self.apply("L2Advertisement", name, spec=spec)

    def label(self, node: str, **labels: str) -> None:
        """Give a node these labels and no other."""
        self.apply("Node", node, namespace="", metadata={"labels": labels})

    def give_key(self, key: bytes = b"k" * 32) -> None:
        """The Secret with the hellos' key."""
        data = {"secretkey": base64.b64encode(key).decode()}
        self.apply("Secret", "memberlist", type="Opaque", data=data)

    def serve(
        self,
        name: str,
        *vips: Address,
        local: str | None = None,
        labels: Mapping[str, str] | None = None,
        sharing: str | None = None,
    ) -> None:
        """A Service with addresses and a ready endpoint on every node, or on one alone."""
        ports = [{"name": "http", "port": 80, "protocol": "TCP"}]
        annotations = {} if sharing is None else {"metallb.io/allow-shared-ip": sharing}
        policy = "Cluster" if local is None else "Local"
        self.apply(
            "Service",
            name,
            "default",
            metadata={"labels": dict(labels or {}), "annotations": annotations},
            spec={"type": "LoadBalancer", "ports": ports, "externalTrafficPolicy": policy},
            status={"loadBalancer": {"ingress": [{"ip": str(vip)} for vip in vips]}},
        )
        endpoints = [
            {"addresses": [f"10.0.0.{i}"], "nodeName": node, "conditions": {"ready": True}}
            for i, node in enumerate(self.machines, 1)
            if local in (None, node)
        ]
        self.apply(
            "EndpointSlice",
            f"{name}-1",
            "default",
            metadata={"labels": {"kubernetes.io/service-name": name}},
            addressType="IPv4",
            endpoints=endpoints,
            ports=ports,
        )

    def delete_service(self, name: str) -> None:
        """Take a Service away."""
        self.cluster.remove(Ref(SERVICE, Key("default", name)))

    def status(self, node: str) -> dict[str, Any]:
        """What a speaker reports about itself; {} before its first report."""
        found = self.cluster.now().get(Ref(SPEAKER_STATUS, Key(SYSTEM, node)), {})
        return dict(found.get("status", {}))

    def unannounced(self, node: str) -> dict[str, str]:
        """Addresses that a node does not announce, with the reason."""
        return {one["address"]: one["reason"] for one in self.status(node)["unannounced"]}

    def l2_statuses(self) -> dict[str, list[str]]:
        """Who says that it holds something: node → addresses."""
        return {
            raw["status"]["node"]: [one["address"] for one in raw["status"]["holdings"]]
            for ref, raw in self.cluster.now().items()
            if ref.kind == SERVICE_L2_STATUS
        }

    def events(self) -> list[str]:
        """The messages of every Event, oldest first."""
        return [
            raw["message"] for ref, raw in self.cluster.now().items() if ref.kind.name == "Event"
        ]

    # Time

    @property
    def loop(self) -> VirtualLoop:
        """The running loop."""
        loop = asyncio.get_running_loop()
        assert isinstance(loop, VirtualLoop)
        return loop

    def now(self) -> float:
        """Virtual time."""
        return self.loop.time()

    def answering(self, vip: Address = VIP, ifindex: int = LAN) -> list[str]:
        """Nodes whose programs would answer now, by name."""
        return [each.name for each in self.machines.values() if each.answers(vip, ifindex)]

    async def holder(self, vip: Address = VIP, among: Sequence[str] = (), within: float = 5) -> str:
        """Wait until exactly one node (of some) answers; its name. Never may two have answered."""

        def one() -> bool:
            assert len(self.answering(vip)) <= 1, self.answering(vip)
            return bool(self.answering(vip)) and (not among or self.answering(vip)[0] in among)

        await until(one, f"one of {among or 'all'} answers for {vip}", within)
        return self.answering(vip)[0]

    async def silent(self, vip: Address = VIP, within: float = 5) -> float:
        """Wait until nobody answers; how long that took."""
        return await until(lambda: not self.answering(vip), f"nobody answers for {vip}", within)

    async def settled(self) -> None:
        """Wait until learning is over everywhere and reports are written."""
        await pass_time(3.0)

    def others(self, name: str) -> list[str]:
        """Every node but one."""
        return [each for each in self.machines if each != name]


Story = Callable[..., Coroutine[Any, Any, None]]


def story(*names: str, **options: bool) -> Callable[[Story], Callable[..., None]]:
    """A test in a world with these nodes, in virtual time."""

    def decorate(function: Story) -> Callable[..., None]:
        @wraps(function)
        def test(**fixtures: Any) -> None:
            async def tell() -> None:
                async with World(*names, **options) as world:
                    await function(world, **fixtures)

            virtually(tell())

        # What pytest looks at: the world is no fixture, what else the story asks for is.
        asked = inspect.signature(function)
        others = list(asked.parameters.values())[1:]
        test.__signature__ = asked.replace(parameters=others)  # type: ignore[attr-defined]
        return test

    return decorate
