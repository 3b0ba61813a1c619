"""Order of the nodes that may announce an address: who claims it first.

Preference weight first (higher is better), then the lowest SHA-256 of "node#address", which is
MetalLB's order. Rank plays no part in safety: two nodes whose views differ may disagree about it.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping

from vipcast.model.addresses import Address


def rank(
    nodes: Iterable[str], vip: Address, weights: Mapping[str, int] | None = None
) -> tuple[str, ...]:
    """The nodes, best first. A node without a weight has weight 0."""
    given = weights or {}
    suffix = f"#{vip}".encode()

    def place(node: str) -> tuple[int, bytes]:
        return -given.get(node, 0), hashlib.sha256(node.encode() + suffix).digest()

    return tuple(sorted(nodes, key=place))
