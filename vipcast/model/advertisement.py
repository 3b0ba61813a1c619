"""How a pool's addresses are made reachable: on the segment, by BGP, or both.

The old ConfigMap's `protocol: layer2` becomes an L2Advertisement without any restriction for that
pool, its `bgp-advertisements` become BgpAdvertisements. Names of pools are resolved (selectors over
pools have been applied), so whoever decides needs no pool's labels.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from vipcast.model.addresses import Family
from vipcast.model.selectors import Selector, any_matches


@dataclass(frozen=True, slots=True)
class Preference:
    """Adds `weight` (1 to 100) to the nodes that its selector matches."""

    weight: int
    nodes: Selector


@dataclass(frozen=True, slots=True)
class L2Advertisement:
    """Which nodes may answer for the addresses of some pools, and on which of their interfaces.

    Selector lists are ORs; an empty one restricts nothing, and neither does an empty `interfaces`.
    """

    name: str
    pools: frozenset[str]
    nodes: tuple[Selector, ...] = ()
    preferences: tuple[Preference, ...] = ()
    interfaces: frozenset[str] = frozenset()
    services: tuple[Selector, ...] = ()

    def applies(self, pool: str, service: Mapping[str, str]) -> bool:
        """Whether it speaks of a Service with these labels and an address of that pool."""
        return pool in self.pools and any_matches(self.services, service)

    def takes(self, node: Mapping[str, str]) -> bool:
        """Whether a node with these labels may announce."""
        return any_matches(self.nodes, node)

    def weight(self, node: Mapping[str, str]) -> int:
        """The sum of the weights of all preferences that a node with these labels meets."""
        return sum(each.weight for each in self.preferences if each.nodes.matches(node))


@dataclass(frozen=True, slots=True, order=True)
class Community:
    """A BGP community: two parts of 16 bits (RFC 1997) or three of 32 bits (RFC 8092)."""

    parts: tuple[int, ...]

    @property
    def large(self) -> bool:
        """Whether it is a large community."""
        return len(self.parts) == 3

    def __str__(self) -> str:
        text = ":".join(map(str, self.parts))
        return f"large:{text}" if self.large else text


@dataclass(frozen=True, slots=True)
class BgpAdvertisement:
    """How routes to the addresses of some pools are told to peers, by which nodes.

    An empty `peers` means all, and so do empty lists of selectors. `peers` are names of objects.
    """

    name: str
    pools: frozenset[str]
    aggregation_length: int = 32
    aggregation_length_v6: int = 128
    local_pref: int = 0
    communities: tuple[Community, ...] = ()
    peers: tuple[str, ...] = ()
    nodes: tuple[Selector, ...] = ()
    services: tuple[Selector, ...] = ()

    def length(self, family: Family) -> int:
        """The prefix length of the routes of a family."""
        return self.aggregation_length if family is Family.IPV4 else self.aggregation_length_v6
