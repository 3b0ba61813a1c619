"""Peers that are told the same, and on what terms an advertisement tells them.

A node may speak to many routers and mostly tells all of them the same, so tables are kept for
audiences and not for peers: what ten thousand routes cost, they cost once.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from speaker.bgp.facets import Facets, facets_of, leaving
from vipcast.model.addresses import Family, family_of
from vipcast.model.advertisement import BgpAdvertisement
from vipcast.model.peer import Peer


@dataclass(frozen=True, slots=True, eq=False)
class Audience:
    """Peers, by name, for which every advertisement is or none of them; compared by identity."""

    peers: tuple[str, ...]
    families: frozenset[Family]

    def hears(self, advertisement: BgpAdvertisement, family: Family) -> bool:
        """Whether it is told routes of a family by that advertisement."""
        named = not advertisement.peers or self.peers[0] in advertisement.peers
        return named and family in self.families


@dataclass(frozen=True, slots=True, eq=False)
class Terms:
    """What an advertisement says of routes of one family, and to whom; compared by identity.

    A table counts for each route on which terms Services have it, so these must be cheap to tell
    apart.
    """

    advertisement: str
    length: int
    facets: Facets
    audiences: tuple[Audience, ...]

    @property
    def peers(self) -> tuple[str, ...]:
        """The names of all who are told, sorted."""
        return tuple(sorted(name for each in self.audiences for name in each.peers))


def families_of(peer: Peer) -> frozenset[Family]:
    """The families that a session carries: that of its address, or both if it is told to."""
    return frozenset(Family) if peer.dual_stack else frozenset({family_of(peer.address)})


def audiences_of(
    peers: Iterable[Peer], advertisements: Sequence[BgpAdvertisement]
) -> tuple[Audience, ...]:
    """The peers, those together that no advertisement tells apart."""
    limited = [each for each in advertisements if each.peers]
    alike: dict[object, list[Peer]] = {}
    for peer in peers:
        named = tuple(peer.name in each.peers for each in limited)
        alike.setdefault((families_of(peer), named), []).append(peer)
    return tuple(
        Audience(tuple(peer.name for peer in group), families_of(group[0]))
        for group in alike.values()
    )


def terms_of(
    advertisement: BgpAdvertisement,
    family: Family,
    audiences: Iterable[Audience],
    *,
    lowered: bool = False,
) -> Terms:
    """Its terms for one family; `lowered` if the node is about to leave."""
    facets = facets_of(advertisement)
    return Terms(
        advertisement.name,
        advertisement.length(family),
        leaving(facets) if lowered else facets,
        tuple(each for each in audiences if each.hears(advertisement, family)),
    )
