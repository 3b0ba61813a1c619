"""BGP messages as bytes for Python: typed, encoded in C.

    announce(1, prefixes, next_hop=b"\\xc0\\x00\\x02\\x01", as_path=(64512,), four_octet=True)
    withdraw(1, prefixes)

Prefixes are one packed array, of which no Python object is made: records of a byte of length and
the whole address (5 bytes each for IPv4, 17 for IPv6), or the form that they have in messages.
Addresses are in network byte order. What cannot be said raises WireError, whose code is one of
bgpwire.h, and a number that its field does not hold OverflowError.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import chain
from typing import Any

from native._bgpwire import ffi, lib

LONGEST = lib.BGPWIRE_LONGEST
"""Bytes of the longest message."""

_SENTENCES = {
    lib.BGPWIRE_NO_ROOM: "the buffer is too small",
    lib.BGPWIRE_TOO_LONG: "what belongs into one message or field does not fit into it",
    lib.BGPWIRE_FAMILY: "prefixes are neither IPv4 nor IPv6",
    lib.BGPWIRE_PREFIX_LENGTH: "a prefix is longer than its family's addresses",
    lib.BGPWIRE_HOST_BITS: "an address has bits beyond its prefix's length",
    lib.BGPWIRE_CUT_PREFIX: "the prefixes end within one",
    lib.BGPWIRE_NEXT_HOP: "that is no next hop for the family",
    lib.BGPWIRE_ASN: "an AS number of four octets needs the capability that says so",
    lib.BGPWIRE_RESTART_TIME: "a restart time has at most 4095 seconds",
    lib.BGPWIRE_CAPABILITY: "a further capability is not whole",
}


class WireError(ValueError):
    """What was to be said has no form in BGP; `code` is a bgpwire_error of bgpwire.h."""

    def __init__(self, code: int) -> None:
        super().__init__(_SENTENCES[code])
        self.code = code


@dataclass(frozen=True, slots=True)
class Restart:
    """Graceful restart (RFC 4724, RFC 8538); of each family AFI, SAFI and the F bit."""

    seconds: int
    restarting: bool
    notification: bool
    families: Sequence[tuple[int, int, bool]]


@dataclass(frozen=True, slots=True)
class Capabilities:
    """What OPEN says beside its own fields. Families are AFI and SAFI; with a next hop's AFI.

    `others` is more of the kind as it is sent: code, length, value.
    """

    families: Sequence[tuple[int, int]] = ()
    four_octet_asn: int | None = None
    route_refresh: bool = False
    enhanced_refresh: bool = False
    extended_message: bool = False
    next_hops: Sequence[tuple[int, int, int]] = ()
    restart: Restart | None = None
    others: bytes = b""


def keepalive() -> bytes:
    """KEEPALIVE."""
    return _message(lib.bgpwire_keepalive)


def route_refresh(afi: int, safi: int, subtype: int) -> bytes:
    """ROUTE-REFRESH; `subtype` as in RFC 7313."""
    return _message(lambda out, room: lib.bgpwire_route_refresh(afi, safi, subtype, out, room))


def notification(code: int, subcode: int, data: bytes) -> bytes:
    """NOTIFICATION, with as much of the data as fits."""
    return _message(
        lambda out, room: lib.bgpwire_notification(code, subcode, data, len(data), out, room)
    )


def shutdown(text: str) -> bytes:
    """The data of a NOTIFICATION with a text for people, of which 255 bytes are sent (RFC 9003)."""
    sent = text.encode(errors="replace")
    return _message(lambda out, room: lib.bgpwire_shutdown(sent, len(sent), out, room))


def open_message(
    *, version: int, asn: int, hold_time: int, router_id: int, capabilities: Capabilities
) -> bytes:
    """OPEN; `asn` may have four octets if the capabilities say it, `hold_time` is in seconds."""
    restart = capabilities.restart or Restart(0, False, False, ())
    said = {
        lib.BGPWIRE_ROUTE_REFRESH: capabilities.route_refresh,
        lib.BGPWIRE_EXTENDED_MESSAGE: capabilities.extended_message,
        lib.BGPWIRE_FOUR_OCTET: capabilities.four_octet_asn is not None,
        lib.BGPWIRE_ENHANCED_REFRESH: capabilities.enhanced_refresh,
        lib.BGPWIRE_GRACEFUL: capabilities.restart is not None,
        lib.BGPWIRE_RESTARTING: restart.restarting,
        lib.BGPWIRE_NOTIFICATION: restart.notification,
    }
    families = [(afi, safi, 0) for afi, safi in capabilities.families]
    # What the structure points to lives as long as these names.
    offered = ffi.new("struct bgpwire_family[]", families)
    restarted = ffi.new("struct bgpwire_family[]", list(restart.families))
    hops = ffi.new("struct bgpwire_hop_family[]", list(capabilities.next_hops))
    others = ffi.from_buffer("uint8_t[]", capabilities.others)
    about = ffi.new(
        "struct bgpwire_open *",
        {
            "families": offered,
            "families_count": len(offered),
            "restart_families": restarted,
            "restart_families_count": len(restarted),
            "hop_families": hops,
            "hop_families_count": len(hops),
            "others": others,
            "others_size": len(others),
            "asn": asn,
            "four_octet_asn": capabilities.four_octet_asn or 0,
            "router_id": router_id,
            "can": sum(bit for bit, is_said in said.items() if is_said),
            "hold_time": hold_time,
            "restart_time": restart.seconds,
            "version": version,
        },
    )
    return _message(lambda out, room: lib.bgpwire_open(about, out, room))


def announce(
    afi: int,
    prefixes: bytes,
    *,
    next_hop: bytes,
    as_path: Sequence[int],
    four_octet: bool,
    local_pref: int | None = None,
    communities: Sequence[int] = (),
    large_communities: Sequence[tuple[int, int, int]] = (),
    wire_form: bool = False,
) -> bytes:
    """UPDATEs that announce all prefixes, each as full as it can be, one after the other.

    `next_hop` has 4 bytes, 16, or 32; `four_octet` is whether the peer knows AS numbers of that
    size.
    """
    large = chain.from_iterable(large_communities)
    path, few, many = (
        ffi.new("uint32_t[]", list(numbers)) for numbers in (as_path, communities, large)
    )
    about = ffi.new(
        "struct bgpwire_attributes *",
        {
            "as_path": path,
            "as_path_count": len(path),
            "communities": few,
            "communities_count": len(few),
            "large_communities": many,
            "large_communities_count": len(large_communities),
            "local_pref": local_pref or 0,
            "has_local_pref": local_pref is not None,
            "four_octet": four_octet,
            "next_hop_size": len(next_hop),
            "next_hop": next_hop[:32],
        },
    )
    source = _source(afi, prefixes, wire_form)
    return _messages(lambda out, room: lib.bgpwire_announce(about, source[0], out, room))


def withdraw(afi: int, prefixes: bytes, *, wire_form: bool = False) -> bytes:
    """UPDATEs that withdraw all prefixes, each as full as it can be, one after the other."""
    source = _source(afi, prefixes, wire_form)
    return _messages(lambda out, room: lib.bgpwire_withdraw(source[0], out, room))


def end_of_rib(afi: int, safi: int) -> bytes:
    """The UPDATE that says that all routes of a family have been sent."""
    return _message(lambda out, room: lib.bgpwire_end_of_rib(afi, safi, out, room))


def _source(afi: int, prefixes: bytes, wire_form: bool) -> tuple[Any, Any]:
    """The structure, and what it points to, which has to live as long."""
    array = ffi.from_buffer("uint8_t[]", prefixes)
    fields = {"bytes": array, "size": len(array), "afi": afi, "wire_form": wire_form}
    return ffi.new("struct bgpwire_prefixes *", fields), array


def _message(write: Callable[[Any, int], int]) -> bytes:
    out = ffi.new("uint8_t[]", LONGEST)
    return bytes(ffi.buffer(out, _check(write(out, LONGEST))))


def _messages(write: Callable[[Any, int], int]) -> bytes:
    size = _check(write(ffi.NULL, 0))
    out = ffi.new("uint8_t[]", size)
    return bytes(ffi.buffer(out, _check(write(out, size))))


def _check(result: int) -> int:
    if result < 0:
        raise WireError(result)
    return result
