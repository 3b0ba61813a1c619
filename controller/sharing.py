"""When two Services may have one address: both ask for it, in one word, and nothing gets mixed up.

MetalLB's rule. Both carry the same sharing key (annotation allow-shared-ip), whatever their
namespaces; no port of one is a port of the other (TCP 53 and UDP 53 are two ports); and whoever
gets a packet can do the same with it: both have externalTrafficPolicy Cluster, or both have Local
and the same selector. Unlike in MetalLB, Local without any selector is not taken for Cluster.
"""

from __future__ import annotations

from dataclasses import dataclass

from vipcast.model.objects import Port, Service, TrafficPolicy

Backends = tuple[tuple[str, str], ...] | None
"""The selector, sorted, where traffic must reach a local pod; None: any node will do."""


@dataclass(frozen=True, slots=True)
class Sharing:
    """On which conditions a Service shares its address. Without a key it shares with nobody."""

    key: str = ""
    backends: Backends = None
    ports: frozenset[Port] = frozenset()

    @classmethod
    def of(cls, service: Service) -> Sharing:
        """The conditions of a Service as it is now."""
        local = service.policy is TrafficPolicy.LOCAL
        backends = tuple(sorted(service.selector.items())) if local else None
        return cls(service.sharing_key, backends, frozenset(service.ports))

    def permits(self, other: Sharing) -> bool:
        """Whether both may have one address; it does not matter who asks."""
        same = self.key == other.key and self.backends == other.backends
        return bool(self.key) and same and self.ports.isdisjoint(other.ports)


ALONE = Sharing()
"""Shares with nobody."""
