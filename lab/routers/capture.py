"""What went over a BGP session, as others read it: captured, and judged by Wireshark's dissector.

with Capture(router.host) as capture:
    …
assert capture.problems() == []
for stream in capture.streams(): …
"""

from __future__ import annotations

import itertools
import re
import signal
from dataclasses import dataclass
from types import TracebackType
from xml.etree import ElementTree

from lab import kernel
from lab.errors import LabError, NotReady
from lab.host import Host
from lab.processes import Process
from lab.waiting import until

PORT = 179
HEADER = 19
"""Bytes of a message's header: marker, length, type (RFC 4271, section 4.1)."""

_WARNING = 0x600000
"""The least severity that counts (PI_WARN of Wireshark's epan/proto.h): below it are mere notes."""

_numbers = itertools.count(1)
_STATISTICS = re.compile(r"(\d+) packets? captured, (\d+) packets? received by filter")


@dataclass(frozen=True, slots=True)
class Stream:
    """One TCP connection: who opened it to whom, and the bytes of either side."""

    client: str
    server: str
    sent: bytes
    received: bytes


class Capture:
    """Everything on TCP port 179 of one interface of a host, while it is entered."""

    def __init__(self, host: Host, interface: str = "lan0") -> None:
        # A name of its own: logs are appended to, and what one says is read from its log.
        self._name = f"capture{next(_numbers)}"
        self.file = host.run_dir / f"{self._name}.pcap"
        self._host = host
        self._interface = interface
        self._process: Process | None = None
        self._never = 0

    def __enter__(self) -> Capture:
        # -U: every packet is in the file at once. -Z: Debian's tcpdump would become another user.
        options = ["--immediate-mode", "-n", "-U", "-Z", "root", "-i", self._interface]
        words = ["tcpdump", *options, "-w", str(self.file), f"tcp port {PORT}"]
        self._process = self._host.start(words, name=self._name)
        until(lambda: "listening on" in self._said(), f"tcpdump on {self._host.name} listens")
        # What came before its filter was there it counts, and throws away.
        self._never = self._behind()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        _error: BaseException | None,
        _trace: TracebackType | None,
    ) -> None:
        try:
            if kind is None:
                until(
                    lambda: self._behind() <= self._never,
                    f"tcpdump on {self._host.name} has written what it heard",
                )
        finally:
            if self._process is not None:
                self._process.stop()

    def problems(self) -> list[str]:
        """What the dissector finds wrong with BGP or warns of, one line each with its frame."""
        found = []
        pdml = self._tshark("-T", "pdml", "-Y", "bgp || _ws.malformed")
        for packet in ElementTree.fromstring(pdml).iter("packet"):
            number = packet.find("./proto[@name='geninfo']/field[@name='num']")
            frame = f"frame {number.get('show') if number is not None else '?'}"
            for proto in packet.iter("proto"):
                if proto.get("name") == "_ws.malformed":
                    found.append(f"{frame}: malformed: {proto.get('showname')}")
                elif proto.get("name") == "bgp":
                    found += [f"{frame}: {message}" for message in _remarks(proto)]
        return found

    def streams(self) -> list[Stream]:
        """Every connection that carried something, in the order of their beginnings."""
        numbers = self._tshark("-T", "fields", "-e", "tcp.stream").split()
        found = []
        for number in sorted({int(number) for number in numbers}):
            followed = self._tshark("-q", "-z", f"follow,tcp,raw,{number}")
            nodes = dict(re.findall(r"^Node (\d): (\S+):\d+$", followed, re.MULTILINE))
            # The side that speaks second is indented.
            data = re.findall(r"^(\t?)([0-9a-f]+)$", followed, re.MULTILINE)
            first, second = (
                bytes.fromhex("".join(text for tab, text in data if bool(tab) is indented))
                for indented in (False, True)
            )
            if first or second:
                found.append(Stream(nodes["0"], nodes["1"], first, second))
        return found

    def _tshark(self, *words: str) -> str:
        return kernel.call(["tshark", "-n", "-r", str(self.file), *words])

    def _said(self) -> str:
        process = self._process
        if process is None or not process.alive:
            raise NotReady(f"tcpdump ended; {process.last_words if process else ''}")
        return process.output

    def _behind(self) -> int:
        """How many packets came that have not been written, by tcpdump's own count."""
        reports = len(_STATISTICS.findall(self._said()))
        if self._process is not None:
            self._process.send(signal.SIGUSR1)
        counts = until(
            lambda: _STATISTICS.findall(self._said())[reports:],
            f"tcpdump on {self._host.name} says how much it heard",
        )
        written, came = counts[-1]
        return int(came) - int(written)


def messages(data: bytes) -> list[bytes]:
    """The BGP messages of one direction. Raises LabError where what should be one is none."""
    found = []
    while data:
        length = int.from_bytes(data[16:18], "big")
        if data[:16] != b"\xff" * 16 or not HEADER <= length <= len(data):
            raise LabError(f"no whole BGP message: {data[:HEADER].hex()}, {len(data)} bytes left")
        found.append(data[:length])
        data = data[length:]
    return found


def _remarks(tree: ElementTree.Element) -> list[str]:
    """What the dissector warns of, or calls wrong, below a message."""
    found = []
    for remark in tree.iter():
        told = {field.get("name"): field.get("show", "") for field in remark}
        if int(told.get("_ws.expert.severity", 0)) >= _WARNING:
            found.append(told["_ws.expert.message"])
    return found
