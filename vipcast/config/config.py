"""Config: what the users configured, checked and frozen."""

from __future__ import annotations

from bisect import bisect_right
from dataclasses import dataclass, field

from vipcast.config.schema import Setting
from vipcast.model.addresses import Address, AddressRange, family_of
from vipcast.model.advertisement import BgpAdvertisement, L2Advertisement
from vipcast.model.errors import ConfigError, Finding
from vipcast.model.peer import BfdProfile, Peer
from vipcast.model.pool import Pool
from vipcast.model.selectors import Selector


@dataclass(frozen=True, slots=True)
class Config:
    """One configuration. Two that are equal mean the same, whatever their texts look like.

    `pools` stand in the order in which they are tried; their entries do not overlap. Which of
    their addresses are announced on segments, and how, is said by `l2`. `source` names the object
    that it came from ("ConfigMap metallb-system/config"). `bgp` says which routes which of the
    `peers` are told; `bfd_profiles` are checked and kept. `warnings` are findings about what is
    accepted and has no effect. `settings` are all values with their origins; they do not count when
    two are compared.
    """

    pools: tuple[Pool, ...] = ()
    source: str = ""
    l2: tuple[L2Advertisement, ...] = ()
    bgp: tuple[BgpAdvertisement, ...] = ()
    peers: tuple[Peer, ...] = ()
    bfd_profiles: tuple[BfdProfile, ...] = ()
    warnings: tuple[Finding, ...] = ()
    settings: tuple[Setting, ...] = field(default=(), repr=False, compare=False)
    _entries: tuple[tuple[AddressRange, Pool], ...] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        entries = [(entry, pool) for pool in self.pools for entry in pool.entries]
        entries.sort(key=lambda pair: _order(pair[0]))
        object.__setattr__(self, "_entries", tuple(entries))

    def pool_of(self, address: Address) -> Pool | None:
        """The pool that an address lies in (whether or not the pool may hand it out)."""
        wanted = (family_of(address).version, int(address))
        place = bisect_right(self._entries, wanted, key=lambda pair: _order(pair[0]))
        if place and address in self._entries[place - 1][0]:
            return self._entries[place - 1][1]
        return None

    def by_bgp(self, pool: str) -> bool:
        """Whether a pool's addresses are told to BGP peers."""
        return any(pool in each.pools for each in self.bgp)

    def on_segments(self, pool: str) -> bool:
        """Whether they are announced on segments."""
        return any(pool in each.pools for each in self.l2)

    def only_by_bgp(self, pool: str) -> bool:
        """Whether they are told to BGP peers, and announced on no segment."""
        return self.by_bgp(pool) and not self.on_segments(pool)

    def only_on_segments(self, pool: str) -> bool:
        """Whether they are announced on segments, and told to no BGP peer."""
        return self.on_segments(pool) and not self.by_bgp(pool)

    def pool_named(self, name: str) -> Pool | None:
        """The pool of that name."""
        return next((pool for pool in self.pools if pool.name == name), None)


@dataclass(frozen=True, slots=True)
class RefusedPeer:
    """A BGPPeer that is not right. `nodes` are those that it is for, as far as that can be read."""

    name: str
    nodes: tuple[Selector, ...]
    findings: tuple[Finding, ...]


class PeersRefusedError(ConfigError):
    """Nothing but some BGPPeers is wrong: `rest` is all the others, and right."""

    def __init__(self, rest: Config, refused: tuple[RefusedPeer, ...]) -> None:
        findings = tuple(finding for each in refused for finding in each.findings)
        super().__init__(findings, rest.warnings)
        self.rest = rest
        self.refused = refused


def _order(entry: AddressRange) -> tuple[int, int]:
    return (entry.family.version, entry.first)
