"""What every Responder does: the real one on pinned maps, and the one in memory."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator
from contextlib import contextmanager
from ipaddress import IPv4Address
from pathlib import Path

import pytest

from bpf import SOURCES
from bpf.abi import INDEX, LEASE_SLOTS, SLOT, SLOTS, VERDICTS, NodeWord
from native.bpfmap import Map
from speaker.adapters.maps import PinnedResponder
from speaker.layer2.table import EntryKey, EntryState, Put, Remove
from speaker.ports import Responder
from tests.support.bpf import loaded, mounted
from tests.support.fakes import Maps, MemoryResponder
from vipcast.model.errors import HostError

MAC = bytes.fromhex("0200c0000201")
A, B = IPv4Address("192.0.2.240"), IPv4Address("192.0.2.241")
ANSWER, ELSEWHERE = EntryState.ANSWER, EntryState.ELSEWHERE


class Harness(ABC):
    """Maps that outlive whoever opens them."""

    @abstractmethod
    def open(self) -> Responder:
        """An agent opens the maps."""

    @abstractmethod
    def fence(self, term: int) -> None:
        """The program has fenced a term."""


class PinnedHarness(Harness):
    """The maps of the real program."""

    def __init__(self, pin_path: Path) -> None:
        self.pin_path = pin_path
        self.pins = SOURCES.pins(pin_path)
        with Map.open(self.pins / "entries") as entries, Map.open(self.pins / "slots") as slots:
            entries.remove_many([key for key, _ in entries.items()])
            for index in range(SLOTS):
                slots.put(INDEX.pack(index), bytes(SLOT.size))

    def open(self) -> Responder:
        return PinnedResponder(self.pin_path)

    def fence(self, term: int) -> None:
        with Map.open(self.pins / "slots") as slots, slots.memory() as words:
            words[NodeWord.FENCED] = term


class MemoryHarness(Harness):
    """Maps in memory."""

    def __init__(self) -> None:
        self.maps = Maps()

    def open(self) -> Responder:
        return MemoryResponder(self.maps)

    def fence(self, term: int) -> None:
        self.maps.fenced = term


@pytest.fixture(scope="module")
def pin_path() -> Iterator[Path]:
    """The program, loaded once."""
    with mounted() as path:
        loaded(path / "contract")
        yield path / "contract"


@pytest.fixture(params=[pytest.param("pinned", marks=pytest.mark.root), "memory"])
def harness(request: pytest.FixtureRequest) -> Harness:
    if request.param == "pinned":
        return PinnedHarness(request.getfixturevalue("pin_path"))
    return MemoryHarness()


@contextmanager
def agent(harness: Harness) -> Iterator[Responder]:
    responder = harness.open()
    try:
        yield responder
    finally:
        responder.close()


def put(responder: Responder, ifindex: int, vip: IPv4Address, state: EntryState = ANSWER) -> Put:
    key = EntryKey(ifindex, vip)
    change = Put(key, responder.entry(key, state, 3, MAC))
    responder.apply([change])
    return change


def test_new_maps_have_a_boot_word_and_nothing_else(harness: Harness) -> None:
    with agent(harness) as one:
        assert one.boot > 0
        assert (one.term, one.fenced, dict(one.entries), dict(one.counts())) == (1, 0, {}, {})
        assert one.lease(2) == 0.0


def test_an_entry_bears_term_slot_epoch_and_one_counter_for_each_address(harness: Harness) -> None:
    with agent(harness) as one:
        slots = one.segment(2, {2, 3}), one.segment(3, {2, 3})
        here = one.entry(EntryKey(2, A), ANSWER, 9, MAC)
        there = one.entry(EntryKey(3, A), ELSEWHERE, 8, MAC)
        other = one.entry(EntryKey(2, B), ANSWER, 1, MAC)
    assert slots[0] != slots[1]
    assert (here.state, here.slot, here.term, here.epoch, here.mac) == (ANSWER, slots[0], 1, 9, MAC)
    assert (there.state, there.slot, there.epoch) == (ELSEWHERE, slots[1], 8)
    assert here.counter == there.counter != other.counter


def test_what_is_put_stands_until_it_is_removed(harness: Harness) -> None:
    with agent(harness) as one:
        one.segment(2, {2})
        view = one.entries
        first = put(one, 2, A)
        assert dict(view) == {first.key: first.entry}
        again = put(one, 2, A, ELSEWHERE)
        assert dict(view) == {first.key: again.entry}
        one.apply([Remove(EntryKey(2, A)), Remove(EntryKey(2, B)), Remove(EntryKey(9, A))])
        assert dict(view) == {}


def test_changes_are_made_in_their_order(harness: Harness) -> None:
    with agent(harness) as one:
        one.segment(2, {2})
        key = EntryKey(2, A)
        entry = one.entry(key, ANSWER, 1, MAC)
        one.apply([Put(key, entry), Remove(key)])
        assert dict(one.entries) == {}
        one.apply([Remove(key), Put(key, entry)])
        assert dict(one.entries) == {key: entry}


def test_the_next_agent_finds_entries_leases_boot_and_term(harness: Harness) -> None:
    with agent(harness) as one:
        slot = one.segment(2, {2})
        change = put(one, 2, A)
        one.set_lease(2, 1234.5)
        boot = one.boot
    with agent(harness) as other:
        assert (other.boot, other.term, dict(other.entries)) == (
            boot,
            1,
            {change.key: change.entry},
        )
        assert other.lease(2) == pytest.approx(1234.5)
        assert other.segment(2, {2}) == slot
        assert other.lease(2) == pytest.approx(1234.5)


def test_a_fenced_term_is_followed_by_the_one_above_it(harness: Harness) -> None:
    with agent(harness) as one:
        one.segment(2, {2})
        old = put(one, 2, A)
    harness.fence(4)
    with agent(harness) as other:
        assert (other.term, other.fenced) == (5, 4)
        assert other.entries[old.key].term == 1
        assert other.entry(old.key, ANSWER, 1, MAC).term == 5


def test_an_interface_needs_a_slot_before_anything_else(harness: Harness) -> None:
    with agent(harness) as one:
        with pytest.raises(HostError, match="has no lease slot"):
            one.entry(EntryKey(2, A), ANSWER, 1, MAC)
        with pytest.raises(HostError, match="has no lease slot"):
            one.set_lease(2, 1.0)


def test_slots_are_kept_then_taken_from_interfaces_that_are_gone_and_then_refused(
    harness: Harness,
) -> None:
    everybody = range(100, 100 + len(LEASE_SLOTS))
    with agent(harness) as one:
        slots = [one.segment(ifindex, everybody) for ifindex in everybody]
        assert sorted(slots) == list(LEASE_SLOTS)
        assert [one.segment(ifindex, everybody) for ifindex in everybody] == slots
        with pytest.raises(HostError, match="lease slots are taken"):
            one.segment(7, everybody)
        one.set_lease(100, 99.0)
        put(one, 100, A)
        kept = put(one, 101, A)
        assert one.segment(7, set(everybody) - {100}) == slots[0]
        assert dict(one.entries) == {kept.key: kept.entry}
        assert (one.lease(100), one.lease(7)) == (0.0, 0.0)


def test_a_full_map_refuses_with_its_size_and_entries_say_what_stands(harness: Harness) -> None:
    with agent(harness) as one:
        one.segment(2, {2})
        first = IPv4Address("10.0.0.0")
        keys = [EntryKey(2, first + number) for number in range(16384)]
        one.apply([Put(key, one.entry(key, ELSEWHERE, 0, MAC)) for key in keys])
        more = EntryKey(2, A)
        with pytest.raises(HostError, match="The map of VIPs is full: 16384 entries"):
            one.apply([Put(more, one.entry(more, ELSEWHERE, 0, MAC))])
        assert one.entries.keys() == set(keys)
        one.apply([Put(keys[0], one.entry(keys[0], ANSWER, 1, MAC))])
        assert one.entries[keys[0]].state is ANSWER
        one.apply([Remove(keys[1]), Put(more, one.entry(more, ANSWER, 1, MAC))])
        assert one.entries.keys() == {*keys, more} - {keys[1]}


def test_every_address_with_an_entry_is_counted_and_no_other(harness: Harness) -> None:
    with agent(harness) as one:
        for ifindex in (2, 3):
            one.segment(ifindex, {2, 3})
            put(one, ifindex, A)
        assert dict(one.counts()) == {A: dict.fromkeys(VERDICTS, 0)}
        one.apply([Remove(EntryKey(2, A))])
        assert set(one.counts()) == {A}
        one.apply([Remove(EntryKey(3, A))])
        assert dict(one.counts()) == {}
