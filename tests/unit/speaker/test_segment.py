"""One segment's shell: what its core asks is done in the order it asks, and adoption is fair."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from ipaddress import IPv4Address

import pytest

from speaker.layer2.frames import gratuitous
from speaker.layer2.greeting import Greetings
from speaker.layer2.interfaces import Link
from speaker.layer2.table import Entry, EntryKey, EntryState, Put
from speaker.leadership import (
    Candidate,
    Candidates,
    Changed,
    Condition,
    Identity,
    SegmentCore,
    agent_key,
)
from speaker.ports import Greeted
from speaker.segment import Segment, port
from tests.support.fakes import ManualClock, Maps, MemoryResponder, attachment
from tests.unit.speaker.world import LAN, OTHER, VIP, lan, mac
from vipcast.model.addresses import Address
from vipcast.model.errors import HostError
from vipcast.model.reasons import Reason

KEY = agent_key(b"k" * 32)
ME, YOU = "node1", "node2"
MINE: Candidates = {ME: Candidate()}
YOURS: Candidates = {YOU: Candidate()}
BOTH: Candidates = {**MINE, **YOURS}
EVERYTHING: Mapping[Address, Candidates] = {VIP: MINE}
FRESH = bytes.fromhex("0200c0000299")


class Rig:
    """A segment of node1 on a clock that a test turns; `journal` is all that left it, in order."""

    def __init__(self, link: Link | None = None, maps: Maps | None = None) -> None:
        self.clock = ManualClock()
        self.journal: list[str] = []
        self.sent: list[bytes] = []
        self.refuses = False
        self.slow = 0.0
        self.told: list[Changed | Condition] = []
        self.full = False
        self.maps = maps or Maps()
        self.responder = MemoryResponder(self.maps)
        self.responder.journal = self.journal
        self.responder.segment(LAN, {LAN})
        link = link or lan(1)
        identity = Identity(ME, self.responder.boot, self.responder.term)
        self.segment = Segment(
            link,
            attachment(link),
            SegmentCore(identity, port(link), KEY),
            responder=self.responder,
            pulse=_Pulse(self),
            greeter=_Greeter(self),
            clock=self.clock,
            greetings=Greetings(lambda: 0.0),
            report=self._report,
        )

    def run(self, seconds: float) -> None:
        """Let time pass; everything that is due happens at its time."""
        end = self.clock.time + seconds
        while (deadline := self.segment.next_deadline()) is not None and deadline <= end:
            self.clock.time = max(self.clock.time, deadline)
            self.segment.tick()
        self.clock.time = max(self.clock.time, end)

    def hold(self) -> None:
        """Until this node, alone on the segment, answers for the VIP and has greeted."""
        self.segment.adopt()
        self.segment.want(EVERYTHING)
        self.run(6.0)
        assert self.answers()
        self.journal.clear()
        self.told.clear()

    def answers(self) -> bool:
        """Whether the program would answer now."""
        return self.maps.answers(LAN, VIP, self.clock.time)

    def _report(self, interface: str, effect: Changed | Condition) -> None:
        self.told.append(effect)
        word = effect.new if isinstance(effect, Changed) else effect.reason
        self.journal.append(f"told {interface} {word}")


class _Pulse:
    def __init__(self, rig: Rig) -> None:
        self._rig = rig

    @property
    def failures(self) -> Mapping[str, int]:
        return {}

    def join(self, link: Link) -> None:
        raise NotImplementedError(link)

    def leave(self, ifindex: int) -> None:
        raise NotImplementedError(ifindex)

    def send(self, ifindex: int, datagrams: Sequence[bytes]) -> bool:
        rig = self._rig
        rig.clock.time += rig.slow
        rig.journal.append(f"send {ifindex}" + (" refused" if rig.refuses else ""))
        if not rig.refuses:
            rig.sent += datagrams
        return not rig.refuses

    def close(self) -> None:
        raise NotImplementedError


class _Greeter:
    def __init__(self, rig: Rig) -> None:
        self._rig = rig

    def send(self, ifindex: int, frames: Iterable[bytes]) -> Greeted:
        frames = tuple(frames)
        for frame in frames:
            self._rig.journal.append(f"greet {ifindex} {frame[6:12].hex(':')}")
        return Greeted(0, len(frames), "ENOBUFS") if self._rig.full else Greeted(len(frames), 0)

    def close(self) -> None:
        raise NotImplementedError


def own(state: str, epoch: int = 1, address: bytes | None = None) -> str:
    """A line of the journal: the VIP's entry."""
    return f"{state} {LAN} {VIP} {epoch} {(address or mac(1)).hex(':')}"


def lease(until: float) -> str:
    """A line of the journal: the lease."""
    return f"lease {LAN} {until:.3f}"


def test_a_claim_is_said_then_the_lease_runs_then_it_answers_then_it_greets() -> None:
    rig = Rig()
    rig.segment.adopt()
    rig.segment.want(EVERYTHING)
    rig.run(1.299)
    assert own("answer") not in rig.journal
    rig.journal.clear()
    rig.run(0.05)
    start = rig.journal.index(own("answer"))
    assert rig.journal[start - 2 : start + 4] == [
        f"send {LAN}",
        lease(rig.clock.time - 0.05 + 0.001 + 0.8),
        own("answer"),
        f"greet {LAN} {mac(1).hex(':')}",
        f"greet {LAN} {mac(1).hex(':')}",
        f"told lan0 {ME}",
    ]


def test_the_lease_counts_from_before_the_hello_left() -> None:
    rig = Rig()
    rig.slow = 0.3
    rig.segment.adopt()
    rig.segment.tick()
    assert rig.journal == [f"send {LAN}", lease(1000.0 + 0.8)]
    assert rig.clock.time == 1000.3


def test_a_hello_that_did_not_leave_pushes_no_lease_and_is_not_counted() -> None:
    rig = Rig()
    rig.hold()
    until, hellos = rig.responder.lease(LAN), rig.segment.hellos
    rig.refuses = True
    rig.run(0.5)
    assert set(rig.journal) == {f"send {LAN} refused"}
    assert (rig.responder.lease(LAN), rig.segment.hellos) == (until, hellos)
    rig.run(1.0)
    assert rig.journal.index(own("elsewhere", 0)) < len(rig.journal)
    assert not rig.maps.answers(LAN, VIP, rig.clock.time)
    assert rig.told[0] == Changed(VIP, ME, None, Reason.LEASE_OVER, None)


def test_greetings_are_ten_frames_in_five_rounds_and_counted() -> None:
    rig = Rig()
    rig.hold()
    seen = rig.segment.seen()
    assert (seen.greeted, seen.ungreeted) == ({VIP: 10}, 0)
    rig.run(60.0)
    assert rig.segment.seen().greeted == {VIP: 10}


def test_greetings_that_did_not_leave_are_counted_apart() -> None:
    rig = Rig()
    rig.full = True
    rig.hold()
    seen = rig.segment.seen()
    assert (seen.greeted, seen.ungreeted) == ({VIP: 0}, 10)


def test_both_forms_of_a_greeting_leave() -> None:
    rig = Rig()
    frames: list[bytes] = []

    class Keeping(_Greeter):
        def send(self, ifindex: int, frames_: Iterable[bytes]) -> Greeted:
            frames.extend(frames_)
            return super().send(ifindex, frames_)

    rig.segment._greeter = Keeping(rig)
    rig.hold()
    assert frames == [*gratuitous(VIP, mac(1))] * 5


def test_an_address_that_falls_silent_is_greeted_for_no_more() -> None:
    rig = Rig()
    rig.segment.adopt()
    rig.segment.want(EVERYTHING)
    rig.run(1.4)
    assert rig.segment.seen().greeted == {VIP: 2}
    rig.segment.want({VIP: YOURS})
    assert rig.journal[-2:] == [own("elsewhere", 0), "told lan0 None"]
    rig.journal.clear()
    rig.run(10.0)
    assert not [line for line in rig.journal if line.startswith("greet")]


def test_a_removed_address_is_greeted_for_no_more_and_its_count_goes() -> None:
    rig = Rig()
    rig.segment.adopt()
    rig.segment.want(EVERYTHING)
    rig.run(1.4)
    rig.segment.want({})
    assert rig.journal[-2:] == [f"remove {LAN} {VIP}", "told lan0 None"]
    rig.journal.clear()
    rig.run(10.0)
    assert {line.split()[0] for line in rig.journal} == {"send", "lease"}
    assert rig.segment.seen().greeted == {}


def test_a_lease_that_ran_out_is_noticed_before_a_greeting_is_sent() -> None:
    rig = Rig()
    rig.segment.adopt()
    rig.segment.want(EVERYTHING)
    rig.run(1.4)
    rig.journal.clear()
    rig.clock.time += 2.0  # nothing ran meanwhile
    rig.segment.tick()
    assert rig.journal[0] == own("elsewhere", 0)
    assert not [line for line in rig.journal if line.startswith("greet")]


def test_a_new_mac_is_written_to_what_answers_then_greeted_with() -> None:
    rig = Rig()
    rig.hold()
    rig.segment.set_link(replace(lan(1), mac=FRESH))
    assert rig.journal == [own("answer", address=FRESH), *[f"greet {LAN} {FRESH.hex(':')}"] * 2]


def test_a_new_address_of_the_interface_is_said_in_hellos() -> None:
    rig = Rig()
    rig.hold()
    rig.sent.clear()
    rig.segment.set_link(replace(lan(1), addresses=lan(7).addresses))
    rig.run(0.05)
    assert IPv4Address("192.0.2.17").packed in rig.sent[0]


def test_a_new_name_is_in_the_report() -> None:
    rig = Rig()
    rig.hold()
    rig.segment.set_link(replace(lan(1), name="uplink"))
    seen = rig.segment.seen()
    assert (seen.interface, seen.attachment.interface) == ("uplink", "uplink")
    assert rig.journal == []


def test_a_name_that_the_advertisements_do_not_name_ends_the_answers() -> None:
    rig = Rig()
    rig.segment.adopt()
    rig.segment.want({VIP: {ME: Candidate(0, frozenset({"lan0"}))}})
    rig.run(2.0)
    assert rig.answers()
    rig.segment.set_link(replace(lan(1), name="uplink"))
    assert not rig.answers()
    rig.segment.set_link(lan(1))
    rig.run(0.1)
    assert rig.answers()


@pytest.mark.parametrize("change", [{"carrier": False}, {"up": False}])
def test_a_link_without_wire_or_will_is_told_once_and_nothing_is_sent(
    change: dict[str, bool],
) -> None:
    rig = Rig()
    rig.hold()
    rig.segment.set_link(replace(lan(1), **change))  # type: ignore[arg-type]
    rig.segment.set_link(replace(lan(1), **change, broadcast=False))  # type: ignore[arg-type]
    rig.run(0.5)
    assert rig.journal == ["told lan0 linkDown"]
    assert rig.told == [Condition(Reason.LINK_DOWN, begins=True)]
    rig.segment.set_link(lan(1))
    rig.run(0.01)
    assert rig.told[-1] == Condition(Reason.LINK_DOWN, begins=False)
    assert f"send {LAN}" in rig.journal


def test_a_segment_that_begins_without_a_carrier_says_so_and_waits_for_it() -> None:
    rig = Rig(replace(lan(1), carrier=False))
    rig.segment.adopt()
    assert rig.told == [Condition(Reason.LINK_DOWN, begins=True)]
    rig.run(5.0)
    assert rig.sent == []


def test_leaving_sends_the_last_hello_three_times_over_and_then_sets_the_long_lease() -> None:
    rig = Rig()
    rig.hold()
    sent = len(rig.sent)
    rig.segment.leave_for_restart()
    assert rig.journal == [f"send {LAN}", lease(rig.clock.time + 9.5)]
    assert len(rig.sent) == sent + 3
    assert rig.segment.next_deadline() is None or rig.segment.core.next_deadline() is None


def test_an_entry_that_cannot_be_written_is_an_error_of_whoever_gave_the_input() -> None:
    rig = Rig()
    rig.segment.adopt()
    rig.maps.size = 0
    with pytest.raises(HostError, match="full"):
        rig.segment.want(EVERYTHING)


# Adoption


def standing(*entries: tuple[int, Address, EntryState, int], until: float, fenced: int = 0) -> Maps:
    """Maps as an agent before has left them: interface, VIP, state and term of each entry."""
    maps = Maps(term=max([term for *_, term in entries], default=1), fenced=fenced)
    before = MemoryResponder(maps)
    for ifindex, vip, state, term in entries:
        before.segment(ifindex, {LAN, 3})
        key = EntryKey(ifindex, vip)
        before.apply([Put(key, replace(before.entry(key, state, 4, mac(9)), term=term))])
    before.segment(LAN, {LAN, 3})
    before.set_lease(LAN, until)
    return maps


def entry_of(rig: Rig, vip: Address = VIP, ifindex: int = LAN) -> Entry:
    return rig.maps.entries[EntryKey(ifindex, vip)]


def test_what_answers_under_a_valid_lease_is_adopted_with_its_epoch_and_todays_mac() -> None:
    rig = Rig(maps=standing((LAN, VIP, EntryState.ANSWER, 1), until=1005.0))
    rig.segment.adopt()
    assert rig.journal == [lease(1000.8), own("answer", 4), f"told lan0 {ME}"]
    assert rig.told == [Changed(VIP, None, ME, Reason.ADOPTED, None)]
    rig.segment.want(EVERYTHING)
    rig.run(5.0)
    assert entry_of(rig).epoch == 4
    assert [line for line in rig.journal if "elsewhere" in line] == []


def test_what_answered_under_a_lease_that_is_over_is_silenced_before_a_lease_runs() -> None:
    rig = Rig(maps=standing((LAN, VIP, EntryState.ANSWER, 1), until=999.0))
    rig.segment.adopt()
    assert rig.journal == [own("elsewhere", 0)]
    rig.segment.tick()
    assert rig.journal[1:] == [f"send {LAN}", lease(1000.8)]


def test_an_entry_under_a_fenced_term_is_not_adopted() -> None:
    maps = standing((LAN, VIP, EntryState.ANSWER, 3), until=1005.0, fenced=3)
    rig = Rig(maps=maps)
    assert rig.responder.term == 4
    rig.segment.adopt()
    assert not [effect for effect in rig.told if isinstance(effect, Changed)]
    rig.segment.want(EVERYTHING)
    assert not rig.maps.answers(LAN, VIP, rig.clock.time)
    rig.run(1.0)
    assert not rig.maps.answers(LAN, VIP, rig.clock.time)


def test_entries_of_other_interfaces_are_not_touched() -> None:
    maps = standing(
        (LAN, VIP, EntryState.ANSWER, 1), (3, OTHER, EntryState.ANSWER, 1), until=1005.0
    )
    untouched = maps.entries[EntryKey(3, OTHER)]
    rig = Rig(maps=maps)
    rig.segment.adopt()
    assert rig.told == [Changed(VIP, None, ME, Reason.ADOPTED, None)]
    rig.segment.want({})
    rig.run(5.0)
    assert maps.entries == {EntryKey(3, OTHER): untouched}


def test_what_was_adopted_and_is_not_wanted_is_removed() -> None:
    rig = Rig(
        maps=standing(
            (LAN, VIP, EntryState.ANSWER, 1), (LAN, OTHER, EntryState.ELSEWHERE, 1), until=1005.0
        )
    )
    rig.segment.adopt()
    rig.segment.want({})
    assert rig.maps.entries == {}
