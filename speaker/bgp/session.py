"""One peer's session without a socket: bytes and time in; bytes, events and the next deadline out.

    start, stop, reset             what the owner wants
    connected, refused, closed     what became of the connection that `Connect` asked for
    receive, sent                  what came in, and that all is out which was taken
    timer                          `deadline` is reached
    ─────
    to_send, events                look at both after each call
    send                           routes, while the session is Established

What each state makes of each event is the table of `fsm`, and `machine` takes its steps; this file
finds out which event it is. Who speaks of a connection says its generation, as `Connect` had it:
what comes of an older one is late and is ignored.

A route never changes a session, and no queue of routes holds up a KEEPALIVE: it leaves between two
of its messages. Nothing that a router sends is kept.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from ipaddress import IPv4Address, IPv6Address
from typing import Final

from speaker.bgp.closing import Ending, broken, lost, notified, reset, stopped, unexpected
from speaker.bgp.codes import Cease, ErrorCode, MessageType, OpenError, RefreshSubtype
from speaker.bgp.connection import Connection, MessageCounts, Seen, kind_of
from speaker.bgp.fsm import TABLE
from speaker.bgp.machine import Machine
from speaker.bgp.messages import Keepalive, Message, Notification, Open, RouteRefresh, Update
from speaker.bgp.negotiate import Negotiated
from speaker.bgp.notices import RefreshAsked, SessionEvent, SessionView
from speaker.bgp.settings import SessionSettings
from speaker.bgp.states import Event, State, Step
from speaker.bgp.timers import Timer
from vipcast.model.errors import MessageError

CHUNK: Final = 65536
"""How many octets are handed out at once: a KEEPALIVE waits behind no more."""

_VERSION_ERROR: Final = (ErrorCode.OPEN_MESSAGE, OpenError.UNSUPPORTED_VERSION_NUMBER)
_ERRORS: Final[dict[int, Event]] = {
    ErrorCode.MESSAGE_HEADER: Event.BGP_HEADER_ERR,
    ErrorCode.OPEN_MESSAGE: Event.BGP_OPEN_MSG_ERR,
}


class Session:
    """The session with one peer. Times are monotonic seconds and never go back.

    After each call write what `to_send` gives, then carry out `events` in their order.
    """

    def __init__(
        self,
        settings: SessionSettings,
        *,
        generation: int = 0,
        jitter: Callable[[], float],
    ) -> None:
        """A session that nobody has started. Its connections are numbered from `generation` + 1.

        `jitter` gives a number between 0 and 1 at each call.
        """
        self._machine = Machine(settings, generation, jitter)
        self._settings = settings
        self._received: MessageCounts = Counter()
        self._seen = Seen()

    def start(self, now: float) -> None:
        """Be there from now on: connect at once, and again whenever the connection is lost."""
        self._fire(Event.MANUAL_START, now)
        self._machine.expire(now)

    def stop(
        self, now: float, *, cease: Cease | None = Cease.ADMINISTRATIVE_SHUTDOWN, text: str = ""
    ) -> None:
        """Be there no more, with these last words; `text` is for people (RFC 9003).

        No Cease: the connection is closed without a word, so that a router that bridges restarts
        keeps the routes (RFC 4724). Otherwise it is to drop them, and is told so where it would
        bridge that, too (RFC 8538).
        """
        agreed = self.negotiated
        hard = agreed is not None and agreed.graceful_notification
        self._fire(Event.MANUAL_STOP, now, stopped(cease, text, hard=hard))
        self._machine.expire(now)

    def reset(self, now: float, cease: Cease, text: str = "") -> None:
        """End this connection, and be back in a second."""
        self._fire(Event.AUTOMATIC_STOP, now, reset(cease, text))
        self._machine.expire(now)

    def connected(
        self,
        local: IPv4Address | IPv6Address,
        remote: IPv4Address | IPv6Address,
        now: float,
        *,
        generation: int,
    ) -> None:
        """The connection is up; `local` is this side's address."""
        machine = self._machine
        if machine.state is State.CONNECT and generation == machine.attempt:
            machine.connected(local, remote, now)
        machine.expire(now)

    def refused(self, reason: str, now: float, *, generation: int, hint: str = "") -> None:
        """There will be no connection; `reason` is a sentence that says why, `hint` as in Down."""
        self.closed(reason, now, generation=generation, hint=hint)

    def closed(self, reason: str, now: float, *, generation: int, hint: str = "") -> None:
        """The connection is gone; `reason` is a sentence that says how, `hint` as in Down."""
        machine = self._machine
        if generation == machine.attempt:
            self._fire(Event.TCP_CONNECTION_FAILS, now, lost(reason, machine.state, hint))
        machine.expire(now)

    def receive(self, octets: bytes, now: float, *, generation: int) -> None:
        """What came in: any number of octets, wherever they are cut."""
        link = self._link(generation)
        if link is not None:
            try:
                for frame in link.frames(octets):
                    self._take(link, frame, now)
                    if self._link(generation) is None:
                        break
            except MessageError as error:
                self._fire(Event.BGP_HEADER_ERR, now, broken(error))
            self._tell_seen()
        self._machine.expire(now)

    def sent(self, now: float, *, generation: int) -> None:
        """All that `to_send` gave is out: the host has taken it."""
        if self._link(generation) is not None and self._machine.state is State.ESTABLISHED:
            self._machine.restart_send_hold(now)
        self._machine.expire(now)

    def timer(self, now: float) -> None:
        """Time has passed: call when `deadline` is reached (sooner does no harm)."""
        self._machine.expire(now)

    def send(self, octets: bytes, *, generation: int) -> bool:
        """Queue whole messages: routes, End-of-RIB, what brackets a refresh.

        False, and nothing is queued, if that session is not Established (any more).
        """
        link = self._link(generation)
        if link is None or self._machine.state is not State.ESTABLISHED:
            return False
        link.outbox.queue(octets)
        return True

    def to_send(self, limit: int = CHUNK) -> bytes:
        """The next whole messages, about `limit` octets; take more when they are out.

        They belong to the connection of the last `Connect`; the last words of one that ends are in
        its `Close`.
        """
        link = self._machine.connection
        return b"" if link is None else link.outbox.take(limit)

    def events(self) -> tuple[SessionEvent, ...]:
        """What has happened since the last call, in its order."""
        events = tuple(self._machine.events)
        self._machine.events.clear()
        return events

    def deadline(self) -> float | None:
        """When to call `timer`; None never."""
        return self._machine.timers.deadline()

    @property
    def state(self) -> State:
        """Where the session is."""
        return self._machine.state

    @property
    def generation(self) -> int:
        """The number of the last connection that was asked for."""
        return self._machine.generation

    @property
    def negotiated(self) -> Negotiated | None:
        """What both sides agreed on, from OpenConfirm on."""
        link = self._machine.connection
        return None if link is None else link.negotiated

    def view(self) -> SessionView:
        """How things stand, for status and metrics."""
        machine = self._machine
        waits = machine.timers.due(Timer.IDLE_HOLD)
        if machine.state is State.ACTIVE:
            waits = machine.timers.due(Timer.CONNECT_RETRY)
        link = machine.connection
        return SessionView(
            state=machine.state,
            since=machine.since,
            generation=machine.generation,
            negotiated=self.negotiated,
            last_sent=machine.last_sent,
            last_received=machine.last_received,
            cause=machine.causes.cause,
            aftermath=machine.causes.aftermath,
            next_attempt=waits,
            waiting=0 if link is None else link.outbox.waiting,
            messages_sent=dict(machine.sent),
            messages_received=dict(self._received),
        )

    def _link(self, generation: int) -> Connection | None:
        """The connection that stands, if that is the one which is spoken of."""
        link = self._machine.connection
        return link if link is not None and link.generation == generation else None

    def _fire(self, event: Event, now: float, ending: Ending | None = None) -> None:
        if Step.CLOSE in TABLE[self._machine.state, event].steps:
            self._tell_seen()  # before its connection is told to be gone
        self._machine.fire(event, now, ending)

    def _take(self, link: Connection, frame: bytes, now: float) -> None:
        """One whole message."""
        kind = kind_of(frame)
        self._received[kind] += 1
        try:
            message = link.read(frame)
            if isinstance(message, Open) and self._machine.state is State.OPEN_SENT:
                link.agree(self._settings, message)
        except MessageError as error:
            self._meet(_ERRORS.get(error.code, Event.UPDATE_MSG_ERR), kind, now, broken(error))
            return
        self._act(message, kind, now)

    def _act(self, message: Message, kind: MessageType, now: float) -> None:
        established = self._machine.state is State.ESTABLISHED
        match message:
            case Update():
                if established:
                    self._seen.add(message)
                self._meet(Event.UPDATE_MSG, kind, now)
            case Keepalive():
                self._meet(Event.KEEPALIVE_MSG, kind, now)
            case Notification():
                self._machine.heard(message, now)
                told = (message.code, message.subcode)
                old = told == _VERSION_ERROR
                event = Event.NOTIF_MSG_VER_ERR if old else Event.NOTIF_MSG
                self._fire(event, now, notified(message))
            case Open():
                self._meet(Event.BGP_OPEN, kind, now)
            case RouteRefresh() if established:
                self._refresh(message)
            case RouteRefresh():
                self._meet(Event.UPDATE_MSG, kind, now)  # it has its place where UPDATEs have

    def _meet(
        self, event: Event, kind: MessageType, now: float, ending: Ending | None = None
    ) -> None:
        """A message makes this event; where it has no place, that is what is wrong with it."""
        state = self._machine.state
        if Step.NOTIFY_FSM in TABLE[state, event].steps:
            ending = unexpected(state, kind)
        self._fire(event, now, ending)

    def _refresh(self, asked: RouteRefresh) -> None:
        """RFC 2918, section 4: of a family that is not carried it is ignored; so are BoRR, EoRR."""
        agreed = self.negotiated
        if (
            agreed is not None
            and asked.subtype == RefreshSubtype.REQUEST
            and asked.family in agreed.families
        ):
            enhanced = agreed.enhanced_refresh
            told = RefreshAsked(agreed.generation, asked.family, enhanced)
            self._machine.events.append(told)

    def _tell_seen(self) -> None:
        told = self._seen.told(self._machine.generation)
        if told is not None:
            self._machine.events.append(told)
            self._seen = Seen()
