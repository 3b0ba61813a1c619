"""Every segment of the node: opened with its interface, fed, kept within the map, closed.

What holds for one segment alone is in segment.py. Here is what they share: the map's room, the
wish, the key, and that two interfaces on one segment must not both answer.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping

from speaker.layer2.greeting import Greetings
from speaker.layer2.interfaces import Link
from speaker.layer2.room import Room
from speaker.layer2.table import Remove
from speaker.leadership import Candidates, Identity, SegmentCore, twins
from speaker.ports import Attachment, Clock, Greeter, Pulse, Responder
from speaker.reports import Past, Seen
from speaker.segment import Report, Segment, port
from vipcast.model.addresses import Address
from vipcast.model.reasons import Reason

Wanted = Mapping[Address, Candidates]
"""Every address to be announced, with the nodes that may, on which of their interfaces."""

Company = frozenset[tuple[int, str, str, bytes, bool]]
"""Of every node that is heard: ifindex of ours, then its name, address, MAC, and if it is away."""


class Segments:
    """Segments by the ifindex of their interface; not thread-safe, lives on the event loop."""

    def __init__(
        self,
        node: str,
        *,
        responder: Responder,
        pulse: Pulse,
        greeter: Greeter,
        clock: Clock,
        jitter: Callable[[], float],
        report: Report,
        room: Room | None = None,
    ) -> None:
        self.past = Past()
        self._node = node
        self._responder = responder
        self._pulse = pulse
        self._greeter = greeter
        self._clock = clock
        self._jitter = jitter
        self._report = report
        self._room = room or Room(responder.entries)
        self._wanted: Wanted = {}
        self._key: bytes | None = None
        self._open: dict[int, Segment] = {}
        self._refused: dict[int, tuple[Address, ...]] = {}

    def __len__(self) -> int:
        return len(self._open)

    def __contains__(self, ifindex: int) -> bool:
        return ifindex in self._open

    @property
    def identity(self) -> Identity:
        """Who this node is in hellos."""
        return Identity(self._node, self._responder.boot, self._responder.term)

    @property
    def left_over(self) -> frozenset[int]:
        """Interfaces with entries in the map and no segment: an agent before this one left them."""
        return self._room.interfaces - self._open.keys()

    @property
    def refused(self) -> dict[Address, tuple[str, ...]]:
        """Addresses that find no place in the map, and the interfaces where."""
        found: dict[Address, tuple[str, ...]] = {}
        for ifindex, addresses in self._refused.items():
            for vip in addresses:
                found[vip] = (*found.get(vip, ()), self._open[ifindex].link.name)
        return found

    # One interface

    def prepare(self, link: Link, present: Collection[int]) -> None:
        """Get a lease slot and a socket for an interface; `present` are those of this node.

        Raises HostError, and there is no segment then.
        """
        self._responder.segment(link.ifindex, present)
        self._pulse.join(link)

    def open(self, link: Link, attachment: Attachment) -> None:
        """Begin on an interface that was prepared, with what the map has for it.

        Not before wish and key are known: what was adopted and is not wanted is removed, and the
        lease that was left behind for the restart is cut short.
        """
        segment = Segment(
            link,
            attachment,
            SegmentCore(self.identity, port(link), self._key),
            responder=self._responder,
            pulse=self._pulse,
            greeter=self._greeter,
            clock=self._clock,
            greetings=Greetings(self._jitter),
            report=self._report,
        )
        self._open[link.ifindex] = segment
        segment.adopt()
        self._tell(segment)

    def change(self, link: Link) -> None:
        """The interface of an open segment is different now."""
        self._open[link.ifindex].set_link(link)

    def close(self, ifindex: int) -> None:
        """Answer on an interface no longer, and forget what the map has for it."""
        segment = self._open.pop(ifindex, None)
        if segment is None:
            stale = [key for key in self._responder.entries if key.ifindex == ifindex]
            self._responder.apply([Remove(key) for key in stale])
        else:
            segment.want({})
            self._pulse.leave(ifindex)
            self.past = self.past.plus(segment.seen())
        self._room.release(ifindex)
        self._refused.pop(ifindex, None)
        self._fill()

    # All of them

    def want(self, wanted: Wanted) -> None:
        """What is to be announced; where room is scarce, first come first served."""
        self._wanted = wanted
        for segment in self._open.values():
            self._tell(segment)
        self._fill()

    def use_key(self, key: bytes | None) -> None:
        """The key of hellos, None for none."""
        if key != self._key:
            self._key = key
            for segment in self._open.values():
                segment.set_key(key)

    def receive(self, ifindex: int, datagram: bytes) -> None:
        """A datagram heard on an interface."""
        segment = self._open.get(ifindex)
        if segment is not None:
            segment.receive(datagram)

    def tick(self, now: float) -> None:
        """Do what is due."""
        for segment in list(self._open.values()):
            deadline = segment.next_deadline()
            if deadline is not None and deadline <= now:
                segment.tick()

    def next_deadline(self) -> float | None:
        """When `tick` is to be called, in monotonic seconds; None for never."""
        times = (segment.next_deadline() for segment in self._open.values())
        return min((time for time in times if time is not None), default=None)

    def find_twins(self) -> None:
        """Tell interfaces that are on one segment with another of this node; twice a second."""
        for core in twins(segment.core for segment in self._open.values()):
            self._open[core.link].twin_heard()

    def leave_for_restart(self) -> None:
        """Say everywhere that the agent will be back."""
        for segment in self._open.values():
            segment.leave_for_restart()

    def seen(self) -> tuple[Seen, ...]:
        """How each stands."""
        return tuple(segment.seen() for segment in self._open.values())

    @property
    def yields(self) -> bool:
        """Whether another node of this name answers somewhere, so that this one does not."""
        return any(one.core.yields for one in self._open.values())

    def those(self, condition: Reason) -> tuple[str, ...]:
        """The interfaces whose segment is in this state."""
        return tuple(
            one.link.name for one in self._open.values() if condition in one.core.conditions
        )

    def company(self, now: float) -> Company:
        """Who is heard where, as far as a status shows it."""
        return frozenset(
            (ifindex, one.node, one.address, one.mac, one.away > 0)
            for ifindex, segment in self._open.items()
            for one in segment.core.members(now)
            if one.live
        )

    def _tell(self, segment: Segment) -> None:
        """Hand a segment its part of the wish."""
        admitted = self._room.admit(segment.ifindex, self._wanted)
        self._refused[segment.ifindex] = tuple(self._wanted.keys() - admitted)
        segment.want(self._only(admitted))

    def _fill(self) -> None:
        """Give room that became free on one interface to those that were refused on others."""
        for ifindex in [ifindex for ifindex, refused in self._refused.items() if refused]:
            if self._room.free:
                self._tell(self._open[ifindex])

    def _only(self, vips: frozenset[Address]) -> Wanted:
        if len(vips) == len(self._wanted):
            return self._wanted
        return {vip: who for vip, who in self._wanted.items() if vip in vips}
