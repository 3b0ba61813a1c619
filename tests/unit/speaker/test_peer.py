"""One peer at work: what its session asks for is done, in order, and what happens is told.

Connections are in memory and time is virtual, so minutes pass at once.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import replace
from ipaddress import IPv4Address

import pytest

from speaker.bgp import encode
from speaker.bgp.codes import Cease, ErrorCode, MessageType
from speaker.bgp.context import Context
from speaker.bgp.decode import decode
from speaker.bgp.framing import Framer
from speaker.bgp.messages import (
    IPV4_UNICAST,
    Attributes,
    Keepalive,
    Message,
    Notification,
    Open,
    Update,
)
from speaker.bgp.notices import Close, Connect, Down, DownReason, Established, SessionEvent
from speaker.bgp.session import Session
from speaker.bgp.settings import SessionSettings
from speaker.bgp.states import State
from speaker.peer import Peer, target
from speaker.ports import PeerLink, Target
from tests.support.memory_links import FarEnd, MemoryConnector, MemoryNetwork
from tests.support.virtual import VirtualLoop, pass_time, until, virtually
from tests.unit.bgp.talking import OPEN, SETTINGS, THERE
from vipcast.model.errors import HostError

NODE = IPv4Address("192.0.2.11")
KEEPALIVE = encode.keepalive()
HELLO = encode.open_message(OPEN) + KEEPALIVE
PREFIXES = b"".join(b"\x20" + (0xC6336400 + i).to_bytes(4) for i in range(200))
ROUTES = encode.announce(
    IPV4_UNICAST, Attributes(as_path=(64512,), next_hop=NODE), PREFIXES, four_octet=True
)


class LoopClock:
    """The port `Clock`: virtual time."""

    def now(self) -> float:
        return asyncio.get_running_loop().time()


class Side:
    """The router's side of one connection, as messages."""

    def __init__(self, far: FarEnd) -> None:
        self.far = far
        self._framer = Framer()
        self._ahead: list[Message] = []

    async def says(self) -> Message | None:
        """The speaker's next message; None at the end."""
        while (frame := self._framer.next()) is None:
            data = await self.far.read()
            if not data:
                return None
            self._framer.receive(data)
        return decode(frame, Context(families=(IPV4_UNICAST,)))

    async def greet(self) -> Open:
        """Take the speaker's OPEN, say OPEN and KEEPALIVE, take its KEEPALIVE."""
        hello = await self.says()
        assert isinstance(hello, Open)
        await self.far.write(HELLO)
        assert await self.says() == Keepalive()
        return hello

    async def rest(self) -> list[Message]:
        """All up to the end."""
        found = []
        while (message := await self.says()) is not None:
            found.append(message)
        return found


class Stage:
    """A peer at work, its router, and what was told."""

    def __init__(
        self, settings: SessionSettings = SETTINGS, connector: MemoryConnector | None = None
    ) -> None:
        self.network = MemoryNetwork()
        self.network.listen(THERE)
        self.connector = connector or MemoryConnector(self.network, NODE)
        self.told: list[SessionEvent] = []
        self.hear: Callable[[SessionEvent], None] = self.told.append
        self.drain: Callable[[], object] = lambda: None
        self.session = Session(settings, jitter=lambda: 1.0)
        self.peer = Peer(
            self.session,
            target(settings),
            connector=self.connector,
            clock=LoopClock(),
            told=self._hear,
            drained=self._drain,
        )

    def _hear(self, event: SessionEvent) -> None:
        self.hear(event)

    def _drain(self) -> None:
        self.drain()

    async def up(self) -> Side:
        """Let the session come up."""
        side = Side(await self.network.accept(THERE))
        await side.greet()
        await until(lambda: self.session.state is State.ESTABLISHED, "the session is up")
        return side

    def send(self, routes: bytes = ROUTES) -> bool:
        return self.peer.send(routes, generation=self.session.generation)

    @property
    def keepalives(self) -> int:
        """How many have left, as status tells."""
        return self.peer.view().messages_sent[MessageType.KEEPALIVE]

    @property
    def downs(self) -> list[Down]:
        return [event for event in self.told if isinstance(event, Down)]

    async def goes_down(self) -> Down:
        """Wait for the one Down."""
        await until(lambda: self.downs, "the session goes down", within=10_000)
        (down,) = self.downs
        return down


@asynccontextmanager
async def working(stage: Stage) -> AsyncIterator[Stage]:
    task = asyncio.create_task(stage.peer.run())
    yield stage
    stage.peer.stop()
    await task
    await stage.connector.close()


def test_a_session_comes_up_and_its_routes_arrive() -> None:
    async def main() -> None:
        async with working(Stage()) as stage:
            side = await stage.up()
            assert stage.told == [
                Connect(1),
                Established(1, stage.session.negotiated, NODE, THERE),  # type: ignore[arg-type]
            ]
            stands = stage.peer.footing
            assert stands is not None
            assert (stands.local, stands.remote, stands.on_link) == (NODE, THERE, True)
            assert stage.send()
            assert await side.says() == Update(announced=((IPV4_UNICAST, 200),))
            assert stage.peer.view().state is State.ESTABLISHED

    virtually(main())


def test_routes_of_a_session_that_is_gone_are_not_sent() -> None:
    async def main() -> None:
        async with working(Stage()) as stage:
            assert not stage.send()
            side = await stage.up()
            side.far.finish()
            await stage.goes_down()
            assert not stage.peer.send(ROUTES, generation=1)
            again = await stage.up()
            assert not stage.peer.send(ROUTES, generation=1)
            assert stage.peer.send(ROUTES, generation=2)
            assert isinstance(await again.says(), Update)

    virtually(main())


def test_a_router_that_refuses_is_asked_again_until_it_listens() -> None:
    async def main() -> None:
        stage = Stage()
        stage.network.refuse(THERE)
        async with working(stage):
            down = await stage.goes_down()
            assert down.reason is DownReason.UNREACHABLE
            assert down.sentence == "192.0.2.2:179 refuses the connection."
            assert down.hint == "Look there."
            stage.network.listen(THERE)
            await stage.up()

    virtually(main())


def test_an_attempt_that_nobody_answers_is_dropped_when_the_connect_time_is_over() -> None:
    async def main() -> None:
        stage = Stage()
        stage.network.silent.add(THERE)
        async with working(stage):
            down = await stage.goes_down()
            assert down.reason is DownReason.CONNECT_TIMED_OUT
            assert stage.told[:3] == [Connect(1), Close(1, b""), down]
            stage.network.silent.clear()
            await stage.up()

    virtually(main())


def test_what_the_node_cannot_do_is_told_like_any_other_reason() -> None:
    class Unable(MemoryConnector):
        async def connect(self, target: Target) -> PeerLink:  # type: ignore[override]  # noqa: ARG002
            raise HostError("The kernel of this node cannot sign TCP.")

    async def main() -> None:
        async with working(Stage(connector=Unable(MemoryNetwork()))) as stage:
            down = await stage.goes_down()
            assert down.sentence == "The kernel of this node cannot sign TCP."

    virtually(main())


def test_stopping_says_cease_after_all_that_was_sent_and_ends_in_good_order() -> None:
    async def main() -> None:
        stage = Stage()
        task = asyncio.create_task(stage.peer.run())
        side = await stage.up()
        stage.send()
        stage.peer.stop(text="node 7 goes")
        await task
        cease = Notification(ErrorCode.CEASE, Cease.ADMINISTRATIVE_SHUTDOWN, b"\x0bnode 7 goes")
        assert await side.rest() == [Update(announced=((IPV4_UNICAST, 200),)), cease]
        assert stage.peer.footing is None
        side.far.finish()
        await stage.connector.close()

    virtually(main())


def test_stopping_for_a_restart_ends_without_a_word() -> None:
    async def main() -> None:
        stage = Stage()
        task = asyncio.create_task(stage.peer.run())
        side = await stage.up()
        stage.send()
        stage.peer.stop(cease=None)
        await task
        assert await side.rest() == [Update(announced=((IPV4_UNICAST, 200),))]
        assert not side.far.was_reset
        side.far.finish()
        await stage.connector.close()

    virtually(main())


def test_a_task_that_is_cancelled_ends_without_a_word() -> None:
    async def main() -> None:
        stage = Stage()
        task = asyncio.create_task(stage.peer.run())
        side = await stage.up()
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        assert await side.rest() == []
        assert not stage.send()
        side.far.finish()
        await stage.connector.close()

    virtually(main())


def test_stopping_while_connecting_ends_the_attempt() -> None:
    async def main() -> None:
        stage = Stage()
        stage.network.silent.add(THERE)
        task = asyncio.create_task(stage.peer.run())
        await until(lambda: stage.told == [Connect(1)], "it connects")
        stage.peer.stop()
        await task
        assert [type(event) for event in stage.told] == [Connect, Close, Down]

    virtually(main())


def test_who_is_stopped_before_beginning_never_begins() -> None:
    async def main() -> None:
        stage = Stage()
        stage.peer.stop()
        await stage.peer.run()
        assert stage.told == []

    virtually(main())


def test_a_reset_is_told_to_the_router_and_a_new_session_follows() -> None:
    async def main() -> None:
        async with working(Stage()) as stage:
            side = await stage.up()
            stage.peer.reset(Cease.ADMINISTRATIVE_RESET)
            cease = Notification(ErrorCode.CEASE, Cease.ADMINISTRATIVE_RESET)
            assert await side.rest() == [cease]
            side.far.finish()
            await stage.up()
            assert stage.session.generation == 2

    virtually(main())


def test_a_router_that_closes_is_connected_to_again() -> None:
    async def main() -> None:
        async with working(Stage()) as stage:
            side = await stage.up()
            side.far.finish()
            down = await stage.goes_down()
            assert down.reason is DownReason.CLOSED_BY_PEER
            assert down.sentence == "192.0.2.2:179 has closed the connection."
            await stage.up()

    virtually(main())


def test_a_router_that_falls_silent_is_told_so_after_the_hold_time() -> None:
    async def main() -> None:
        async with working(Stage(replace(SETTINGS, hold_time=9))) as stage:
            side = await stage.up()
            begun = LoopClock().now()
            down = await stage.goes_down()
            assert 9 <= LoopClock().now() - begun < 9.1
            assert down.reason is DownReason.HOLD_TIMER_EXPIRED
            *before, last = await side.rest()
            assert last == Notification(ErrorCode.HOLD_TIMER_EXPIRED, 0)
            assert before == [Keepalive()] * 2
            side.far.finish()

    virtually(main())


def test_a_router_that_never_says_open_is_given_four_minutes() -> None:
    async def main() -> None:
        async with working(Stage()) as stage:
            side = Side(await stage.network.accept(THERE))
            assert isinstance(await side.says(), Open)
            begun = LoopClock().now()
            down = await stage.goes_down()
            assert 240 <= LoopClock().now() - begun < 240.1
            assert down.reason is DownReason.HOLD_TIMER_EXPIRED
            assert await side.rest() == [Notification(ErrorCode.HOLD_TIMER_EXPIRED, 0)]
            side.far.finish()

    virtually(main())


def test_what_arrived_in_time_counts_though_the_loop_was_held_up() -> None:
    async def main() -> None:
        async with working(Stage(replace(SETTINGS, hold_time=9))) as stage:
            side = await stage.up()
            loop = asyncio.get_running_loop()
            assert isinstance(loop, VirtualLoop)
            for _ in range(3):
                # It arrives while routes are computed, and these are sent before anything is read.
                await side.far.write(KEEPALIVE)
                loop.jump(9.2)
                assert stage.send()
                await asyncio.sleep(0)
            for _ in range(3):
                await side.far.write(KEEPALIVE)
                loop.jump(9.2)
                stage.peer.room()
            assert stage.downs == []

    virtually(main())


def test_a_router_that_reads_nothing_for_eight_minutes_is_given_up() -> None:
    async def main() -> None:
        async with working(Stage()) as stage:
            side = await stage.up()
            begun = LoopClock().now()
            while not stage.peer.behind:
                assert stage.send()
            while not stage.downs:
                await side.far.write(KEEPALIVE)
                await pass_time(10.0)
            assert 480 <= LoopClock().now() - begun < 500
            assert stage.downs[0].reason is DownReason.SEND_HOLD_TIMER_EXPIRED
            await until(lambda: side.far.was_reset, "the connection is cut")

    virtually(main())


def test_a_router_that_reads_slowly_gets_keepalives_between_routes_and_all_of_these() -> None:
    async def main() -> None:
        stage = Stage()
        drained: list[float] = []
        stage.drain = lambda: drained.append(LoopClock().now())
        async with working(stage):
            side = await stage.up()
            count = 1000
            for _ in range(count):
                assert stage.send()
            assert (stage.peer.behind, drained) == (True, [])
            assert stage.peer.view().waiting > 500_000
            got: list[Message | None] = []
            while got.count(Update(announced=((IPV4_UNICAST, 200),))) < count:
                await side.far.write(KEEPALIVE)
                await pass_time(1.0)
                got.append(await side.says())
            assert got.count(Keepalive()) > 10
            assert len(got) == count + got.count(Keepalive())
            assert (stage.peer.behind, len(drained)) == (False, 1)

    virtually(main())


def test_who_is_told_that_all_has_left_may_send_more_at_once() -> None:
    async def main() -> None:
        stage = Stage()
        left = count = 200  # several times what fits between the two

        def send() -> None:
            nonlocal left
            while left and not stage.peer.behind:
                left -= 1
                assert stage.send()

        stage.drain = send
        async with working(stage):
            side = await stage.up()
            send()
            assert left > count / 2
            for _ in range(count):
                assert isinstance(await side.says(), Update)
            assert left == 0

    virtually(main())


def test_a_fault_of_whoever_is_told_ends_the_task_with_it_and_the_connection() -> None:
    def hear(event: SessionEvent) -> None:
        if isinstance(event, Established):
            raise RuntimeError("a fault of ours")

    async def main() -> None:
        stage = Stage()
        stage.hear = hear
        task = asyncio.create_task(stage.peer.run())
        side = Side(await stage.network.accept(THERE))
        await side.greet()
        assert await side.rest() == []
        with pytest.raises(ExceptionGroup) as raised:
            await task
        assert [str(error) for error in raised.value.exceptions] == ["a fault of ours"]
        side.far.finish()
        await stage.connector.close()

    virtually(main())


def test_the_kernel_gives_up_no_sooner_than_the_session_does() -> None:
    assert target(SETTINGS) == Target(THERE, 179, None, None, stall=480)
    assert target(replace(SETTINGS, hold_time=300), NODE, b"secret") == Target(
        THERE, 179, NODE, b"secret", stall=600
    )


def test_each_connection_is_written_to_in_time_where_the_loop_is_late() -> None:
    async def main() -> None:
        async with working(Stage()) as stage:
            for _ in range(2):
                side = await stage.up()
                assert side.far.link.paced_every == 30.0
                side.far.finish()

    virtually(main())


def test_keepalives_that_were_written_in_the_session_s_place_are_counted() -> None:
    async def main() -> None:
        async with working(Stage(replace(SETTINGS, hold_time=3))) as stage:
            side = await stage.up()
            before = stage.keepalives
            side.far.link.stood_in += 5
            assert stage.keepalives == before + 5
            side.far.finish()
            await stage.goes_down()
            assert stage.keepalives == before + 5

    virtually(main())
