"""The controller's loop: objects in; statuses, Events, and what the speakers need, out.

    source ─► store ─► desk (observe, configure) ─► queue ─► desk.decide ─► status ─► Events
                 │                └── addresses ──► queue ─► counters of IPAddressPools
                 └───► keeper (configuration) ─────► queue ─► ConfigurationState, Secret

One object, one job: what the source refuses is tried again after a pause and holds up nobody else.
Jobs begin in the order of the queue and decide on the loop; only their writing overlaps. What the
controller writes comes back as a change, is found to say what it should, and ends there.
"""

from __future__ import annotations

import asyncio
from collections import Counter, deque
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Final

from controller import reports
from controller.desk import Desk
from controller.reconcile import Outcome, Status
from controller.salvage import salvage, standing_on
from controller.upkeep import COUNTING, Means, Upkeep
from vipcast.config import Config, ConfigKeeper, restored
from vipcast.config.inputs import ref_of
from vipcast.kube import render
from vipcast.kube.queue import DelayQueue, pause
from vipcast.kube.store import Change, Store
from vipcast.model.addresses import Network
from vipcast.model.errors import Finding, SourceError
from vipcast.model.objects import NO_LABELS, Key, Service
from vipcast.model.raw import (
    EVENT,
    IP_ADDRESS_POOL,
    NAMESPACE,
    SERVICE,
    Batch,
    EventNote,
    EventType,
    Owner,
    Raw,
    Ref,
)
from vipcast.ops.metrics import ControllerMetrics
from vipcast.ports import Source

WRITERS: Final = 16
"""How many jobs may be under way at once; one that hangs takes one of them."""

RECHECK: Final = 1.0
"""Seconds that a write of ours may take to come back before it is taken for undone unseen."""


@dataclass(frozen=True, slots=True)
class Settings:
    """What the loop is told by flags.

    `heartbeat`: nobody but its own word tells whether the controller lives. It is false on a
    cluster, which watches over the controller's Pod, and where each sign of life costs a write.
    """

    namespace: str
    config: str
    secret: str
    service_cidrs: tuple[Network, ...] = ()
    heartbeat: bool = True
    owner: Owner | None = None


@dataclass(frozen=True, slots=True)
class Outside:
    """What no core may have: `wall` in seconds since 1970, `draw` in 0 to 1, `token` a new key.

    `remember` takes the objects whose configuration was put in force, `recall` gives it to the
    controller's next life.
    """

    wall: Callable[[], float]
    draw: Callable[[], float]
    token: Callable[[], bytes]
    recall: Callable[[], Raw | None]
    remember: Callable[[Raw], None]


class App:
    """One controller. `desk` is read by whoever makes the metrics."""

    def __init__(
        self,
        source: Source,
        desk: Desk,
        metrics: ControllerMetrics,
        settings: Settings,
        outside: Outside,
    ) -> None:
        self.keeper = ConfigKeeper(settings.namespace, settings.config)
        if (recalled := outside.recall()) is not None:
            self.keeper.feed(restored(recalled, settings.namespace, settings.config))
        self._in_force: Config | None = None
        self._source = source
        self._desk = desk
        self._metrics = metrics
        self._outside = outside
        self._store = Store(settings.namespace, settings.config, settings.secret)
        self._service_cidrs = settings.service_cidrs
        flags = render.program_flags(desk.classes, settings.service_cidrs)
        means = Means(outside.wall, outside.token, settings.heartbeat, flags, settings.owner)
        self._upkeep = Upkeep(source, self._store, desk, self.keeper, settings.secret, means)
        self._notes = Ref(EVENT, Key("", "notes"))
        self._outbox: deque[EventNote] = deque()
        self._problems: tuple[Finding, ...] = ()
        self._unread: frozenset[Key] = frozenset()
        self._started = False
        self._in_doubt: set[Key] = set()
        self._contested: Mapping[Key, str] = {}
        self._queue: DelayQueue[Ref] = DelayQueue()
        self._failures: Counter[Ref] = Counter()
        self._wake = asyncio.Event()
        self._free = asyncio.Semaphore(WRITERS)

    async def run(self, stop: asyncio.Event) -> None:
        """Work until `stop` is set; what is being written then is written to its end."""
        async with self._source:
            async with asyncio.TaskGroup() as tasks:
                endless = [
                    tasks.create_task(self._follow(), name="follow"),
                    tasks.create_task(self._work(tasks), name="work"),
                ]
                await stop.wait()
                for task in endless:
                    task.cancel()
            try:
                await self._record()
            except SourceError as error:
                reports.tell_lost_events(len(self._outbox), error)

    # What comes in

    async def _follow(self) -> None:
        async for batch in self._source.changes():
            self._take(batch)
            self._wake.set()

    def _take(self, batch: Batch) -> None:
        change = self._store.apply(batch)
        if not batch.synced:
            return
        first, self._started = not self._started, True
        keys = self._store.services if first else change.services
        services = {key: self._store.services.get(key) for key in keys}
        if first or change.findings:
            self._tell_problems()
        self._witness(batch, change)
        self._due(self._desk.label(self._labels(change, first=first)))
        if first or change.findings or self._unread:
            services.update(self._salvage(self._unclaimed(batch, first=first)))
        self._observe(services)
        configured = first or change.config or change.findings
        if configured:
            self._configure()
        if first or change.secret:
            self._queue.add(self._upkeep.secret, (0,))
        if configured or self._upkeep.state in change.others:
            self._queue.add(self._upkeep.state, (0,))
        self._recount()

    def _labels(self, change: Change, *, first: bool) -> Mapping[str, Mapping[str, str]]:
        """The labels of the namespaces that have changed; a namespace that is gone has none."""
        labels = self._store.namespaces
        changed = {ref.key.name for ref in change.others if ref.kind == NAMESPACE}
        return labels if first else {name: labels.get(name, NO_LABELS) for name in changed}

    def _witness(self, batch: Batch, change: Change) -> None:
        """Note what others write on Services of ours.

        One that seems to be as before, though it has been written, is looked at again: it was seen
        before the write, which comes back by and by; or the write came back together with somebody
        else's, who has undone it.
        """
        for delta in batch.deltas:
            key = delta.ref.key
            if delta.ref.kind == SERVICE and key in change.services:
                self._seen(key)
            elif delta.ref.kind == SERVICE and self._desk.feuds.awaits(key):
                self._in_doubt.add(key)
                self._queue.add(delta.ref, self._rank(key), self._now() + RECHECK)

    def _seen(self, key: Key) -> None:
        before, now = self._desk.service(key), self._store.services.get(key)
        self._desk.feuds.seen(before, key, now, self._now())

    def _observe(self, services: Mapping[Key, Service | None]) -> None:
        observed = self._desk.observe(services)
        for key, service in services.items():
            if service is None:
                reports.tell_deleted(key, observed.freed.get(key, ()))
        self._due(observed.due)

    def _unclaimed(self, batch: Batch, *, first: bool) -> Mapping[Key, Raw]:
        """What stands on Services that were not to be seen at the start, nor have been since."""
        return {
            delta.ref.key: delta.raw
            for delta in batch.unclaimed
            if delta.ref.kind == SERVICE and delta.raw is not None
            if first or delta.ref.key in self._unread
        }

    def _salvage(self, unclaimed: Mapping[Key, Raw]) -> Mapping[Key, Service | None]:
        """Hold what stands on Services that cannot be read; answers those that can be all the same.

        Of the ones that could not be read before, those that are gone are answered, too.
        """
        raws = self._store.raws(SERVICE)
        named = {finding.object for finding in self._store.findings}
        found = salvage({key: raw for key, raw in raws.items() if str(Ref(SERVICE, key)) in named})
        standing = {**found.standing, **{key: standing_on(raw) for key, raw in unclaimed.items()}}
        for key in sorted(standing):
            self._desk.reserve(key, standing[key])
        gone = self._unread - standing.keys() - raws.keys()
        self._unread = frozenset(standing)
        return {**dict.fromkeys(gone), **found.mended}

    def _configure(self) -> None:
        before = self.keeper.state
        inputs = self._store.inputs(self._service_cidrs)
        state = self.keeper.feed(inputs)
        self._metrics.config(
            loaded=state.loaded,
            stale=state.stale,
            findings=len(state.findings),
            warnings=len(state.warnings),
        )
        if state.config is not None and state.config != self._in_force:
            known = () if self._in_force is None else self._in_force.warnings
            self._in_force = state.config
            if state.changed and self.keeper.good is not None:
                self._outside.remember(self.keeper.good.saved())
            reports.tell_config(state.config)
            self._warn(warning for warning in state.warnings if warning not in known)
            self._due(self._desk.configure(state.config))
        elif state.config is not None and before.stale and not state.stale:
            reports.tell_config(state.config)
        if state.findings and state.findings != before.findings:
            reports.tell_stale(state)

    def _warn(self, warnings: Iterable[Finding]) -> None:
        """Say in log and Events what of the configuration has no effect."""
        for warning in warnings:
            reports.tell_warning(warning)
            if (about := ref_of(warning)) is not None:
                message = f"{warning.field}: {warning.message}"
                note = EventNote(about, EventType.WARNING, "ConfigurationWarning", message)
                self._outbox.append(note)
                self._queue.add(self._notes, (0,))

    def _tell_problems(self) -> None:
        known = set(self._problems)
        self._problems = (*self._store.problems, *self._store.findings)
        for problem in self._problems:
            if problem not in known:
                reports.tell_problem(problem)

    def _due(self, keys: Iterable[Key]) -> None:
        for key in keys:
            self._queue.add(Ref(SERVICE, key), self._rank(key))
        self._wake.set()

    def _rank(self, key: Key) -> tuple[object, ...]:
        return (1, self._desk.rank(key))

    def _recount(self) -> None:
        """What counts addresses and Services may be out of date: it is written soon, together."""
        due = self._now() + COUNTING
        for pool in self._upkeep.pools():
            self._queue.add(pool, (0,), due)
        writers = self._desk.feuds.writers
        if writers != self._contested:
            self._contested = dict(writers)
            self._queue.add(self._upkeep.state, (0,), due)

    # What is to be done

    async def _work(self, tasks: asyncio.TaskGroup) -> None:
        while True:
            await self._free.acquire()
            self._wake.clear()
            ref = self._queue.take(self._now())
            if ref is None:
                self._free.release()
                await self._rest()
            else:
                tasks.create_task(self._job(ref), name=str(ref))
                # The job begins before the next one is taken, and so does whoever else is ready.
                await asyncio.sleep(0)

    async def _rest(self) -> None:
        """Until there is news, or the pause of some failed job is over."""
        due = self._queue.deadline()
        loop = asyncio.get_running_loop()
        timer = None if due is None else loop.call_at(due, self._wake.set)
        try:
            await self._wake.wait()
        finally:
            if timer is not None:
                timer.cancel()

    async def _job(self, ref: Ref) -> None:
        try:
            await self._attempt(ref)
        except SourceError as error:
            self._metrics.handled(failed=True)
            self._again(ref, error)
        else:
            self._metrics.handled()
            del self._failures[ref]
        finally:
            self._queue.done(ref)
            self._free.release()
            self._wake.set()

    async def _attempt(self, ref: Ref) -> None:
        if ref.kind == SERVICE:
            await self._serve(ref)
        elif ref == self._upkeep.state:
            await self._report()
        elif ref == self._upkeep.secret:
            await self._upkeep.make_secret()
        elif ref.kind == IP_ADDRESS_POOL:
            await self._upkeep.count(ref)
        else:
            await self._record()

    def _again(self, ref: Ref, error: SourceError) -> None:
        """Try again later; a Service that is gone meanwhile is then found to be gone."""
        self._failures[ref] += 1
        seconds = pause(self._failures[ref], self._outside.draw())
        rank: tuple[object, ...] = (0,)
        if ref.kind == SERVICE:
            self._desk.doubt(ref.key)
            rank = self._rank(ref.key)
        self._queue.add(ref, rank, self._now() + seconds)
        reports.tell_refused(ref, error, self._failures[ref], seconds)

    async def _serve(self, ref: Ref) -> None:
        self._resolve(ref.key)
        before = self._desk.service(ref.key)
        outcome = self._desk.decide(ref.key)
        if before is None or outcome is None:
            return
        outcome = self._desk.feuds.restrained(outcome, before, self._now())
        with reports.telling(outcome):
            await self._act(ref, outcome, before)

    def _resolve(self, key: Key) -> None:
        """Take a Service in doubt for what it was last seen to be, if its write is not seen yet."""
        if key in self._in_doubt:
            self._in_doubt.remove(key)
            if self._desk.feuds.awaits(key):
                self._seen(key)
                self._observe({key: self._store.services.get(key)})

    async def _act(self, ref: Ref, outcome: Outcome, before: Service) -> None:
        if outcome.status is not None:
            status = self._dated(outcome.status, before)
            outcome = replace(outcome, status=status)
            self._desk.feuds.writes(ref.key, status, self._now())
            await self._source.write_status(
                ref, *render.service_status(status.ingress, status.recorded)
            )
            reports.tell_written(outcome)
            if self._overtaken(before):
                outcome = replace(outcome, status=None)
        self._due(self._desk.settle(outcome))
        if (again := self._desk.feuds.due(ref.key)) is not None:
            self._queue.add(ref, self._rank(ref.key), again)
        self._recount()
        if outcome.events:
            reports.tell_outcome(outcome)
            self._outbox.extend(outcome.events)
            self._queue.add(self._notes, (0,))

    def _overtaken(self, before: Service) -> bool:
        """Whether another status was seen while one was written; it counts, and is decided on."""
        seen, stood = self._desk.service(before.key), Status(before.ingress, before.recorded)
        return seen is not None and Status(seen.ingress, seen.recorded) != stood

    def _dated(self, status: Status, before: Service) -> Status:
        if status == Status():
            return status
        now = render.timestamp(self._outside.wall())
        recorded = render.since(status.recorded, status.ingress, before, now)
        return replace(status, recorded=recorded)

    async def _record(self) -> None:
        """Record what waits; a refused Event waits on, for as long as its object exists."""
        refused = None
        for _ in range(len(self._outbox)):
            note = self._outbox.popleft()
            try:
                await self._source.record(note)
            except SourceError as error:
                refused = error
                if self._store.raw(note.about) is not None:
                    self._outbox.append(note)
        if refused is not None:
            raise refused

    async def _report(self) -> None:
        again = await self._upkeep.report(self._problems)
        if again is not None:
            self._queue.add(self._upkeep.state, (0,), again)

    def _now(self) -> float:
        return asyncio.get_running_loop().time()
