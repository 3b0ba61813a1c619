"""Speakers of some nodes while these are cordoned, drained, die and come back, in any order."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import Enum
from ipaddress import ip_address
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from speaker.bgp.facets import GRACEFUL_SHUTDOWN
from speaker.intents import Intents
from speaker.leaving import WAIT
from tests.unit.speaker.world import SYSTEM, World
from vipcast.config.keeper import ConfigKeeper
from vipcast.kube.store import Store
from vipcast.model.objects import DRAIN_ANNOTATION
from vipcast.model.raw import Batch, Delta

NODES = ("node1", "node2", "node3")
SERVICES = {"one": ip_address("192.0.2.240"), "two": ip_address("192.0.2.241")}


class State(Enum):
    """What a Node object says."""

    STAYS = "stays"
    CORDONED = "cordoned"
    DRAINED = "drained"
    DEAD = "dead"


@dataclass
class Cluster:
    """Each node's intents, all with the same objects, and what should follow."""

    now: float = 1000.0
    states: dict[str, State] = field(default_factory=lambda: dict.fromkeys(NODES, State.STAYS))
    local: dict[str, frozenset[str] | None] = field(default_factory=dict)
    since: dict[str, float] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.world = World(*NODES, config=False)
        self.world.pool()
        self.world.apply("BGPAdvertisement", "all", spec={})
        spec = {"myASN": 64500, "peerASN": 64501, "peerAddress": "192.0.2.1"}
        self.world.apply("BGPPeer", "router", spec=spec)
        self.intents = {
            name: Intents(Store(SYSTEM), ConfigKeeper(SYSTEM, "config"), name) for name in NODES
        }
        self._known: dict[Any, Any] = {}
        for service in SERVICES:
            self.serve(service, None)
        self.settle()

    def turn(self, node: str, state: State) -> None:
        """A Node object as its state has it."""
        self.states[node] = state
        self.world.apply(
            "Node",
            node,
            namespace="",
            metadata={"annotations": {DRAIN_ANNOTATION: str(state is State.DRAINED).lower()}},
            spec={"unschedulable": state is State.CORDONED},
            status={"conditions": [{"type": "Ready", "status": str(state is not State.DEAD)}]},
        )

    def serve(self, service: str, local: frozenset[str] | None) -> None:
        """A Service with endpoints on these nodes alone and policy Local, or everywhere."""
        self.local[service] = local
        self.world.serve(service, SERVICES[service])
        if local is None:
            return
        self.world.apply(
            "Service",
            service,
            "default",
            spec={"type": "LoadBalancer", "ports": [], "externalTrafficPolicy": "Local"},
            status={"loadBalancer": {"ingress": [{"ip": str(SERVICES[service])}]}},
        )
        self.world.apply(
            "EndpointSlice",
            f"{service}-1",
            "default",
            metadata={"labels": {"kubernetes.io/service-name": service}},
            addressType="IPv4",
            endpoints=[
                {"addresses": ["10.0.0.1"], "nodeName": node, "conditions": {"ready": True}}
                for node in sorted(local)
            ],
        )

    def settle(self) -> None:
        """All take in what has changed, and what is due."""
        now = self.world.cluster.now()
        deltas = tuple(Delta(ref, raw) for ref, raw in now.items() if self._known.get(ref) != raw)
        self._known = now
        for one in self.intents.values():
            one.take(Batch(deltas, synced=True), self.now)
            self.awake(one)
        for service in SERVICES:
            if any(self.stays(node, service) for node in NODES):
                self.since.setdefault(service, self.now)
            else:
                self.since.pop(service, None)

    def awake(self, one: Intents) -> None:
        if one.deadline is not None and one.deadline <= self.now:
            one.look_again(self.now)
        assert one.deadline is None or self.now < one.deadline <= self.now + WAIT

    def pass_time(self, seconds: float) -> None:
        self.now += seconds
        for one in self.intents.values():
            self.awake(one)

    def able(self, node: str, service: str) -> bool:
        """Whether the node could serve the Service."""
        local = self.local[service]
        return local is None or node in local

    def stays(self, node: str, service: str) -> bool:
        """Whether it could, and stays."""
        return self.states[node] is State.STAYS and self.able(node, service)

    def told(self) -> dict[str, set[str]]:
        """The nodes that tell each Service; who is to go asks to be used last."""
        found: dict[str, set[str]] = {service: set() for service in SERVICES}
        for node, one in self.intents.items():
            for key, routes in one.routing.decisions.items():
                for offer in routes.offers:
                    last = GRACEFUL_SHUTDOWN in offer.terms.facets.communities
                    assert last is (self.states[node] in (State.CORDONED, State.DRAINED))
                    assert one.routing.peers
                    found[key.name].add(node)
        return found


STEPS = st.lists(
    st.one_of(
        st.tuples(st.just("turn"), st.sampled_from(NODES), st.sampled_from(State)),
        st.tuples(
            st.just("serve"),
            st.sampled_from(sorted(SERVICES)),
            st.one_of(st.none(), st.frozensets(st.sampled_from(NODES))),
        ),
        st.tuples(st.just("pass_time"), st.sampled_from([0.5, WAIT / 2, WAIT])),
    ),
    max_size=12,
)


@settings(max_examples=150, deadline=None)
@given(STEPS)
def test_whatever_can_be_told_is_told_by_somebody_and_nobody_goes_before_another_is_there(
    steps: list[tuple[Any, ...]],
) -> None:
    cluster = Cluster()
    for action, *what in steps:
        before = cluster.told()
        getattr(cluster, action)(*what)
        if action != "pass_time":
            cluster.settle()
        told = cluster.told()
        for service in SERVICES:
            may = {node for node in NODES if cluster.states[node] is not State.DRAINED}
            could = {node for node in may if cluster.able(node, service)}
            assert bool(could) <= bool(told[service] & could), (service, cluster.states)
            for node in before[service] - told[service]:
                if cluster.states[node] is State.CORDONED and cluster.able(node, service):
                    assert cluster.now - cluster.since[service] >= WAIT
    cluster.pass_time(WAIT)
    last = cluster.told()
    for service in SERVICES:
        stays = {node for node in NODES if cluster.stays(node, service)}
        for node, state in cluster.states.items():
            if state is State.CORDONED and cluster.able(node, service):
                assert (node in last[service]) is not bool(stays)
