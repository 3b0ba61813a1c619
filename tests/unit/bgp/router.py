"""A router in a box: it reads bytes as routers do, and minds what no speaker should do.

Its table is what the bytes mean. It raises where something is sent in vain: a route that it has
with the same attributes, a withdrawal of what it does not have, a marker out of place.
"""

from __future__ import annotations

from speaker.bgp.codes import RefreshSubtype
from speaker.bgp.decode import Context, attributes_of, decode, prefixes_of
from speaker.bgp.framing import Framer
from speaker.bgp.messages import (
    IPV4_UNICAST,
    IPV6_UNICAST,
    AfiSafi,
    Attributes,
    Ok,
    RouteRefresh,
    Update,
)
from vipcast.model.addresses import Network

BOTH = (IPV4_UNICAST, IPV6_UNICAST)


class Router:
    """One session as the router sees it. `stale` are routes that were not told since a BoRR."""

    def __init__(self, families: tuple[AfiSafi, ...] = BOTH, *, ibgp: bool = False) -> None:
        self.table: dict[Network, Attributes] = {}
        self.complete: list[AfiSafi] = []
        self.stale: dict[AfiSafi, set[Network]] = {}
        self.messages = 0
        self._again: dict[AfiSafi, set[Network]] = {family: set() for family in families}
        self._context = Context(families=families, ibgp=ibgp)

    def ask(self, family: AfiSafi) -> None:
        """It asks for a family's routes again without markers: these may come a second time."""
        self._again[family] = self._of(family)

    def receive(self, octets: bytes) -> None:
        """One write of the speaker's, in which no withdrawal may follow an announcement."""
        framer = Framer()
        framer.receive(octets)
        announced = False
        while (message := framer.next()) is not None:
            self.messages += 1
            said = decode(message, self._context)
            if isinstance(said, RouteRefresh):
                self._refreshed(said)
                continue
            assert isinstance(said, Update)
            assert isinstance(said.outcome, Ok), said
            if said.end_of_rib is not None:
                assert said.end_of_rib not in self.complete
                self.complete.append(said.end_of_rib)
            attributes = attributes_of(message, self._context)
            for family, network, comes in prefixes_of(message, self._context):
                if comes:
                    assert attributes is not None
                    announced = True
                    self._learn(family, network, attributes)
                else:
                    assert not announced, f"the withdrawal of {network} comes late"
                    del self.table[network]
                    self.stale.get(family, set()).discard(network)
        assert len(framer) == 0

    def _learn(self, family: AfiSafi, network: Network, attributes: Attributes) -> None:
        known = self.table.get(network)
        assert known != attributes or network in self._again[family], f"{network} comes twice"
        self._again[family].discard(network)
        self.stale.get(family, set()).discard(network)
        self.table[network] = attributes

    def _refreshed(self, marker: RouteRefresh) -> None:
        """RFC 7313, section 4: what is stale at the end of a refresh is gone."""
        family = marker.family
        if marker.subtype == RefreshSubtype.BEGIN:
            assert family in self.complete, "a refresh begins before the End-of-RIB"
            assert family not in self.stale
            self.stale[family] = self._of(family)
            self._again[family] = self._of(family)
            return
        assert marker.subtype == RefreshSubtype.END
        for network in self.stale.pop(family):
            del self.table[network]

    def _of(self, family: AfiSafi) -> set[Network]:
        version = 4 if family == IPV4_UNICAST else 6
        return {each for each in self.table if each.version == version}
