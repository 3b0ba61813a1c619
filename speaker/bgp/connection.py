"""One TCP connection while it stands: what comes in, what goes out, what both sides said.

It is made when TCP is up and forgotten when it is dropped; nothing of it outlives it.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from ipaddress import IPv4Address, IPv6Address

from speaker.bgp import encode
from speaker.bgp.codes import MessageType
from speaker.bgp.context import Context
from speaker.bgp.decode import decode
from speaker.bgp.framing import Framer
from speaker.bgp.messages import AfiSafi, Fault, Message, Open, Update
from speaker.bgp.negotiate import Negotiated, negotiate
from speaker.bgp.notices import UpdateSeen
from speaker.bgp.outbox import Outbox
from speaker.bgp.settings import SessionSettings

MessageCounts = Counter[int]
"""Messages by type (codes.MessageType)."""

_TYPE = 18


class Connection:
    """`generation` numbers it, `local` and `remote` are its addresses."""

    def __init__(
        self,
        generation: int,
        ours: Open,
        local: IPv4Address | IPv6Address,
        remote: IPv4Address | IPv6Address,
        *,
        sent: MessageCounts,
    ) -> None:
        extended = ours.capabilities.extended_message
        self.generation = generation
        self.local = local
        self.remote = remote
        self.outbox = Outbox(sent)
        self.negotiated: Negotiated | None = None
        self._ours = ours
        self._framer = Framer(extended=extended)
        self._context = Context(extended_message=extended)

    def open(self) -> None:
        """Say our OPEN."""
        self.outbox.say(encode.open_message(self._ours))

    def agree(self, settings: SessionSettings, theirs: Open) -> Negotiated:
        """Take the peer's OPEN; raises MessageError if it cannot be accepted."""
        agreed = negotiate(settings, self._ours, theirs, self.generation)
        self._context = Context(
            four_octet=agreed.four_octet,
            extended_message=self._ours.capabilities.extended_message,
            families=agreed.families,
            ibgp=agreed.ibgp,
            extended_next_hop=agreed.extended_next_hop,
        )
        self.negotiated = agreed
        return agreed

    def frames(self, octets: bytes) -> Iterator[bytes]:
        """Whole messages out of what came; raises MessageError where a header is none."""
        self._framer.receive(octets)
        while (frame := self._framer.next()) is not None:
            yield frame

    def read(self, frame: bytes) -> Message:
        """A whole message's value; raises MessageError if it ends the session."""
        return decode(frame, self._context)


def kind_of(frame: bytes) -> MessageType:
    """The type of a whole message, which framing knows to be one of ours."""
    return MessageType(frame[_TYPE])


class Seen:
    """Sums up UPDATEs, however many a router pours in at once."""

    def __init__(self) -> None:
        self._messages = 0
        self._announced: Counter[AfiSafi] = Counter()
        self._withdrawn: Counter[AfiSafi] = Counter()
        self._ends: dict[AfiSafi, None] = {}
        self._faults: dict[Fault, None] = {}

    def add(self, update: Update) -> None:
        """One more."""
        self._messages += 1
        for family, count in update.announced:
            self._announced[family] += count
        for family, count in update.withdrawn:
            self._withdrawn[family] += count
        if update.end_of_rib is not None:
            self._ends[update.end_of_rib] = None
        for fault in update.faults:
            self._faults[fault] = None

    def told(self, generation: int) -> UpdateSeen | None:
        """The sum; None if there was none."""
        if not self._messages:
            return None
        return UpdateSeen(
            generation=generation,
            messages=self._messages,
            announced=tuple(self._announced.items()),
            withdrawn=tuple(self._withdrawn.items()),
            end_of_rib=tuple(self._ends),
            faults=tuple(self._faults),
        )
