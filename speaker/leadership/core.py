"""One segment's leadership: what happens there goes in, what to do about it comes out."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from speaker.leadership.effects import Effects
from speaker.leadership.view import SegmentView
from vipcast.model.addresses import Address


@dataclass(frozen=True, slots=True)
class Identity:
    """Who this node is on every segment: its name, and boot and term of its data path."""

    node: str
    boot: int
    term: int


@dataclass(frozen=True, slots=True)
class Port:
    """The interface a segment is seen through: its ifindex, its MAC (6 bytes), its IPv4 if any."""

    link: int
    mac: bytes
    address: Address | None


class SegmentCore:
    """Leadership on one segment. Times are monotonic seconds and never go back.

    The shell carries out the effects of one call before it makes the next. Then it looks at
    `next_deadline`, and calls `tick` when that is reached; what has arrived on the socket it hands
    to `receive` before `tick`.
    """

    def __init__(self, identity: Identity, port: Port, key: bytes | None = None) -> None:
        """A segment that knows nothing yet; `key` is `keys.agent_key(…)` or None for no key.

        The interface is taken to have a carrier until `carrier` says otherwise.
        """
        raise NotImplementedError

    def adopt(
        self,
        now: float,
        answering: Mapping[Address, int],
        elsewhere: Mapping[Address, int],
        lease_until: float,
    ) -> Effects:
        """First call after a restart: the entries found in the maps (with counters), and the lease.

        Pass all of them, also if the lease is over: what answered is then silenced before a lease
        runs again.
        """
        raise NotImplementedError

    def want(self, now: float, wanted: Mapping[Address, frozenset[str]]) -> Effects:
        """All addresses to be announced on this segment, with the names of the nodes that may.

        Not before the objects have been read once: adopted entries that are not wanted are removed.
        """
        raise NotImplementedError

    def receive(self, now: float, datagram: bytes) -> Effects:
        """A datagram heard on the segment, whatever it is."""
        raise NotImplementedError

    def tick(self, now: float) -> Effects:
        """Time has passed: call when `next_deadline` is reached (sooner does no harm)."""
        raise NotImplementedError

    def sent(self, send_time: float) -> Effects:
        """The last `Send` left completely; `send_time` was read before. Only this pushes the lease.

        Never tell it of a send that failed.
        """
        raise NotImplementedError

    def carrier(self, now: float, up: bool) -> Effects:
        """The interface lost or got its carrier (or was taken down or up)."""
        raise NotImplementedError

    def set_key(self, now: float, key: bytes | None) -> Effects:
        """The key from now on; the one before is accepted and used beside it for KEY_OVERLAP."""
        raise NotImplementedError

    def set_port(self, now: float, mac: bytes, address: Address | None) -> Effects:
        """The interface has another MAC or address: its answering entries are written anew."""
        raise NotImplementedError

    def leave_for_restart(self, now: float) -> Effects:
        """The last hello before a planned restart; when it is `sent` the lease lasts AWAY_LEASE."""
        raise NotImplementedError

    def may_greet(self, now: float, vip: Address) -> bool:
        """Whether this node may say now that the address is here. Ask before every frame."""
        raise NotImplementedError

    def next_deadline(self) -> float | None:
        """When to call `tick`; a time that has passed means at once, None never."""
        raise NotImplementedError

    def view(self, now: float) -> SegmentView:
        """How things stand, for status, explanations and metrics."""
        raise NotImplementedError
