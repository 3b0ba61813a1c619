"""`bgp-advertisements` of the old ConfigMap: how the addresses of one pool are told to BGP peers.

Without any, a pool of protocol bgp has exactly one, which says nothing but the address itself. The
names are those that MetalLB's own converter gives.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace

from vipcast.config.communities import MOST_32_BITS, read_communities
from vipcast.config.ranges import Entry, widest_block
from vipcast.config.schema import Section
from vipcast.model.addresses import Family
from vipcast.model.advertisement import BgpAdvertisement, Community

KEY = "bgp-advertisements"
KEYS = ("aggregation-length", "aggregation-length-v6", "localpref", "communities")

_KEYS_OF = {Family.IPV4: "aggregation-length", Family.IPV6: "aggregation-length-v6"}
_LENGTHS = {Family.IPV4: ("aggregation-length", 32), Family.IPV6: ("aggregation-length-v6", 128)}


def read_advertisements(
    pool: Section,
    name: str,
    entries: Iterable[Entry],
    aliases: Mapping[str, Community | None],
    count: int,
) -> tuple[BgpAdvertisement, ...]:
    """The advertisements of one pool; `count` is how many there are of others before it."""
    found: dict[BgpAdvertisement, str] = {}
    only = frozenset({name})
    for path, item in pool.items(KEY, "Write a list of advertisements.", "one of /32 and /128"):
        section = pool.reader.section(item, path, KEYS)
        if section is None:
            continue
        made = _advertisement(section, only, aliases)
        refuse_too_wide(section, made, entries, _KEYS_OF)
        if made in found:
            message = f"The same advertisement is in the list already: {found[made]}."
            pool.reader.refuse(path, "", message, "Remove one of the two.")
        found.setdefault(made, path)
    several = tuple(found) or (BgpAdvertisement("", only),)
    return tuple(
        replace(each, name=f"bgpadvertisement{number}")
        for number, each in enumerate(several, start=count + 1)
    )


def _advertisement(
    section: Section, pools: frozenset[str], aliases: Mapping[str, Community | None]
) -> BgpAdvertisement:
    """One advertisement, without a name so far."""
    v4, v6 = (
        section.number(key, 1, most, default=str(most)) or most for key, most in _LENGTHS.values()
    )
    return BgpAdvertisement(
        name="",
        pools=pools,
        aggregation_length=v4,
        aggregation_length_v6=v6,
        local_pref=section.number("localpref", 0, MOST_32_BITS, default="0") or 0,
        communities=read_communities(section, aliases),
    )


def refuse_too_wide(
    section: Section, made: BgpAdvertisement, entries: Iterable[Entry], keys: Mapping[Family, str]
) -> None:
    """No route may cover more than what an entry has in one piece: it would draw alien traffic."""
    for entry in entries:
        length, key = made.length(entry.range.family), keys[entry.range.family]
        widest = widest_block(entry.range)
        if widest > length:
            where = entry.path
            if entry.object != section.reader.name:
                where = f"{entry.object} {entry.path}"
            section.reader.refuse(
                section.at(key),
                str(length),
                f"A route of /{length} is wider than the widest block of {entry.written}"
                f" ({where}), a /{widest}.",
                f"Write {widest} or more, or leave the key out.",
            )
