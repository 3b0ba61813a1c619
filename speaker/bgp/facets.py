"""What is said about a route: its facets by configuration, and what a session adds to them.

    advertisement ─► Facets ──────────────────────┐
                     (the same on every node)      ├─► Attributes, as the UPDATE has them
    session ───────► Egress: AS path, next hop ────┘

Routers spread the load over paths whose attributes are equal but for the next hop, so nothing of a
node may get into Facets: they come from the configuration, sorted and without doubles.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv6Address
from typing import Final

from speaker.bgp.messages import AfiSafi, Attributes
from speaker.bgp.prefixes import SIZES, Record, family_of
from vipcast.model.advertisement import BgpAdvertisement

DEFAULT_LOCAL_PREF: Final = 100
"""Where an advertisement says none: as routers do, and above that of a node that leaves."""

GRACEFUL_SHUTDOWN: Final = 0xFFFF0000
"""The community 65535:0 (RFC 8326, section 3): this path is going to leave."""


@dataclass(frozen=True, slots=True)
class Facets:
    """What the configuration says about a route. `local_pref` is for peers of our own AS alone."""

    local_pref: int = DEFAULT_LOCAL_PREF
    communities: tuple[int, ...] = ()
    large_communities: tuple[tuple[int, int, int], ...] = ()


def facets_of(advertisement: BgpAdvertisement) -> Facets:
    """What an advertisement says. A preference of 0 counts as not written, as it does to MetalLB.

    A community of two parts becomes one number of 32 bits (RFC 1997).
    """
    standard, large = set(), set()
    for each in advertisement.communities:
        match each.parts:
            case (first, second):
                standard.add(first << 16 | second)
            case (first, second, third):
                large.add((first, second, third))
    return Facets(
        advertisement.local_pref or DEFAULT_LOCAL_PREF,
        tuple(sorted(standard)),
        tuple(sorted(large)),
    )


def unite(several: Collection[Facets]) -> Facets:
    """What is said about a prefix that several advertisements are for, whatever their order.

    All their communities, and the highest of their preferences.
    """
    if len(several) == 1:
        return next(iter(several))
    return Facets(
        max(each.local_pref for each in several),
        _merged(each.communities for each in several),
        tuple(sorted({one for each in several for one in each.large_communities})),
    )


def leaving(facets: Facets) -> Facets:
    """The same route while its node is about to leave (RFC 8326, section 4).

    The community asks a neighbour of another AS to use the path last; to those of our own the
    preference says it, which is the lowest there is.
    """
    communities = _merged((facets.communities, (GRACEFUL_SHUTDOWN,)))
    return Facets(0, communities, facets.large_communities)


def _merged(several: Iterable[tuple[int, ...]]) -> tuple[int, ...]:
    return tuple(sorted({one for each in several for one in each}))


@dataclass(frozen=True, slots=True)
class NextHop:
    """Where routes of a family lead. `link_local` goes with an IPv6 address (RFC 2545, 3)."""

    address: IPv4Address | IPv6Address
    link_local: IPv6Address | None = None


class Egress:
    """What one session adds to each route; sessions of which all is the same can have one of it.

    `asn` is ours as the peer was told it. `next_hops` are by the families that are spoken: routes
    of others are not told.
    """

    def __init__(self, asn: int, *, ibgp: bool, next_hops: Mapping[AfiSafi, NextHop]) -> None:
        self.families = tuple(next_hops)
        self._asn = asn
        self._ibgp = ibgp
        self._next_hops = dict(next_hops)
        self._known: dict[tuple[AfiSafi, Facets], Attributes] = {}

    def dress(self, routes: Mapping[Record, Facets | None]) -> dict[Record, Attributes | None]:
        """Routes as the peer is to be told them; None, a route to be withdrawn, stays None.

        What is equal is one object, so that a table of many routes holds few of them.
        """
        # By identity within the call: to hash Facets costs more than all else that is done here.
        seen: dict[int, dict[int, Attributes | None]] = {
            SIZES[family]: {id(None): None} for family in self.families
        }
        dressed: dict[Record, Attributes | None] = {}
        for prefix, facets in routes.items():
            family = seen.get(len(prefix))
            if family is None:
                continue
            if id(facets) not in family and facets is not None:
                family[id(facets)] = self._attributes(family_of(prefix), facets)
            dressed[prefix] = family[id(facets)]
        return dressed

    def _attributes(self, family: AfiSafi, facets: Facets) -> Attributes:
        """RFC 4271: the AS path is ours alone, and empty to peers of our own AS (section 5.1.2);
        LOCAL_PREF is for these, who must have it (5.1.5).
        """
        known = self._known.get((family, facets))
        if known is None:
            hop = self._next_hops[family]
            known = self._known[family, facets] = Attributes(
                as_path=() if self._ibgp else (self._asn,),
                next_hop=hop.address,
                link_local=hop.link_local,
                local_pref=facets.local_pref if self._ibgp else None,
                communities=facets.communities,
                large_communities=facets.large_communities,
            )
        return known
