"""The compiled module: see bgpwire.h for what each function does."""

from typing import Protocol

from cffi import FFI

class _Library(Protocol):
    BGPWIRE_LONGEST: int
    BGPWIRE_LONGEST_SHUTDOWN: int
    BGPWIRE_NO_ROOM: int
    BGPWIRE_TOO_LONG: int
    BGPWIRE_FAMILY: int
    BGPWIRE_PREFIX_LENGTH: int
    BGPWIRE_HOST_BITS: int
    BGPWIRE_CUT_PREFIX: int
    BGPWIRE_NEXT_HOP: int
    BGPWIRE_ASN: int
    BGPWIRE_RESTART_TIME: int
    BGPWIRE_CAPABILITY: int
    BGPWIRE_ROUTE_REFRESH: int
    BGPWIRE_EXTENDED_MESSAGE: int
    BGPWIRE_FOUR_OCTET: int
    BGPWIRE_ENHANCED_REFRESH: int
    BGPWIRE_GRACEFUL: int
    BGPWIRE_RESTARTING: int
    BGPWIRE_NOTIFICATION: int

    def bgpwire_keepalive(self, out: FFI.CData, room: int) -> int: ...
    def bgpwire_route_refresh(
        self, afi: int, safi: int, subtype: int, out: FFI.CData, room: int
    ) -> int: ...
    def bgpwire_open(self, about: FFI.CData, out: FFI.CData, room: int) -> int: ...
    def bgpwire_notification(
        self, code: int, subcode: int, data: bytes, size: int, out: FFI.CData, room: int
    ) -> int: ...
    def bgpwire_shutdown(self, text: bytes, size: int, out: FFI.CData, room: int) -> int: ...
    def bgpwire_announce(
        self, attributes: FFI.CData, prefixes: FFI.CData, out: FFI.CData, room: int
    ) -> int: ...
    def bgpwire_withdraw(self, prefixes: FFI.CData, out: FFI.CData, room: int) -> int: ...
    def bgpwire_end_of_rib(self, afi: int, safi: int, out: FFI.CData, room: int) -> int: ...

ffi: FFI
lib: _Library
