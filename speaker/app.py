"""The speaker's loop: objects, links, hellos and time in; entries, hellos and reports out.

    objects ─► store ─► plan.decide ─► wanted addresses ─┐
    links ───► attach (in a thread) ─► segments ◄────────┤
    hellos, time ────────────────────► segments ─► core ─► effects (segment.py)
                                                    └───► reports, Events, metrics (reporter.py)

Everything but attaching happens on the event loop, one input at a time, so no two inputs ever see a
segment half-changed. What an input changes is recomputed and compared, never patched.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from speaker.layer2.greeting import Greetings
from speaker.layer2.interfaces import Exclusions, Link, skip_reason
from speaker.leadership import (
    Changed,
    Condition,
    Identity,
    Port,
    SegmentCore,
    agent_key,
    twins,
)
from speaker.plan import Claim, Decision, decide
from speaker.ports import (
    Attacher,
    Attachment,
    Clock,
    Greeter,
    LinkChange,
    Links,
    Pulse,
    Responder,
    XdpMode,
)
from speaker.reporter import Reporter, sample
from speaker.reports import Picture, Skipped
from speaker.segment import Segment
from vipcast.config.keeper import ConfigKeeper
from vipcast.kube.store import Store
from vipcast.model.addresses import Address
from vipcast.model.errors import HostError
from vipcast.model.objects import Key
from vipcast.model.raw import Batch, Raw
from vipcast.model.reasons import Reason, sentence
from vipcast.ops.log import event, failure
from vipcast.ops.samples import SpeakerSample
from vipcast.ports import Source

log = logging.getLogger(__name__)

BEAT = 0.2
"""Seconds between two stamps of the heartbeat: the loop's own sign of life in the data path."""

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
    clock: Clock
    jitter: Callable[[], float]
    remember: Callable[[Raw], None]
    """Takes the ConfigMap whose configuration was put in force."""


@dataclass(frozen=True, slots=True)
class Settings:
    """What the loop is told by flags."""

    node: str
    namespace: str
    config: str
    secret: str
    xdp_mode: XdpMode
    exclusions: Exclusions


class Speaker:
    """One node's speaker."""

    def __init__(
        self, settings: Settings, doors: Doors, reporter: Reporter, keeper: ConfigKeeper
    ) -> None:
        self.settings = settings
        self.segments: dict[int, Segment] = {}
        self.skipped: dict[int, Skipped] = {}
        self.failed: dict[int, tuple[bytes, Attachment]] = {}
        self.decisions: dict[Key, Decision] = {}
        self.claims: dict[Address, Claim] = {}
        self.keeper = keeper
        self.store = Store(settings.namespace, settings.config, settings.secret)
        self.synced = False
        self._doors = doors
        self._reporter = reporter
        self._pulse = doors.pulse(self._heard)
        self._key: bytes | None = None
        self._links: dict[int, Link] = {}
        self._attaching: set[int] = set()
        self._timer: asyncio.TimerHandle | None = None
        self._next_beat = 0.0
        self._next_look = 0.0
        self._heard_nodes: dict[int, frozenset[tuple[str, int, int]]] = {}
        self._leaving = False
        self._fault: asyncio.Future[None] | None = None

    @property
    def identity(self) -> Identity:
        """Who this node is in hellos."""
        responder = self._doors.responder
        return Identity(self.settings.node, responder.boot, responder.term)

    async def run(self, stop: asyncio.Event) -> None:
        """Work until `stop` is set, then leave as for a restart: entries and program stay behind.

        Any exception ends the work; leases then run out by themselves.
        """
        self._fault = asyncio.get_running_loop().create_future()
        doors = self._doors
        async with doors.source, asyncio.TaskGroup() as tasks:
            work = [
                tasks.create_task(self._follow_objects(), name="objects"),
                tasks.create_task(self._follow_links(tasks), name="links"),
                tasks.create_task(self._reporter.run(self.picture), name="reports"),
                tasks.create_task(self._watch_faults(self._fault), name="faults"),
            ]
            self._on_time()
            try:
                await stop.wait()
            finally:
                self.leave()
                for task in work:
                    task.cancel()

    def leave(self) -> None:
        """Say on every segment that this agent will be back; nothing is sent or written after."""
        if self._leaving:
            return
        self._leaving = True
        if self._timer is not None:
            self._timer.cancel()
        for segment in self.segments.values():
            segment.leave_for_restart()
        self._pulse.close()
        event(log, "leavingForRestart", "the entries stay and answer until the agent is back")

    # Inputs

    async def _follow_objects(self) -> None:
        async for batch in self._doors.source.changes():
            self._take(batch)

    def _take(self, batch: Batch) -> None:
        change = self.store.apply(batch)
        if not batch.synced:
            return
        first, self.synced = not self.synced, True
        state = self.keeper.feed(self.store.config_map, self.store.config_map_elsewhere)
        self._reporter.configured(state)
        if state.changed and not state.stale and self.store.config_map is not None:
            self._doors.remember(self.store.config_map)
        self._use_key()
        for key in list(self.store.services) if state.changed or first else change.services:
            self._decide(key)
        self._want()

    def _decide(self, key: Key) -> None:
        service = self.store.services.get(key)
        if service is None:
            self.decisions.pop(key, None)
            return
        slices = self.store.slices(key)
        self.decisions[key] = decide(service, slices, self.store.nodes, self.keeper.state.config)

    def _want(self) -> None:
        """Tell every segment what is to be announced; of two claims the first by name counts."""
        claims: dict[Address, Claim] = {}
        for key in sorted(self.decisions):
            for claim in self.decisions[key].claims:
                claims.setdefault(claim.address, claim)
        self.claims = claims
        for segment in self.segments.values():
            segment.want(self.wanted)
        self._after()

    @property
    def wanted(self) -> Mapping[Address, frozenset[str]]:
        """Every address to be announced, with the nodes that may."""
        return {address: claim.candidates for address, claim in self.claims.items()}

    def _use_key(self) -> None:
        secret = self.store.secret_key
        key = None if secret is None else agent_key(secret)
        if key != self._key:
            self._key = key
            for segment in self.segments.values():
                segment.set_key(key)

    async def _follow_links(self, tasks: asyncio.TaskGroup) -> None:
        async with self._doors.links as links:
            for link in (await links.snapshot()).values():
                self._see(tasks, link.ifindex, link)
            async for change in links.changes():
                self._see(tasks, _ifindex(change), change.after)

    def _see(self, tasks: asyncio.TaskGroup, ifindex: int, link: Link | None) -> None:
        """A link is new, gone or different."""
        if link is None:
            self._links.pop(ifindex, None)
            self.skipped.pop(ifindex, None)
            self.failed.pop(ifindex, None)
            self._drop(ifindex)
        else:
            self._links[ifindex] = link
            reason = skip_reason(link, self.settings.exclusions)
            segment = self.segments.get(ifindex)
            if segment is not None and reason in (None, Reason.INTERFACE_DOWN):
                segment.set_link(link)
            elif reason is not None:
                self._drop(ifindex)
                self.failed.pop(ifindex, None)
                self.skipped[ifindex] = Skipped(
                    link.name, ifindex, link.mac, reason, sentence(reason)
                )
            elif ifindex not in self._attaching:
                self.skipped.pop(ifindex, None)
                self._attaching.add(ifindex)
                tasks.create_task(self._attach(link), name=f"attach {link.name}")
        self._after()

    async def _attach(self, link: Link) -> None:
        """Put the program on a link and open its segment; takes up to 100 ms, so in a thread."""
        try:
            attachment = await asyncio.to_thread(self._put_on, link)
        finally:
            self._attaching.discard(link.ifindex)
        now_link = self._links.get(link.ifindex)
        if now_link is None or self._leaving:
            return
        if not attachment.answering:
            self.failed[link.ifindex] = (link.mac, attachment)
            failure(
                log, "attach", attachment.detail, attachment.reason,
                interface=link.name, reason=attachment.reason,
            )  # fmt: skip
            self._after()
            return
        self.failed.pop(link.ifindex, None)
        self._open(now_link, attachment)

    def _put_on(self, link: Link) -> Attachment:
        """In a thread: attach, then drop what an older layout of maps has left behind."""
        attachment = self._doors.attacher.attach(link, self.settings.xdp_mode)
        for path in self._doors.attacher.retire_older():
            event(log, "layoutRetired", "no interface uses these pins any more", pins=path)
        return attachment

    def _open(self, link: Link, attachment: Attachment) -> None:
        try:
            self._doors.responder.segment(link.ifindex, self._links.keys())
            self._pulse.join(link)
        except HostError as error:
            failure(log, "openSegment", "no VIP is announced here", error, interface=link.name)
            self.skipped[link.ifindex] = Skipped(
                link.name, link.ifindex, link.mac, Reason.NO_INTERFACE, str(error)
            )
            return
        port = Port(link.ifindex, link.mac, link.address)
        segment = Segment(
            link,
            attachment,
            SegmentCore(self.identity, port, self._key),
            responder=self._doors.responder,
            pulse=self._pulse,
            greeter=self._doors.greeter,
            clock=self._doors.clock,
            greetings=Greetings(self._doors.jitter),
            report=self._told,
        )
        self.segments[link.ifindex] = segment
        event(
            log, "createARPResponder", attachment.detail,
            interface=link.name, mode=attachment.mode, how=attachment.how,
        )  # fmt: skip
        segment.adopt()
        if self.synced:
            segment.want(self.wanted)
        self._after()

    def _drop(self, ifindex: int) -> None:
        """An interface is gone, or no longer one that VIPs are announced on."""
        segment = self.segments.pop(ifindex, None)
        if segment is None:
            return
        segment.want({})
        self._pulse.leave(ifindex)
        event(log, "deleteARPResponder", "the interface is gone", interface=segment.link.name)

    def _heard(self, ifindex: int, datagram: bytes) -> None:
        segment = self.segments.get(ifindex)
        if segment is not None and not self._leaving:
            self._guarded(lambda: segment.receive(datagram))

    def _on_time(self) -> None:
        """The timer: heartbeat first, then whatever is due on the segments."""
        self._guarded(self._tick)

    def _tick(self) -> None:
        now = self._doors.clock.now()
        if now >= self._next_beat:
            self._doors.responder.beat(now)
            self._next_beat = now + BEAT
        if now >= self._next_look:
            self._next_look = now + LOOK
            self._look_around()
        for segment in list(self.segments.values()):
            deadline = segment.next_deadline()
            if deadline is not None and deadline <= now:
                segment.tick()

    def _look_around(self) -> None:
        """What no single input tells: twins among the segments, and who has come or gone."""
        for core in twins(segment.core for segment in self.segments.values()):
            self.segments[core.link].twin_heard()
        heard = {ifindex: segment.core.hears() for ifindex, segment in self.segments.items()}
        if heard != self._heard_nodes:
            self._heard_nodes = heard
            self._reporter.touched()

    # After each input

    def _after(self) -> None:
        """Set the timer to what is due next, and have reports looked at."""
        if self._leaving:
            return
        deadlines = [segment.next_deadline() for segment in self.segments.values()]
        due = min((d for d in deadlines if d is not None), default=self._next_beat)
        if self._timer is not None:
            self._timer.cancel()
        loop = asyncio.get_running_loop()
        self._timer = loop.call_at(min(due, self._next_beat), self._on_time)

    def _told(self, interface: str, effect: Changed | Condition) -> None:
        claim = self.claims.get(effect.vip) if isinstance(effect, Changed) else None
        self._reporter.told(interface, effect, claim)

    def picture(self) -> Picture:
        """The whole speaker as it is now, for reports and metrics."""
        identity = self.identity
        return Picture(
            boot=identity.boot,
            term=identity.term,
            seen=tuple(segment.seen() for segment in self.segments.values()),
            skipped=tuple(self.skipped.values()),
            failed=tuple(self.failed.values()),
            claims=self.claims,
            refusals=tuple(one for each in self.decisions.values() for one in each.unannounced),
            problems=(*self.store.problems, *self.store.findings),
        )

    def sample(self) -> SpeakerSample:
        """What metrics show now; counters come straight from the maps."""
        return sample(self.picture(), self._doors.responder.counts(), self._pulse.failures)

    def _guarded(self, action: Callable[[], None]) -> None:
        """Run a callback of the loop; an exception in it ends the speaker, not just this."""
        try:
            action()
            self._after()
        except Exception as error:  # noqa: BLE001 - handed on to run(), which ends with it
            if self._fault is not None and not self._fault.done():
                self._fault.set_exception(error)

    @staticmethod
    async def _watch_faults(fault: asyncio.Future[None]) -> None:
        await fault


def _ifindex(change: LinkChange) -> int:
    link = change.after or change.before
    if link is None:
        raise ValueError("a change of a link names no link")
    return link.ifindex
