"""The life of interfaces: which of them answer, which do not and why, and when to try again.

    unwanted (skip_reason) ── closed, and the program taken off if it is ours
    down                   ── stays as it is: an open segment waits for the link
    wanted                 ── program attached ── objects known ── segment open
                                   │                                  └─ looked at again and again
                                   └─ refused: again when the link changes, or after a pause

One task for each interface does this step after step, so that nothing overtakes anything: attaching
and taking off happen in a thread, and the interface may be a different one afterwards.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Collection, Mapping
from dataclasses import replace
from typing import Protocol

from speaker.layer2.interfaces import Exclusions, Link, skip_reason
from speaker.ports import Attacher, Attachment, How
from speaker.reports import Skipped
from vipcast.model.errors import HostError
from vipcast.model.reasons import Reason, sentence
from vipcast.model.xdp import XdpMode
from vipcast.ops.log import event, failure

log = logging.getLogger(__name__)

FIRST_PAUSE = 1.0
LAST_PAUSE = 30.0
"""Seconds before a refused interface is tried again; the pause doubles up to the last."""

CHECK = 3.0
"""Seconds between two looks whether the program is still where it was put."""


class Host(Protocol):
    """Who has the segments."""

    def prepare(self, link: Link, present: Collection[int]) -> None:
        """Get what a segment needs; raises HostError where the node lacks it."""

    def open(self, link: Link, attachment: Attachment) -> None:
        """Begin on an interface that was prepared."""

    def change(self, link: Link) -> None:
        """An open one is different."""

    def close(self, ifindex: int) -> None:
        """An interface is gone or not wanted any more, whether or not it was open."""

    def touched(self) -> None:
        """How an interface stands has changed."""


class Interfaces:
    """All interfaces of the node by ifindex; lives on the event loop, threads do the attaching."""

    def __init__(
        self,
        attacher: Attacher,
        host: Host,
        *,
        exclusions: Exclusions,
        mode: XdpMode,
        ours: Collection[int] = (),
    ) -> None:
        """`ours` are interfaces that an agent before this one has left entries for."""
        self.failed: dict[int, tuple[bytes, Attachment]] = {}
        """MAC and verdict of the interfaces that should answer and do not."""
        self._links: dict[int, Link] = {}
        self._open: dict[int, Attachment] = {}
        self._attacher = attacher
        self._host = host
        self._exclusions = exclusions
        self._mode = mode
        self._ours = set(ours)
        self._news: dict[int, asyncio.Event] = {}
        self._tasks: dict[int, asyncio.Task[None]] = {}
        self._known = asyncio.Event()
        self._checks: asyncio.Task[None] | None = None

    @property
    def skipped(self) -> tuple[Skipped, ...]:
        """Interfaces on which nothing is announced by rule."""
        found = []
        for link in self._links.values():
            reason = skip_reason(link, self._exclusions)
            if reason is not None and link.ifindex not in self._open:
                found.append(Skipped(link.name, link.ifindex, link.mac, reason, sentence(reason)))
        return tuple(found)

    @property
    def names(self) -> frozenset[str]:
        """Of the interfaces on which something is announced, now or as soon as they can answer."""
        return frozenset(link.name for link in self._links.values() if self._stays_open(link))

    def begin(self, tasks: asyncio.TaskGroup, links: Mapping[int, Link]) -> None:
        """Take on the interfaces that are there, and forget those that are not any more."""
        self._checks = tasks.create_task(self._check(tasks), name="interfaces that stay answering")
        for ifindex in self._ours - links.keys():
            self.see(tasks, ifindex, None)
        for ifindex, link in links.items():
            self.see(tasks, ifindex, link)

    def see(self, tasks: asyncio.TaskGroup, ifindex: int, link: Link | None) -> None:
        """A link is new, different, or (None) gone."""
        if link is None:
            self._links.pop(ifindex, None)
        else:
            self._links[ifindex] = link
        if link is not None and ifindex in self._open and self._stays_open(link):
            self._host.change(link)
        else:
            self._unless_wanted(ifindex)
            if ifindex in self._tasks:
                self._news[ifindex].set()
            elif self._has_work(ifindex):
                self._news[ifindex] = asyncio.Event()
                task = tasks.create_task(self._work(ifindex), name=f"interface {ifindex}")
                self._tasks[ifindex] = task
        self._host.touched()

    def objects_known(self) -> None:
        """What is to be announced is known: segments may open."""
        self._known.set()

    def stop(self) -> None:
        """Begin nothing new; what is attached stays."""
        for task in (*self._tasks.values(), *filter(None, (self._checks,))):
            task.cancel()

    def _stays_open(self, link: Link) -> bool:
        return skip_reason(link, self._exclusions) in (None, Reason.INTERFACE_DOWN)

    def _wanted(self, ifindex: int) -> Link | None:
        """The link, if it should answer."""
        link = self._links.get(ifindex)
        return link if link and skip_reason(link, self._exclusions) is None else None

    def _to_be_cleared(self, ifindex: int) -> bool:
        """Whether a program of ours is where none should be."""
        link = self._links.get(ifindex)
        return ifindex in self._ours and link is not None and not self._stays_open(link)

    def _has_work(self, ifindex: int) -> bool:
        wanted = self._wanted(ifindex) is not None and ifindex not in self._open
        return wanted or self._to_be_cleared(ifindex)

    def _unless_wanted(self, ifindex: int) -> None:
        """Close at once what should not answer any more; what takes a thread comes after."""
        if self._wanted(ifindex) is None:
            self.failed.pop(ifindex, None)
        link = self._links.get(ifindex)
        if link is not None and self._stays_open(link):
            return
        if (closed := self._open.pop(ifindex, None)) is not None:
            self._host.close(ifindex)
            why = "the interface is gone" if link is None else "nothing is announced here any more"
            event(log, "deleteARPResponder", why, interface=closed.interface)
        elif ifindex in self._ours:
            self._host.close(ifindex)
        if link is None:
            self._ours.discard(ifindex)

    async def _work(self, ifindex: int) -> None:
        """Bring one interface to what it should be; ends when there is nothing left to do."""
        pause = FIRST_PAUSE
        try:
            while self._has_work(ifindex):
                self._news[ifindex].clear()
                link = self._wanted(ifindex)
                if link is None:
                    await self._take_off(ifindex)
                elif not await self._put_on(link):
                    await self._await_news(ifindex, pause)
                    pause = min(2 * pause, LAST_PAUSE)
        finally:
            self._tasks.pop(ifindex, None)
            self._news.pop(ifindex, None)

    async def _put_on(self, link: Link) -> bool:
        """Attach and open; False if that was refused, and must be tried again."""
        self._ours.add(link.ifindex)
        attachment = await asyncio.to_thread(self._attach, link)
        if attachment.answering:
            await self._known.wait()
        now = self._wanted(link.ifindex)
        if now is None:
            return True  # it has changed meanwhile
        if attachment.answering:
            try:
                self._host.prepare(now, self._links.keys())
            except HostError as error:
                attachment = replace(
                    attachment, answering=False, reason=Reason.SEGMENT_FAILED, detail=str(error)
                )
        if attachment.answering:
            self._begin_on(now, attachment)
        else:
            self._note(now, attachment)
        self._host.touched()
        return attachment.answering

    def _begin_on(self, link: Link, attachment: Attachment) -> None:
        self.failed.pop(link.ifindex, None)
        self._open[link.ifindex] = attachment
        event(
            log, "createARPResponder", attachment.detail,
            interface=link.name, mode=attachment.mode, how=attachment.how,
        )  # fmt: skip
        self._host.open(link, attachment)

    def _note(self, link: Link, attachment: Attachment) -> None:
        """Keep a refusal for status; the log says it once, however often it is repeated."""
        _, before = self.failed.get(link.ifindex, (b"", None))
        self.failed[link.ifindex] = link.mac, attachment
        if before is None or before.detail != attachment.detail:
            failure(
                log, "attach", "no VIP is announced here", attachment.detail,
                interface=link.name, reason=attachment.reason,
            )  # fmt: skip

    async def _await_news(self, ifindex: int, pause: float) -> None:
        """Until the link changes, `pause` seconds at most."""
        try:
            await asyncio.wait_for(self._news[ifindex].wait(), pause)
        except TimeoutError:
            return

    async def _check(self, tasks: asyncio.TaskGroup) -> None:
        """Put the program back where somebody took it off; where that fails, hold nothing there.

        A lease that runs over a program that is gone would keep others from taking over. Where
        netlink names the program that was put there, nothing more is done.
        """
        while True:
            await asyncio.sleep(CHECK)
            for ifindex in sorted(self._open):
                link, before = self._wanted(ifindex), self._open.get(ifindex)
                if link is None or before is None:
                    continue
                if await asyncio.to_thread(self._attacher.stands, before):
                    continue
                attachment = await asyncio.to_thread(self._attacher.attach, link, self._mode)
                if ifindex not in self._open or self._wanted(ifindex) is None:
                    continue
                if not attachment.answering:
                    del self._open[ifindex]
                    self._host.close(ifindex)
                    self._note(link, attachment)
                    self.see(tasks, ifindex, self._links[ifindex])
                    continue
                self._open[ifindex] = attachment
                if attachment.how is not How.ADOPTED:
                    event(
                        log, "reattached", "somebody had taken the program off: it is back",
                        interface=link.name, mode=attachment.mode, how=attachment.how,
                    )  # fmt: skip

    async def _take_off(self, ifindex: int) -> None:
        """A program of ours must not stay where nothing is announced (a bridge's port, say)."""
        self._ours.discard(ifindex)
        try:
            gone = await asyncio.to_thread(self._attacher.detach, ifindex)
        except HostError as error:
            failure(log, "detach", "the program stays, without any entry", error, ifindex=ifindex)
        else:
            event(log, "detached", "nothing is announced here", ifindex=ifindex, program=gone)

    def _attach(self, link: Link) -> Attachment:
        """In a thread: attach, then drop what an older layout of maps has left behind."""
        attachment = self._attacher.attach(link, self._mode)
        try:
            for path in self._attacher.retire_older():
                event(log, "layoutRetired", "no interface uses these pins any more", pins=path)
        except (OSError, HostError) as error:
            failure(log, "retireLayout", "older pins stay until the next try", error)
        return attachment
