"""The state machine at work: takes the steps that the table of `fsm` says, and keeps their state.

It knows timers, back-off, and the connection that stands or is asked for. Which event something is,
is found out by `session`.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from ipaddress import IPv4Address, IPv6Address

from speaker.bgp import encode
from speaker.bgp.backoff import STOOD, Backoff
from speaker.bgp.causes import Causes
from speaker.bgp.closing import Ending, expired
from speaker.bgp.codes import MessageType
from speaker.bgp.connection import Connection, MessageCounts
from speaker.bgp.fsm import TABLE
from speaker.bgp.hints import hint
from speaker.bgp.messages import Notification
from speaker.bgp.notices import Close, Connect, Down, DownReason, Established, Said, SessionEvent
from speaker.bgp.settings import Offer, SessionSettings, after_a_session, next_offer, open_of
from speaker.bgp.states import Event, State, Step
from speaker.bgp.timers import KEEPALIVE_SPACING, LARGE_HOLD, SEND_HOLD, Timer, Timers


class Machine:
    """`state`, since when (None: ever), and what happened; `attempt` is the generation in use."""

    def __init__(
        self, settings: SessionSettings, generation: int, jitter: Callable[[], float]
    ) -> None:
        self.state = State.IDLE
        self.since: float | None = None
        self.generation = generation
        self.attempt: int | None = None
        self.connection: Connection | None = None
        self.events: list[SessionEvent] = []
        self.timers = Timers(jitter)
        self.sent: MessageCounts = Counter()
        self.last_sent: Said | None = None
        self.last_received: Said | None = None
        self.causes = Causes()
        self._settings = settings
        self._backoff = Backoff()
        self._offer = Offer.FULL
        self._ending: Ending | None = None
        self._last = b""
        self._steps: dict[Step, Callable[[float], None]] = {
            Step.CONNECT: self._connect,
            Step.CLOSE: self._close,
            Step.RELEASE: self._release,
            Step.SEND_OPEN: self._send_open,
            Step.SEND_KEEPALIVE: self._send_keepalive,
            Step.NOTIFY_CEASE: self._notify,
            Step.NOTIFY_HOLD: self._notify,
            Step.NOTIFY_SEND_HOLD: self._notify,
            Step.NOTIFY_ERROR: self._notify,
            Step.NOTIFY_FSM: self._notify,
            Step.START_CONNECT_RETRY: self._start_connect_retry,
            Step.STOP_CONNECT_RETRY: lambda _: self.timers.stop(Timer.CONNECT_RETRY),
            Step.START_LARGE_HOLD: lambda now: self.timers.start(Timer.HOLD, now, LARGE_HOLD),
            Step.START_NEGOTIATED: self._start_negotiated,
            Step.RESTART_HOLD: self._restart_hold,
            Step.START_SEND_HOLD: self.restart_send_hold,
            Step.STOP_IDLE_HOLD: lambda _: self.timers.stop(Timer.IDLE_HOLD),
            Step.ZERO: lambda _: self._backoff.forget(),
            Step.COUNT: lambda _: self._backoff.count(),
            Step.DAMP: self._damp,
        }

    def fire(self, event: Event, now: float, ending: Ending | None = None) -> None:
        """An event happens; `ending` is its cause, where it may end a connection."""
        row = TABLE[self.state, event]
        self._ending = ending
        for step in row.steps:
            self._steps[step](now)
        if row.next is not self.state:
            self.state, self.since = row.next, now
            if self.state is State.ESTABLISHED:
                self._established()

    def expire(self, now: float) -> None:
        """Every timer that has ended makes its event."""
        while (event := self.timers.expired(now)) is not None:
            self.fire(event, now, expired(event))

    def connected(
        self, local: IPv4Address | IPv6Address, remote: IPv4Address | IPv6Address, now: float
    ) -> None:
        """TCP is up."""
        self._backoff.reached()
        ours = open_of(self._settings, self._offer)
        self.connection = Connection(self.generation, ours, local, remote, sent=self.sent)
        self.fire(Event.TCP_CR_ACKED, now)

    def heard(self, said: Notification, now: float) -> None:
        """The peer sent a NOTIFICATION: note it; where it could not read our OPEN, offer less."""
        self.last_received = Said(said, by_us=False, at=now)
        self._offer = next_offer(self._settings, self._offer, said)

    def restart_send_hold(self, now: float) -> None:
        """Something left (RFC 9687, section 4.3): without a hold time there is no such timer."""
        hold_time = self._hold_time()
        if hold_time:
            self.timers.start(Timer.SEND_HOLD, now, max(SEND_HOLD, 2 * hold_time))

    def _hold_time(self) -> float:
        """As negotiated; 0 for none."""
        agreed = None if self.connection is None else self.connection.negotiated
        return 0 if agreed is None else agreed.hold_time

    def _connect(self, _: float) -> None:
        self.generation += 1
        self.attempt = self.generation
        self.events.append(Connect(self.generation))

    def _start_connect_retry(self, now: float) -> None:
        self.timers.start_jittered(Timer.CONNECT_RETRY, now, self._settings.connect_time)

    def _send_open(self, _: float) -> None:
        if self.connection is not None:
            self.connection.open()

    def _send_keepalive(self, now: float) -> None:
        if self.connection is not None:
            self.connection.outbox.say(encode.keepalive())
            self._start_keepalive(now)

    def _start_keepalive(self, now: float) -> None:
        """Not put off by UPDATEs, which RFC 4271 would allow: those may still wait to be sent."""
        agreed = None if self.connection is None else self.connection.negotiated
        if agreed is not None and agreed.keepalive_time:
            seconds = agreed.keepalive_time
            self.timers.start_jittered(Timer.KEEPALIVE, now, seconds, KEEPALIVE_SPACING)

    def _start_negotiated(self, now: float) -> None:
        """Without a hold time the large one goes on: a first KEEPALIVE has to come all the same."""
        if self._hold_time():
            self._restart_hold(now)
            self._start_keepalive(now)

    def _restart_hold(self, now: float) -> None:
        hold_time = self._hold_time()
        if hold_time:
            self.timers.start(Timer.HOLD, now, hold_time)
        else:
            self.timers.stop(Timer.HOLD)

    def _established(self) -> None:
        self._settings = after_a_session(self._settings)
        link = self.connection
        if link is not None and link.negotiated is not None:
            told = Established(link.generation, link.negotiated, link.local, link.remote)
            self.events.append(told)

    def _notify(self, now: float) -> None:
        said = None if self._ending is None else self._ending.notification
        if said is not None:
            self._last = encode.notification(said)
            self.sent[MessageType.NOTIFICATION] += 1
            self.last_sent = Said(said, by_us=True, at=now)

    def _release(self, _: float) -> None:
        self.timers.stop(Timer.HOLD, Timer.KEEPALIVE, Timer.SEND_HOLD)

    def _close(self, now: float) -> None:
        """Drop the connection or the attempt, if there is one, and say why."""
        if self.attempt is None:
            return
        stood = None
        if self.state is State.ESTABLISHED and self.since is not None:
            stood = now - self.since
            if stood >= STOOD:
                self._backoff.forget()
                self._offer = Offer.FULL
        self.events.append(Close(self.attempt, self._last))
        self._tell_down(self.attempt, self._cause(), stood, now)
        self.attempt = None
        self.connection = None
        self._last = b""

    def _tell_down(self, generation: int, ending: Ending, stood: float | None, now: float) -> None:
        theirs = ending.reason is DownReason.NOTIFIED
        said = None
        if ending.notification is not None and (theirs or self._last):
            said = Said(ending.notification, by_us=not theirs, at=now)
        local = None if self.connection is None else self.connection.local
        down = Down(
            generation=generation,
            reason=ending.reason,
            state=self.state,
            sentence=ending.sentence,
            hint=hint(self._settings, ending, self.state, local=local, stood=stood),
            said=said,
            stood=stood,
        )
        self.causes = self.causes.after(down)
        self.events.append(down)

    def _damp(self, now: float) -> None:
        wait = self._backoff.wait(self._cause(), self._settings.connect_time)
        self.timers.start_jittered(Timer.IDLE_HOLD, now, wait)

    def _cause(self) -> Ending:
        return self._ending or Ending(DownReason.UNEXPECTED, "The session was not to be in here.")
