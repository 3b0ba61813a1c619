"""What has been read so far of one configuration, before it is checked as a whole."""

from __future__ import annotations

from dataclasses import dataclass, field

from vipcast.config.config import RefusedPeer
from vipcast.config.ranges import Entry
from vipcast.config.sessions import Placed
from vipcast.model.advertisement import BgpAdvertisement, L2Advertisement
from vipcast.model.peer import BfdProfile
from vipcast.model.pool import Pool


@dataclass(slots=True)
class Draft:
    """Pools in the order in which they are tried, the rest in the order of the text.

    `refused` are peers that are left out, and that spoil nothing else.
    """

    source: str
    pools: list[Pool] = field(default_factory=list)
    entries: list[Entry] = field(default_factory=list)
    l2: list[L2Advertisement] = field(default_factory=list)
    bgp: list[BgpAdvertisement] = field(default_factory=list)
    peers: list[Placed] = field(default_factory=list)
    bfd_profiles: tuple[BfdProfile, ...] = ()
    refused: list[RefusedPeer] = field(default_factory=list)
