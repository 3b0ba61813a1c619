"""One BGP peer at work: a session, and the connections that it asks for.

    start, stop, routes ────────────────────┐
    connection: up, bytes, room, lost ──────┼─► session ─► bytes, then events, then deadline ─┐
    time, after what has arrived is read ───┘                                               │
         └──────────────────── connect, write, close, tell the owner of the peer ◄───────────┘

All of it happens on the event loop, one input at a time. An exception ends `run`: no other input is
taken in after half of one.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import replace
from typing import Any, Final

from speaker.bgp import encode
from speaker.bgp.codes import Cease, MessageType
from speaker.bgp.notices import Close, Connect, SessionEvent, SessionView
from speaker.bgp.session import Session
from speaker.bgp.settings import SessionSettings
from speaker.bgp.timers import SEND_HOLD
from speaker.ports import Clock, Connector, Footing, PeerLink, Target
from vipcast.model.addresses import Address
from vipcast.model.errors import HostError, LinkError

Told = Callable[[SessionEvent], None]

_KEEPALIVE: Final = encode.keepalive()


def target(
    settings: SessionSettings, source: Address | None = None, password: bytes | None = None
) -> Target:
    """Where a session's connections go to.

    The kernel is told to give a peer up that takes nothing for as long as the session itself does.
    """
    stall = max(SEND_HOLD, 2 * settings.hold_time)
    return Target(settings.address, settings.port, source, password, stall)


class Peer:
    """The owner of one session and of its connections; the port `LinkOwner`."""

    def __init__(
        self,
        session: Session,
        target: Target,
        *,
        connector: Connector,
        clock: Clock,
        told: Told,
        drained: Callable[[], None],
    ) -> None:
        """`told` gets the session's events in their order, after they were carried out here.

        `drained` is called when all that was given to `send` has left, if it had to wait.
        """
        self._session = session
        self._target = target
        self._connector = connector
        self._clock = clock
        self._told = told
        self._drained = drained
        self._link: PeerLink | None = None
        self._generation = 0  # of the link
        self._stood_in = 0  # of links that have ended
        self._paced = False
        self._behind = False  # something waits in the link
        self._settling = False
        self._over = False
        self._timer: asyncio.TimerHandle | None = None
        self._tasks: asyncio.TaskGroup | None = None
        self._connecting: asyncio.Task[None] | None = None
        self._end: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    async def run(self) -> None:
        """Be there for the peer until `stop` is called, or this is cancelled.

        Then the connection is closed without a word. Any exception ends it likewise.
        """
        if self._end.done():
            return
        try:
            async with asyncio.TaskGroup() as self._tasks:
                self._take_in(self._session.start)
                await self._end
        finally:
            self._over = True
            if self._timer is not None:
                self._timer.cancel()
            self._drop(b"")

    def stop(self, *, cease: Cease | None = Cease.ADMINISTRATIVE_SHUTDOWN, text: str = "") -> None:
        """Take leave, as Session.stop has it; then `run` ends. What was sent before still leaves.

        The connection may take some seconds to end: the Connector's `close` waits for it.
        """
        self._take_in(lambda now: self._session.stop(now, cease=cease, text=text))
        if not self._end.done():
            self._end.set_result(None)

    def reset(self, cease: Cease, text: str = "") -> None:
        """End the connection, and be back in a second."""
        self._take_in(lambda now: self._session.reset(now, cease, text))

    def send(self, messages: bytes, *, generation: int) -> bool:
        """Send routes, behind all that waits; False if that session is not Established any more."""
        self._catch_up()
        if self._over or not self._session.send(messages, generation=generation):
            return False
        self._take_in(lambda _: self._write())
        return True

    def act(self, action: Callable[[], None]) -> None:
        """Let the owner do what may fail and ends in `send`: a fault ends `run`, and no more."""
        self._catch_up()
        self._take_in(lambda _: action())

    @property
    def behind(self) -> bool:
        """Whether something that was sent waits for the peer to read; `drained` tells its end."""
        return self._behind

    @property
    def footing(self) -> Footing | None:
        """Where the connection stands; None while there is none."""
        return None if self._link is None else self._link.footing

    def view(self) -> SessionView:
        """How the session stands; KEEPALIVEs that were written in its place are counted, too."""
        view = self._session.view()
        stood_in = self._stood_in + (0 if self._link is None else self._link.stood_in)
        counts = dict(view.messages_sent)
        if stood_in:
            counts[MessageType.KEEPALIVE] = counts.get(MessageType.KEEPALIVE, 0) + stood_in
        return replace(view, messages_sent=counts)

    # What the connection brings

    def received(self, data: bytes) -> None:
        """For the link: bytes of the peer."""
        self._take_in(lambda now: self._session.receive(data, now, generation=self._generation))

    def room(self) -> None:
        """For the link: all that waited has left."""
        self._catch_up()
        self._take_in(lambda now: self._session.sent(now, generation=self._generation))

    def lost(self, error: LinkError) -> None:
        """For the link: it has ended."""
        self._forget()
        self._take_in(
            lambda now: self._session.closed(str(error), now, generation=self._generation)
        )

    async def _connect(self, generation: int) -> None:
        try:
            link = await self._connector.connect(self._target)
        except (LinkError, HostError) as error:
            self._connecting = None
            reason = str(error)
            hint = error.hint if isinstance(error, LinkError) else ""
            self._take_in(
                lambda now: self._session.refused(reason, now, generation=generation, hint=hint)
            )
            return
        self._connecting = None
        self._link, self._generation = link, generation
        stands = link.footing
        self._take_in(
            lambda now: self._session.connected(
                stands.local, stands.remote, now, generation=generation
            )
        )
        if self._link is link:  # else it took so long that it is dropped again
            link.open(self)

    def _on_time(self) -> None:
        self._timer = None
        self._catch_up()
        self._take_in(self._session.timer)

    def _catch_up(self) -> None:
        """Where a timer has ended, read first: what arrived while the loop was held up was in time.

        Every call of the session with the time of now lets timers end, not that for timers alone.
        """
        deadline = self._session.deadline()
        if (
            self._link is not None
            and not self._settling
            and deadline is not None
            and deadline <= self._clock.now()
        ):
            self._link.catch_up()

    # Around each input

    def _take_in(self, action: Callable[[float], Any]) -> None:
        """Let one input have its effects; what comes from within another one's is a part of it.

        An exception is handed to `run`, whoever called.
        """
        if self._over:
            return
        if self._settling:
            action(self._clock.now())
            return
        self._settling = True
        try:
            action(self._clock.now())
            self._settle()
        except Exception as error:  # noqa: BLE001 - run() ends with it
            self._over = True
            if not self._end.done():
                self._end.set_exception(error)
        self._settling = False

    def _settle(self) -> None:
        """Write what there is to say, carry out what has happened, until there is no more of it."""
        self._write()
        while events := self._session.events():
            for event in events:
                self._carry_out(event)
            self._write()
        self._set_timer()

    def _write(self) -> None:
        """Let out what the session has to say, for as long as it leaves at once."""
        link = self._link
        if link is None:
            return
        while link.free and (data := self._session.to_send()):
            link.send(data)
            if link.free:
                self._session.sent(self._clock.now(), generation=self._generation)
        agreed = self._session.negotiated
        if agreed is not None and not self._paced:
            self._paced = True
            link.keep_alive(agreed.keepalive_time, _KEEPALIVE)
        if self._behind and link.free:
            self._behind = False
            self._drained()
        elif not link.free:
            self._behind = True

    def _carry_out(self, event: SessionEvent) -> None:
        match event:
            case Connect(generation) if self._tasks is not None:
                self._connecting = self._tasks.create_task(self._connect(generation))
            case Close(_, last):
                self._drop(last)
        self._told(event)

    def _drop(self, last: bytes) -> None:
        """End the connection after its last words, or the attempt to have one."""
        if self._connecting is not None:
            self._connecting.cancel()
            self._connecting = None
        link = self._link
        if link is not None:
            self._forget()
            link.send(last)
            link.close()

    def _forget(self) -> None:
        """The link is none of ours any more."""
        if self._link is not None:
            self._stood_in += self._link.stood_in
        self._link = None
        self._paced = self._behind = False

    def _set_timer(self) -> None:
        """One that comes too early does no harm, so it is set anew only if it would be too late."""
        deadline = self._session.deadline()
        if deadline is None or (self._timer is not None and self._timer.when() <= deadline):
            return
        if self._timer is not None:
            self._timer.cancel()
        self._timer = asyncio.get_running_loop().call_at(deadline, self._on_time)
