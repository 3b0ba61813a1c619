"""A segment in a box: real cores, virtual time, and shells that may stop between any statements.

    World    time, the wire (delay, loss, copies, disorder, partitions, ports), what a client sees
    Node     a data path that outlives its agent (entries, lease, own clock), and perhaps an agent

A data path answers for a VIP if and only if its entry says answer and the lease runs. Each node
keeps the intervals of time in which a client could have had an answer from it; the judgements
(silence, two answers) are made from these, not from what the cores believe.
"""

from __future__ import annotations

import heapq
import ipaddress
import random
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass

from speaker.leadership import Candidate, Candidates, State
from tests.unit.leadership.agent import Agent
from vipcast.model.addresses import Address

Interval = tuple[float, float]


def vip(number: int) -> Address:
    """The n-th VIP of a simulation."""
    return ipaddress.ip_address("192.0.2.10") + number


@dataclass(slots=True)
class Wire:
    """What the segment does to datagrams. Delays in seconds."""

    delay: tuple[float, float] = (0.0001, 0.002)
    loss: float = 0.0
    copies: float = 0.0
    late: float = 0.0  # part of the datagrams that is delayed much longer
    late_by: float = 0.5


class World:
    """Virtual time and everything in it. The same seed and the same calls give the same history."""

    def __init__(
        self,
        names: Iterable[str],
        vips: Iterable[Address],
        seed: int = 0,
        wire: Wire | None = None,
        drift: float = 0.0,
    ) -> None:
        self.random = random.Random(seed)
        self.now = 0.0
        self.wire = wire or Wire()
        self._events: list[tuple[float, int, Callable[[], None]]] = []
        self._number = 0
        self.vips = tuple(vips)
        self.nodes = {name: Node(self, name, drift) for name in names}
        every = {name: Candidate() for name in self.nodes}
        self.candidates: Mapping[Address, Candidates] = dict.fromkeys(self.vips, every)
        self.groups: dict[
            str, int
        ] = {}  # partition: nodes of different groups do not hear each other
        self.deaf: set[tuple[str, str]] = set()  # (from, to) that do not pass
        self.greetings: list[tuple[float, str, Address]] = []

    def at(self, time: float, action: Callable[[], None]) -> None:
        """Do something later; an event of the past happens now."""
        self._number += 1
        heapq.heappush(self._events, (max(time, self.now), self._number, action))

    def run(self, until: float) -> None:
        """Let time pass."""
        while self._events and self._events[0][0] <= until:
            self.now, _, action = heapq.heappop(self._events)
            action()
        self.now = until

    def double(self, name: str) -> Node:
        """Another machine whose agent is told a name that a node has already."""
        node = self.nodes[f"another {name}"] = Node(self, f"another {name}", 0.0)
        node.called = name
        return node

    def start_all(self, spread: float = 0.05) -> None:
        """Start an agent on every node, at slightly different moments."""
        for node in self.nodes.values():
            self.at(self.now + self.random.uniform(0, spread), node.start)

    def split(self, groups: Iterable[Iterable[str]]) -> None:
        """Cut the segment; nodes that are not named stay with the client, who is in group 0."""
        self.groups = {name: i for i, group in enumerate(groups) for name in group}
        self._look()

    def heal(self) -> None:
        """Make one segment of it again."""
        self.groups = {}
        self.deaf = set()
        self._look()

    def _look(self) -> None:
        for node in self.nodes.values():
            node.refresh()

    def visible(self, node: Node) -> bool:
        """Whether the client and a node reach each other."""
        return node.port_up and node.paused_at is None and self.groups.get(node.name, 0) == 0

    def passes(self, sender: Node, receiver: Node) -> bool:
        """Whether a frame gets from one to the other at this moment."""
        same = self.groups.get(sender.name, 0) == self.groups.get(receiver.name, 0)
        deaf = (sender.name, receiver.name) in self.deaf
        return same and not deaf and sender.port_up and receiver.port_up

    def transmit(self, sender: Node, datagram: bytes) -> None:
        """Multicast a datagram."""
        wire, draw = self.wire, self.random
        for receiver in self.nodes.values():
            if receiver is sender or not self.passes(sender, receiver):
                continue
            for _ in range(2 if wire.copies and draw.random() < wire.copies else 1):
                if wire.loss and draw.random() < wire.loss:
                    continue
                delay = draw.uniform(*wire.delay)
                if wire.late and draw.random() < wire.late:
                    delay += draw.uniform(0, wire.late_by)
                self.at(self.now + delay, receiver.arrival(sender, datagram))

    def answers(self, v: Address, since: float, until: float) -> dict[str, list[Interval]]:
        """For each node the intervals in which the client could have had its answer."""
        found = {}
        for name, node in self.nodes.items():
            cut = [(max(a, since), min(b, until)) for a, b in node.answered(v)]
            found[name] = [(a, b) for a, b in cut if b > a]
        return found

    def silences(self, v: Address, since: float, until: float) -> list[Interval]:
        """Maximal intervals in which nobody answered."""
        spans = sorted(i for found in self.answers(v, since, until).values() for i in found)
        gaps, end = [], since
        for a, b in spans:
            if a > end:
                gaps.append((end, a))
            end = max(end, b)
        if end < until:
            gaps.append((end, until))
        return gaps

    def doubles(self, v: Address, since: float, until: float) -> list[Interval]:
        """Maximal intervals in which two or more nodes answered."""
        edges = []
        for found in self.answers(v, since, until).values():
            for a, b in found:
                edges += [(a, 1), (b, -1)]
        edges.sort()
        spans: list[Interval] = []
        count, began = 0, 0.0
        for time, step in edges:
            before, count = count, count + step
            if before < 2 <= count:
                began = time
            elif count < 2 <= before and time > began:
                spans.append((began, time))
        return spans

    def holders(self, v: Address) -> set[str]:
        """Who would answer the client now."""
        return {name for name, node in self.nodes.items() if node.answers_now(v)}


class Node:
    """A machine: data path, clock, port, and the agent if one runs."""

    def __init__(self, world: World, name: str, drift: float) -> None:
        self.world = world
        self.name = name
        self.called = name  # in its hellos
        self.interface = "lan0"
        self.rate = 1 + world.random.uniform(-drift, drift)
        self.offset = world.random.uniform(0, 1000)
        self.boot = world.random.getrandbits(64)
        self.port_up = True
        self.powered = True
        self.paused_at: float | None = None
        self.entries: dict[Address, tuple[State, int]] = {}
        self.lease = 0.0  # on this node's clock
        self.agent: Agent | None = None
        self.wanted: Mapping[Address, Candidates] | None = None  # None: what the world says
        self._open: dict[Address, Interval] = {}
        self._answered: dict[Address, list[Interval]] = {}

    def clock(self) -> float:
        """This node's CLOCK_MONOTONIC."""
        return self.world.now * self.rate + self.offset

    def world_time(self, clock: float) -> float:
        """When this node's clock shows a time."""
        return (clock - self.offset) / self.rate

    def write(self, v: Address, entry: tuple[State, int] | None) -> None:
        """The responder's map is written."""
        if entry is None:
            self.entries.pop(v, None)
        else:
            self.entries[v] = entry
        self.refresh(v)

    def set_lease(self, until: float) -> None:
        """The lease slot is written."""
        self.lease = until
        self.refresh()

    def refresh(self, only: Address | None = None) -> None:
        """What decides about answers may have changed: close the open intervals, open new ones."""
        now = self.world.now
        end = self.world_time(self.lease)
        seen = self.world.visible(self)
        for v in self.world.vips if only is None else (only,):
            begin = now
            span = self._open.pop(v, None)
            if span is not None:
                if span[1] >= now:
                    begin = span[0]
                    span = span[0], now
                elif span[1] > span[0]:
                    self._answered.setdefault(v, []).append(span)
                    span = None
            entry = self.entries.get(v)
            if seen and end > now and entry is not None and entry[0] is State.ANSWER:
                self._open[v] = begin, end
            elif span is not None and span[1] > span[0]:
                self._answered.setdefault(v, []).append(span)

    def answered(self, v: Address) -> list[Interval]:
        """Intervals of answers so far; the last may reach into the future."""
        return self._answered.get(v, []) + ([self._open[v]] if v in self._open else [])

    def answers_now(self, v: Address) -> bool:
        """Whether a request of this moment is answered and the client sees it."""
        return v in self._open and self._open[v][1] > self.world.now

    def arrival(self, sender: Node, datagram: bytes) -> Callable[[], None]:
        """The event of a datagram's arrival."""

        def arrive() -> None:
            here = self.paused_at is None and self.world.passes(sender, self)
            if self.agent is not None and here:
                self.agent.inbox.append(datagram)
                self.agent.run()

        return arrive

    def rename(self, interface: str) -> None:
        """The interface has another name now."""
        self.interface = interface
        if self.agent is not None:
            self.agent.names.append(interface)
            self.agent.run()

    def learn(self, wanted: Mapping[Address, Candidates]) -> None:
        """This node sees other objects than the rest of the world does."""
        self.wanted = wanted
        if self.agent is not None:
            self.agent.run()

    def start(self) -> None:
        """Start an agent, if none runs and the machine does."""
        if self.agent is None and self.powered:
            self.agent = Agent(self)
            self.agent.run()

    def kill(self) -> None:
        """SIGKILL: the agent is gone, the data path stays."""
        if self.agent is not None:
            self.agent.end()

    def terminate(self) -> None:
        """SIGTERM: the agent leaves for a planned restart."""
        if self.agent is not None:
            self.agent.leaving = True
            self.agent.run()

    def freeze(self, after: int = 0) -> None:
        """SIGSTOP, after so many more statements."""
        if self.agent is not None:
            self.agent.freeze(after)

    def thaw(self) -> None:
        """SIGCONT."""
        if self.agent is not None:
            self.agent.thaw()

    def pull(self) -> None:
        """The cable is out: carrier lost."""
        self._port(up=False)

    def plug(self) -> None:
        """The cable is back."""
        self._port(up=True)

    def power_off(self) -> None:
        """The machine is gone, with everything in memory."""
        self.kill()
        self.powered = False
        self._port(up=False)
        self.entries = {}
        self.set_lease(0.0)

    def power_on(self) -> None:
        """It boots if it was off: another boot, a clock that starts over; no agent yet."""
        if self.powered:
            return
        self.powered = True
        self.offset = self.world.random.uniform(0, 5) - self.world.now * self.rate
        self.lease = 0.0
        self.boot = self.world.random.getrandbits(64)
        self._port(up=True)

    def pause(self) -> None:
        """A virtual machine stops with all that is in it, its clock and data path included."""
        self.freeze()
        self.paused_at = self.world.now
        self.refresh()

    def resume(self) -> None:
        """It goes on as if no time had passed."""
        if self.paused_at is not None:
            self.offset -= (self.world.now - self.paused_at) * self.rate
            self.paused_at = None
            self.refresh()
            self.thaw()

    def _port(self, *, up: bool) -> None:
        if up != self.port_up and (self.powered or not up):
            self.port_up = up
            self.refresh()
            if self.agent is not None:
                self.agent.links.append(up)
                self.agent.run()
