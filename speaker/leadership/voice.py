"""What this node says on the segment: its hello, cut into datagrams.

The packed holdings are kept until they change; each hello adds a new clock, echoes and the tags.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from ipaddress import IPv4Address

from speaker.leadership.hello import Echo, Hello, encode, pack_echoes, pack_holdings
from speaker.leadership.keys import Keys
from vipcast.model.addresses import Address


@dataclass(frozen=True, slots=True)
class Identity:
    """Who this node is on every segment: its name, and boot and term of its data path."""

    node: str
    boot: int
    term: int


@dataclass(frozen=True, slots=True)
class Port:
    """The interface a segment is seen through: ifindex, name, MAC (6 bytes), IPv4 if it has one."""

    link: int
    interface: str
    mac: bytes
    address: Address | None


class Voice:
    """Makes the datagrams of a hello; their clocks strictly increase."""

    def __init__(self, identity: Identity, port: Port) -> None:
        self.identity = identity
        self.port = port
        self._clock = 0
        self._slices = pack_holdings({}, identity.node)

    def hold(self, holdings: Mapping[Address, int]) -> None:
        """What hellos say from now on that this node holds."""
        self._slices = pack_holdings(holdings, self.identity.node)

    def say(
        self,
        now: float,
        keys: Keys,
        echoes: Iterable[Echo],
        *,
        learning: bool,
        asks: bool,
        yields: bool,
        away: float = 0.0,
    ) -> tuple[bytes, ...]:
        """One hello: a round of one or more datagrams."""
        first = self._clock = max(round(now * 1e9), self._clock + 1)
        self._clock += len(self._slices) - 1
        address = self.port.address
        hello = Hello(
            node=self.identity.node,
            boot=self.identity.boot,
            link=self.port.link,
            interface=self.port.interface,
            clock=first,
            term=self.identity.term,
            away_ms=round(away * 1000),
            mac=self.port.mac,
            address=address if isinstance(address, IPv4Address) else None,
            learning=learning,
            asks=asks,
            slice=0,
            slices=len(self._slices),
            round=first,
            echoes=pack_echoes(echoes),
            holdings=b"",
            yields=yields,
        )
        return tuple(
            encode(replace(hello, clock=first + index, slice=index, holdings=part), keys)
            for index, part in enumerate(self._slices)
        )
