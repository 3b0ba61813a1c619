"""The speaker's loop: objects, links, hellos and time in; entries, hellos and reports out.

    objects ─► intents.py: store, configuration, plan ─► routes ───┼─► peering.py: BGP sessions
                                                      └► claims ───┤
    links ───► interfaces.py: attach (in a thread) ─► segments ◄───┤
    hellos, time ───────────────────────────────────► segments ─► core ─► effects (segment.py)
                                                          └───► reports, Events, metrics

Everything but attaching happens on the event loop, one input at a time, so no two inputs ever see a
segment half-changed. What an input changes is recomputed and compared, never patched.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field
from functools import partial

from speaker.bgp.notices import Down, Established, SessionEvent
from speaker.bgp.settings import Graceful
from speaker.intents import Intents, Taken
from speaker.interfaces import Interfaces
from speaker.layer2.interfaces import Exclusions, Link
from speaker.layer2.room import Room
from speaker.leadership import Changed, Condition, agent_key
from speaker.own import Own
from speaker.peerevents import PeerEvents
from speaker.peering import CORDONED, DRAINED, REMOVED, RESTARTED, Farewell, Peering
from speaker.peerlog import PeerLog
from speaker.plan import Claim
from speaker.portions import portions, rest
from speaker.ports import (
    Attacher,
    Attachment,
    Clock,
    Connector,
    Greeter,
    LinkChange,
    Links,
    Pulse,
    Responder,
)
from speaker.reporter import Reporter
from speaker.reports import Picture
from speaker.routers import Router
from speaker.sampling import sample
from speaker.segments import Company, Segments
from vipcast.config.keeper import ConfigKeeper, ConfigState
from vipcast.kube.store import Store
from vipcast.model.addresses import Address, Network
from vipcast.model.classes import EVERY_DEFAULT, Classes
from vipcast.model.raw import (
    Batch,
    Raw,
)
from vipcast.model.reasons import Reason, sentence
from vipcast.model.steps import STEPS
from vipcast.model.xdp import XdpMode
from vipcast.ops.log import event
from vipcast.ops.samples import SpeakerSample
from vipcast.ports import Source

log = logging.getLogger(__name__)

BEAT = 0.2
"""Seconds between two stamps of the heartbeat: the loop's own sign of life in the data path."""

EARLY = 0.05
"""A beat that is due so soon comes at once, so that it wakes nobody for itself: a hello is due as
often."""

LOOK = 0.5
"""Seconds between two looks at who is heard, and whether two interfaces are on one segment."""


@dataclass(frozen=True, slots=True)
class Doors:
    """The outside, as the loop needs it."""

    source: Source
    responder: Responder
    attacher: Attacher
    links: Links
    greeter: Greeter
    pulse: Callable[[Callable[[int, bytes], None]], Pulse]
    connector: Connector
    clock: Clock
    jitter: Callable[[], float]
    remember: Callable[[Raw], None]
    """Takes the objects whose configuration was put in force."""


@dataclass(frozen=True, slots=True)
class Settings:
    """What the loop is told by flags."""

    node: str
    namespace: str
    config: str
    secret: str
    xdp_mode: XdpMode
    exclusions: Exclusions
    service_cidrs: tuple[Network, ...] = ()
    classes: Classes = EVERY_DEFAULT
    key: bytes | None = field(default=None, repr=False)
    """For hellos, until the Secret itself is read."""
    restart: Graceful = field(default_factory=Graceful)
    """What routers are told of this process that bridge restarts."""


class Speaker:
    """One node's speaker."""

    def __init__(
        self,
        settings: Settings,
        doors: Doors,
        reporter: Reporter,
        keeper: ConfigKeeper,
        room: Room | None = None,
    ) -> None:
        """`room` is how much the map holds, by default what the real one does."""
        self.settings = settings
        store = Store(settings.namespace, settings.config, settings.secret)
        self.intents = Intents(
            store, keeper, settings.node, settings.service_cidrs, settings.classes
        )
        self._own = Own(store, settings.node, settings.namespace)
        self._withdrawn: Mapping[Address, Claim] = {}
        self._doors = doors
        self._reporter = reporter
        self._pulse = doors.pulse(self._heard)
        self.segments = Segments(
            settings.node,
            responder=doors.responder,
            pulse=self._pulse,
            greeter=doors.greeter,
            clock=doors.clock,
            jitter=doors.jitter,
            report=self._told,
            room=room,
        )
        self.interfaces = Interfaces(
            doors.attacher,
            self,
            exclusions=settings.exclusions,
            mode=settings.xdp_mode,
            ours=self.segments.left_over,
        )
        self._peer_log = PeerLog(
            doors.clock.now,
            PeerEvents(
                settings.node, settings.namespace, lambda: keeper.state.config, reporter.note
            ),
        )
        self.peering = Peering(
            settings.node,
            connector=doors.connector,
            clock=doors.clock,
            jitter=doors.jitter,
            table=self.intents.routing.wanted.table,
            told=self._peered,
            settled=self._reporter.touched,
            log=self._peer_log,
            restart=settings.restart,
        )
        self._timer: asyncio.TimerHandle | None = None
        self._arming: asyncio.Handle | None = None
        self._next_beat = 0.0
        self._next_look = 0.0
        self._company: Company = frozenset()
        self._over = False
        self._fault: asyncio.Future[None] | None = None

    async def run(self, stop: asyncio.Event) -> None:
        """Work until `stop` is set, then leave as for a restart: entries and program stay behind.

        Any exception ends the work, and nothing is announced then: leases run out by themselves.
        """
        self._fault = asyncio.get_running_loop().create_future()
        async with self._doors.source, asyncio.TaskGroup() as tasks:
            work = [
                tasks.create_task(self._follow_objects(), name="objects"),
                tasks.create_task(self._follow_links(tasks), name="links"),
                tasks.create_task(self._reporter.run(self._reported), name="reports"),
                tasks.create_task(self._watch_faults(self._fault), name="faults"),
            ]
            self._on_time()
            try:
                await stop.wait()
                self._leave()
                back = not self.intents.leaving
                await self.peering.leave(RESTARTED if back else self._farewell(), back=back)
            finally:
                self._end()
                for task in work:
                    task.cancel()
                await self.peering.end()

    def _leave(self) -> None:
        """Say on every segment that this agent will be back; nothing is sent or written after."""
        if self._over:
            return  # by a fault: what stands in the maps may be half of a change
        self._take_in(self.segments.leave_for_restart)
        event(log, "leavingForRestart", "the entries stay and answer until the agent is back")

    def _end(self) -> None:
        """No input any more, whether or not all is well."""
        self._over = True
        for waiting in (self._timer, self._arming):
            if waiting is not None:
                waiting.cancel()
        self.interfaces.stop()
        self._pulse.close()

    # Objects

    async def _follow_objects(self) -> None:
        clock = self._doors.clock
        async for batch in self._doors.source.changes():
            began = clock.now()
            for portion in portions(batch) if self.intents.synced else (batch,):
                self._take_in(partial(self._take, portion))
                await asyncio.sleep(0)  # hellos, timers and sessions have their turn
            await asyncio.sleep(rest(clock.now() - began))

    def _take(self, batch: Batch) -> None:
        taken = self.intents.take(batch, self._doors.clock.now())
        if taken is None:
            return
        if taken.first:
            self._reporter.found(self._own.standing())
        else:
            for delta in batch.deltas:
                if self._own.concerns(delta):
                    self._reporter.saw(delta.ref, delta.raw)
        if taken.state is not None:
            self._configured(taken.state)
        secret = self.secret_key
        self.segments.use_key(None if secret is None else agent_key(secret))
        self._reporter.worked(len(taken.services) + (taken.state is not None))
        if taken.withdrawn is not None:
            self._want(taken.withdrawn)
        self._route(taken)
        if taken.services or taken.findings or taken.peers:
            self._reporter.touched()
        self.interfaces.objects_known()

    def _configured(self, state: ConfigState) -> None:
        self._reporter.configured(state)
        good = self.intents.keeper.good
        if state.changed and good is not None:
            self._doors.remember(good.saved())

    def _want(self, withdrawn: Mapping[Address, Claim]) -> None:
        """Tell every segment what is to be announced; `withdrawn` was, until now."""
        claims = self.intents.claims
        self._withdrawn = withdrawn
        self.segments.want({address: claim.candidates for address, claim in claims.items()})
        self._reporter.shared(withdrawn, claims)
        self._withdrawn = {}

    def _route(self, taken: Taken) -> None:
        """Tell routers what has changed, then look who is to be spoken with: a router that is to be
        left has the withdrawals first."""
        self.peering.tell(taken.routes)
        self._reporter.turned(taken.turns)
        if taken.peers:
            here, routing = self.intents.here, self.intents.routing
            self.peering.want(
                routing.peers,
                self.intents.password,
                () if here is None else here.addresses,
                self._farewell() if routing.left else REMOVED,
            )

    def _farewell(self) -> Farewell:
        """What routers are told that the node leaves."""
        return CORDONED if self.intents.cordoned else DRAINED

    # Interfaces

    async def _follow_links(self, tasks: asyncio.TaskGroup) -> None:
        see = self.interfaces.see
        async with self._doors.links as links:
            there = await links.snapshot()
            self._take_in(partial(self.interfaces.begin, tasks, there))
            async for change in links.changes():
                self._take_in(partial(see, tasks, _ifindex(change), change.after))

    def prepare(self, link: Link, present: Collection[int]) -> None:
        """For `Interfaces`: get what a segment needs, else HostError."""
        self.segments.prepare(link, present)

    def open(self, link: Link, attachment: Attachment) -> None:
        """For `Interfaces`: the program answers there; begin."""
        self._take_in(partial(self.segments.open, link, attachment))

    def change(self, link: Link) -> None:
        """For `Interfaces`: an open one is different."""
        self.segments.change(link)

    def close(self, ifindex: int) -> None:
        """For `Interfaces`: one is gone, or nothing is to be announced there any more."""
        self.segments.close(ifindex)

    def touched(self) -> None:
        """For `Interfaces`: how one stands has changed."""
        self._reporter.touched()

    # Hellos and time

    def _heard(self, ifindex: int, datagram: bytes) -> None:
        self._from_loop(partial(self.segments.receive, ifindex, datagram))

    def _on_time(self) -> None:
        self._from_loop(self._tick)

    def _tick(self) -> None:
        """The timer: heartbeat first, then whatever is due on the segments."""
        now = self._doors.clock.now()
        if now >= self._next_beat - EARLY:
            self._doors.responder.beat(now)
            self._next_beat = now + BEAT
        if now >= self._next_look:
            self._next_look = now + LOOK
            self._look_around()
        if self.intents.deadline is not None and now >= self.intents.deadline:
            self._route(self.intents.look_again(now))
            self._reporter.touched()
        self.segments.tick(now)

    def _look_around(self) -> None:
        """What brings no input of its own: twins, and who is heard."""
        self.segments.find_twins()
        if self.segments.company(self._doors.clock.now()) != self._company:
            self._reporter.touched()

    # Around each input

    def _take_in(self, action: Callable[[], None]) -> None:
        """Let one input have its effects; when all of this turn of the loop have, the timer is set.

        After an exception nothing is taken in any more: no hello may renew a lease over entries
        that are half of a change.
        """
        if self._over:
            return
        try:
            action()
        except BaseException:
            self._over = True
            raise
        if self._arming is None:
            self._arming = asyncio.get_running_loop().call_soon(self._arm)

    def _arm(self) -> None:
        """Set the timer to what is due next: hellos come in bursts, and one look is enough."""
        self._arming = None
        times = (self.segments.next_deadline(), self.intents.deadline, self._next_beat)
        at = min(time for time in times if time is not None)
        if self._timer is not None:
            self._timer.cancel()
        self._timer = asyncio.get_running_loop().call_at(at, self._on_time)

    def _from_loop(self, action: Callable[[], None]) -> None:
        """The same in a callback of the loop, where an exception would only be printed."""
        try:
            self._take_in(action)
        except Exception as error:  # noqa: BLE001 - handed on to run(), which ends with it
            if self._fault is not None and not self._fault.done():
                self._fault.set_exception(error)

    @staticmethod
    async def _watch_faults(fault: asyncio.Future[None]) -> None:
        await fault

    # Reports

    def _peered(self, router: Router, happened: SessionEvent) -> None:
        self._peer_log.happened(router, happened)
        if isinstance(happened, Established | Down):
            self._reporter.touched()

    def _told(self, interface: str, effect: Changed | Condition) -> None:
        claim = None
        if isinstance(effect, Changed):
            claim = self.intents.claims.get(effect.vip) or self._withdrawn.get(effect.vip)
        self._reporter.told(interface, effect, claim)

    def _reported(self) -> Picture:
        """The picture for a report, and who is heard as that report tells it."""
        self._company = self.segments.company(self._doors.clock.now())
        return self.picture()

    def picture(self) -> Picture:
        """The whole speaker as it is now, for reports and metrics."""
        identity = self.segments.identity
        return Picture(
            boot=identity.boot,
            term=identity.term,
            seen=self.segments.seen(),
            skipped=self.interfaces.skipped,
            failed=tuple(self.interfaces.failed.values()),
            claims=self.intents.claims,
            refusals=tuple(self.intents.refusals(self.interfaces.names, self.segments.refused)),
            problems=(*self.intents.store.problems, *self.intents.store.findings),
            past=self.segments.past,
            yields=self.segments.yields,
            routes=self.intents.routing.decisions,
            peers=self.intents.routing.peers,
            neighbours=self.peering.views(),
            blocked=self.peering.blocked,
        )

    @property
    def secret_key(self) -> bytes | None:
        """What authenticates hellos: that of the Secret, else what the speaker was started with."""
        return self.intents.store.secret_key or self.settings.key

    @property
    def doubled(self) -> str | None:
        """What to say where another speaker uses this node's name; None: nobody does."""
        if places := self.segments.those(Reason.DUPLICATE_NODE):
            sign = f"It is heard on {', '.join(places)}."
        elif not (sign := self._reporter.other):
            return None
        return f"{sentence(Reason.DUPLICATE_NODE)} {sign} {STEPS[Reason.DUPLICATE_NODE]}"

    def sample(self) -> SpeakerSample:
        """What metrics show now; counters come straight from the maps."""
        return sample(self.picture(), self._doors.responder.counts(), self._pulse.failures)


def _ifindex(change: LinkChange) -> int:
    link = change.after or change.before
    if link is None:
        raise ValueError("a change of a link names no link")
    return link.ifindex
