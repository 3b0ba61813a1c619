"""PinnedResponder on real maps: opening, adopting, writing, leases, counters, new layouts."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from ipaddress import IPv4Address
from pathlib import Path

import pytest

from bpf import SOURCES
from bpf.abi import COUNTER_OTHER, INDEX, LEASE_SLOTS, SELF_TEST_ADDRESS, SLOT, NodeWord, Verdict
from native.bpfmap import Map, open_pin, run
from speaker.adapters.maps import PinnedResponder
from speaker.layer2.frames import reply, request
from speaker.layer2.packing import pack_entry, pack_key, unpack_entry, unpack_key
from speaker.layer2.table import Entry, EntryKey, EntryState, Put, Remove
from tests.support.bpf import ASKER, ASKER_MAC, MAC, VIP, changed, loaded
from vipcast.model.addresses import Address
from vipcast.model.errors import HostError

LO = 1
BOOT = 0x1122334455667788


def opened(pin_path: Path) -> PinnedResponder:
    return PinnedResponder(pin_path, random=lambda size: BOOT.to_bytes(size, "big"))


@pytest.fixture
def responder(loaded_pins: Path) -> Iterator[PinnedResponder]:
    with closing(opened(loaded_pins)) as one:
        one.segment(LO, {LO})
        one.set_lease(LO, time.monotonic())  # just over: what follows drops until it is renewed
        yield one


def put(
    responder: PinnedResponder,
    *addresses: Address,
    ifindex: int = LO,
    state: EntryState = EntryState.ANSWER,
) -> None:
    keys = [EntryKey(ifindex, address) for address in addresses]
    responder.apply([Put(key, responder.entry(key, state, 1, MAC)) for key in keys])


def stored(pin_path: Path) -> dict[EntryKey, Entry]:
    with Map.open(SOURCES.pins(pin_path) / "entries") as entries:
        return {unpack_key(key): unpack_entry(value) for key, value in entries.items()}


def words(pin_path: Path, slot: int) -> tuple[int, ...]:
    with Map.open(SOURCES.pins(pin_path) / "slots") as slots:
        return SLOT.unpack(slots.get(INDEX.pack(slot)) or b"")


def ask(pin_path: Path, address: Address = VIP) -> tuple[str, bytes]:
    fd = open_pin(SOURCES.program_pin(pin_path))
    try:
        action, frame, _ = run(fd, request(address, ASKER, ASKER_MAC))
    finally:
        os.close(fd)
    return ("ABORTED", "DROP", "PASS", "TX")[action], frame


def vips(count: int) -> list[IPv4Address]:
    return [IPv4Address("10.0.0.0") + number for number in range(count)]


def test_new_maps_get_a_boot_word_and_the_first_term(loaded_pins: Path) -> None:
    with closing(opened(loaded_pins)) as responder:
        assert (responder.boot, responder.term, responder.fenced) == (BOOT, 1, 0)
        assert responder.entries == {}
    assert words(loaded_pins, 0) == (BOOT, 1, 0, 0, 0, 0, 0, 0)


def test_without_a_chosen_word_boot_is_random(loaded_pins: Path) -> None:
    with closing(PinnedResponder(loaded_pins)) as responder:
        assert 0 < responder.boot < 1 << 64
        boot = responder.boot
    with closing(PinnedResponder(loaded_pins)) as again:
        assert again.boot == boot


def test_without_pins_the_error_names_the_loader(pin_path: Path) -> None:
    with pytest.raises(HostError, match=r"python -m speaker\.adapters\.loader --pin-path") as error:
        opened(pin_path)
    assert str(SOURCES.pins(pin_path) / "entries") in str(error.value)


def test_an_entry_under_a_lease_answers_on_the_real_program(
    responder: PinnedResponder, loaded_pins: Path
) -> None:
    assert ask(loaded_pins)[0] == "PASS"
    put(responder, VIP)
    assert ask(loaded_pins)[0] == "DROP"
    responder.set_lease(LO, time.monotonic() + 60)
    assert ask(loaded_pins) == ("TX", reply(VIP, MAC, ASKER, ASKER_MAC))
    responder.set_lease(LO, time.monotonic())
    assert ask(loaded_pins)[0] == "DROP"
    responder.apply([Remove(EntryKey(LO, VIP))])
    assert ask(loaded_pins)[0] == "PASS"
    assert responder.entries == {}


def test_entries_and_lease_are_adopted_by_the_next_agent_while_the_program_answers(
    responder: PinnedResponder, loaded_pins: Path
) -> None:
    other = EntryKey(7, IPv4Address("192.0.2.241"))
    responder.segment(7, {LO, 7})
    put(responder, VIP)
    put(responder, other.address, ifindex=7, state=EntryState.ELSEWHERE)
    until = time.monotonic() + 60
    responder.set_lease(LO, until)
    before = dict(responder.entries)
    responder.close()
    assert ask(loaded_pins)[0] == "TX"
    with closing(PinnedResponder(loaded_pins)) as again:
        assert again.entries == before == stored(loaded_pins)
        assert (again.boot, again.term) == (BOOT, 1)
        assert again.lease(LO) == pytest.approx(until, abs=1e-6)
        assert again.segment(7, {LO, 7}) == before[other].slot
        assert again.entry(other, EntryState.ELSEWHERE, 1, MAC) == before[other]


def test_a_fenced_term_is_left_when_the_maps_are_opened(
    responder: PinnedResponder, loaded_pins: Path
) -> None:
    put(responder, VIP)
    fence(loaded_pins, 4)
    assert (responder.term, responder.fenced) == (1, 4)
    with closing(PinnedResponder(loaded_pins)) as again:
        assert (again.boot, again.term, again.fenced) == (BOOT, 5, 4)
        again.segment(LO, {LO})
        put(again, IPv4Address("192.0.2.241"))
        assert [entry.term for entry in again.entries.values()] == [1, 5]
        again.set_lease(LO, time.monotonic() + 60)
        assert ask(loaded_pins)[0] == "DROP"
        assert ask(loaded_pins, IPv4Address("192.0.2.241"))[0] == "TX"


def fence(pin_path: Path, term: int) -> None:
    with Map.open(SOURCES.pins(pin_path) / "slots") as slots, slots.memory() as memory:
        memory[NodeWord.FENCED] = term


def test_boot_and_terms_are_carried_over_to_a_new_layout_and_entries_are_not(
    responder: PinnedResponder, loaded_pins: Path, tmp_path: Path
) -> None:
    put(responder, VIP)
    fence(loaded_pins, 6)
    newer = loaded(loaded_pins, changed(tmp_path / "a", "shared.h", "mmap ", "mmap."))
    with closing(PinnedResponder(loaded_pins, newer)) as successor:
        assert (successor.boot, successor.term, successor.fenced) == (BOOT, 7, 6)
        assert successor.entries == {}
    fence(loaded_pins, 8)
    with closing(PinnedResponder(loaded_pins, newer)) as again:
        assert (again.boot, again.term, again.fenced) == (BOOT, 7, 6)


def test_many_changes_are_written_in_their_order(
    responder: PinnedResponder, loaded_pins: Path
) -> None:
    keys = [EntryKey(LO, address) for address in vips(1000)]
    entries = [responder.entry(key, EntryState.ANSWER, 1, MAC) for key in keys]
    responder.apply([Put(key, entry) for key, entry in zip(keys, entries, strict=True)])
    assert responder.entries == stored(loaded_pins) == dict(zip(keys, entries, strict=True))
    silent = replace(entries[0], state=EntryState.ELSEWHERE, epoch=2)
    responder.apply(
        [
            Remove(keys[1]),
            Put(keys[0], silent),
            Put(keys[2], replace(entries[2], epoch=3)),
            Remove(keys[2]),
            Put(keys[1], entries[1]),
            *(Remove(key) for key in keys[3:]),
            Remove(EntryKey(99, VIP)),
        ]
    )
    assert responder.entries == stored(loaded_pins) == {keys[0]: silent, keys[1]: entries[1]}


def test_no_change_is_no_call(responder: PinnedResponder) -> None:
    responder.apply([])
    assert responder.entries == {}


def test_a_full_map_is_an_error_that_says_so_and_what_is_known_stays_true(
    responder: PinnedResponder, loaded_pins: Path
) -> None:
    view = responder.entries
    put(responder, *vips(16000))
    with pytest.raises(HostError, match="The map of VIPs is full: 16384 entries"):
        put(responder, *vips(17000)[16000:])
    assert len(view) == 16384
    assert view == stored(loaded_pins)
    responder.apply([Remove(key) for key in list(view)[1:]])
    put(responder, VIP)
    assert len(view) == len({entry.counter for entry in view.values()}) == 2


def test_the_view_of_entries_follows_and_cannot_be_written(responder: PinnedResponder) -> None:
    view = responder.entries
    put(responder, VIP)
    assert list(view) == [EntryKey(LO, VIP)]
    assert not hasattr(view, "__setitem__")


def test_an_interface_keeps_its_slot_over_restarts(loaded_pins: Path) -> None:
    with closing(opened(loaded_pins)) as first:
        assert [first.segment(ifindex, {5, 6, 7}) for ifindex in (5, 6, 7)] == [1, 2, 3]
        assert first.segment(6, {6}) == 2
    with closing(opened(loaded_pins)) as second:
        assert [second.segment(ifindex, {5, 6, 7, 8}) for ifindex in (7, 8, 5)] == [3, 4, 1]


def test_the_slot_of_a_vanished_interface_is_reused_and_its_entries_are_gone(
    responder: PinnedResponder, loaded_pins: Path
) -> None:
    indexes = range(100, 100 + len(LEASE_SLOTS) - 1)
    present = {LO, *indexes}
    for ifindex in indexes:
        responder.segment(ifindex, present)
    put(responder, VIP, ifindex=100)
    put(responder, VIP, ifindex=101)
    responder.set_lease(100, 1000.0)
    with pytest.raises(HostError, match="All 62 lease slots are taken"):
        responder.segment(7, present | {7})
    slot = responder.segment(7, (present | {7}) - {100})
    assert words(loaded_pins, slot) == (0, 7, 0, 0, 0, 0, 0, 0)
    assert list(responder.entries) == list(stored(loaded_pins)) == [EntryKey(101, VIP)]
    assert (responder.lease(7), responder.lease(100)) == (0.0, 0.0)


def test_an_interface_without_a_slot_takes_neither_entry_nor_lease(
    responder: PinnedResponder,
) -> None:
    with pytest.raises(HostError, match="Interface 9 has no lease slot"):
        responder.entry(EntryKey(9, VIP), EntryState.ANSWER, 1, MAC)
    with pytest.raises(HostError, match="Interface 9 has no lease slot"):
        responder.set_lease(9, 1.0)
    assert responder.lease(9) == 0.0


def test_the_heartbeat_is_what_elsewhere_goes_by(
    responder: PinnedResponder, loaded_pins: Path
) -> None:
    put(responder, VIP, state=EntryState.ELSEWHERE)
    now = time.monotonic()
    responder.beat(now)
    assert words(loaded_pins, 0)[NodeWord.HEARTBEAT] == pytest.approx(now * 1e9, abs=1000)
    assert ask(loaded_pins)[0] == "DROP"


def test_answers_and_drops_are_counted_per_vip(
    responder: PinnedResponder, loaded_pins: Path
) -> None:
    other = IPv4Address("192.0.2.241")
    put(responder, VIP, other)
    for _ in range(3):
        ask(loaded_pins)
    responder.set_lease(LO, time.monotonic() + 60)
    for _ in range(4):
        ask(loaded_pins)
    ask(loaded_pins, other)
    counts = responder.counts()
    assert {address: seen(numbers) for address, numbers in counts.items()} == {
        VIP: {Verdict.DROPPED_LEASE_OVER: 3, Verdict.ANSWERED: 4},
        other: {Verdict.ANSWERED: 1},
    }


def seen(numbers: object) -> dict[Verdict, int]:
    assert isinstance(numbers, dict)
    return {verdict: number for verdict, number in numbers.items() if number}


def test_counters_belong_to_the_vip_on_all_interfaces_and_are_zero_for_the_next_one(
    responder: PinnedResponder, loaded_pins: Path
) -> None:
    responder.segment(7, {LO, 7})
    put(responder, VIP)
    put(responder, VIP, ifindex=7)
    index = responder.entries[EntryKey(LO, VIP)].counter
    assert responder.entries[EntryKey(7, VIP)].counter == index != COUNTER_OTHER
    ask(loaded_pins)
    responder.apply([Remove(EntryKey(LO, VIP))])
    assert responder.counts()[VIP][Verdict.DROPPED_LEASE_OVER] == 1
    responder.apply([Remove(EntryKey(7, VIP))])
    assert responder.counts() == {}
    successor = IPv4Address("192.0.2.241")
    put(responder, successor)
    assert responder.entries[EntryKey(LO, successor)].counter == index
    assert seen(responder.counts()[successor]) == {}


def test_counters_go_on_over_a_restart(responder: PinnedResponder, loaded_pins: Path) -> None:
    put(responder, VIP)
    ask(loaded_pins)
    responder.close()
    with closing(PinnedResponder(loaded_pins)) as again:
        other = EntryKey(LO, IPv4Address("192.0.2.241"))
        taken = again.entries[EntryKey(LO, VIP)].counter
        assert again.entry(other, EntryState.ANSWER, 1, MAC).counter not in (taken, COUNTER_OTHER)
        assert seen(again.counts()[VIP]) == {Verdict.DROPPED_LEASE_OVER: 1}


def test_what_a_self_test_left_behind_is_no_vip(loaded_pins: Path) -> None:
    with Map.open(SOURCES.pins(loaded_pins) / "entries") as entries:
        entries.put(
            pack_key(EntryKey(LO, SELF_TEST_ADDRESS)),
            pack_entry(Entry(EntryState.ANSWER, 63, 1, 0, COUNTER_OTHER, MAC)),
        )
    with closing(opened(loaded_pins)) as responder:
        assert responder.entries == {}
