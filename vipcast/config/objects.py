"""All objects of group metallb.io into one draft, whatever the order in which they come.

What an object names must be there: pools, BGP peers, BFD profiles, aliases of communities. A
BGPPeer that is not right is set aside; everything else that is wrong is a finding of the whole.
"""

from __future__ import annotations

from collections.abc import Mapping

from vipcast.config.bgpkinds import (
    Told,
    read_bfd_profile,
    read_bgp_advertisement,
    read_community_aliases,
)
from vipcast.config.bgppeers import read_peer
from vipcast.config.config import RefusedPeer
from vipcast.config.conflicts import refuse_conflicting, refuse_same_connection
from vipcast.config.draft import Draft
from vipcast.config.kinds import (
    rank,
    read_l2_advertisement,
    read_labels,
    read_pool,
    warn_of_silence,
)
from vipcast.config.schema import Notes
from vipcast.config.specs import Labels, name_of
from vipcast.model.objects import Node
from vipcast.model.raw import (
    BFD_PROFILE,
    BGP_ADVERTISEMENT,
    BGP_PEER,
    COMMUNITY,
    IP_ADDRESS_POOL,
    L2_ADVERTISEMENT,
    Kind,
    Raw,
)

Objects = Mapping[Kind, tuple[Raw, ...]]


def read_objects(objects: Objects, nodes: tuple[Node, ...], source: str, notes: Notes) -> Draft:
    """What the objects say, as far as they can be read; the notes have what is wrong with them."""
    draft = Draft(source)
    ordered = {kind: sorted(raws, key=name_of) for kind, raws in objects.items()}
    labels: dict[str, Labels] = {}
    for raw in ordered[IP_ADDRESS_POOL]:
        labels[name_of(raw)] = read_labels(raw, notes)
        read_pool(raw, draft, notes)
    draft.pools.sort(key=rank)
    for raw in ordered[L2_ADVERTISEMENT]:
        read_l2_advertisement(raw, labels, draft, notes)
    draft.bfd_profiles = tuple(read_bfd_profile(raw, notes) for raw in ordered[BFD_PROFILE])
    _read_peers(ordered[BGP_PEER], draft, nodes, notes)
    _read_bgp(ordered, labels, draft, nodes, notes)
    for raw in ordered[IP_ADDRESS_POOL]:
        warn_of_silence(raw, draft, notes)
    return draft


def _read_peers(raws: list[Raw], draft: Draft, nodes: tuple[Node, ...], notes: Notes) -> None:
    profiles = {profile.name for profile in draft.bfd_profiles}
    for raw in raws:
        peer = read_peer(raw, profiles, notes)
        if isinstance(peer, RefusedPeer):
            draft.refused.append(peer)
        else:
            draft.peers.append(peer)
    refuse_same_connection(draft, nodes)


def _read_bgp(
    ordered: Mapping[Kind, list[Raw]],
    labels: Mapping[str, Labels],
    draft: Draft,
    nodes: tuple[Node, ...],
    notes: Notes,
) -> None:
    aliases = read_community_aliases(ordered[COMMUNITY], notes)
    peers = {name_of(raw) for raw in ordered[BGP_PEER]}
    told: list[Told] = []
    for raw in ordered[BGP_ADVERTISEMENT]:
        each = read_bgp_advertisement(raw, labels, draft.entries, aliases, peers, notes)
        told += () if each is None else (each,)
    refuse_conflicting(told, draft.entries, nodes)
    draft.bgp = [each.advertisement for each in told]
