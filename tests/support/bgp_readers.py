"""BGP messages as others read them, in one form, so that readers are compared with each other.

Each message becomes a dictionary with its `type`: open, update, end of rib, notification, keepalive
or refresh. AS paths have numbers of four bytes, or of two where a side knows no longer ones (RFC
6793). The third reader, Wireshark's dissector, reads captures: lab.routers.capture.

scapy reads only the first of several capabilities of one parameter, of several families of one
capability and of several communities of one attribute: what follows it is read here. It does not
know IPv4 with an IPv6 next hop (RFC 8950). To ExaBGP an AS path without numbers is none at all.
"""

from __future__ import annotations

import json
import logging
import struct
import subprocess
import warnings
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

with warnings.catch_warnings():
    warnings.simplefilter("ignore")  # scapy's own deprecations
    logging.getLogger("scapy.runtime").setLevel(logging.ERROR)  # it tells its default at import
    from scapy.config import conf
    from scapy.contrib import bgp

Told = dict[str, Any]

_ORIGINS = ("igp", "egp", "incomplete")
_ORIGIN, _AS_PATH, _NEXT_HOP, _LOCAL_PREF, _COMMUNITIES = 1, 2, 3, 5, 8
_MP_REACH, _MP_UNREACH, _AS4_PATH, _LARGE_COMMUNITIES = 14, 15, 17, 32
_MULTIPROTOCOL, _EXTENDED_NEXT_HOP, _GRACEFUL_RESTART, _FOUR_OCTETS = 1, 5, 64, 65
_MANY = 1 << 16
"""More prefixes than a message holds; scapy's own limit is 100."""


def by_exabgp(messages: Sequence[bytes], *, four_octet: bool = True) -> list[Told]:
    """As ExaBGP reads them, in Debian's Python. Raises AssertionError, with its words."""
    asked = {"messages": [message.hex() for message in messages], "four_octet": four_octet}
    done = subprocess.run(
        ["/usr/bin/python3", "-I", str(Path(__file__).with_name("exabgp_reader.py"))],
        input=json.dumps(asked),
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    told: list[Told] = json.loads(done.stdout)
    return told


def by_scapy(messages: Iterable[bytes], *, four_octet: bool = True) -> list[Told]:
    """As scapy reads them. Raises AssertionError where it leaves something unread."""
    with _reading(four_octet=four_octet):
        return [_read(message) for message in messages]


@contextmanager
def _reading(*, four_octet: bool) -> Iterator[None]:
    before = bgp.bgp_module_conf.use_2_bytes_asn, conf.max_list_count, conf.debug_dissector
    bgp.bgp_module_conf.use_2_bytes_asn = not four_octet
    conf.max_list_count, conf.debug_dissector = _MANY, True  # what it cannot read, it raises
    try:
        yield
    finally:
        bgp.bgp_module_conf.use_2_bytes_asn, conf.max_list_count, conf.debug_dissector = before


def _read(message: bytes) -> Told:
    whole = bgp.BGPHeader(message)
    assert whole.len == len(message)
    rest = whole.lastlayer()
    assert type(rest).__name__ not in ("Raw", "Padding"), f"{message.hex()}: {rest!r}"
    if isinstance(rest, bgp.BGPOpen):
        return _open(rest)
    if isinstance(rest, bgp.BGPUpdate):
        return _update(rest)
    if isinstance(rest, bgp.BGPNotification):
        return {"type": "notification", "code": rest.error_code, "subcode": rest.error_subcode}
    if isinstance(rest, bgp.BGPRouteRefresh):
        return {"type": "refresh", "afi": rest.afi, "subtype": rest.subtype}
    assert isinstance(rest, bgp.BGPHeader | bgp.BGPKeepAlive)
    return {"type": "keepalive"}


def _open(told: Any) -> Told:
    offered = [each for parameter in told.opt_params for each in _capabilities(parameter)]
    by_code = {each.code: each for each in offered}
    return {
        "type": "open",
        "asn": told.my_as,
        "hold_time": told.hold_time,
        "router_id": told.bgp_id,
        "capabilities": sorted(by_code),
        "families": [[each.afi, each.safi] for each in offered if each.code == _MULTIPROTOCOL],
        "asn4": by_code[_FOUR_OCTETS].asn if _FOUR_OCTETS in by_code else None,
        "extended_next_hop": [
            entry
            for each in offered
            if each.code == _EXTENDED_NEXT_HOP
            for entry in _all(each.cap_data, "!HHH")
        ],
        "graceful_restart": _restart(by_code.get(_GRACEFUL_RESTART)),
    }


def _restart(told: Any) -> Told | None:
    if told is None:
        return None
    return {
        "flags": told.restart_flags,
        "time": told.restart_time,
        "families": [entry for each in told.entries for entry in _all(each, "!HBB")],
    }


def _capabilities(parameter: Any) -> Iterator[Any]:
    """Those of one optional parameter: scapy reads the first, and is asked again."""
    left = bytes(parameter)[2:]
    while left:
        size = 2 + left[1]
        yield bgp.BGPCapability(left[:size])
        left = left[size:]


def _update(told: Any) -> Told:
    values = {each.type_code: each.attribute for each in told.path_attr}
    reach, unreach = values.pop(_MP_REACH, None), values.pop(_MP_UNREACH, None)
    announced, withdrawn = list(told.nlri), list(told.withdrawn_routes)
    next_hops = {values[_NEXT_HOP].next_hop} if announced and _NEXT_HOP in values else set()
    if reach is not None:
        announced += reach.nlri
        both = (reach.nh_v6_global, reach.nh_v6_link_local)
        next_hops.update(both if reach.nh_addr_len == 32 else (reach.nh_v6_addr,))
    if unreach is not None:
        withdrawn += unreach.afi_safi_specific.withdrawn_routes
    if not announced and not withdrawn:
        return {"type": "end of rib", "afi": unreach.afi if unreach is not None else 1}
    return {
        "type": "update",
        "announced": sorted(nlri.prefix for nlri in announced),
        "withdrawn": sorted(nlri.prefix for nlri in withdrawn),
        "next_hops": sorted(next_hops),
        "origin": _ORIGINS[values[_ORIGIN].origin] if _ORIGIN in values else None,
        "as_path": _as_path(values.get(_AS_PATH)),
        "as4_path": values[_AS4_PATH].segment_value if _AS4_PATH in values else None,
        "local_pref": values[_LOCAL_PREF].local_pref if _LOCAL_PREF in values else None,
        "communities": _all(values.get(_COMMUNITIES), "!HH"),
        "large_communities": _all(values.get(_LARGE_COMMUNITIES), "!III"),
    }


def _as_path(told: Any) -> list[int] | None:
    if told is None:
        return None
    return [number for segment in told.segments for number in segment.segment_value] or None


def _all(told: Any, form: str) -> list[list[int]]:
    """Each of a row of equals: what scapy reads of it and what it leaves."""
    packed = b"" if told is None else bytes(told)
    return [list(numbers) for numbers in struct.iter_unpack(form, packed)]
