"""A router for a session to talk to: its clock, what it says, and what it was told."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from ipaddress import IPv4Address, IPv6Address

from speaker.bgp import encode
from speaker.bgp.codes import MessageType
from speaker.bgp.messages import (
    IPV4_UNICAST,
    IPV6_UNICAST,
    Capabilities,
    GracefulRestart,
    Notification,
    Open,
)
from speaker.bgp.notices import Connect, Down, Established, SessionEvent
from speaker.bgp.session import Session
from speaker.bgp.settings import SessionSettings
from speaker.bgp.states import State

HERE = IPv4Address("192.0.2.1")
THERE = IPv4Address("192.0.2.2")
SETTINGS = SessionSettings(
    local_asn=64512,
    peer_asn=64513,
    address=THERE,
    router_id=HERE,
    families=(IPV4_UNICAST,),
)
SETTINGS_V6 = replace(
    SETTINGS, address=IPv6Address("2001:db8::2"), families=(IPV4_UNICAST, IPV6_UNICAST)
)
OPEN = Open(
    asn=64513,
    hold_time=90,
    router_id=THERE,
    capabilities=Capabilities(
        families=(IPV4_UNICAST,), four_octet_asn=64513, route_refresh=True, enhanced_refresh=True
    ),
)
BRIDGES = GracefulRestart(restarting=False, notification=True, restart_time=120, families=())


def opening(**changes: object) -> Open:
    """The router's OPEN with some of its capabilities changed."""
    return replace(OPEN, capabilities=replace(OPEN.capabilities, **changes))  # type: ignore[arg-type]


def kinds(octets: bytes) -> list[MessageType]:
    """The types of whole messages in a row."""
    found = []
    while octets:
        size = int.from_bytes(octets[16:18], "big")
        found.append(MessageType(octets[18]))
        octets = octets[size:]
    return found


@dataclass
class Router:
    """A session and what it says to the router; `jitter` 1.0 makes every time whole."""

    settings: SessionSettings = SETTINGS
    generation: int = 0
    jitter: float = 1.0
    now: float = 0.0
    told: list[SessionEvent] = field(default_factory=list)
    got: bytes = b""

    def __post_init__(self) -> None:
        self.session = Session(
            self.settings, generation=self.generation, jitter=lambda: self.jitter
        )

    def look(self) -> list[SessionEvent]:
        """Take all that the session says and tells; give what it told just now."""
        while octets := self.session.to_send():
            self.got += octets
            self.session.sent(self.now, generation=self.session.generation)
        news = list(self.session.events())
        self.told += news
        return news

    def start(self) -> None:
        self.session.start(self.now)
        self.look()

    def accept(self) -> None:
        """TCP is up."""
        self.session.connected(HERE, THERE, self.now, generation=self.session.generation)
        self.look()

    def say(self, *messages: bytes) -> list[SessionEvent]:
        """All in one piece."""
        generation = self.session.generation
        self.session.receive(b"".join(messages), self.now, generation=generation)
        return self.look()

    def notify(self, code: int, subcode: int = 0, data: bytes = b"") -> Down:
        return self.down(self.say(encode.notification(Notification(code, subcode, data))))

    def drop(self, reason: str = "The router closed the connection.") -> Down:
        self.session.closed(reason, self.now, generation=self.session.generation)
        return self.down(self.look())

    def refuse(self) -> Down:
        self.session.refused("Connection refused.", self.now, generation=self.session.generation)
        return self.down(self.look())

    def establish(self, theirs: Open = OPEN) -> Established:
        """From Idle, or whatever comes before a connection, up to Established."""
        if self.session.state is State.IDLE and self.session.deadline() is None:
            self.start()
        while self.session.state is not State.CONNECT:
            self.wait()
        self.accept()
        news = self.say(encode.open_message(theirs), encode.keepalive())
        return next(event for event in news if isinstance(event, Established))

    def wait(self, seconds: float | None = None) -> list[SessionEvent]:
        """Let that much time pass, or what there is until the next deadline, stop by stop."""
        news: list[SessionEvent] = []
        until = self.now + seconds if seconds is not None else self.session.deadline()
        assert until is not None, "nothing is to happen any more"
        while (due := self.session.deadline()) is not None and due <= until:
            self.now = due
            self.session.timer(self.now)
            news += self.look()
        self.now = until
        return news

    def keep_up(self, seconds: float) -> None:
        """Let time pass while the router says KEEPALIVE every second."""
        for _ in range(round(seconds)):
            self.wait(1.0)
            self.say(encode.keepalive())

    def seconds_to_next_attempt(self) -> float:
        """How long from now until the session asks for a connection."""
        begun = self.now
        while not any(isinstance(event, Connect) for event in self.wait()):
            pass
        return self.now - begun

    @staticmethod
    def down(news: list[SessionEvent]) -> Down:
        """The one Down among the news."""
        (found,) = (event for event in news if isinstance(event, Down))
        return found
