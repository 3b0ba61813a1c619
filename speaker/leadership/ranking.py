"""The nodes that may announce an address, and their order: who claims it first.

Preference weight first (higher is better), then the lowest SHA-256 of "node#address", which is
MetalLB's order. Neither rank nor interface plays a part in safety: two nodes whose views differ may
disagree about them.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from vipcast.model.addresses import Address


@dataclass(frozen=True, slots=True)
class Candidate:
    """A node that may announce an address: how gladly, and on which of its interfaces.

    `interfaces` are names; None restricts nothing. A node is no candidate on a segment that it sees
    through an interface of another name.
    """

    weight: int = 0
    interfaces: frozenset[str] | None = None

    def on(self, interface: str) -> bool:
        """Whether it may announce through its interface of that name."""
        return self.interfaces is None or interface in self.interfaces


Candidates = Mapping[str, Candidate]
"""By the nodes' names."""


def rank(
    nodes: Iterable[str], vip: Address, weights: Mapping[str, int] | None = None
) -> tuple[str, ...]:
    """The nodes, best first. A node without a weight has weight 0."""
    given = weights or {}
    suffix = f"#{vip}".encode()

    def place(node: str) -> tuple[int, bytes]:
        return -given.get(node, 0), hashlib.sha256(node.encode() + suffix).digest()

    return tuple(sorted(nodes, key=place))
