"""The speaker's loop: objects, links, hellos and time in; entries, hellos and reports out.

    objects ─► store ─► plan.decide ─► settle ─► wanted addresses ─┐
    links ───► interfaces.py: attach (in a thread) ─► segments ◄───┤
    hellos, time ───────────────────────────────────► segments ─► core ─► effects (segment.py)
                                                          └───► reports, Events, metrics

Everything but attaching happens on the event loop, one input at a time, so no two inputs ever see a
segment half-changed. What an input changes is recomputed and compared, never patched.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass, field
from functools import partial

from speaker.interfaces import Interfaces
from speaker.layer2.interfaces import Exclusions, Link
from speaker.layer2.room import Room
from speaker.leadership import Changed, Condition, agent_key
from speaker.plan import Claim, Decision, Memo, Unannounced, decide, misplaced, settle
from speaker.ports import (
    Attacher,
    Attachment,
    Clock,
    Greeter,
    LinkChange,
    Links,
    Pulse,
    Responder,
)
from speaker.reporter import Reporter, sample
from speaker.reports import Picture
from speaker.segments import Company, Segments
from vipcast.config.keeper import ConfigKeeper
from vipcast.kube.render import configuration_state_ref
from vipcast.kube.status import speaker_status_ref
from vipcast.kube.store import Store
from vipcast.model.addresses import Address, Network
from vipcast.model.classes import EVERY_DEFAULT, Classes
from vipcast.model.objects import Key
from vipcast.model.raw import (
    CONFIGURATION_STATE,
    SERVICE_L2_STATUS,
    SPEAKER_STATUS,
    Batch,
    Delta,
    Raw,
    Ref,
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

LOOK = 0.5
"""Seconds between two looks at who is heard, and whether two interfaces are on one segment."""

OWN_KINDS = frozenset({SERVICE_L2_STATUS, CONFIGURATION_STATE, SPEAKER_STATUS})
"""Kinds of which a speaker keeps up, or deletes, what was written in its node's name."""


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
        self.decisions: dict[Key, Decision] = {}
        self.claims: dict[Address, Claim] = {}
        self.keeper = keeper
        self.store = Store(settings.namespace, settings.config, settings.secret)
        self._memo: Memo = {}
        self._beaten: tuple[Unannounced, ...] = ()
        self._withdrawn: dict[Address, Claim] = {}
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
        self._synced = False
        self._timer: asyncio.TimerHandle | None = None
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
            finally:
                self._end()
                for task in work:
                    task.cancel()

    def _leave(self) -> None:
        """Say on every segment that this agent will be back; nothing is sent or written after."""
        if self._over:
            return  # by a fault: what stands in the maps may be half of a change
        self._take_in(self.segments.leave_for_restart)
        event(log, "leavingForRestart", "the entries stay and answer until the agent is back")

    def _end(self) -> None:
        """No input any more, whether or not all is well."""
        self._over = True
        if self._timer is not None:
            self._timer.cancel()
        self.interfaces.stop()
        self._pulse.close()

    # Objects

    async def _follow_objects(self) -> None:
        async for batch in self._doors.source.changes():
            self._take_in(partial(self._take, batch))

    def _take(self, batch: Batch) -> None:
        change = self.store.apply(batch)
        if change.nodes:
            self._memo = {}
        if not batch.synced:
            return
        first, self._synced = not self._synced, True
        if first:
            self._reporter.found(self._own_statuses())
        else:
            for delta in batch.deltas:
                if self._is_own(delta):
                    self._reporter.saw(delta.ref, delta.raw)
        changed = False
        configured = first or change.config or change.findings
        if configured:
            changed = self._configure()
        secret = self.secret_key
        self.segments.use_key(None if secret is None else agent_key(secret))
        keys = change.services
        if changed or first or change.nodes:
            keys |= self.store.services.keys()
        if changed:
            self._memo = {}  # other advertisements: what is kept by the old ones is of no use
        for key in keys:
            self._decide(key)
        self._reporter.worked(len(keys) + configured)
        if keys or first:
            self._want()
        if keys or change.findings:
            self._reporter.touched()
        self.interfaces.objects_known()

    def _configure(self) -> bool:
        """Look again at what the configuration is read from; whether another one is in force."""
        inputs = self.store.inputs(self.settings.service_cidrs)
        state = self.keeper.feed(inputs)
        self._reporter.configured(state)
        if state.changed and self.keeper.good is not None:
            self._doors.remember(self.keeper.good.saved())
        return state.changed

    def _decide(self, key: Key) -> None:
        service = self.store.services.get(key)
        if service is None:
            self.decisions.pop(key, None)
            return
        self.decisions[key] = decide(
            service,
            self.store.slices(key),
            self.store.nodes,
            self.keeper.state.config,
            self.settings.classes,
            self._memo,
        )

    def _want(self) -> None:
        """Tell every segment what is to be announced."""
        self._withdrawn = self.claims
        self.claims, self._beaten = settle(self.decisions)
        self.segments.want({address: claim.candidates for address, claim in self.claims.items()})
        self._reporter.shared(self._withdrawn, self.claims)
        self._withdrawn = {}

    def _own_statuses(self) -> Iterator[tuple[Ref, Raw]]:
        """What a speaker of this node wrote before this one, as it stands now."""
        node, namespace = self.settings.node, self.settings.namespace
        refs = [
            Ref(SERVICE_L2_STATUS, key)
            for key, status in self.store.l2_statuses.items()
            if status.node == node
        ]
        for ref in (
            *refs,
            configuration_state_ref(namespace, node),
            speaker_status_ref(namespace, node),
        ):
            raw = self.store.raw(ref)
            if raw is not None:
                yield ref, raw

    def _is_own(self, delta: Delta) -> bool:
        """Whether this may be what a speaker of this node has written; ours knows what is gone."""
        if delta.ref.kind not in OWN_KINDS or delta.raw is None:
            return delta.ref.kind in OWN_KINDS
        if delta.ref.kind == SERVICE_L2_STATUS:
            status = self.store.l2_statuses.get(delta.ref.key)
            return status is not None and status.node == self.settings.node
        node, namespace = self.settings.node, self.settings.namespace
        return delta.ref in (
            configuration_state_ref(namespace, node),
            speaker_status_ref(namespace, node),
        )

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
        if now >= self._next_beat:
            self._doors.responder.beat(now)
            self._next_beat = now + BEAT
        if now >= self._next_look:
            self._next_look = now + LOOK
            self._look_around()
        self.segments.tick(now)

    def _look_around(self) -> None:
        """What brings no input of its own: twins, and who is heard."""
        self.segments.find_twins()
        if self.segments.company(self._doors.clock.now()) != self._company:
            self._reporter.touched()

    # Around each input

    def _take_in(self, action: Callable[[], None]) -> None:
        """Let one input have its effects, then set the timer to what is due next.

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
        due = self.segments.next_deadline()
        at = self._next_beat if due is None else min(due, self._next_beat)
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

    def _told(self, interface: str, effect: Changed | Condition) -> None:
        claim = None
        if isinstance(effect, Changed):
            claim = self.claims.get(effect.vip) or self._withdrawn.get(effect.vip)
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
            claims=self.claims,
            refusals=tuple(self._refusals()),
            problems=(*self.store.problems, *self.store.findings),
            past=self.segments.past,
            yields=self.segments.yields,
        )

    def _refusals(self) -> Iterator[Unannounced]:
        """Every address that this node does not announce, for whatever reason."""
        for decision in self.decisions.values():
            yield from decision.unannounced
        yield from self._beaten
        yield from misplaced(self.claims.values(), self.settings.node, self.interfaces.names)
        for address, interfaces in self.segments.refused.items():
            message = f"{sentence(Reason.MAP_FULL)} It has no entry on {', '.join(interfaces)}."
            for service in self.claims[address].services:
                yield Unannounced(str(address), service, Reason.MAP_FULL, message)

    @property
    def secret_key(self) -> bytes | None:
        """What authenticates hellos: that of the Secret, else what the speaker was started with."""
        return self.store.secret_key or self.settings.key

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
