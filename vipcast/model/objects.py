"""Service, endpoints and Node as both programs see them, parsed once at the door (kube.parse).

Only what Vipcast decides on is here; the raw object stays at the door. All values are frozen, so
two objects can be compared whole, and what has not changed needs no new decision.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from types import MappingProxyType

from vipcast.model.addresses import Address, Family

NO_LABELS: Mapping[str, str] = MappingProxyType({})

NAMESPACE_LABEL = "kubernetes.io/metadata.name"
"""The label with its name that each namespace has (since Kubernetes 1.21)."""

DRAIN_ANNOTATION = "vipcast.io/drain"
"""On a Node: it is to announce nothing any more; `vipcast drain` writes it. "false" counts as none.
"""

EXCLUDE_LABEL = "node.kubernetes.io/exclude-from-external-load-balancers"
"""The label of a Node that announces nothing, whatever its value."""


def _no_labels() -> Mapping[str, str]:
    """A mapping cannot be a default itself, frozen or not: dataclasses ask for a factory."""
    return NO_LABELS


@dataclass(frozen=True, slots=True, order=True)
class Key:
    """Namespace and name; a cluster-wide object has the namespace ""."""

    namespace: str
    name: str

    def __str__(self) -> str:
        return f"{self.namespace}/{self.name}" if self.namespace else self.name


class TrafficPolicy(StrEnum):
    """Service.spec.externalTrafficPolicy."""

    CLUSTER = "Cluster"
    LOCAL = "Local"


class FamilyPolicy(StrEnum):
    """Service.spec.ipFamilyPolicy."""

    SINGLE = "SingleStack"
    PREFER_DUAL = "PreferDualStack"
    REQUIRE_DUAL = "RequireDualStack"


@dataclass(frozen=True, slots=True, order=True)
class Port:
    """One port of a Service: protocol in capitals (TCP, UDP, SCTP) and port number."""

    protocol: str
    number: int


@dataclass(frozen=True, slots=True)
class Recorded:
    """What the controller has written on a Service besides the ingress: its answer, as it stands.

    `pool` is the annotation metallb.io/ip-allocated-from-pool; the rest is the status condition
    vipcast.io/AddressAssigned. `since` is its lastTransitionTime as written, no part of the answer:
    it moves when the condition turns or the addresses change. All empty: nothing of the
    controller's is there.
    """

    pool: str = ""
    assigned: bool = False
    reason: str = ""
    message: str = ""
    since: str = field(default="", compare=False)


@dataclass(frozen=True, slots=True)
class Service:
    """A Service, with the defaults that an API server applies filled in.

    `requested` and `pool_wish` hold what the user asked for, as written: the annotation
    loadBalancerIPs or spec.loadBalancerIP (`requested_twice`: both), and the annotation
    address-pool. `deprecated` are the annotations that it has with MetalLB's old prefix;
    `misspelled` those that nobody reads although they have a prefix of ours, each with what to
    do. `ingress` is what the status holds now, as written, in its order (the name, where an entry
    has no ip). `recorded` is the rest of the controller's last answer. `status_writer` is the name
    by which an API server knows who else wrote the ingress, "" if nobody did or it is not known; it
    is no part of what is decided on.
    """

    key: Key
    load_balancer: bool
    families: tuple[Family, ...]
    family_policy: FamilyPolicy = FamilyPolicy.SINGLE
    headless: bool = False
    load_balancer_class: str | None = None
    policy: TrafficPolicy = TrafficPolicy.CLUSTER
    ports: tuple[Port, ...] = ()
    labels: Mapping[str, str] = field(default_factory=_no_labels)
    selector: Mapping[str, str] = field(default_factory=_no_labels)
    requested: tuple[str, ...] = ()
    requested_twice: bool = False
    pool_wish: str | None = None
    sharing_key: str = ""
    deprecated: tuple[str, ...] = ()
    misspelled: tuple[tuple[str, str], ...] = ()
    publish_not_ready: bool = False
    ingress: tuple[str, ...] = ()
    recorded: Recorded = Recorded()
    created: str = ""
    uid: str = ""
    deleting: bool = False
    status_writer: str = field(default="", compare=False)


@dataclass(frozen=True, slots=True)
class Endpoint:
    """One endpoint of an EndpointSlice: where it runs and whether it can serve.

    `serving` is true when the condition `ready` is absent or true, or `serving` is true (a
    terminating endpoint that still serves counts).
    """

    addresses: tuple[Address, ...]
    node: str | None
    ready: bool
    serving: bool


@dataclass(frozen=True, slots=True)
class EndpointSlice:
    """One slice of a Service's endpoints; the label kubernetes.io/service-name joins them."""

    key: Key
    service: Key
    family: Family
    endpoints: tuple[Endpoint, ...] = ()


@dataclass(frozen=True, slots=True)
class Node:
    """A node as far as announcing goes.

    `draining`: it is to leave (annotation vipcast.io/drain); `unschedulable`: it is cordoned.
    `ready`: nothing says otherwise; the condition Ready of a node that died is Unknown.
    """

    name: str
    labels: Mapping[str, str] = field(default_factory=_no_labels)
    addresses: tuple[Address, ...] = ()
    network_unavailable: bool = False
    pod_cidrs: tuple[str, ...] = field(default=())
    draining: bool = False
    unschedulable: bool = False
    ready: bool = True
