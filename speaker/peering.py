"""All routers of the node: those that are wanted are spoken with, each in a task of its own.

    want(peers, …)     who there is to speak with; sessions of those that stay as they are go on
    tell(changes)      what each is to be told that it was not before
    leave(…)           the end: of the speaker for good, or only until it is back

A peer that cannot be spoken with is held back with a sentence, and concerns no other. A fault of
ours in one session ends that one alone: it is told, and tried again.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Iterable, Mapping
from typing import Final

from speaker.bgp import encode
from speaker.bgp.codes import Cease
from speaker.bgp.configured import router_id_of, settings_of
from speaker.bgp.facets import Facets
from speaker.bgp.notices import SessionEvent
from speaker.bgp.prefixes import Record
from speaker.bgp.settings import Graceful
from speaker.bgp.updates import Updates
from speaker.bgp.wanted import Change
from speaker.neighbour import Neighbour
from speaker.peer import target
from speaker.peerlog import PeerLog
from speaker.ports import Clock, Connector, Target
from speaker.routers import NeighbourView, Router, place_of
from vipcast.model.addresses import Address
from vipcast.model.errors import LinkError
from vipcast.model.objects import Key
from vipcast.model.peer import Peer
from vipcast.ops.log import failure

log = logging.getLogger(__name__)

AGAIN: Final = 30.0
"""Seconds until a session is tried again that a fault of ours has ended."""

FAULT: Final = f"A fault of the speaker has ended it; it is tried again after {AGAIN:g} s."

Farewell = tuple[Cease, str]
REMOVED: Final = (Cease.PEER_DECONFIGURED, "")
DRAINED: Final = (Cease.ADMINISTRATIVE_SHUTDOWN, "The node is drained.")
CORDONED: Final = (Cease.ADMINISTRATIVE_SHUTDOWN, "The node is cordoned.")
RESTARTED: Final = (Cease.ADMINISTRATIVE_SHUTDOWN, "The speaker ends; it may be back soon.")

Told = Callable[[Router, SessionEvent], None]
Table = Callable[[str], Mapping[Record, Facets]]
Passwords = Callable[[Key], bytes | None]


class Peering:
    """The node's sessions; lives on the event loop."""

    def __init__(
        self,
        node: str,
        *,
        connector: Connector,
        clock: Clock,
        jitter: Callable[[], float],
        table: Table,
        told: Told,
        settled: Callable[[], None],
        log: PeerLog,
        restart: Graceful,
    ) -> None:
        """`table` gives what a router is to be told by its name; `told` hears what happens, and
        `settled` is called when a router that was slow has been told all.

        `restart` is what routers are told of this process that bridge restarts.
        """
        self._node = node
        self._connector = connector
        self._clock = clock
        self._jitter = jitter
        self._table = table
        self._told = told
        self._settled = settled
        self._log = log
        self._restart = restart
        self._updates = Updates(encode)
        self._footings: dict[Address, tuple[Address, ...]] = {}
        self._blocked: dict[str, str] = {}
        self._neighbours: dict[str, Neighbour] = {}
        self._failed: dict[str, Neighbour] = {}
        self._running: set[asyncio.Task[None]] = set()
        self._over = False

    def want(
        self,
        peers: Iterable[Peer],
        passwords: Passwords,
        addresses: Iterable[Address],
        farewell: Farewell = REMOVED,
    ) -> None:
        """Speak with these and no others; `addresses` are those of the node.

        `farewell` is for who is spoken with no more.
        """
        if self._over:
            return
        standing = tuple(addresses)
        before, self._blocked = self._blocked, {}
        wanted = {}
        for peer in peers:
            router = self._router(peer, passwords, standing)
            if isinstance(router, str):
                self._blocked[peer.name] = router
                if before.get(peer.name) != router:
                    self._log.blocked(peer.name, place_of(peer.address, peer.port), router)
            else:
                wanted[peer.name] = router
        known = self._failed | self._neighbours
        for name in known.keys() - wanted.keys():
            self._log.ended(known[name].router)
            self._part(name, farewell)
        for name, router in wanted.items():
            old = known.get(name)
            if old is not None and old.router == router:
                continue
            if old is not None:
                self._part(name, (Cease.OTHER_CONFIGURATION_CHANGE, ""))
                self._log.changed(router)
            else:
                self._log.begun(router)
            self._begin(router)

    @property
    def blocked(self) -> Mapping[str, str]:
        """Peers that cannot be spoken with, and why."""
        return self._blocked | dict.fromkeys(self._failed, FAULT)

    def tell(self, changes: Mapping[str, Change]) -> None:
        """What is to be told, by the routers' names."""
        for name, change in changes.items():
            if name in self._neighbours:
                self._neighbours[name].tell(change)

    async def leave(self, farewell: Farewell, *, back: bool) -> None:
        """End all sessions. If the node will be `back`, those that are to bridge that are closed
        without a word; from the others all is withdrawn first, and they are told why (RFC 9003)."""
        self._over = True
        cease, text = farewell
        for neighbour in self._neighbours.values():
            bridged = back and neighbour.router.settings.graceful_restart is not None
            neighbour.leave(None if bridged else cease, text)
        await self._gone()

    async def end(self) -> None:
        """Whatever there still is ends without ado."""
        self._over = True
        for task in self._running:
            task.cancel()
        await self._gone()

    async def _gone(self) -> None:
        """Until every session and every connection has ended."""
        if self._running:
            await asyncio.wait(self._running)
        await self._connector.close()

    def views(self) -> tuple[NeighbourView, ...]:
        """How each stands, by name."""
        return tuple(self._neighbours[name].view() for name in sorted(self._neighbours))

    def _router(
        self, peer: Peer, passwords: Passwords, addresses: tuple[Address, ...]
    ) -> Router | str:
        """What the session is to be, or why there can be none."""
        password: bytes | None = peer.password.encode() or None
        if peer.password_secret is not None:
            password = passwords(peer.password_secret)
            if password is None:
                return (
                    f"Secret {peer.password_secret} has no password for it. Create it with type"
                    " kubernetes.io/basic-auth and the key password."
                )
        settings = settings_of(
            peer,
            router_id_of(peer, self._node, addresses or self._here(peer)),
            signed=password is not None,
            restart=self._restart,
        )
        return Router(peer.name, settings, target(settings, peer.source, password))

    def _here(self, peer: Peer) -> tuple[Address, ...]:
        """Our addresses towards a peer, where the Node object has none: looked up once, since a
        session would end with another router ID."""
        if peer.address not in self._footings:
            try:
                stands = self._connector.footing(Target(peer.address, peer.port, peer.source))
            except LinkError:
                return ()  # asked again with the next change
            found = (stands.local, stands.ipv4)
            self._footings[peer.address] = tuple(each for each in found if each is not None)
        return self._footings[peer.address]

    def _part(self, name: str, farewell: Farewell) -> None:
        """Speak with one no more."""
        self._failed.pop(name, None)
        neighbour = self._neighbours.pop(name, None)
        if neighbour is not None:
            neighbour.leave(*farewell)

    def _begin(self, router: Router) -> None:
        neighbour = self._neighbours[router.name] = Neighbour(
            router,
            connector=self._connector,
            clock=self._clock,
            jitter=self._jitter,
            updates=self._updates,
            table=lambda: self._table(router.name),
            told=lambda event: self._told(router, event),
            settled=self._settled,
        )
        task = asyncio.get_running_loop().create_task(self._speak(neighbour), name=router.name)
        self._running.add(task)
        task.add_done_callback(self._running.discard)

    async def _speak(self, neighbour: Neighbour) -> None:
        """Run a session to its end; where a fault ends it, begin anew after a while."""
        name = neighbour.router.name
        try:
            await neighbour.run()
        except Exception as error:  # noqa: BLE001 - of ours; told, and no other session's concern
            failure(log, "speakBGP", "a session has ended by a fault", error, peer=name)
            if self._neighbours.get(name) is neighbour:
                self._failed[name] = self._neighbours.pop(name)
                self._log.blocked(name, neighbour.router.place, FAULT)
                self._settled()
                # Not waited for here: whoever ends all sessions waits for the tasks.
                asyncio.get_running_loop().call_later(AGAIN, self._try_again, neighbour)

    def _try_again(self, neighbour: Neighbour) -> None:
        name = neighbour.router.name
        if self._failed.get(name) is neighbour and not self._over:
            del self._failed[name]
            self._begin(neighbour.router)
