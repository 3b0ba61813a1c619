"""Addresses that a pool must not have: those of another entry, and those that somebody else uses.

Nodes, pods, Services inside of the cluster and BGP peers have addresses of their own; a pool that
gives one of them to a Service takes it from whoever has it.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from ipaddress import ip_network
from itertools import accumulate

from vipcast.config.ranges import Entry
from vipcast.config.schema import Notes
from vipcast.config.sessions import Placed
from vipcast.model.addresses import Address, AddressRange, Family, Network, family_of
from vipcast.model.objects import Node

_AROUND = "Leave it out of the pool: write ranges around it, or choose other addresses."
_ELSEWHERE = "Choose addresses that nothing else in the cluster uses."


@dataclass(frozen=True, slots=True)
class Context:
    """What is known of the cluster besides the configuration.

    `service_cidrs` are the ranges of cluster IPs, which no object of Kubernetes 1.21 tells.
    """

    nodes: tuple[Node, ...] = ()
    service_cidrs: tuple[Network, ...] = ()


NOTHING_KNOWN = Context()


@dataclass(frozen=True, slots=True)
class _Reserved:
    """Addresses that somebody has; `kind` groups what is told once for each entry."""

    range: AddressRange
    kind: str
    message: str = field(compare=False)
    fix: str = field(compare=False)


def refuse_shared(entries: list[Entry], notes: Notes) -> None:
    """A finding for each entry that shares addresses with one that was written before it."""
    written = {id(entry): order for order, entry in enumerate(entries)}
    by_start = sorted(entries, key=lambda each: (each.range.family.version, each.range.first))
    clashes: list[tuple[Entry, Entry]] = []
    widest: Entry | None = None
    for entry in by_start:
        if widest is not None and widest.range.overlaps(entry.range):
            clashes.append((widest, entry))
        if (
            widest is None
            or not widest.range.overlaps(entry.range)
            or (entry.range.last > widest.range.last)
        ):
            widest = entry
    pairs = (sorted(pair, key=lambda each: written[id(each)]) for pair in clashes)
    for first, second in sorted(pairs, key=lambda pair: written[id(pair[1])]):
        notes.refuse(
            second.object,
            second.path,
            second.written,
            f"It shares addresses with {first.written} of {_pool(first, second)}.",
            "Give each address to one entry only.",
        )


def refuse_reserved(
    entries: list[Entry], peers: Iterable[Placed], context: Context, notes: Notes
) -> None:
    """A finding for each entry that has addresses of nodes, pods, Services or peers."""
    index = _Index(entries)
    hits: dict[tuple[int, str], list[_Reserved]] = {}
    for reserved in _reserved(peers, context, notes):
        for number in index.touching(reserved.range):
            hits.setdefault((number, reserved.kind), []).append(reserved)
    for (number, _), several in sorted(hits.items(), key=lambda item: item[0][0]):
        entry, first = entries[number], several[0]
        more = f" {len(several) - 1} more are in it, too." if len(several) > 1 else ""
        notes.refuse(entry.object, entry.path, entry.written, first.message + more, first.fix)


class _Index:
    """Finds the entries that a range touches without looking at all of them."""

    def __init__(self, entries: list[Entry]) -> None:
        self._by_family: dict[Family, tuple[list[tuple[int, int, int]], list[int]]] = {}
        for family in Family:
            mine = sorted(
                (entry.range.first, entry.range.last, number)
                for number, entry in enumerate(entries)
                if entry.range.family is family
            )
            self._by_family[family] = (mine, list(accumulate((last for _, last, _ in mine), max)))

    def touching(self, wanted: AddressRange) -> Iterator[int]:
        """The places of the entries that share addresses with a range."""
        entries, reach = self._by_family[wanted.family]
        place = bisect_right(entries, wanted.last, key=lambda each: each[0]) - 1
        while place >= 0 and reach[place] >= wanted.first:
            if entries[place][1] >= wanted.first:
                yield entries[place][2]
            place -= 1


def _reserved(peers: Iterable[Placed], context: Context, notes: Notes) -> Iterator[_Reserved]:
    for node in sorted(context.nodes, key=lambda each: each.name):
        for address in node.addresses:
            message = f"It contains {address}, an address of node {node.name}."
            yield _Reserved(_one(address), "node", message, _AROUND)
        for index, text in enumerate(node.pod_cidrs):
            network = _network(node, index, text, notes)
            if network is not None:
                message = f"It shares addresses with {text}, the pods of node {node.name}."
                yield _Reserved(_span(network), "pods", message, _ELSEWHERE)
    for network in context.service_cidrs:
        message = f"It shares addresses with {network}, the cluster IPs (--service-cidr)."
        yield _Reserved(_span(network), "services", message, _ELSEWHERE)
    for placed in peers:
        message = f"It contains {placed.peer.address}, the address of a BGP peer ({placed.path})."
        yield _Reserved(_one(placed.peer.address), "peer", message, _AROUND)


def _network(node: Node, index: int, text: str, notes: Notes) -> Network | None:
    try:
        return ip_network(text, strict=False)
    except ValueError:
        notes.warn(
            f"Node {node.name}",
            f"spec.podCIDRs[{index}]",
            text,
            "This is no network, so no pool is compared with it.",
            "Correct it in the Node object.",
        )
        return None


def _one(address: Address) -> AddressRange:
    return AddressRange(family_of(address), int(address), int(address))


def _span(network: Network) -> AddressRange:
    first, last = network.network_address, network.broadcast_address
    return AddressRange(family_of(first), int(first), int(last))


def _pool(first: Entry, second: Entry) -> str:
    """The pool of the first as somebody sees it who looks at the second."""
    if first.object != second.object:
        return f"{first.object} ({first.path})"
    if first.pool != second.pool:
        name = f"pool {first.pool}"
    elif _above(first) == _above(second):
        name = "the same pool"
    else:
        name = f"the other pool {first.pool}"
    return f"{name} ({first.path})"


def _above(entry: Entry) -> str:
    """The path of the list that an entry stands in."""
    return entry.path.rpartition("[")[0]
