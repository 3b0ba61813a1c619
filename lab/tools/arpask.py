"""Asks who has an address, counts who answers, and measures how long it takes.

    arpask ask 192.0.2.240 --count 10000      one request after the other, as fast as answers come
    arpask watch 192.0.2.240 192.0.2.241      a request to each every few ms, until SIGTERM

Runs in a client's namespace. Both write JSON lines, the last one a summary; times are monotonic
nanoseconds, which all processes of the machine share. `ask` takes a time just before it sends and
just after it has the answer; `watch` takes the kernel's own time of arrival, so that a machine too
busy to let this program run in time does not look like an answer that came late.
"""

from __future__ import annotations

import argparse
import gc
import json
import select
import signal
import socket
import struct
import time
from array import array
from collections import Counter
from ipaddress import IPv4Address
from typing import Any

from lab.tools import arp, ready
from lab.tools.tally import Tally, percentiles

MS = 1_000_000


def ask(
    wire: arp.Wire, vip: IPv4Address, count: int, timeout_ns: int, limit_ns: int
) -> dict[str, Any]:
    """Ask in a closed loop and tell what came of it.

    A request without an answer after `timeout_ns` is lost; after `limit_ns` no more are sent. An
    answer that comes after the first, before the next request, makes its request a doubled one.
    """
    frame, wanted = wire.request(vip), b"\0\2" + bytes(6) + vip.packed
    seconds, rest = divmod(timeout_ns, 1_000_000_000)
    wire.socket.setsockopt(
        socket.SOL_SOCKET, socket.SO_RCVTIMEO, struct.pack("@ll", seconds, rest // 1000)
    )
    taken, macs = array("Q"), Counter[str]()
    sent = doubled = 0
    clock, send, receive = time.perf_counter_ns, wire.socket.send, wire.socket.recv
    begin = clock()
    gc.disable()
    while sent < count and clock() - begin < limit_ns:
        start = clock()
        send(frame)
        sent += 1
        while clock() - start < timeout_ns:
            try:
                reply = receive(128)
            except BlockingIOError:
                break
            end = clock()
            if _is_answer(reply, wanted):
                taken.append(end - start)
                macs[reply[22:28].hex(":")] += 1
                others = [mac for mac in _late(wire, wanted) if mac != reply[22:28].hex(":")]
                macs.update(others)
                doubled += bool(others)
                break
    return {
        "event": "summary",
        "vip": str(vip),
        "sent": sent,
        "answered": len(taken),
        "lost": sent - len(taken),
        "doubled": doubled,
        "macs": dict(macs),
        "ns": percentiles(taken),
        "seconds": (clock() - begin) / 1e9,
    }


def _is_answer(frame: bytes, wanted: bytes) -> bool:
    # Operation and sender address; `wanted` has the sender's MAC, which may be any, left empty.
    return frame[20:22] == wanted[:2] and frame[28:32] == wanted[8:] != frame[38:42]


def _late(wire: arp.Wire, wanted: bytes) -> list[str]:
    """MACs of further answers that have arrived already."""
    found: list[str] = []
    while True:
        try:
            frame = wire.socket.recv(128, socket.MSG_DONTWAIT)
        except BlockingIOError:
            return found
        if _is_answer(frame, wanted):
            found.append(frame[22:28].hex(":"))


class Watch:
    """A watch over several VIPs; `every` answer is told if asked for, else changes of MAC alone."""

    def __init__(
        self,
        wire: arp.Wire,
        vips: list[IPv4Address],
        interval_ns: int,
        patience_ns: int,
        every: bool,
    ) -> None:
        self._wire = wire
        self._frames = {vip: wire.request(vip) for vip in vips}
        self._me = wire.mac.hex(":")
        self._interval = interval_ns
        self._patience = patience_ns
        self._every = every
        pause = max(50 * MS, 5 * interval_ns)
        self._tallies = {vip: Tally(pause=pause, patience=patience_ns) for vip in vips}
        self._last: dict[IPv4Address, str] = {}
        self._stop = False

    def stop(self, *_signal: object) -> None:
        """Send no more; `run` returns when what is under way had its time."""
        self._stop = True

    def run(self, limit_ns: int) -> dict[str, Any]:
        """Ask until `stop`, `limit_ns` at most, and sum up."""
        poller = select.poll()
        poller.register(self._wire.socket, select.POLLIN)
        due = start = time.monotonic_ns()
        ready.tell()
        while not self._stop and due - start < limit_ns:
            self._wait(poller, due)
            for vip, frame in self._frames.items():
                self._tallies[vip].sent(time.monotonic_ns())
                self._wire.socket.send(frame)
            # What was missed on a busy machine is not made up for by a burst.
            due = max(due + self._interval, time.monotonic_ns())
        self._wait(poller, time.monotonic_ns() + self._patience)
        now = time.monotonic_ns()
        told = {str(vip): tally.finish(now) for vip, tally in self._tallies.items()}
        return {"event": "summary", "interval_ns": self._interval, "vips": told}

    def _wait(self, poller: select.poll, until: int) -> None:
        while True:
            self._take()
            left = until - time.monotonic_ns()
            if left <= 0:
                return
            poller.poll(left / MS)

    def _take(self) -> None:
        for at, packet in self._wire.arrived():
            tally = self._tallies.get(packet.sender)
            if tally is None:
                continue
            if packet.gratuitous:
                tally.greeted(at, packet.sender_mac, packet.operation)
                self._tell("greeting", packet, at)
            elif packet.operation == arp.REPLY and packet.target_mac == self._me:
                tally.answered(at, packet.sender_mac)
                changed = self._last.get(packet.sender) != packet.sender_mac
                self._last[packet.sender] = packet.sender_mac
                if changed or self._every:
                    self._tell("moved" if changed else "answer", packet, at)

    @staticmethod
    def _tell(event: str, packet: arp.Packet, at: int) -> None:
        tell({"event": event, "vip": str(packet.sender), "mac": packet.sender_mac, "at_ns": at})


def tell(line: dict[str, Any]) -> None:
    """Write one JSON line, at once."""
    print(json.dumps(line), flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(prog="lab.tools.arpask", description=__doc__)
    parser.add_argument("--interface", default="lan0")
    parser.add_argument("--seconds", type=float, default=120.0, help="never run longer than this")
    modes = parser.add_subparsers(dest="mode", required=True)
    asking = modes.add_parser("ask", help="closed loop, with percentiles")
    asking.add_argument("vip", type=IPv4Address)
    asking.add_argument("--count", type=int, default=10_000)
    asking.add_argument("--timeout-ms", type=float, default=1000.0)
    watching = modes.add_parser("watch", help="continuous, until SIGTERM")
    watching.add_argument("vips", type=IPv4Address, nargs="+", metavar="vip")
    watching.add_argument("--interval-ms", type=float, default=5.0)
    watching.add_argument("--timeout-ms", type=float, default=500.0)
    watching.add_argument("--every", action="store_true", help="tell every answer, not only moves")
    given = parser.parse_args()
    wire = arp.Wire(given.interface)
    limit, timeout = int(given.seconds * 1e9), int(given.timeout_ms * MS)
    if given.mode == "ask":
        ready.tell()
        tell(ask(wire, given.vip, given.count, timeout, limit))
        return
    wire.stamp()
    watch = Watch(wire, given.vips, int(given.interval_ms * MS), timeout, given.every)
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, watch.stop)
    tell(watch.run(limit))


if __name__ == "__main__":
    main()
