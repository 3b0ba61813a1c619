"""What waits to be sent on one connection: whole messages, KEEPALIVEs before queued UPDATEs.

The transport takes as much as it can write at once, always up to the end of a message. So what the
session says in between never waits behind more than that, however many UPDATEs are queued.
"""

from __future__ import annotations

from collections import Counter, deque

from speaker.bgp.messages import HEADER_SIZE
from vipcast.model.errors import BgpError

_LENGTH = 16
_TYPE = 18


class Outbox:
    """`taken` counts what was taken, by type of message (codes.MessageType)."""

    def __init__(self, taken: Counter[int]) -> None:
        self._taken = taken
        self._urgent: deque[bytes] = deque()
        self._queued: deque[bytes] = deque()
        self._position = 0  # in the first of the queued
        self._waiting = 0

    def say(self, message: bytes) -> None:
        """One message of the session itself: it leaves before all that is queued.

        One that waits already, word for word, is not doubled: KEEPALIVEs of a peer that reads
        nothing would heap up.
        """
        if message not in self._urgent:
            self._urgent.append(message)
            self._waiting += len(message)

    def queue(self, messages: bytes) -> None:
        """Whole messages, one after the other; they leave in the order of the calls."""
        if messages:
            self._queued.append(messages)
            self._waiting += len(messages)

    @property
    def waiting(self) -> int:
        """Octets that are still to be taken."""
        return self._waiting

    def take(self, limit: int) -> bytes:
        """The next whole messages, of `limit` octets at most, but one at least if any waits.

        Raises BgpError if what was queued is not a row of messages.
        """
        parts: list[bytes] = []
        size = 0
        while self._urgent and (not parts or size + len(self._urgent[0]) <= limit):
            message = self._urgent.popleft()
            self._taken[message[_TYPE]] += 1
            parts.append(message)
            size += len(message)
        while self._queued and not self._urgent:
            first = self._queued[0]
            end = self._end_of_fitting(first, max(limit - size, 0), force=not parts)
            if end == self._position:
                break
            parts.append(first[self._position : end])
            size += end - self._position
            self._position = end
            if end < len(first):
                break
            self._queued.popleft()
            self._position = 0
        self._waiting -= size
        return b"".join(parts)

    def _end_of_fitting(self, messages: bytes, room: int, *, force: bool) -> int:
        """Up to where whole messages fit from the present position; the first one if forced."""
        end, stop = self._position, self._position + room
        while end < len(messages):
            length = int.from_bytes(messages[end + _LENGTH : end + _TYPE])
            if length < HEADER_SIZE or end + length > len(messages):
                raise BgpError(f"What was queued has no message at octet {end}.")
            if end + length > stop and not force:
                break
            self._taken[messages[end + _TYPE]] += 1
            end += length
            force = False
        return end
