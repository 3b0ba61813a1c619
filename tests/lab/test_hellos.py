"""Hellos on the wire: what is not genuine and fresh is dropped and counted, and moves nothing."""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator

import pytest

from lab import measure
from lab.host import Host
from lab.vipcast import Vipcast
from lab.waiting import until
from tests.support.racks import Rack, rack

SEND = """\
import socket, struct, sys
sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
sock.setsockopt(socket.SOL_SOCKET, socket.SO_BINDTODEVICE, b"lan0")
sock.setsockopt(socket.IPPROTO_IP, socket.IP_MULTICAST_TTL, 1)
for line in sys.argv[1:]:
    sock.sendto(bytes.fromhex(line), ("224.0.0.73", 7473))
"""
RECORD = """\
import socket, struct, sys
sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
sock.setsockopt(socket.SOL_SOCKET, socket.SO_BINDTODEVICE, b"lan0")
sock.bind(("224.0.0.73", 7473))
index = socket.if_nametoindex("lan0")
sock.setsockopt(socket.IPPROTO_IP, socket.IP_ADD_MEMBERSHIP,
                struct.pack("4s4si", socket.inet_aton("224.0.0.73"), bytes(4), index))
sock.settimeout(10)
for _ in range(int(sys.argv[1])):
    data, sender = sock.recvfrom(2048)
    print(sender[0], data.hex())
"""


@pytest.fixture(scope="module")
def standing() -> Iterator[Rack]:
    with rack() as one:
        yield one


def record(host: Host, count: int) -> list[tuple[str, bytes]]:
    """The next hellos that a host hears, with their senders' addresses."""
    lines = host.run([sys.executable, "-c", RECORD, str(count)]).stdout.splitlines()
    return [(line.split()[0], bytes.fromhex(line.split()[1])) for line in lines]


def send(host: Host, *datagrams: bytes) -> None:
    """Send datagrams to the group, as whoever they were made by."""
    host.run([sys.executable, "-c", SEND, *(datagram.hex() for datagram in datagrams)])


def rejected(vipcast: Vipcast, node: Host) -> dict[str, int]:
    """Hellos that a node's speaker did not believe, by reason."""
    pattern = r'^vipcast_layer2_hellos_rejected_total\{interface="lan0",reason="(\w+)"\} (\S+)$'
    found = re.findall(pattern, vipcast.metrics(node), re.MULTILINE)
    return {reason: int(float(count)) for reason, count in found}


def counted(standing: Rack, node: Host, before: dict[str, int], *reasons: str, by: int) -> None:
    """Wait until a node has counted that many more hellos under these reasons together."""

    def more() -> bool:
        now = rejected(standing.vipcast, node)
        return sum(now[reason] - before[reason] for reason in reasons) >= by

    until(more, f"{node.name} counts {by} more hellos as {' or '.join(reasons)}")


def test_hellos_that_were_recorded_and_are_sent_again_are_dropped_and_counted(
    standing: Rack,
) -> None:
    node = standing.lab.node(1)
    old = [data for sender, data in record(standing.lab.client, 8) if sender != str(node.address)]
    before = rejected(standing.vipcast, node)
    send(standing.lab.client, *old, *old)

    counted(standing, node, before, "replay", "stale_echo", by=2 * len(old))


def test_a_recording_does_not_keep_a_dead_holder_alive(standing: Rack) -> None:
    leader = standing.holder()
    with measure.watch(standing.lab.client, standing.vip) as watch:
        recorded = [
            data for sender, data in record(standing.lab.client, 9) if sender == str(leader.address)
        ]
        assert recorded
        standing.vipcast.speaker(leader).kill()
        for _ in range(10):
            send(standing.lab.client, *recorded)
        standing.moved(watch, leader)
        standing.vipcast.start_speaker(leader)
        standing.settle()
    assert watch.seen[standing.vip].longest_silence < 2.0


def test_forged_truncated_and_mutated_hellos_are_dropped_and_counted(standing: Rack) -> None:
    node, holder = standing.lab.node(1), standing.holder()
    _, genuine = next(one for one in record(standing.lab.client, 6) if one[0] != str(node.address))
    forged = genuine[:-16] + bytes(16)
    mutated = [
        genuine[:place] + bytes([genuine[place] ^ 0x40]) + genuine[place + 1 :]
        for place in range(8, len(genuine), 7)
    ]
    truncated = [genuine[:length] for length in range(0, len(genuine), 9)]
    nonsense = [b"", b"\0", b"\xff" * 1400]
    sent = [forged, *mutated, *truncated, *nonsense]
    before = rejected(standing.vipcast, node)
    with measure.watch(standing.lab.client, standing.vip) as watch:
        send(standing.lab.client, *sent)
        counted(standing, node, before, *before, by=len(sent))
    seen = watch.seen[standing.vip]

    assert (seen.lost, seen.doubled) == (0, ())
    assert standing.names(seen) == [holder.name]


def test_a_node_without_the_key_takes_nothing_though_it_is_alone(standing: Rack) -> None:
    vipcast = standing.vipcast
    keyless, *others = standing.lab.nodes
    for node in standing.lab.nodes:
        vipcast.speaker(node).kill()
    try:
        vipcast.start_speaker(keyless, "--ml-secret-name", "another")
        until(lambda: "key: The key" in vipcast.readiness(keyless)[1], "readiness names the key")
        assert vipcast.readiness(keyless)[0] is False
        until(lambda: vipcast.answering(standing.vip) is None, "the last leases are over")
        vipcast.start_speaker(others[0])
        taker = vipcast.await_answer(standing.vip)

        assert taker == others[0].name
        assert keyless.name not in vipcast.heard_by(others[0])
        vipcast.speaker(others[0]).kill()
        until(lambda: vipcast.answering(standing.vip) is None, "the address falls silent")
        until(
            lambda: 'reason="noKey"} 1' in vipcast.metrics(keyless).replace(".0\n", "\n"),
            "the node without the key says why it takes nothing",
        )
        assert vipcast.answering(standing.vip) is None
    finally:
        for node in standing.lab.nodes:
            vipcast.speaker(node).kill()
            vipcast.start_speaker(node)
        standing.settle()
