"""All but some BGPPeers put in force, and each of these as it was before.

What is kept must go with the rest: a peer is not kept whose address a pool has now, or beside one
that some node would speak to over the same connection. Then nothing changes at all.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from vipcast.config.config import Config, PeersRefusedError
from vipcast.config.conflicts import same_connection
from vipcast.config.inputs import Inputs
from vipcast.config.specs import name_of
from vipcast.model.objects import Key
from vipcast.model.peer import Peer
from vipcast.model.raw import BFD_PROFILE, BGP_PEER, Kind, Raw, Ref


@dataclass(frozen=True, slots=True)
class Force:
    """A configuration in force, and the objects that it came from."""

    config: Config
    inputs: Inputs


@dataclass(frozen=True, slots=True)
class Partly:
    """What is to be in force, and the peers in it that are as they were."""

    force: Force
    kept: tuple[Peer, ...] = ()


def rest_of(error: PeersRefusedError, inputs: Inputs, before: Force | None) -> Partly | None:
    """What to make of inputs in which nothing but peers is wrong; None if it does not go."""
    refused = {each.name for each in error.refused}
    kept: tuple[Peer, ...] = ()
    raws: dict[str, Raw] = {}
    if before is not None:
        raws = {name_of(raw): raw for raw in before.inputs.bgp_peers if name_of(raw) in refused}
        kept = tuple(peer for peer in before.config.peers if peer.name in raws)
    peers = tuple(sorted((*error.rest.peers, *kept), key=lambda peer: peer.name))
    in_a_pool = any(error.rest.pool_of(peer.address) for peer in kept)
    pairs = same_connection(peers, inputs.context.nodes)
    if in_a_pool or any((first in kept) != (second in kept) for first, second in pairs):
        return None
    held = {peer.name: raws[peer.name] for peer in kept}
    objects = tuple(
        held.get(name_of(raw), _bare(raw)) if name_of(raw) in refused else raw
        for raw in inputs.bgp_peers
    )
    config, others = replace(error.rest, peers=peers), replace(inputs, bgp_peers=objects)
    if before is None:
        return Partly(Force(config, others))
    gone = {peer.bfd_profile for peer in kept} - {one.name for one in config.bfd_profiles}
    profiles = tuple(one for one in before.config.bfd_profiles if one.name in gone)
    more = tuple(raw for raw in before.inputs.bfd_profiles if name_of(raw) in gone)
    names = {_shown(inputs, BGP_PEER, peer.name) for peer in kept}
    names |= {_shown(inputs, BFD_PROFILE, name) for name in gone}
    warnings = (one for one in before.config.warnings if one.object in names)
    place = {one: place for place, one in enumerate(before.config.warnings)}
    config = replace(
        config,
        bfd_profiles=(*config.bfd_profiles, *profiles),
        warnings=tuple(
            sorted((*config.warnings, *warnings), key=lambda one: place.get(one, len(place)))
        ),
    )
    others = replace(others, bfd_profiles=(*inputs.bfd_profiles, *more))
    return Partly(Force(config, others), kept)


def _shown(inputs: Inputs, kind: Kind, name: str) -> str:
    """An object as findings name it."""
    return str(Ref(kind, Key(inputs.namespace, name)))


def _bare(raw: Raw) -> Raw:
    """A peer of which nothing is left but its name, so that what names it stays right."""
    return {key: raw[key] for key in ("apiVersion", "kind", "metadata") if key in raw}
