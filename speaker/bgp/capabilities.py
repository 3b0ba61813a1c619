"""What a peer says in its OPEN that it can do: optional parameters, and the capabilities in them.

    octets  field (RFC 4271, section 4.2)              if the parameters' type is 255 (RFC 9072)
         1  length of all parameters, maybe 0          anything but 0
         -                                             1 octet 255, 2 octets length of all
    each parameter
         1  type, 2: capabilities (RFC 5492)           the same
         1  length                                     2 octets
         n  capabilities: 1 code, 1 length, n value    the same

Capabilities may stand in one parameter or in several, and one may be said more than once: families
and next hops add up; of graceful restart the last counts (RFC 4724, section 3), likewise of the AS
number. One that we do not know, or whose value has not the size that it should, is kept as it is
and has no effect. Only an AS number of a wrong size ends the session, since without it UPDATEs in
both directions would be read wrongly.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from speaker.bgp.codes import CapabilityCode, ErrorCode, OpenError, OptionalParameter
from speaker.bgp.messages import AfiSafi, Capabilities, GracefulRestart
from vipcast.model.errors import MessageError

_RESTARTING: Final = 0x8
_NOTIFICATION: Final = 0x4
_FORWARDING: Final = 0x80


def read_capabilities(parameters: bytes) -> Capabilities:
    """From OPEN's octet of the parameters' length to its end.

    Raises MessageError: 2/4 for a parameter that is something else, 2/0 for what does not fit into
    what it stands in (RFC 4271, section 6.2).
    """
    told = _Told()
    for kind, value in _parameters(parameters):
        if kind != OptionalParameter.CAPABILITIES:
            sentence = f"The OPEN has an optional parameter of type {kind}, which we do not know."
            subcode = OpenError.UNSUPPORTED_OPTIONAL_PARAMETER
            raise MessageError(ErrorCode.OPEN_MESSAGE, subcode, b"", sentence)
        for code, said in _fields(value, 1, "capability"):
            told.add(code, said)
    return told.all()


def _parameters(octets: bytes) -> Iterator[tuple[int, bytes]]:
    """Each parameter's type and value."""
    length, start, size = octets[0], 1, 1
    if length and octets[1:2] == bytes([OptionalParameter.EXTENDED_LENGTH]):
        length, start, size = int.from_bytes(octets[2:4], "big"), 4, 2
    if start + length != len(octets):
        raise _malformed("optional parameters are not as long as they say")
    return _fields(octets[start:], size, "optional parameter")


def _fields(octets: bytes, size: int, what: str) -> Iterator[tuple[int, bytes]]:
    """Type and value of fields that have one octet of type and `size` octets of length."""
    start = 0
    while start < len(octets):
        value = start + 1 + size
        end = value + int.from_bytes(octets[start + 1 : value], "big")
        if max(value, end) > len(octets):
            raise _malformed(f"last {what} is longer than the octets that are left")
        yield octets[start], octets[value:end]
        start = end


class _Told:
    """Gathers what is said, in order."""

    def __init__(self) -> None:
        self._families: dict[AfiSafi, None] = {}
        self._next_hops: dict[tuple[AfiSafi, int], None] = {}
        self._flags: set[int] = set()
        self._asn: int | None = None
        self._restart: GracefulRestart | None = None
        self._others: dict[tuple[int, bytes], None] = {}

    def add(self, code: int, value: bytes) -> None:
        """Take one capability."""
        if not self._known(code, value):
            self._others[code, value] = None

    def all(self) -> Capabilities:
        """What was said."""
        return Capabilities(
            families=tuple(self._families),
            four_octet_asn=self._asn,
            route_refresh=CapabilityCode.ROUTE_REFRESH in self._flags,
            enhanced_refresh=CapabilityCode.ENHANCED_ROUTE_REFRESH in self._flags,
            extended_message=CapabilityCode.EXTENDED_MESSAGE in self._flags,
            extended_next_hop=tuple(self._next_hops),
            graceful_restart=self._restart,
            others=tuple(self._others),
        )

    def _known(self, code: int, value: bytes) -> bool:
        """Whether it had a meaning for us."""
        size = len(value)
        if code in _WITHOUT_VALUE and not size:
            self._flags.add(code)
        elif code == CapabilityCode.MULTIPROTOCOL and size == 4:
            self._families[AfiSafi(_number(value[:2]), value[3])] = None
        elif code == CapabilityCode.FOUR_OCTET_ASN:
            if size != 4:
                raise _malformed(f"capability of a four-octet AS number has {size} octets, not 4")
            self._asn = _number(value)
        elif code == CapabilityCode.EXTENDED_NEXT_HOP and size and not size % 6:
            self._next_hops |= dict.fromkeys(_next_hops(value))
        elif code == CapabilityCode.GRACEFUL_RESTART and size % 4 == 2:
            self._restart = _restart(value)
        else:
            return False
        return True


_WITHOUT_VALUE: Final = frozenset(
    (
        CapabilityCode.ROUTE_REFRESH,
        CapabilityCode.ENHANCED_ROUTE_REFRESH,
        CapabilityCode.EXTENDED_MESSAGE,
    )
)


def _next_hops(value: bytes) -> Iterator[tuple[AfiSafi, int]]:
    """RFC 8950, section 4: 2 octets AFI, 2 SAFI, 2 AFI of the next hop."""
    for start in range(0, len(value), 6):
        afi, safi, hop = (_number(value[at : at + 2]) for at in range(start, start + 6, 2))
        yield AfiSafi(afi, safi), hop


def _restart(value: bytes) -> GracefulRestart:
    """RFC 4724, section 3: 4 bits of flags, 12 of seconds; families of 2 AFI, 1 SAFI, 1 flags."""
    flags, seconds = value[0] >> 4, _number(value[:2]) & 0xFFF
    families = (value[start : start + 4] for start in range(2, len(value), 4))
    return GracefulRestart(
        restarting=bool(flags & _RESTARTING),
        notification=bool(flags & _NOTIFICATION),
        restart_time=seconds,
        families=tuple(
            (AfiSafi(_number(family[:2]), family[2]), bool(family[3] & _FORWARDING))
            for family in families
        ),
    )


def _number(octets: bytes) -> int:
    return int.from_bytes(octets, "big")


def _malformed(what: str) -> MessageError:
    return MessageError(ErrorCode.OPEN_MESSAGE, OpenError.UNSPECIFIC, b"", f"The OPEN's {what}.")
