"""A stream of octets into whole messages, and what can be wrong with a header.

    offset  octets  field (RFC 4271, section 4.1), network byte order
         0      16  marker, all ones
        16       2  length of the whole message, this header included
        18       1  type

The checks are those of section 6.1, in its order: marker, length, type.
"""

from __future__ import annotations

from typing import Final

from speaker.bgp.codes import ErrorCode, HeaderError, MessageType
from speaker.bgp.messages import HEADER_SIZE, MARKER, MAX_EXTENDED_MESSAGE, MAX_MESSAGE
from vipcast.model.errors import MessageError

# Least and most octets by type. OPEN is never extended (RFC 8654, section 4); what is wrong with
# the length of a ROUTE-REFRESH has an error of its own (RFC 7313, section 5).
_SIZES: Final[dict[int, tuple[int, int]]] = {
    MessageType.OPEN: (29, MAX_MESSAGE),
    MessageType.UPDATE: (23, MAX_EXTENDED_MESSAGE),
    MessageType.NOTIFICATION: (21, MAX_EXTENDED_MESSAGE),
    MessageType.KEEPALIVE: (HEADER_SIZE, HEADER_SIZE),
    MessageType.ROUTE_REFRESH: (HEADER_SIZE, MAX_EXTENDED_MESSAGE),
}
_OF_ANY_TYPE: Final = (HEADER_SIZE, MAX_EXTENDED_MESSAGE)


def message_size(head: bytes | bytearray, *, extended: bool) -> int:
    """How many octets the message has that begins with `head`, at least HEADER_SIZE of them.

    `extended`: whether we have said that we take extended messages. Raises MessageError.
    """
    if head[:16] != MARKER:
        raise _error(HeaderError.CONNECTION_NOT_SYNCHRONIZED, b"", "marker is not all ones")
    size, kind = int.from_bytes(head[16:18], "big"), head[18]
    least, most = _SIZES.get(kind, _OF_ANY_TYPE)
    if not least <= size <= (most if extended else min(most, MAX_MESSAGE)):
        sentence = f"length {size} cannot be that of a message of type {kind}"
        raise _error(HeaderError.BAD_MESSAGE_LENGTH, bytes(head[16:18]), sentence)
    if kind not in _SIZES:
        sentence = f"type {kind} is of no message that we know"
        raise _error(HeaderError.BAD_MESSAGE_TYPE, bytes(head[18:19]), sentence)
    return size


class Framer:
    """Cuts what a peer sends into messages. Take all that `next` has before the next `receive`.

    It then never holds more than one message that is not complete, 65,534 octets at most, and
    what was received last. `extended` as in `message_size`; it may change between messages.
    """

    __slots__ = ("_buffer", "extended")

    def __init__(self, *, extended: bool = False) -> None:
        self.extended = extended
        self._buffer = bytearray()

    def __len__(self) -> int:
        """Octets that wait for the rest of their message."""
        return len(self._buffer)

    def receive(self, octets: bytes) -> None:
        """Take what came from the peer."""
        self._buffer += octets

    def next(self) -> bytes | None:
        """The next whole message, None if there is none yet.

        Raises MessageError for a header that cannot be one, and again each time: what follows it
        cannot be told apart.
        """
        buffer = self._buffer
        if len(buffer) < HEADER_SIZE:
            return None
        size = message_size(buffer, extended=self.extended)
        if len(buffer) < size:
            return None
        message = bytes(buffer[:size])
        del buffer[:size]
        return message


def _error(subcode: HeaderError, data: bytes, what: str) -> MessageError:
    return MessageError(ErrorCode.MESSAGE_HEADER, subcode, data, f"The message's {what}.")
