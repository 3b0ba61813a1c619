"""The numbers of BGP, as IANA registers them, and the words for those that people are shown.

What a peer sends may hold any number: these name the ones that something here depends on, or that
a person may want to read.
"""

from __future__ import annotations

import re
from enum import IntEnum
from typing import Final

AS_TRANS: Final = 23456
"""Stands in two octets for an AS number that does not fit them (RFC 6793, section 9)."""


class MessageType(IntEnum):
    """RFC 4271, section 4.1; ROUTE-REFRESH is of RFC 2918."""

    OPEN = 1
    UPDATE = 2
    NOTIFICATION = 3
    KEEPALIVE = 4
    ROUTE_REFRESH = 5


class ErrorCode(IntEnum):
    """The first octet of a NOTIFICATION (RFC 4271, section 4.5)."""

    MESSAGE_HEADER = 1
    OPEN_MESSAGE = 2
    UPDATE_MESSAGE = 3
    HOLD_TIMER_EXPIRED = 4
    FINITE_STATE_MACHINE = 5
    CEASE = 6
    ROUTE_REFRESH_MESSAGE = 7  # RFC 7313
    SEND_HOLD_TIMER_EXPIRED = 8  # RFC 9687


class HeaderError(IntEnum):
    """Subcodes of ErrorCode.MESSAGE_HEADER (RFC 4271, section 6.1)."""

    CONNECTION_NOT_SYNCHRONIZED = 1
    BAD_MESSAGE_LENGTH = 2
    BAD_MESSAGE_TYPE = 3


class OpenError(IntEnum):
    """Subcodes of ErrorCode.OPEN_MESSAGE (RFC 4271, section 6.2)."""

    UNSPECIFIC = 0
    UNSUPPORTED_VERSION_NUMBER = 1
    BAD_PEER_AS = 2
    BAD_BGP_IDENTIFIER = 3
    UNSUPPORTED_OPTIONAL_PARAMETER = 4
    AUTHENTICATION_FAILURE = 5  # of RFC 1771, deprecated
    UNACCEPTABLE_HOLD_TIME = 6
    UNSUPPORTED_CAPABILITY = 7  # RFC 5492
    ROLE_MISMATCH = 11  # RFC 9234


class UpdateError(IntEnum):
    """Subcodes of ErrorCode.UPDATE_MESSAGE (RFC 4271, section 6.3)."""

    UNSPECIFIC = 0
    MALFORMED_ATTRIBUTE_LIST = 1
    UNRECOGNIZED_WELL_KNOWN_ATTRIBUTE = 2
    MISSING_WELL_KNOWN_ATTRIBUTE = 3
    ATTRIBUTE_FLAGS_ERROR = 4
    ATTRIBUTE_LENGTH_ERROR = 5
    INVALID_ORIGIN_ATTRIBUTE = 6
    AS_ROUTING_LOOP = 7  # of RFC 1771, deprecated
    INVALID_NEXT_HOP_ATTRIBUTE = 8
    OPTIONAL_ATTRIBUTE_ERROR = 9
    INVALID_NETWORK_FIELD = 10
    MALFORMED_AS_PATH = 11


class FsmError(IntEnum):
    """Subcodes of ErrorCode.FINITE_STATE_MACHINE: a message came that its state has no use for.

    RFC 6608, section 4.
    """

    UNSPECIFIED = 0
    IN_OPEN_SENT = 1
    IN_OPEN_CONFIRM = 2
    IN_ESTABLISHED = 3


class Cease(IntEnum):
    """Subcodes of ErrorCode.CEASE (RFC 4486; 9 is of RFC 8538, 10 of RFC 9384)."""

    UNSPECIFIC = 0
    MAXIMUM_PREFIXES_REACHED = 1
    ADMINISTRATIVE_SHUTDOWN = 2
    PEER_DECONFIGURED = 3
    ADMINISTRATIVE_RESET = 4
    CONNECTION_REJECTED = 5
    OTHER_CONFIGURATION_CHANGE = 6
    CONNECTION_COLLISION_RESOLUTION = 7
    OUT_OF_RESOURCES = 8
    HARD_RESET = 9
    BFD_DOWN = 10


class RouteRefreshError(IntEnum):
    """Subcodes of ErrorCode.ROUTE_REFRESH_MESSAGE (RFC 7313, section 5)."""

    INVALID_MESSAGE_LENGTH = 1


class OptionalParameter(IntEnum):
    """What OPEN's optional parameters are (RFC 5492, section 4; RFC 9072, section 2)."""

    CAPABILITIES = 2
    EXTENDED_LENGTH = 255


class CapabilityCode(IntEnum):
    """What a peer may say in its OPEN that it can do (RFC 5492)."""

    MULTIPROTOCOL = 1  # RFC 4760
    ROUTE_REFRESH = 2  # RFC 2918
    EXTENDED_NEXT_HOP = 5  # RFC 8950
    EXTENDED_MESSAGE = 6  # RFC 8654
    ROLE = 9  # RFC 9234
    GRACEFUL_RESTART = 64  # RFC 4724
    FOUR_OCTET_ASN = 65  # RFC 6793
    ADD_PATH = 69  # RFC 7911
    ENHANCED_ROUTE_REFRESH = 70  # RFC 7313
    LONG_LIVED_GRACEFUL_RESTART = 71  # RFC 9494
    FQDN = 73


class RefreshSubtype(IntEnum):
    """The third octet of a ROUTE-REFRESH (RFC 7313, section 3.2)."""

    REQUEST = 0
    BEGIN = 1  # BoRR
    END = 2  # EoRR


class Afi(IntEnum):
    """Address family identifiers (RFC 4760, section 3)."""

    IPV4 = 1
    IPV6 = 2


class Safi(IntEnum):
    """Subsequent address family identifiers (RFC 4760, section 6)."""

    UNICAST = 1
    MULTICAST = 2


class AttributeFlag(IntEnum):
    """Bits of the first octet of a path attribute (RFC 4271, section 4.3)."""

    OPTIONAL = 0x80
    TRANSITIVE = 0x40
    PARTIAL = 0x20
    EXTENDED_LENGTH = 0x10


class AttributeType(IntEnum):
    """The second octet of a path attribute."""

    ORIGIN = 1
    AS_PATH = 2
    NEXT_HOP = 3
    MULTI_EXIT_DISC = 4
    LOCAL_PREF = 5
    ATOMIC_AGGREGATE = 6
    AGGREGATOR = 7
    COMMUNITIES = 8  # RFC 1997
    ORIGINATOR_ID = 9  # RFC 4456
    CLUSTER_LIST = 10  # RFC 4456
    MP_REACH_NLRI = 14  # RFC 4760
    MP_UNREACH_NLRI = 15  # RFC 4760
    EXTENDED_COMMUNITIES = 16  # RFC 4360
    AS4_PATH = 17  # RFC 6793
    AS4_AGGREGATOR = 18  # RFC 6793
    IPV6_EXTENDED_COMMUNITIES = 25  # RFC 5701
    AIGP = 26  # RFC 7311
    LARGE_COMMUNITIES = 32  # RFC 8092
    ONLY_TO_CUSTOMER = 35  # RFC 9234
    PREFIX_SID = 40  # RFC 8669


class Origin(IntEnum):
    """The value of ORIGIN (RFC 4271, section 5.1.1)."""

    IGP = 0
    EGP = 1
    INCOMPLETE = 2


class SegmentType(IntEnum):
    """What a segment of AS_PATH is (RFC 4271, section 4.3; RFC 5065, section 3)."""

    AS_SET = 1
    AS_SEQUENCE = 2
    AS_CONFED_SEQUENCE = 3
    AS_CONFED_SET = 4


_SUBCODES: Final[dict[int, type[IntEnum]]] = {
    ErrorCode.MESSAGE_HEADER: HeaderError,
    ErrorCode.OPEN_MESSAGE: OpenError,
    ErrorCode.UPDATE_MESSAGE: UpdateError,
    ErrorCode.FINITE_STATE_MACHINE: FsmError,
    ErrorCode.CEASE: Cease,
    ErrorCode.ROUTE_REFRESH_MESSAGE: RouteRefreshError,
}
_CODE_WORDS: Final[dict[int, str]] = {
    ErrorCode.MESSAGE_HEADER: "Message header error",
    ErrorCode.OPEN_MESSAGE: "OPEN message error",
    ErrorCode.UPDATE_MESSAGE: "UPDATE message error",
    ErrorCode.HOLD_TIMER_EXPIRED: "Hold timer expired",
    ErrorCode.FINITE_STATE_MACHINE: "Finite state machine error",
    ErrorCode.CEASE: "Cease",
    ErrorCode.ROUTE_REFRESH_MESSAGE: "ROUTE-REFRESH message error",
    ErrorCode.SEND_HOLD_TIMER_EXPIRED: "Send hold timer expired",
}
_SPELLED: Final = re.compile(r"\b(?:as|bgp|bfd|origin)\b|next hop")


def words(code: int, subcode: int) -> str:
    """A NOTIFICATION's two numbers for people: "Cease, administrative shutdown".

    Numbers without a name stay numbers: "Cease, subcode 42", "Error 77, subcode 1".
    """
    main = _CODE_WORDS.get(code, f"Error {code}")
    names = _SUBCODES.get(code, IntEnum)
    for name, number in names.__members__.items():
        if number == subcode:
            return main if name.startswith("UNSPECIFI") else f"{main}, {_spelled(name)}"
    return f"{main}, subcode {subcode}" if subcode else main


def _spelled(name: str) -> str:
    """A subcode's name as it stands in a sentence: abbreviations and attributes keep their case."""
    text = name.lower().replace("_", " ")
    return _SPELLED.sub(lambda found: found[0].upper().replace(" ", "_"), text)
