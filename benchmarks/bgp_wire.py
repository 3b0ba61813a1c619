"""Ten thousand prefixes into UPDATEs: how long does it take, and how many bytes are on the wire?

    packed array ──native/bgpwire──▶ the caller's buffer      "C, records"; "C, wire form" if the
                                                              array is as in messages already
    packed array, Attributes ──speaker.bgp.encode──▶ bytes    "encode": all that a speaker does
    the same bytes ──memcpy──▶ the caller's buffer            "memcpy", the floor
    its own objects ──ExaBGP's encoder──▶ bytes               "ExaBGP" (exabgp_encoder.py)

All but the floor make the messages anew each time; what they are made from is there before. That
they say the same is looked at first: ExaBGP's have to read back as ours do. The fewest bytes that
one set of attributes allows are counted here, not taken from an encoder.
"""

from __future__ import annotations

import random
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv6Address
from typing import Any, Final

from benchmarks.exabgp_encoder import MISSING, exabgp
from benchmarks.harness import BenchmarkError, environment, interleaved, record, run
from benchmarks.spread import compared, pooled, spread
from native._bgpwire import ffi, lib
from speaker.bgp import encode
from speaker.bgp.decode import Context, prefixes_of
from speaker.bgp.messages import IPV4_UNICAST, IPV6_UNICAST, MAX_MESSAGE, AfiSafi, Attributes

PREFIXES: Final = 10_000
ROUNDS: Final = 60
WARM_UP: Final = 5
CALLS: Final = 20
"""Of each quick contender in one round."""

RECORDS, WIRE, WHOLE = "C, records", "C, wire form", "encode"
MEMCPY, EXABGP = "memcpy", "ExaBGP"
LINES: Final = {RECORDS: "50 us", WIRE: "3 times memcpy", "bytes": "1.01 times the optimum"}
_PARTS: Final = {"median": 0.5, "p99": 0.99}

Turn = Callable[[], Sequence[int]]
"""Nanoseconds of each call of one round."""


@dataclass(frozen=True, slots=True)
class Case:
    """Addresses of one family, all with the same attributes, told to a peer of another AS."""

    name: str
    family: AfiSafi
    next_hop: IPv4Address | IPv6Address
    first: IPv4Address | IPv6Address
    overhead: int
    """Bytes of a full message beside the prefixes: for IPv4 23, ORIGIN 4, AS_PATH 9, NEXT_HOP 7;
    for IPv6 23, ORIGIN 4, AS_PATH 9, MP_REACH_NLRI 25."""

    def attributes(self) -> Attributes:
        """What is said about them."""
        return Attributes((65001,), self.next_hop)

    def addresses(self, number: int) -> list[bytes]:
        """So many, as they are in a packed array."""
        whole = self.first.max_prefixlen
        start, size = int(self.first), whole // 8
        return [bytes((whole,)) + (start + one).to_bytes(size, "big") for one in range(number)]

    def least(self, number: int) -> tuple[int, int]:
        """The fewest messages for them, and their bytes."""
        size = 1 + self.first.max_prefixlen // 8
        messages = -(-number // ((MAX_MESSAGE - self.overhead) // size))
        return messages, number * size + messages * self.overhead


CASES: Final = (
    Case(
        "10,000 IPv4 addresses",
        IPV4_UNICAST,
        IPv4Address("192.0.2.1"),
        IPv4Address("10.0.0.0"),
        43,
    ),
    Case(
        "10,000 IPv6 addresses",
        IPV6_UNICAST,
        IPv6Address("2001:db8::1"),
        IPv6Address("2001:db8:1::"),
        61,
    ),
)


def main() -> int:
    """Measure, print, and write the result file."""
    where = environment(time.time())
    cases = [measure(case, PREFIXES, ROUNDS, WARM_UP) for case in CASES]
    body = {"prefixes": PREFIXES, "unit": "us", "lines": LINES, "cases": cases}
    record("bgp-wire", where, body)
    return 0


def measure(case: Case, number: int, rounds: int, warm_up: int) -> dict[str, Any]:
    """One case, as the result file has it."""
    family, attributes, addresses = case.family, case.attributes(), case.addresses(number)
    array = b"".join(addresses)
    sent = encode.announce(family, attributes, array, four_octet=True)
    turns = {
        RECORDS: _many(InC(case, array, sent, wire_form=False)),
        WIRE: _many(InC(case, array, sent, wire_form=True)),
        MEMCPY: _many(copied(sent)),
        WHOLE: _many(lambda: encode.announce(family, attributes, array, four_octet=True)),
    }
    about: dict[str, Any] = {}
    with exabgp(family, attributes, addresses) as theirs:
        if theirs is None:
            about[EXABGP] = {"missing": MISSING}
        else:
            agree(sent, theirs.sent, family)
            about[EXABGP] = {"version": theirs.version}
            turns[EXABGP] = lambda: [theirs.timed()]
        print(f"{case.name} ", end="", flush=True)
        told = interleaved(turns, rounds=rounds, warm_up=warm_up, shuffle=random.Random(1))
    print()
    wire = on_the_wire(sent, *case.least(number))
    found = {name: {**about.get(name, {}), **one} for name, one in judged(told).items()}
    _show(found, wire)
    return {"case": case.name, "rounds": rounds, "wire": wire, "contenders": {**about, **found}}


class InC:
    """The C alone: from the array into a buffer that is there."""

    def __init__(self, case: Case, array: bytes, sent: bytes, *, wire_form: bool) -> None:
        """Whole addresses are as in messages, so one array has both forms.

        Raises BenchmarkError if other bytes come of it than were sent.
        """
        # What the structures point to has to live as long as they do.
        self._path: Any = ffi.new("uint32_t[]", list(case.attributes().as_path))
        self._array: Any = ffi.from_buffer("uint8_t[]", array)
        self._attributes: Any = ffi.new(
            "struct bgpwire_attributes *",
            {
                "as_path": self._path,
                "as_path_count": len(self._path),
                "four_octet": 1,
                "next_hop_size": len(case.next_hop.packed),
                "next_hop": case.next_hop.packed,
            },
        )
        self._prefixes: Any = ffi.new(
            "struct bgpwire_prefixes *", (self._array, len(array), case.family.afi, wire_form)
        )
        self._room = len(sent)
        self._out: Any = ffi.new("uint8_t[]", self._room)
        if self() != len(sent) or bytes(ffi.buffer(self._out)) != sent:
            raise BenchmarkError(f"{case.name}: the C alone does not write what encode does.")

    def __call__(self) -> int:
        """Encode; how many bytes it has written."""
        return lib.bgpwire_announce(self._attributes, self._prefixes, self._out, self._room)


def copied(sent: bytes) -> Callable[[], object]:
    """The floor: memcpy of what is sent."""
    out: Any = ffi.new("uint8_t[]", len(sent))
    return lambda: ffi.memmove(out, sent, len(sent))


def agree(ours: bytes, theirs: bytes, family: AfiSafi) -> None:
    """Raises BenchmarkError unless both say the same routes."""
    if routes(ours, family) != routes(theirs, family):
        raise BenchmarkError("ExaBGP's messages do not say the same routes as ours.")


def routes(sent: bytes, family: AfiSafi) -> set[Any]:
    """The routes of whole messages."""
    context = Context(families=(family,))
    return {route for one in messages(sent) for route in prefixes_of(one, context)}


def messages(sent: bytes) -> list[bytes]:
    """Whole messages one by one."""
    found, start = [], 0
    while start < len(sent):
        end = start + int.from_bytes(sent[start + 16 : start + 18], "big")
        found.append(sent[start:end])
        start = end
    return found


def on_the_wire(sent: bytes, fewest: int, optimum: int) -> dict[str, Any]:
    """Messages and bytes beside the fewest that there can be."""
    ratio = len(sent) / optimum
    return {
        "messages": len(messages(sent)),
        "fewest_messages": fewest,
        "bytes": len(sent),
        "optimum": optimum,
        "ratio": round(ratio, 4),
        "line_met": ratio <= 1.01,
    }


def judged(told: Mapping[str, Sequence[Sequence[int]]]) -> dict[str, dict[str, Any]]:
    """By contender: its spread in microseconds, and what it is beside memcpy.

    `told` has nanoseconds by contender and round. The C is judged by its lines at the median.
    """
    found: dict[str, dict[str, Any]] = {}
    for name, rounds in told.items():
        times = spread(one / 1000 for one in pooled(rounds))
        found[name] = {"us": times.rounded()}
        if name == MEMCPY:
            continue
        beside = compared(rounds, told[MEMCPY], _PARTS, seed=1)
        found[name]["beside_memcpy"] = {part: ratio.rounded() for part, ratio in beside.items()}
        if name == RECORDS:
            found[name]["line_met"] = times.median < 50
        if name == WIRE:
            found[name]["line_met"] = beside["median"].ratio <= 3
    return found


def _many(call: Callable[[], object]) -> Turn:
    return lambda: [_timed(call) for _ in range(CALLS)]


def _timed(call: Callable[[], object]) -> int:
    begun = time.perf_counter_ns()
    call()
    return time.perf_counter_ns() - begun


def _show(found: Mapping[str, Mapping[str, Any]], wire: Mapping[str, Any]) -> None:
    for name, one in found.items():
        beside = one.get("beside_memcpy", {"median": {"ratio": 1}})["median"]["ratio"]
        print(f"  {name:14} {one['us']['median']:12,.1f} us, {beside:10,.1f} times memcpy")
    print(
        f"  {wire['messages']} messages, {wire['bytes']:,} bytes, {wire['ratio']} of the optimum",
        flush=True,
    )


if __name__ == "__main__":
    sys.exit(run(main, __doc__))
