"""Tells the outside what the speaker does: log lines, Events, status objects, metrics.

Log lines and counts are made at once; status objects and Events are written by one task, which
looks at the whole speaker again after each change, writes what differs from what it wrote last, and
tries again after a failure. So a slow or broken Source never holds up an answer.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import replace
from typing import Any

from speaker import reports
from speaker.advertised import ASSIGNED, Advertised
from speaker.guard import Guard, text_of
from speaker.leadership import Changed, Condition
from speaker.peerreports import peer_reports
from speaker.plan import Claim
from speaker.reports import Picture
from speaker.routing import Turn
from speaker.sampling import established
from speaker.stamps import Stamps
from vipcast.config.keeper import ConfigState
from vipcast.kube.owners import owned
from vipcast.kube.render import (
    NO_FLAGS,
    configuration_state,
    configuration_state_ref,
    timestamp,
)
from vipcast.kube.status import (
    parse_bgp_status,
    render_l2_status,
    render_speaker_status,
    speaker_status_ref,
)
from vipcast.model.addresses import Address
from vipcast.model.errors import SourceError
from vipcast.model.raw import SERVICE, SERVICE_BGP_STATUS, EventNote, EventType, Owner, Raw, Ref
from vipcast.model.reasons import Reason, sentence
from vipcast.model.status import SpeakerReport
from vipcast.ops.heartbeat import Heartbeat
from vipcast.ops.log import event, failure
from vipcast.ops.metrics import SpeakerMetrics
from vipcast.ports import Source

log = logging.getLogger(__name__)

COALESCE = 0.05
"""Seconds in which changes are gathered before status objects are written."""

SPARING = 10.0
"""The same, as so many times what putting them together takes: for a thousand it takes a while."""

LONGEST_COALESCE = 1.0
"""Seconds, the most of it."""

AT_ONCE = 64
"""Objects that are put together, or compared, before others have their turn."""

RETRY = 1.0
"""Seconds after which a failed write is tried again."""

OTHER_COUNTS = 60.0
"""Seconds for which another speaker counts as there whose report was seen in place of ours."""

ENDED: Mapping[Reason, str] = {
    Reason.LEARNING: "The speaker has listened long enough; it may take addresses.",
    Reason.NO_KEY: "The key for hellos is there.",
    Reason.LINK_DOWN: "The interface has its carrier again.",
    Reason.SAME_SEGMENT: "No other interface of this node is on the same segment any more.",
    Reason.DUPLICATE_NODE: "No other speaker uses this node's name any more.",
}
"""What to say when a state of a segment is over; that it holds, the reason's own sentence says."""

EVENT_BACKLOG = 1000
"""Events that wait to be written; when more come the oldest are dropped, and counted in the log."""


class Reporter:
    """One speaker's voice. `wall` returns seconds since the epoch.

    `heartbeat`: signs of life are given; `flags` are those of this program, both as its
    ConfigurationState shows them. All that it writes goes with `owner`.
    """

    def __init__(
        self,
        node: str,
        namespace: str,
        source: Source,
        metrics: SpeakerMetrics,
        wall: Callable[[], float],
        xdp_mode: str,
        *,
        heartbeat: bool = False,
        flags: Raw = NO_FLAGS,
        owner: Owner | None = None,
    ) -> None:
        self._flags = flags
        self._owner = owner
        self._advertised = Advertised(node, namespace, owner)
        self._heartbeat = Heartbeat(wall, given=heartbeat)
        self._node = node
        self._xdp_mode = xdp_mode
        self._namespace = namespace
        self._source = source
        self._metrics = metrics
        self._wall = wall
        self._started = self._stamp()
        self._dirty = asyncio.Event()
        self._notes: deque[EventNote] = deque()
        self._dropped = 0
        self._written: dict[Ref, Raw] = {}
        self._guard = Guard()
        self._boot = ""
        self._since: Stamps[tuple[int, Address]] = Stamps(self._stamp)
        self._stood: Stamps[str] = Stamps(self._stamp)
        self._held: set[tuple[str, Address]] = set()
        self._config = ConfigState()
        self._me = speaker_status_ref(namespace, node)
        self._other = ""
        self._other_until = 0.0

    def _stamp(self) -> str:
        return timestamp(self._wall())

    # At once

    def touched(self) -> None:
        """Something may have changed that a status object shows."""
        self._dirty.set()

    def found(self, standing: Iterable[tuple[Ref, Raw]]) -> None:
        """Objects of its own that a speaker before this one has left: to be kept up, or deleted."""
        for ref, raw in standing:
            self._written.setdefault(ref, raw)
            if ref.kind == SERVICE_BGP_STATUS:
                self._advertised.found(parse_bgp_status(raw).service)
        self._dirty.set()

    def saw(self, ref: Ref, raw: Raw | None) -> None:
        """So stands now what may be an object of its own, whoever wrote it; None: it is gone."""
        now = asyncio.get_running_loop().time()
        if raw is not None or ref in self._written:
            self._guard.saw(ref, raw, self._written.get(ref), now)
            if self._guard.due is not None:
                self._dirty.set()
        if ref == self._me and ref in self._written and self._boot:
            self._look_for_other(raw, now)

    @property
    def other(self) -> str:
        """A sentence about another speaker that reports in this node's name; "": there is none."""
        return self._other if asyncio.get_running_loop().time() < self._other_until else ""

    def _look_for_other(self, raw: Raw | None, now: float) -> None:
        boot = text_of(raw, "boot")
        if not boot or boot == self._boot:
            return
        other = f"It reports boot {boot}, started {text_of(raw, 'started') or 'nobody knows when'}."
        if not self.other:
            reason = Reason.DUPLICATE_NODE
            said = f"{sentence(reason)} {other}"
            event(log, "reportOverwritten", said, level=logging.WARNING, reason=reason)
        self._other, self._other_until = other, now + OTHER_COUNTS

    def worked(self, objects: int) -> None:
        """So many changed objects were decided upon."""
        self._metrics.handled(objects)

    def configured(self, state: ConfigState) -> None:
        """The configuration was looked at; log and metrics say what that changed."""
        before = self._config
        mended = before.stale and not state.stale
        if state.config is not None and (mended or state.config != before.config):
            pools = [pool.name for pool in state.config.pools]
            event(log, "configLoaded", "config (re)loaded", config=state.config.source, pools=pools)
        if state.findings and state.findings != before.findings:
            kept = "the last good configuration stays" if state.loaded else "nothing is announced"
            for finding in state.findings:
                failure(log, "loadConfig", kept, str(finding))
        self._config = state
        self._metrics.config(
            loaded=state.loaded,
            stale=state.stale,
            findings=len(state.findings),
            warnings=len(state.warnings),
        )
        self._dirty.set()

    def told(self, interface: str, effect: Changed | Condition, claim: Claim | None) -> None:
        """A segment has something to say; `claim` is the one to the VIP that changed hands."""
        self._dirty.set()
        if isinstance(effect, Condition):
            self._condition(interface, effect)
            return
        place = interface, effect.vip
        if effect.new == self._node:
            self._held.add(place)
            self._metrics.took(effect.reason, effect.took)
            self._announced(interface, effect, claim)
        elif place in self._held:
            # Not whether the old holder is this node: that is told again when a new one is known.
            self._held.discard(place)
            self._metrics.gave_up(effect.reason)
            self._withdrawn(interface, effect, claim)
        else:
            for fields in self._fields(interface, effect, claim):
                event(log, "holderChanged", sentence(effect.reason), level=logging.DEBUG, **fields)

    def shared(self, before: Mapping[Address, Claim], after: Mapping[Address, Claim]) -> None:
        """The claims are others: tell of Services that came to, or left, an address held here."""
        for interface, vip in sorted(self._held):
            old, new = before.get(vip), after.get(vip)
            if old is None or new is None or old.services == new.services:
                continue
            came = tuple(each for each in new.services if each not in old.services)
            went = tuple(each for each in old.services if each not in new.services)
            now = Changed(vip, self._node, self._node, Reason.HOLDER, None)
            self._announced(interface, now, replace(new, services=came))
            gone = Changed(vip, self._node, self._node, Reason.NOT_WANTED, None)
            self._withdrawn(interface, gone, replace(old, services=went))

    def turned(self, turns: Iterable[Turn]) -> None:
        """The routes of these Services are others; routers have been told."""
        for turn in turns:
            event(
                log, "updatedAdvertisements",
                "making advertisements using BGP" if turn.routes else "withdrawing advertisements",
                service=str(turn.service), protocol="bgp", numAds=turn.routes, ips=turn.ips,
                peers=turn.peers, reason=turn.reason,
            )  # fmt: skip

    def _announced(self, interface: str, effect: Changed, claim: Claim | None) -> None:
        for fields in self._fields(interface, effect, claim):
            event(log, "serviceAnnounced", "service has IP, announcing", **fields)
        if claim is not None and effect.reason is not Reason.ADOPTED:
            for service in claim.services:
                said = self._assigned(interface, effect)
                self.note(EventNote(Ref(SERVICE, service), EventType.NORMAL, ASSIGNED, said))

    def _withdrawn(self, interface: str, effect: Changed, claim: Claim | None) -> None:
        for fields in self._fields(interface, effect, claim):
            event(log, "serviceWithdrawn", "withdrawing service announcement", **fields)

    @staticmethod
    def _fields(interface: str, effect: Changed, claim: Claim | None) -> Iterator[dict[str, Any]]:
        """What a log line says of a change, for each Service that has the address."""
        for service in claim.services if claim else ("",):
            yield {
                "service": str(service),
                "ip": str(effect.vip),
                "pool": claim.pool if claim else "",
                "protocol": "layer2",
                "interface": interface,
                "reason": str(effect.reason),
                "holder": effect.new or "",
                "before": effect.old or "",
            }

    def _condition(self, interface: str, effect: Condition) -> None:
        said = f"{sentence(effect.reason)} {effect.detail}".rstrip()
        event(
            log,
            "segmentState",
            said if effect.begins else ENDED[effect.reason],
            level=logging.WARNING if effect.detail else logging.INFO,
            interface=interface,
            reason=effect.reason,
            begins=effect.begins,
        )

    def _assigned(self, interface: str, effect: Changed) -> str:
        before = f", before: {effect.old}" if effect.old not in (None, effect.new) else ""
        return (
            f'announcing from node "{self._node}" with protocol "layer2" '
            f"on {interface}: {effect.vip} ({effect.reason}{before})"
        )

    def note(self, note: EventNote) -> None:
        """An Event to be written."""
        if len(self._notes) >= EVENT_BACKLOG:
            self._notes.popleft()
            self._dropped += 1
        self._notes.append(note)
        self._dirty.set()

    # By the writing task

    async def run(self, picture: Callable[[], Picture]) -> None:
        """Write status objects and Events until cancelled."""
        clock, took = asyncio.get_running_loop().time, 0.0
        while True:
            await self._due()
            await asyncio.sleep(min(max(COALESCE, SPARING * took), LONGEST_COALESCE))
            self._dirty.clear()
            self._say_dropped()
            began = clock()
            wanted = await self._wanted(picture())
            took = clock() - began
            failures = [] if wanted is None else await self._write(wanted)
            failures += await self._write_notes()
            for error in failures:
                failure(log, "writeStatus", "will be tried again", error)
                self._metrics.handled(failed=True)
            if failures:
                await asyncio.sleep(RETRY)
                self._dirty.set()

    async def _due(self) -> None:
        """Until something may have changed, a sign of life is to be given, or a report mended."""
        times = (self._heartbeat.due, self._guard.due)
        due = min((time for time in times if time is not None), default=None)
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout_at(due):
                await self._dirty.wait()

    async def _wanted(self, picture: Picture) -> dict[Ref, Raw] | None:
        """All that is to stand; None while another speaker reports under this node's name."""
        now = asyncio.get_running_loop().time()
        for ref, raw in self._guard.spoilt(now, self._written):
            if raw is None:
                self._written.pop(ref, None)
            else:
                self._written[ref] = raw
        if picture.yields:
            self._heartbeat.text(now)  # it is missed, and not due again and again
            return None
        self._boot = f"{picture.boot:016x}"
        wanted: dict[Ref, Raw] = {}
        for number, (ref, raw) in enumerate(self._objects(picture), 1):
            wanted[ref] = raw
            if number % AT_ONCE == 0:
                await asyncio.sleep(0)
        wanted |= self._advertised.objects(picture.routes)
        for note in self._advertised.first_told(established(picture.neighbours)):
            self.note(note)
        return wanted

    async def _write(self, wanted: Mapping[Ref, Raw]) -> list[SourceError]:
        """Bring what stands to what is wanted; one object that cannot be written stops no other."""
        failures = []
        for number, ref in enumerate(wanted.keys() | self._written.keys(), 1):
            if number % AT_ONCE == 0:
                await asyncio.sleep(0)
            raw, stands = wanted.get(ref), self._written.get(ref)
            if raw is stands or raw == stands:
                continue
            try:
                if raw is None:
                    await self._source.delete(ref)
                    self._written.pop(ref, None)
                else:
                    await self._source.put(ref, owned(raw, self._owner))
                    self._written[ref] = raw
            except SourceError as error:
                failures.append(error)
        return failures

    def _say_dropped(self) -> None:
        if self._dropped:
            why = f"more than {EVENT_BACKLOG} were waiting"
            failure(log, "recordEvent", "Events were dropped", why, count=self._dropped)
            self._dropped = 0

    async def _write_notes(self) -> list[SourceError]:
        while self._notes:
            note = self._notes[0]
            try:
                await self._source.record(note)
            except SourceError as error:
                return [error]
            if self._notes and self._notes[0] is note:  # else it was dropped meanwhile
                self._notes.popleft()
        return []

    def _objects(self, picture: Picture) -> Iterator[tuple[Ref, Raw]]:
        """Every object that this speaker wants to stand, but for those about routes."""
        self._since.keep({(one.view.link, vip) for one in picture.seen for vip in one.view.vips})
        self._stood.keep({peer.name for peer in picture.peers})
        held = reports.l2_statuses(self._node, picture.seen, picture.claims, self._held_since)
        for status in held.values():
            yield render_l2_status(self._namespace, status)
        yield render_speaker_status(self._namespace, self._speaker(picture))
        state = configuration_state_ref(self._namespace, self._node)
        yield configuration_state(
            self._namespace,
            self._node,
            loaded=self._config.loaded,
            findings=self._config.findings,
            problems=picture.problems,
            warnings=self._config.warnings,
            now=self._stamp(),
            before=self._written.get(state),
            heartbeat=self._heartbeat.text(asyncio.get_running_loop().time()),
            flags=self._flags,
        )

    def _held_since(self, link: int, vip: Address, counter: int) -> str:
        return self._since.of((link, vip), counter)

    def _speaker(self, picture: Picture) -> SpeakerReport:
        return SpeakerReport(
            node=self._node,
            started=self._started,
            xdp_mode=self._xdp_mode,
            boot=self._boot,
            term=picture.term,
            interfaces=reports.interface_reports(picture.seen, picture.failed, picture.skipped),
            segments=reports.segment_reports(picture.seen),
            unannounced=reports.unannounced_reports(picture.refusals),
            peers=peer_reports(picture.peers, picture.neighbours, picture.blocked, self._stood.of),
        )
