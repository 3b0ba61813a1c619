"""One segment at work: carries out what its leadership core asks, in the order it asks.

    input (datagram, timer, link, wish) → core → effects → maps, hellos, greetings, reports

The core decides, the ports act; here is only the order between them. A hello that left is told to
the core at once, with the time read before it left, because nothing else pushes the lease.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace

from speaker.layer2.frames import gratuitous
from speaker.layer2.greeting import Greetings
from speaker.layer2.interfaces import Link
from speaker.layer2.table import Change, EntryKey, EntryState, Put, Remove, in_order
from speaker.leadership import (
    Candidates,
    Changed,
    Condition,
    Effect,
    Effects,
    Greet,
    Port,
    RemoveEntry,
    SegmentCore,
    Send,
    SetEntry,
    SetLease,
    State,
)
from speaker.ports import Attachment, Clock, Greeter, Pulse, Responder
from speaker.reports import Seen
from vipcast.model.addresses import Address

Report = Callable[[str, Changed | Condition], None]
"""Called with the interface's name."""

_STATES = {State.ANSWER: EntryState.ANSWER, State.ELSEWHERE: EntryState.ELSEWHERE}


def port(link: Link) -> Port:
    """What leadership needs to know of an interface."""
    return Port(link.ifindex, link.name, link.mac, link.address)


class Segment:
    """The shell of one `SegmentCore`; not thread-safe, lives on the event loop."""

    def __init__(
        self,
        link: Link,
        attachment: Attachment,
        core: SegmentCore,
        *,
        responder: Responder,
        pulse: Pulse,
        greeter: Greeter,
        clock: Clock,
        greetings: Greetings,
        report: Report,
    ) -> None:
        self.link = link
        self.attachment = attachment
        self.greeted: dict[Address, int] = {}
        self.ungreeted = 0
        self.hellos = 0
        self.core = core
        self._responder = responder
        self._pulse = pulse
        self._greeter = greeter
        self._clock = clock
        self._greetings = greetings
        self._report = report

    @property
    def ifindex(self) -> int:
        """The interface that the segment is seen through."""
        return self.link.ifindex

    def adopt(self) -> None:
        """Take over what the maps hold for this interface; the first call of all."""
        now = self._clock.now()
        mine = {
            key.address: entry
            for key, entry in self._responder.entries.items()
            if key.ifindex == self.ifindex
        }
        alive = {
            vip: entry.epoch
            for vip, entry in mine.items()
            if entry.state is EntryState.ANSWER and entry.term > self._responder.fenced
        }
        silent = {vip: entry.epoch for vip, entry in mine.items() if vip not in alive}
        self._run(self.core.carrier(now, self.link.up and self.link.carrier))
        self._run(self.core.adopt(now, alive, silent, self._responder.lease(self.ifindex)))

    def want(self, wanted: Mapping[Address, Candidates]) -> None:
        """What is to be announced, and who may, on which interfaces."""
        for vip in self.greeted.keys() - wanted.keys():
            del self.greeted[vip]
        self._run(self.core.want(self._clock.now(), wanted))

    def receive(self, datagram: bytes) -> None:
        """A datagram from the segment."""
        self._run(self.core.receive(self._clock.now(), datagram))

    def set_key(self, key: bytes | None) -> None:
        """The key of hellos, None while there is none."""
        self._run(self.core.set_key(self._clock.now(), key))

    def twin_heard(self) -> None:
        """Another interface of this node, of lower ifindex, is on this segment as well."""
        self._run(self.core.twin_heard(self._clock.now()))

    def set_link(self, link: Link) -> None:
        """The interface has changed: name, carrier, MAC or address. The same ifindex as ever."""
        before, self.link = self.link, link
        self.attachment = replace(self.attachment, interface=link.name)
        now = self._clock.now()
        if port(before) != port(link):
            self._run(self.core.set_port(now, port(link)))
        usable = link.up and link.carrier
        if usable != (before.up and before.carrier):
            self._run(self.core.carrier(now, usable))

    def tick(self) -> None:
        """Do what is due: the core's timers and the greetings to be repeated."""
        now = self._clock.now()
        self._run(self.core.tick(now))
        for vip in self._greetings.due(now):
            self._greet(vip)

    def next_deadline(self) -> float | None:
        """When `tick` is to be called, in monotonic seconds."""
        times = (self.core.next_deadline(), self._greetings.next_deadline())
        return min((time for time in times if time is not None), default=None)

    def leave_for_restart(self) -> None:
        """Say that the agent will be back soon; entries and lease stay behind for it."""
        self._run(self.core.leave_for_restart(self._clock.now()))

    def seen(self) -> Seen:
        """How the segment stands."""
        return Seen(
            interface=self.link.name,
            mac=self.link.mac,
            attachment=self.attachment,
            view=self.core.view(self._clock.now()),
            hellos=self.hellos,
            greeted=dict(self.greeted),
            ungreeted=self.ungreeted,
        )

    def _run(self, effects: Effects) -> None:
        """Carry effects out one after the other; neighbouring entries go to the map together."""
        batch: list[Change] = []
        for effect in effects:
            if isinstance(effect, SetEntry | RemoveEntry):
                batch.append(self._change(effect))
                continue
            self._flush(batch)
            self._do(effect)
        self._flush(batch)

    def _flush(self, batch: list[Change]) -> None:
        if batch:
            self._responder.apply(in_order(batch))
            batch.clear()

    def _change(self, effect: SetEntry | RemoveEntry) -> Change:
        key = EntryKey(self.ifindex, effect.vip)
        if isinstance(effect, RemoveEntry):
            return Remove(key)
        state = _STATES[effect.state]
        return Put(key, self._responder.entry(key, state, effect.counter, self.link.mac))

    def _do(self, effect: Effect) -> None:
        match effect:
            case Send(datagrams):
                before = self._clock.now()
                if self._pulse.send(self.ifindex, datagrams):
                    self.hellos += 1
                    self._run(self.core.sent(self._clock.now(), before))
            case SetLease(until):
                self._responder.set_lease(self.ifindex, until)
            case Greet(vip):
                self._greetings.start(vip, self._clock.now())
                for due in self._greetings.due(self._clock.now()):
                    self._greet(due)
            case Changed() | Condition():
                self._report(self.link.name, effect)

    def _greet(self, vip: Address) -> None:
        """Both forms of gratuitous ARP, if this node may still say that the address is here."""
        if vip.version != 4 or not self.core.may_greet(self._clock.now(), vip):
            self._greetings.stop(vip)
            return
        result = self._greeter.send(self.ifindex, gratuitous(vip, self.link.mac))
        self.greeted[vip] = self.greeted.get(vip, 0) + result.sent
        self.ungreeted += result.failed
