"""The kinds BGPAdvertisement, Community and BFDProfile (metallb.io/v1beta1).

Aliases of communities are one table, whichever objects they stand in. There is no advertisement
unless one is written: a pool that none is for is not told to any peer.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from vipcast.config.advertisements import refuse_too_wide
from vipcast.config.bfd import OBJECT_KEYS, camel, read_profile
from vipcast.config.communities import (
    EVERY_FORM,
    MOST_32_BITS,
    OBJECTS,
    parse_any_community,
    read_communities,
)
from vipcast.config.ranges import Entry
from vipcast.config.schema import Notes, Reader, Section
from vipcast.config.selectors import CAMEL, read_selectors
from vipcast.config.specs import (
    EVERY_NODE,
    EVERY_SERVICE,
    Labels,
    name_of,
    read_names,
    read_pools,
    reader_of,
    spec_of,
)
from vipcast.model.addresses import Family
from vipcast.model.advertisement import BgpAdvertisement, Community
from vipcast.model.peer import BfdProfile
from vipcast.model.raw import BFD_PROFILE, BGP_ADVERTISEMENT, BGP_PEER, COMMUNITY

LENGTHS = {Family.IPV4: "aggregationLength", Family.IPV6: "aggregationLengthV6"}
ADVERTISEMENT_KEYS = (
    *LENGTHS.values(),
    "localPref",
    "communities",
    "ipAddressPools",
    "ipAddressPoolSelectors",
    "nodeSelectors",
    "serviceSelectors",
    "peers",
)
COMMUNITY_KEYS = ("communities",)
ALIAS_KEYS = ("name", "value")
PROFILE_KEYS = OBJECT_KEYS

_WHOLE = {Family.IPV4: 32, Family.IPV6: 128}

Aliases = Mapping[str, Community | None]


@dataclass(frozen=True, slots=True)
class Told:
    """An advertisement with what reads its object, for findings that concern several."""

    advertisement: BgpAdvertisement
    reader: Reader


def read_bfd_profile(raw: Mapping[str, Any], notes: Notes) -> BfdProfile:
    """A profile, as far as it can be read."""
    spec = spec_of(reader_of(raw, BFD_PROFILE, notes), raw, PROFILE_KEYS)
    name = name_of(raw)
    return BfdProfile(name) if spec is None else read_profile(spec, name, camel)


def read_community_aliases(raws: Iterable[Mapping[str, Any]], notes: Notes) -> Aliases:
    """The aliases of all objects; None stands for one whose value has a finding."""
    aliases: dict[str, Community | None] = {}
    places: dict[str, str] = {}
    for raw in raws:
        spec = spec_of(reader_of(raw, COMMUNITY, notes), raw, COMMUNITY_KEYS)
        if spec is None:
            continue
        reader = spec.reader
        for path, item in spec.items("communities", "Write a list.", "none"):
            section = reader.section(item, path, ALIAS_KEYS)
            if section is None:
                continue
            name, value = _alias(section)
            if name is not None and name in places:
                message = f"The alias is defined already: {places[name]}."
                reader.refuse(section.at("name"), name, message, "Rename one of the two.")
            elif name is not None:
                aliases[name], places[name] = value, f"{reader.name} {path}"
    return aliases


def _alias(section: Section) -> tuple[str | None, Community | None]:
    fix = "Write a name, and the community as value."
    name = section.needed("name", "The alias has no name.", fix)
    value = section.parsed("value", parse_any_community, EVERY_FORM)
    if not section.given("value"):
        section.reader.refuse(section.at("value"), "", "The alias has no value.", EVERY_FORM)
    return name, value


def read_bgp_advertisement(
    raw: Mapping[str, Any],
    labels: Mapping[str, Labels],
    entries: Iterable[Entry],
    aliases: Aliases,
    peers: Collection[str],
    notes: Notes,
) -> Told | None:
    """An advertisement, as far as it can be read. `peers` are the names of all BGPPeers."""
    reader = reader_of(raw, BGP_ADVERTISEMENT, notes)
    spec = spec_of(reader, raw, ADVERTISEMENT_KEYS)
    if spec is None:
        return None
    v4, v6 = (
        spec.number(LENGTHS[family], 1, most, default=str(most)) or most
        for family, most in _WHOLE.items()
    )
    made = BgpAdvertisement(
        name_of(raw),
        read_pools(spec, labels),
        aggregation_length=v4,
        aggregation_length_v6=v6,
        local_pref=spec.number("localPref", 0, MOST_32_BITS, default="0") or 0,
        communities=read_communities(spec, aliases, OBJECTS),
        peers=read_names(spec, "peers", peers, BGP_PEER, "every peer"),
        nodes=read_selectors(spec, "nodeSelectors", CAMEL, EVERY_NODE),
        services=read_selectors(spec, "serviceSelectors", CAMEL, EVERY_SERVICE),
    )
    mine = [entry for entry in entries if entry.pool in made.pools]
    refuse_too_wide(spec, made, mine, LENGTHS)
    _refuse_selected_aggregates(spec, made)
    return Told(made, reader)


def _refuse_selected_aggregates(spec: Section, made: BgpAdvertisement) -> None:
    """An aggregate would lead to addresses of Services that are not selected, too."""
    if not made.services:
        return
    for family, key in LENGTHS.items():
        if made.length(family) != _WHOLE[family]:
            spec.reader.refuse(
                spec.at(key),
                str(made.length(family)),
                f"With serviceSelectors each route is a single address, a /{_WHOLE[family]}.",
                f"Leave {key} out, or remove serviceSelectors.",
            )
