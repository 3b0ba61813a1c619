"""The shell of one agent in the segment in a box: it may stop between any two statements.

It is written as a generator, and each `yield` is a place to freeze or to be killed at: between
reading the clock and telling the core, between the effects of one answer, between the datagrams of
one hello.
"""

from __future__ import annotations

import hashlib
from collections import deque
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from speaker.leadership import (
    Candidates,
    Changed,
    Condition,
    Effects,
    Greet,
    Identity,
    Port,
    RemoveEntry,
    SegmentCore,
    Send,
    SetEntry,
    SetLease,
    State,
    agent_key,
)
from vipcast.model.addresses import Address

if TYPE_CHECKING:
    from tests.unit.leadership.simulation import Node

KEY = agent_key(b"a secret of the cluster")
LINK = 2


def port(node: Node, interface: str) -> Port:
    """How an agent sees its interface, under its name of the moment."""
    return Port(LINK, interface, hashlib.sha256(node.name.encode()).digest()[:6], None)


@dataclass(slots=True)
class Agent:
    """The shell around one core. It runs until it has nothing to do, is frozen, or ends."""

    node: Node
    inbox: deque[bytes] = field(default_factory=deque)
    links: deque[bool] = field(default_factory=deque)
    names: deque[str] = field(default_factory=deque)
    leaving: bool = False
    frozen: bool = False
    core: SegmentCore = field(init=False)
    changes: list[Changed] = field(default_factory=list)
    conditions: list[Condition] = field(default_factory=list)
    _greetings: deque[Address] = field(default_factory=deque)
    _freeze_after: int | None = None
    _thread: Iterator[None] = field(init=False)
    _running: bool = False
    _timer: int = 0
    _steps_at: tuple[float, int] = (0.0, 0)
    _idle: bool = False
    _wanted: Mapping[Address, Candidates] | None = None

    def __post_init__(self) -> None:
        node = self.node
        identity = Identity(node.called, node.boot, 1)
        self.core = SegmentCore(identity, port(node, node.interface), KEY)
        self._thread = self._main()

    def run(self) -> None:
        """Let the process have the CPU."""
        if self._running:
            return
        self._running = True
        while self._me() and not self.frozen:
            if self._freeze_after is not None:
                self._freeze_after -= 1
                if self._freeze_after < 0:
                    self.frozen, self._freeze_after = True, None
                    break
            self._idle = False
            self._count()
            next(self._thread, None)
            if self._idle:
                break
        self._running = False
        if self._idle and self._me():
            self._arm()

    def _count(self) -> None:
        """A core whose deadline is never met would keep its shell busy for ever."""
        at, steps = self._steps_at
        now = self.node.world.now
        self._steps_at = (now, steps + 1) if at == now else (now, 1)
        assert steps < 100_000, "the core asks for a tick again and again"

    def _me(self) -> bool:
        return self.node.agent is self

    def _arm(self) -> None:
        """The timer: it fires a little late, as timers do."""
        self._timer += 1
        mine = self._timer
        due = self.core.next_deadline()
        if due is None:
            return

        def fire() -> None:
            if self._me() and mine == self._timer:
                self.run()

        world = self.node.world
        late = world.random.uniform(0.00001, 0.002)
        world.at(max(world.now, self.node.world_time(due)) + late, fire)

    def freeze(self, after: int) -> None:
        """Stop after so many more statements."""
        self._freeze_after = after
        if after == 0 and not self._running:
            self.frozen, self._freeze_after = True, None

    def thaw(self) -> None:
        """Go on where it stopped."""
        self._freeze_after = None
        if self.frozen:
            self.frozen = False
            self.run()

    def end(self) -> None:
        """No further statement is executed."""
        self.node.agent = None

    def _main(self) -> Iterator[None]:
        node, core, world = self.node, self.core, self.node.world
        answering = {v: c for v, (s, c) in node.entries.items() if s is State.ANSWER}
        elsewhere = {v: c for v, (s, c) in node.entries.items() if s is State.ELSEWHERE}
        lease = node.lease
        yield
        now = node.clock()
        yield
        yield from self._carry_out(core.adopt(now, answering, elsewhere, lease))
        if not node.port_up:
            yield from self._carry_out(core.carrier(node.clock(), up=False))
        while True:
            wanted = world.candidates if node.wanted is None else node.wanted
            if self._wanted is not wanted:
                self._wanted = wanted
                now = node.clock()
                yield
                yield from self._carry_out(core.want(now, wanted))
            if self.leaving:
                now = node.clock()
                yield
                yield from self._carry_out(core.leave_for_restart(now))
                self.end()
                return
            now = node.clock()
            tick_first = world.random.random() < 0.2
            if tick_first and self._due(now):
                yield
                yield from self._carry_out(core.tick(now))
            elif self._greetings:
                yield from self._greet(self._greetings.popleft())
            elif self.links:
                up = self.links.popleft()
                yield
                yield from self._carry_out(core.carrier(now, up=up))
            elif self.names:
                name = self.names.popleft()
                yield
                yield from self._carry_out(core.set_port(now, port(node, name)))
            elif self.inbox:
                datagram = self.inbox.popleft()
                yield
                yield from self._carry_out(core.receive(now, datagram))
            elif self._due(now):
                yield
                yield from self._carry_out(core.tick(now))
            else:
                self._idle = True
                yield

    def _due(self, now: float) -> bool:
        due = self.core.next_deadline()
        return due is not None and now >= due

    def _carry_out(self, effects: Effects) -> Iterator[None]:
        node, world = self.node, self.node.world
        for effect in effects:
            yield
            match effect:
                case SetEntry(v, state, counter):
                    node.write(v, (state, counter))
                case RemoveEntry(v):
                    node.write(v, None)
                case SetLease(until):
                    node.set_lease(until)
                case Send(datagrams):
                    yield from self._send(datagrams)
                case Greet(v):
                    yield from self._greet(v)
                    for later in (0.2, 0.6):
                        world.at(world.now + later, lambda v=v: self._again(v))  # type: ignore[misc]
                case Changed():
                    self.changes.append(effect)
                case Condition():
                    self.conditions.append(effect)

    def _again(self, v: Address) -> None:
        """A greeting is repeated; it may be long after its time."""
        if self._me():
            self._greetings.append(v)
            self.run()

    def _greet(self, v: Address) -> Iterator[None]:
        """The clock is read and the core asked, and then the frame leaves, maybe much later."""
        node, world = self.node, self.node.world
        allowed = self.core.may_greet(node.clock(), v)
        yield
        if allowed and world.visible(node):
            world.greetings.append((world.now, node.name, v))

    def _send(self, datagrams: tuple[bytes, ...]) -> Iterator[None]:
        node = self.node
        send_time = node.clock()
        for datagram in datagrams:
            yield
            node.world.transmit(node, datagram)
        yield
        now = node.clock()
        yield
        yield from self._carry_out(self.core.sent(now, send_time))
