"""Whole packets through the program: every row of its table, and what must pass untouched."""

from __future__ import annotations

import pytest
from scapy.layers.l2 import ARP, Dot1AD, Dot1Q, Ether
from scapy.packet import Packet, Padding

from bpf.abi import Verdict
from speaker.layer2.frames import gratuitous, request
from speaker.layer2.table import EntryState
from tests.bpf.conftest import SHORT_HAUNT
from tests.support.bpf import ASKER, ASKER_MAC, IFINDEX, MAC, VIP, Bench, Outcome

REQUEST = request(VIP, ASKER, ASKER_MAC)
BROADCAST = "ff:ff:ff:ff:ff:ff"
OTHER_MAC = "02:00:c0:00:02:99"


def ask(*, to: str = BROADCAST, **fields: object) -> bytes:
    """A request for the VIP as scapy makes it, with some fields of ARP set otherwise."""
    arp = ARP(
        op=1,
        hwsrc=ASKER_MAC.hex(":"),
        psrc=str(ASKER),
        hwdst="00:00:00:00:00:00",
        pdst=str(VIP),
    )
    for name, value in fields.items():
        setattr(arp, name, value)
    return bytes(Ether(dst=to, src=ASKER_MAC.hex(":")) / arp)


def passed(frame: bytes) -> Outcome:
    return Outcome("PASS", frame, {})


def test_our_own_request_is_byte_for_byte_the_one_that_scapy_makes() -> None:
    assert ask() == REQUEST
    assert len(REQUEST) == 42


def test_a_request_is_turned_into_a_unicast_reply_that_scapy_reads_as_it_should_be(
    bench: Bench,
) -> None:
    bench.put()
    outcome = bench.run(REQUEST)
    reply = Ether(dst=ASKER_MAC.hex(":"), src=MAC.hex(":")) / ARP(
        op=2,
        hwsrc=MAC.hex(":"),
        psrc=str(VIP),
        hwdst=ASKER_MAC.hex(":"),
        pdst=str(ASKER),
    )
    assert outcome == Outcome("TX", bytes(reply), {Verdict.ANSWERED: 1})
    read: Packet = Ether(outcome.frame)
    assert read[ARP].answers(Ether(REQUEST)[ARP])


def test_a_request_padded_to_sixty_bytes_keeps_its_padding_and_its_length(bench: Bench) -> None:
    bench.put()
    padding = bytes(range(18))
    outcome = bench.run(REQUEST + padding)
    assert (outcome.action, len(outcome.frame)) == ("TX", 60)
    assert Ether(outcome.frame)[Padding].load == padding


def test_a_frame_of_41_bytes_passes(bench: Bench) -> None:
    bench.put()
    assert bench.run(REQUEST[:41]) == passed(REQUEST[:41])


def test_a_probe_from_no_address_is_answered_to_its_sender(bench: Bench) -> None:
    bench.put()
    outcome = bench.run(ask(psrc="0.0.0.0"))
    assert outcome.counted == {Verdict.ANSWERED: 1}
    reply = Ether(outcome.frame)
    assert (reply.dst, reply.src) == (ASKER_MAC.hex(":"), MAC.hex(":"))
    assert (reply.op, reply.psrc, reply.pdst) == (2, str(VIP), "0.0.0.0")
    assert (reply.hwsrc, reply.hwdst) == (MAC.hex(":"), ASKER_MAC.hex(":"))


@pytest.mark.parametrize("asker", ["10.9.2.240", "192.0.9.9"])
def test_an_asker_whose_address_is_half_the_vips_is_answered(bench: Bench, asker: str) -> None:
    bench.put()
    assert bench.run(ask(psrc=asker)).action == "TX"


def test_the_target_of_the_reply_is_the_sender_in_arp_whoever_sent_the_frame(bench: Bench) -> None:
    bench.put()
    reply = Ether(bench.run(ask(hwsrc=OTHER_MAC)).frame)
    assert (reply.dst, reply.hwdst) == (ASKER_MAC.hex(":"), OTHER_MAC)


@pytest.mark.parametrize("to", [MAC.hex(":"), "01:00:5e:00:00:01"])
def test_a_request_to_the_vips_mac_or_to_a_group_is_answered(bench: Bench, to: str) -> None:
    bench.put()
    assert bench.run(ask(to=to)).action == "TX"


def test_a_request_to_another_nodes_mac_passes_and_is_counted(bench: Bench) -> None:
    bench.put()
    frame = ask(to=OTHER_MAC)
    assert bench.run(frame) == Outcome("PASS", frame, {Verdict.PASSED_OTHER_MAC: 1})


def test_a_request_without_an_entry_passes(bench: Bench) -> None:
    assert bench.run(REQUEST) == passed(REQUEST)


def test_an_entry_of_another_interface_does_not_count(bench: Bench) -> None:
    bench.put(ifindex=IFINDEX + 1)
    assert bench.run(REQUEST, IFINDEX) == passed(REQUEST)
    bench.put(ifindex=IFINDEX)
    assert bench.run(REQUEST, IFINDEX).action == "TX"


@pytest.mark.parametrize("frame", gratuitous(VIP, ASKER_MAC), ids=["request", "reply"])
def test_gratuitous_arp_for_the_vip_passes(bench: Bench, frame: bytes) -> None:
    bench.put()
    assert bench.run(frame) == passed(frame)


def test_a_frame_with_the_vips_mac_as_its_source_passes(bench: Bench) -> None:
    bench.put()
    frame = REQUEST[:6] + MAC + REQUEST[12:]
    assert bench.run(frame) == passed(frame)


def test_a_request_with_the_vips_mac_as_its_sender_passes(bench: Bench) -> None:
    bench.put()
    frame = ask(hwsrc=MAC.hex(":"))
    assert bench.run(frame) == passed(frame)


@pytest.mark.parametrize(
    ("offset", "value"),
    [(14, "0006"), (16, "86dd"), (18, "08"), (19, "10"), (20, "0002"), (20, "0003"), (20, "0100")],
    ids=[
        "other hardware",
        "other protocol",
        "longer MAC",
        "longer address",
        "reply",
        "reverse request",
        "request in the wrong byte order",
    ],
)
def test_arp_that_is_no_request_for_ipv4_over_ethernet_passes(
    bench: Bench, offset: int, value: str
) -> None:
    bench.put()
    new = bytes.fromhex(value)
    frame = REQUEST[:offset] + new + REQUEST[offset + len(new) :]
    assert bench.run(frame) == passed(frame)


@pytest.mark.parametrize(
    "tag",
    [Dot1Q(vlan=7), Dot1AD(vlan=7) / Dot1Q(vlan=8), Dot1Q(vlan=0)],
    ids=["802.1Q", "two tags", "priority only"],
)
def test_a_tagged_request_passes_to_the_vlans_own_interface(bench: Bench, tag: Packet) -> None:
    bench.put()
    frame = bytes(Ether(dst=BROADCAST, src=ASKER_MAC.hex(":")) / tag / Ether(REQUEST)[ARP])
    assert bench.run(frame) == passed(frame)


@pytest.mark.parametrize(
    "frame",
    [bytes(14), REQUEST[:12] + b"\x08\x00" + REQUEST[14:], REQUEST[:12] + b"\x86\xdd" + bytes(60)],
    ids=["short", "IPv4", "IPv6"],
)
def test_what_is_no_arp_passes(bench: Bench, frame: bytes) -> None:
    bench.put()
    assert bench.run(frame) == passed(frame)


def test_an_entry_of_a_fenced_term_drops_whatever_its_state_and_lease(bench: Bench) -> None:
    bench.node(fenced=bench.ENTRY.term)
    for state in EntryState:
        bench.put(state)
        assert bench.run(REQUEST) == Outcome("DROP", REQUEST, {Verdict.DROPPED_FENCED: 1})


def test_an_entry_above_the_fenced_term_answers(bench: Bench) -> None:
    bench.node(fenced=bench.ENTRY.term - 1)
    bench.put()
    assert bench.run(REQUEST).action == "TX"


def test_leaving_drops_although_the_lease_is_in_force(bench: Bench) -> None:
    bench.put(EntryState.LEAVING)
    assert bench.run(REQUEST) == Outcome("DROP", REQUEST, {Verdict.DROPPED_LEAVING: 1})


def test_elsewhere_drops_while_the_agent_lives_whether_or_not_a_lease_is_in_force(
    hasty: Bench,
) -> None:
    hasty.put(EntryState.ELSEWHERE)
    for age in (0, SHORT_HAUNT / 2):
        hasty.node(heartbeat=-age)
        hasty.lease(-SHORT_HAUNT * 2)
        assert hasty.run(REQUEST) == Outcome("DROP", REQUEST, {Verdict.DROPPED_ELSEWHERE: 1})


def test_elsewhere_passes_once_the_agent_is_gone(hasty: Bench) -> None:
    hasty.put(EntryState.ELSEWHERE)
    hasty.node(heartbeat=-SHORT_HAUNT - 0.001)
    assert hasty.run(REQUEST) == Outcome("PASS", REQUEST, {Verdict.PASSED_AGENT_GONE: 1})


def test_a_lease_that_is_over_drops_and_one_long_over_passes(hasty: Bench) -> None:
    hasty.put()
    for ended in (0, SHORT_HAUNT / 2):
        hasty.lease(-ended)
        assert hasty.run(REQUEST) == Outcome("DROP", REQUEST, {Verdict.DROPPED_LEASE_OVER: 1})
    hasty.lease(-SHORT_HAUNT - 0.001)
    assert hasty.run(REQUEST) == Outcome("PASS", REQUEST, {Verdict.PASSED_LEASE_OVER: 1})


def test_a_dead_agent_does_not_end_a_lease_in_force(hasty: Bench) -> None:
    hasty.put()
    hasty.node(heartbeat=-SHORT_HAUNT - 0.001)
    assert hasty.run(REQUEST).action == "TX"


def test_a_lease_over_drops_also_what_is_sent_to_another_mac(bench: Bench) -> None:
    bench.put()
    bench.lease(0)
    frame = ask(to=OTHER_MAC)
    assert bench.run(frame) == Outcome("DROP", frame, {Verdict.DROPPED_LEASE_OVER: 1})


def test_a_new_lease_is_seen_by_the_next_frame(bench: Bench) -> None:
    bench.put()
    for seconds, action in ((0, "DROP"), (60, "TX")) * 50:
        bench.lease(seconds)
        assert bench.run(REQUEST).action == action
