"""Objects that are right by themselves and cannot be so together.

Two neighbours that one node would speak to over the same connection; two advertisements that give
the same route different preferences. Whether two have a node in common is asked of the nodes that
are known. Without any, only what would clash on every node counts, so what was good beside its
nodes is good without them, too.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import combinations

from vipcast.config.bgpkinds import Told
from vipcast.config.config import RefusedPeer
from vipcast.config.draft import Draft
from vipcast.config.ranges import Entry
from vipcast.config.schema import Notes
from vipcast.config.sessions import Placed
from vipcast.model.addresses import Family
from vipcast.model.advertisement import BgpAdvertisement
from vipcast.model.errors import Finding
from vipcast.model.objects import Node
from vipcast.model.peer import Peer
from vipcast.model.selectors import Selector, any_matches


def share_a_node(
    first: tuple[Selector, ...], second: tuple[Selector, ...], nodes: Iterable[Node]
) -> bool:
    """Whether two lists of selectors take one node both."""
    if (not first and not second) or set(first) & set(second):
        return True
    return any(any_matches(first, one.labels) and any_matches(second, one.labels) for one in nodes)


def same_connection(peers: Iterable[Peer], nodes: tuple[Node, ...]) -> Iterator[tuple[Peer, Peer]]:
    """The pairs of peers that some node would speak to over the same connection."""
    groups: dict[object, list[Peer]] = {}
    for peer in peers:
        groups.setdefault((peer.address, peer.port, peer.source), []).append(peer)
    for group in groups.values():
        for first, second in combinations(group, 2):
            if share_a_node(first.nodes, second.nodes, nodes):
                yield first, second


def refuse_same_connection(draft: Draft, nodes: tuple[Node, ...]) -> None:
    """Leave out both peers of each such pair: nobody knows which of the two is meant."""
    placed = {each.peer.name: each for each in draft.peers}
    found: dict[str, Finding] = {}
    for pair in same_connection((each.peer for each in draft.peers), nodes):
        for mine, other in (pair, pair[::-1]):
            found.setdefault(mine.name, _same(placed[mine.name], placed[other.name]))
    draft.refused += (
        RefusedPeer(name, placed[name].peer.nodes, (finding,)) for name, finding in found.items()
    )
    draft.peers = [each for each in draft.peers if each.peer.name not in found]


def _same(mine: Placed, other: Placed) -> Finding:
    return Finding(
        mine.object,
        "spec.peerAddress",
        str(mine.peer.address),
        f"{other.object} has the same address, port and source, and a node in common.",
        "Delete one of the two, or give them nodes of their own (nodeSelectors).",
    )


def warn_of_own_addresses(peers: Iterable[Placed], nodes: Iterable[Node], notes: Notes) -> None:
    """A warning for each peer whose address belongs to a node that would speak with it."""
    owners = {address: node for node in nodes for address in node.addresses}
    for placed in peers:
        peer, node = placed.peer, owners.get(placed.peer.address)
        if node is not None and any_matches(peer.nodes, node.labels):
            message = f"It is an address of node {node.name}, which would speak with itself."
            fix = "Correct it, or let the node selectors of the peer leave that node out."
            notes.warn(placed.object, placed.field, str(peer.address), message, fix)


def refuse_conflicting(told: list[Told], entries: Iterable[Entry], nodes: tuple[Node, ...]) -> None:
    """A finding for each advertisement whose routes another one gives another LOCAL_PREF.

    Where either is for some Services only, that is asked when a Service is announced.
    """
    families: dict[str, set[Family]] = {}
    for entry in entries:
        families.setdefault(entry.pool, set()).add(entry.range.family)
    plain = [each for each in told if not each.advertisement.services]
    known: set[int] = set()
    for first, second in combinations(plain, 2):
        mine, other = second.advertisement, first.advertisement
        if id(second) in known or not _conflict(mine, other, families):
            continue
        if share_a_node(mine.nodes, other.nodes, nodes):
            known.add(id(second))
            second.reader.refuse(
                "spec.localPref",
                str(mine.local_pref),
                f"{first.reader.name} gives the same routes the preference {other.local_pref}.",
                "Give both the same, or other pools, peers, nodes or aggregation lengths.",
            )


def _conflict(
    mine: BgpAdvertisement, other: BgpAdvertisement, families: dict[str, set[Family]]
) -> bool:
    """Whether both tell one peer the same route, with different preferences."""
    if mine.local_pref == other.local_pref:
        return False
    if mine.peers and other.peers and not set(mine.peers) & set(other.peers):
        return False
    return any(
        mine.length(family) == other.length(family)
        for pool in mine.pools & other.pools
        for family in families.get(pool, ())
    )
