"""One message's octets into its value, or into the NOTIFICATION that it deserves.

    decode          every message of RFC 4271 and 2918; no octets make it raise anything but
                    MessageError
    prefixes_of     the routes of an UPDATE one by one, which a speaker has no use for (contents)
    attributes_of   what is said about them

OPEN, behind the header (RFC 4271, section 4.2), network byte order:

    octets  field
         1  version
         2  AS number, AS_TRANS if it does not fit
         2  hold time in seconds
         4  BGP identifier
         n  optional parameters (capabilities)
"""

from __future__ import annotations

import struct
from collections.abc import Callable
from ipaddress import IPv4Address
from typing import Final

from speaker.bgp.capabilities import read_capabilities
from speaker.bgp.codes import (
    ErrorCode,
    HeaderError,
    MessageType,
    OpenError,
    RouteRefreshError,
)
from speaker.bgp.contents import attributes_of, prefixes_of
from speaker.bgp.context import Context
from speaker.bgp.framing import message_size
from speaker.bgp.messages import (
    HEADER_SIZE,
    MAX_ERROR_DATA,
    AfiSafi,
    Capabilities,
    Keepalive,
    Message,
    Notification,
    Open,
    Reset,
    RouteRefresh,
    Update,
)
from speaker.bgp.received import read_update
from vipcast.model.errors import MessageError

__all__ = ["Context", "attributes_of", "decode", "prefixes_of"]

VERSION: Final = 4

_OPEN: Final = struct.Struct("!BHHI")
_REFRESH: Final = struct.Struct("!HBB")


def decode(message: bytes, context: Context) -> Message:
    """What a whole message says. Raises MessageError if it ends the session."""
    if len(message) < HEADER_SIZE or message_size(
        message, extended=context.extended_message
    ) != len(message):
        sentence = "The message is not as long as it says."
        data = message[16:18]
        raise MessageError(ErrorCode.MESSAGE_HEADER, HeaderError.BAD_MESSAGE_LENGTH, data, sentence)
    return _DECODERS[message[18]](message, context)


def _open(message: bytes, _: Context) -> Open:
    """The checks of RFC 4271, section 6.2, in its order, but those that need a configuration.

    What is wrong with the optional parameters comes last there, but the AS number is in them.
    """
    version, asn, hold_time, router_id = _OPEN.unpack_from(message, HEADER_SIZE)
    if version != VERSION:
        sentence = f"The OPEN is of BGP version {version}, not {VERSION}."
        raise _bad_open(OpenError.UNSUPPORTED_VERSION_NUMBER, sentence, struct.pack("!H", VERSION))
    wrong: MessageError | None = None
    capabilities = Capabilities()
    try:
        capabilities = read_capabilities(message[HEADER_SIZE + _OPEN.size :])
    except MessageError as error:
        wrong = error
    real = asn if capabilities.four_octet_asn is None else capabilities.four_octet_asn
    if not asn or not real:  # RFC 7607, section 2
        raise _bad_open(OpenError.BAD_PEER_AS, "The OPEN is of AS 0, which nobody has.")
    if hold_time in (1, 2):
        sentence = f"The OPEN wants a hold time of {hold_time} s; 0 or at least 3 is allowed."
        raise _bad_open(OpenError.UNACCEPTABLE_HOLD_TIME, sentence)
    if not router_id:  # RFC 6286, section 2.2
        raise _bad_open(OpenError.BAD_BGP_IDENTIFIER, "The OPEN has the BGP identifier 0.0.0.0.")
    if wrong is not None:
        raise wrong
    return Open(real, hold_time, IPv4Address(router_id), capabilities)


def _update(message: bytes, context: Context) -> Update:
    update = read_update(message, context)
    if isinstance(update, Reset):
        code = ErrorCode.UPDATE_MESSAGE
        raise MessageError(code, update.subcode, update.data, update.sentence)
    return update


def _notification(message: bytes, _: Context) -> Notification:
    return Notification(message[19], message[20], message[21:])


def _keepalive(_: bytes, __: Context) -> Keepalive:
    return Keepalive()


def _route_refresh(message: bytes, _: Context) -> RouteRefresh:
    """RFC 7313, sections 3.2 and 5."""
    if len(message) != HEADER_SIZE + _REFRESH.size:
        sentence = f"A ROUTE-REFRESH has {len(message)} octets, not {HEADER_SIZE + _REFRESH.size}."
        code, subcode = ErrorCode.ROUTE_REFRESH_MESSAGE, RouteRefreshError.INVALID_MESSAGE_LENGTH
        raise MessageError(code, subcode, message[:MAX_ERROR_DATA], sentence)
    afi, subtype, safi = _REFRESH.unpack_from(message, HEADER_SIZE)
    return RouteRefresh(AfiSafi(afi, safi), subtype)


def _bad_open(subcode: OpenError, sentence: str, data: bytes = b"") -> MessageError:
    return MessageError(ErrorCode.OPEN_MESSAGE, subcode, data, sentence)


_DECODERS: Final[dict[int, Callable[[bytes, Context], Message]]] = {
    MessageType.OPEN: _open,
    MessageType.UPDATE: _update,
    MessageType.NOTIFICATION: _notification,
    MessageType.KEEPALIVE: _keepalive,
    MessageType.ROUTE_REFRESH: _route_refresh,
}
