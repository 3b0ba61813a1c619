"""One router: its session, and the routes that it has been told of what it is to be told.

    the node's tables ─► tell(change) ─► Egress ─► AdjRibOut ─► Updates ─► Peer.send

A session that comes up is told its whole table, which it ends with an End-of-RIB; after that only
what changes. A change of routes never touches the session, and none is sent twice. What the router
asks for again it gets; what it tells us itself is counted by the session and kept by nobody.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Final

from speaker.bgp.codes import Cease
from speaker.bgp.configured import next_hops_of
from speaker.bgp.facets import Egress, Facets
from speaker.bgp.notices import Down, Established, RefreshAsked, SessionEvent
from speaker.bgp.prefixes import Record
from speaker.bgp.rib import AdjRibOut
from speaker.bgp.session import Session
from speaker.bgp.updates import Updates
from speaker.bgp.wanted import Change
from speaker.peer import Peer
from speaker.ports import Clock, Connector
from speaker.routers import NeighbourView, Router

PORTION: Final = 8192
"""Routes announced at once where more wait: a withdrawal overtakes the rest."""


class Neighbour:
    """A router that this node is to speak with."""

    def __init__(
        self,
        router: Router,
        *,
        connector: Connector,
        clock: Clock,
        jitter: Callable[[], float],
        updates: Updates,
        table: Callable[[], Mapping[Record, Facets]],
        told: Callable[[SessionEvent], None],
        settled: Callable[[], None],
    ) -> None:
        """`table` is all that it is to be told, at any time; `told` hears what happens, and
        `settled` is called when all is told, where something had to wait.
        """
        self.router = router
        self._updates = updates
        self._table = table
        self._told = told
        self._settled = settled
        self._established: Established | None = None
        self._egress: Egress | None = None
        self._rib: AdjRibOut | None = None
        self._unspoken: tuple[str, ...] = ()
        self._peer = Peer(
            Session(router.settings, jitter=jitter),
            router.target,
            connector=connector,
            clock=clock,
            told=self._happened,
            drained=self._go_on,
        )

    async def run(self) -> None:
        """Speak with it until `leave`, or until cancelled."""
        await self._peer.run()

    def tell(self, change: Change) -> None:
        """The table has changed so."""
        self._peer.act(lambda: self._change(change))

    def leave(self, cease: Cease | None, text: str = "") -> None:
        """End the session: with a Cease after all routes were withdrawn, or without a word, so that
        a router which bridges restarts keeps them."""
        if cease is not None:
            self._peer.act(self._withdraw)
        self._peer.stop(cease=cease, text=text)

    def view(self) -> NeighbourView:
        """How it stands."""
        rib = self._rib
        return NeighbourView(
            self.router,
            self._peer.view(),
            announced=0 if rib is None else rib.announced,
            pending=0 if rib is None else rib.pending,
            unspoken=self._unspoken,
        )

    def _change(self, change: Change) -> None:
        if self._rib is not None and self._egress is not None:
            self._rib.want(self._egress.dress(change))
            self._flush()

    def _withdraw(self) -> None:
        if self._rib is not None:
            self._rib.want(dict.fromkeys(self._rib.prefixes))
            self._flush()

    def _happened(self, event: SessionEvent) -> None:
        match event:
            case Established():
                self._begin(event)
            case Down():
                self._established = self._egress = self._rib = None
                self._unspoken = ()
            case RefreshAsked(_, family, _) if self._rib is not None:
                self._rib.resync(family)
                self._flush()
        self._told(event)

    def _begin(self, up: Established) -> None:
        """Tell all, family by family, as far as each has a next hop."""
        agreed = up.negotiated
        stands = self._peer.footing
        hops = next_hops_of(
            agreed,
            up.local,
            ipv4=None if stands is None else stands.ipv4,
            ipv6=None if stands is None else stands.ipv6,
            link_local=stands.link_local if stands is not None and stands.on_link else None,
        )
        self._unspoken = tuple(
            f"IPv{4 if each.afi == 1 else 6}" for each in agreed.families if each not in hops
        )
        self._established = up
        self._egress = Egress(agreed.local_asn, ibgp=agreed.ibgp, next_hops=hops)
        self._rib = AdjRibOut(agreed.families, enhanced=agreed.enhanced_refresh)
        self._rib.want(self._egress.dress(self._table()))
        self._flush()

    def _go_on(self) -> None:
        """There is room again."""
        waited = self._rib is not None and self._rib.due
        self._flush()
        if waited and self._rib is not None and not self._rib.due:
            self._settled()

    def _flush(self) -> None:
        """Send what is due, as long as it leaves; the rest when there is room again."""
        up, rib = self._established, self._rib
        while up is not None and rib is not None and rib.due and not self._peer.behind:
            steps = rib.flush(PORTION)
            messages = self._updates.encode(steps, four_octet=up.negotiated.four_octet)
            if not self._peer.send(messages, generation=up.generation):
                return
