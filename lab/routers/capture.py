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

_FIELDS = (
    *("tcp.stream", "ip.src", "ipv6.src", "ip.dst", "ipv6.dst"),
    *("tcp.dstport", "tcp.seq", "tcp.payload"),
)
_LONGEST = 66_000
"""Bytes of a packet, which the kernel cuts into segments later or never (GSO)."""
_BUFFER = 64 << 10
"""KiB."""
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
        # Every packet has a place of its own, as long as the longest may be: by default there are
        # eight, and a ninth that comes at once is lost.
        options += ["-s", str(_LONGEST), "-B", str(_BUFFER)]
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
        """Every connection that carried something, in the order in which they began to."""
        options = [word for field in _FIELDS for word in ("-e", field)]
        told = self._tshark("-T", "fields", "-Y", "tcp.len > 0", *options)
        streams: dict[int, _Halves] = {}
        for line in told.splitlines():
            number, *addresses, port, sequence, payload = line.split("\t")
            source, target = (address for address in addresses if address)
            halves = streams.setdefault(int(number), _Halves())
            halves.add(source, target, int(port) == PORT, int(sequence), bytes.fromhex(payload))
        return [halves.whole() for halves in streams.values()]

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


class _Halves:
    """A connection while its segments are put together."""

    def __init__(self) -> None:
        self._ends = ("", "")
        self._data = (bytearray(), bytearray())

    def add(self, source: str, target: str, asked: bool, sequence: int, payload: bytes) -> None:
        """One segment; `asked` if the side that connected has sent it, `sequence` from 1."""
        self._ends = (source, target) if asked else (target, source)
        data = self._data[0 if asked else 1]
        # By its place what came twice comes once, and what came late is where it belongs.
        start = sequence - 1
        data.extend(bytes(max(0, start - len(data))))
        data[start : start + len(payload)] = payload

    def whole(self) -> Stream:
        """The connection, with zeros for what is missing."""
        return Stream(*self._ends, *(bytes(data) for data in self._data))


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
