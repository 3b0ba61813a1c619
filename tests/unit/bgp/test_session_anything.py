"""Whatever happens to a session in whatever order: it keeps its promises.

No error, a deadline that lies ahead, nothing sent in a state that forbids it, numbers that only
grow, and for each connection that was asked for one end, after which nothing more is said of it.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace

from hypothesis import given
from hypothesis import strategies as st

from speaker.bgp import encode
from speaker.bgp.codes import Cease, MessageType
from speaker.bgp.messages import IPV4_UNICAST, IPV6_UNICAST, Notification, RouteRefresh
from speaker.bgp.notices import Close, Connect, Down, Established, SessionEvent
from speaker.bgp.session import Session
from speaker.bgp.settings import Graceful, SessionSettings
from speaker.bgp.states import State
from tests.unit.bgp.talking import BRIDGES, HERE, OPEN, SETTINGS, SETTINGS_V6, THERE, kinds, opening
from vipcast.model.peer import DynamicAsn

UPDATE = encode.end_of_rib(IPV4_UNICAST)
# What may come first, and then, in which state. A host that takes nothing may leave OPEN waiting
# until the router has said all of its own.
IN_ORDER = {
    MessageType.OPEN: {State.OPEN_SENT, State.OPEN_CONFIRM, State.ESTABLISHED},
    MessageType.KEEPALIVE: {State.OPEN_CONFIRM, State.ESTABLISHED},
    MessageType.UPDATE: {State.ESTABLISHED},
}
SAYABLE = (
    encode.open_message(OPEN),
    encode.open_message(opening(graceful_restart=BRIDGES, families=(IPV4_UNICAST, IPV6_UNICAST))),
    encode.open_message(replace(OPEN, hold_time=0)),
    encode.open_message(replace(OPEN, hold_time=3)),
    encode.open_message(replace(opening(four_octet_asn=7), asn=7)),
    encode.open_message(opening(families=())),
    encode.keepalive(),
    encode.keepalive(),
    UPDATE,
    UPDATE[:-1] + b"\x07",  # attributes that are not there
    encode.route_refresh(RouteRefresh(IPV4_UNICAST)),
    encode.route_refresh(RouteRefresh(IPV6_UNICAST, 2)),
    *(encode.notification(Notification(2, subcode)) for subcode in (1, 2, 4, 7)),
    *(encode.notification(Notification(6, subcode)) for subcode in (1, 2, 4, 9)),
    b"\xff" * 19,
    b"\x00" * 30,
)
settings_of_all_kinds = st.sampled_from(
    [
        SETTINGS,
        SETTINGS_V6,
        replace(SETTINGS, peer_asn=DynamicAsn.EXTERNAL, local_asn=4200000000, connect_time=1),
        replace(
            SETTINGS, hold_time=3, keepalive_time=1, graceful_restart=Graceful(restarting=True)
        ),
        replace(SETTINGS_V6, hold_time=0, families=(IPV6_UNICAST,), md5=True),
    ]
)
# A generation is said as its distance from the present one; late answers are common.
age = st.sampled_from([0, 0, 0, 0, 1, 2])
steps = st.one_of(
    st.tuples(st.just("accept"), age),
    st.tuples(st.just("accept"), st.just(0)),
    st.tuples(st.just("say"), age, st.lists(st.sampled_from(SAYABLE), max_size=4), st.booleans()),
    st.tuples(st.just("handshake"), st.integers(0, 2)),
    st.tuples(st.just("half"), age, st.sampled_from(SAYABLE), st.integers(0, 60)),
    st.tuples(st.just("noise"), age, st.binary(max_size=40)),
    st.tuples(st.just("wait"), st.floats(0, 300)),
    st.tuples(st.just("due")),
    st.tuples(st.just("close"), age),
    st.tuples(st.just("start")),
    st.tuples(st.just("stop"), st.sampled_from([None, Cease.ADMINISTRATIVE_SHUTDOWN])),
    st.tuples(st.just("reset"), st.sampled_from(list(Cease))),
    st.tuples(st.just("send"), age, st.integers(0, 400)),
    st.tuples(st.just("deaf"), st.booleans()),
)


@dataclass
class World:
    """A session, and all that is true of it at any time."""

    settings: SessionSettings
    jitter: float
    now: float = 0.0
    deaf: bool = False  # the host takes nothing
    open: int | None = None  # the connection that was asked for and has not ended
    newest: int = 0
    established: set[int] = field(default_factory=set)
    sent: list[MessageType] = field(default_factory=list)  # on the present connection

    def __post_init__(self) -> None:
        self.session = Session(self.settings, jitter=lambda: self.jitter)

    def take(self, step: tuple[object, ...]) -> None:
        """One step, and whether all is as it should be afterwards."""
        name, *arguments = step
        getattr(self, f"do_{name}")(*arguments)
        self.look()

    def do_accept(self, age: int) -> None:
        self.session.connected(HERE, THERE, self.now, generation=self.newest - age)

    def do_say(self, age: int, messages: list[bytes], cut: bool) -> None:
        said = b"".join(messages)
        for piece in [said[n : n + 7] for n in range(0, len(said), 7)] if cut else [said]:
            self.session.receive(piece, self.now, generation=self.newest - age)

    def do_handshake(self, how: int) -> None:
        if self.session.state is State.IDLE and self.session.deadline() is None:
            self.session.start(self.now)
            self.look()
        self.do_accept(0)
        self.look()
        self.do_say(0, [SAYABLE[how], encode.keepalive()], False)

    def do_half(self, age: int, message: bytes, size: int) -> None:
        self.session.receive(message[:size], self.now, generation=self.newest - age)

    def do_noise(self, age: int, octets: bytes) -> None:
        self.session.receive(octets, self.now, generation=self.newest - age)

    def do_wait(self, seconds: float) -> None:
        self.now += seconds
        self.session.timer(self.now)

    def do_due(self) -> None:
        self.now = max(self.now, self.session.deadline() or self.now)
        self.session.timer(self.now)

    def do_close(self, age: int) -> None:
        self.session.closed("It was closed.", self.now, generation=self.newest - age)

    def do_start(self) -> None:
        self.session.start(self.now)

    def do_stop(self, cease: Cease | None) -> None:
        self.session.stop(self.now, cease=cease, text="bye")
        assert (self.session.state, self.session.deadline()) == (State.IDLE, None)

    def do_reset(self, cease: Cease) -> None:
        self.session.reset(self.now, cease, "again")

    def do_send(self, age: int, count: int) -> None:
        taken = self.session.send(UPDATE * count, generation=self.newest - age)
        assert taken is (self.session.state is State.ESTABLISHED and age == 0)

    def do_deaf(self, deaf: bool) -> None:
        self.deaf = deaf

    def look(self) -> None:
        """Everything that has to hold after every call."""
        session = self.session
        due = session.deadline()
        assert due is None or due > self.now
        if session.state not in (State.IDLE, State.ESTABLISHED):
            assert due is not None, f"stuck in {session.state}"
        while not self.deaf and (octets := session.to_send(1000)):
            self.sent += kinds(octets)
            assert all(session.state in IN_ORDER[kind] for kind in kinds(octets))
            session.sent(self.now, generation=session.generation)
        assert self.sent[:1] in ([], [MessageType.OPEN])
        assert self.sent[1:2] in ([], [MessageType.KEEPALIVE])
        assert MessageType.OPEN not in self.sent[1:]
        for event in session.events():
            self.judge(event)
        assert session.events() == ()
        connected = session.state in (State.OPEN_SENT, State.OPEN_CONFIRM, State.ESTABLISHED)
        assert (self.open is not None) is (connected or session.state is State.CONNECT)
        assert connected or (session.to_send() == b"" and session.view().waiting == 0)

    def judge(self, event: SessionEvent) -> None:
        """Events of one connection come between Connect and Down, and once each."""
        match event:
            case Connect(generation):
                assert self.open is None
                assert generation == self.newest + 1
                self.open = self.newest = generation
                self.sent = []
            case Close(generation, last):
                assert generation == self.open
                assert kinds(last) in ([], [MessageType.NOTIFICATION])
            case Down(generation):
                assert generation == self.open
                assert event.sentence
                assert (event.stood is not None) is (generation in self.established)
                self.open = None
            case Established(generation):
                assert generation == self.open
                assert generation not in self.established
                self.established.add(generation)
            case _:
                assert event.generation == self.open
                assert event.generation in self.established


@given(
    settings=settings_of_all_kinds,
    jitter=st.floats(0, 1),
    happens=st.lists(steps, max_size=40),
)
def test_whatever_happens_a_session_keeps_its_promises(
    settings: SessionSettings, jitter: float, happens: list[tuple[object, ...]]
) -> None:
    world = World(settings, jitter)
    world.take(("start",))
    for step in happens:
        world.take(step)


@given(settings=settings_of_all_kinds, happens=st.lists(steps, max_size=30))
def test_whatever_happened_a_session_comes_up_again_when_the_router_is_well(
    settings: SessionSettings, happens: list[tuple[object, ...]]
) -> None:
    world = World(settings, 1.0)
    for step in happens:
        world.take(step)
    world.take(("deaf", False))
    theirs = replace(
        opening(families=(IPV4_UNICAST, IPV6_UNICAST)), hold_time=max(settings.hold_time, 90)
    )
    world.take(("start",))
    for _ in range(8):
        if world.session.state is State.ESTABLISHED:
            break
        while world.session.state is not State.CONNECT:
            world.take(("due",))
        world.take(("accept", 0))
        world.take(("say", 0, [encode.open_message(theirs), encode.keepalive()], False))
    assert world.session.state is State.ESTABLISHED
