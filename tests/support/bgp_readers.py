"""BGP messages as others read them, in one form, so that readers are compared with each other.

Each message becomes a dictionary with its `type`: open, update, end of rib, notification, keepalive
or refresh. An AS number takes four bytes (RFC 6793). The third reader, Wireshark's dissector, reads
captures: lab.routers.capture.
"""

from __future__ import annotations

import json
import struct
import subprocess
import warnings
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

with warnings.catch_warnings():
    warnings.simplefilter("ignore")  # scapy's own deprecations
    from scapy.contrib import bgp

Told = dict[str, Any]

_ORIGINS = ("igp", "egp", "incomplete")
_ORIGIN, _AS_PATH, _NEXT_HOP, _LOCAL_PREF, _COMMUNITIES = 1, 2, 3, 5, 8
_MP_REACH, _MP_UNREACH, _LARGE_COMMUNITIES = 14, 15, 32


def by_exabgp(messages: Sequence[bytes]) -> list[Told]:
    """As ExaBGP reads them, in Debian's Python. Raises AssertionError, with its words."""
    done = subprocess.run(
        ["/usr/bin/python3", "-I", str(Path(__file__).with_name("exabgp_reader.py"))],
        input=json.dumps([message.hex() for message in messages]),
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    told: list[Told] = json.loads(done.stdout)
    return told


def by_scapy(messages: Iterable[bytes]) -> list[Told]:
    """As scapy reads them. Raises AssertionError where it leaves something unread."""
    bgp.bgp_module_conf.use_2_bytes_asn = False
    return [_read(message) for message in messages]


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
    return {
        "type": "open",
        "asn": told.my_as,
        "hold_time": told.hold_time,
        "router_id": told.bgp_id,
        "capabilities": sorted({code for each in told.opt_params for code in _codes(each)}),
    }


def _codes(parameter: Any) -> Iterator[int]:
    """Capabilities of one optional parameter: scapy reads the first, and is asked again."""
    left = bytes(parameter)[2:]
    while left:
        capability = bgp.BGPCapability(left)
        yield capability.code
        left = left[2 + capability.length :]


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
        "local_pref": values[_LOCAL_PREF].local_pref if _LOCAL_PREF in values else None,
        "communities": _communities(values.get(_COMMUNITIES)),
        "large_communities": [
            [each.global_administrator, each.local_data_part1, each.local_data_part2]
            for each in getattr(values.get(_LARGE_COMMUNITIES), "segments", [])
        ],
    }


def _as_path(told: Any) -> list[int] | None:
    if told is None:
        return None
    return [number for segment in told.segments for number in segment.segment_value]


def _communities(told: Any) -> list[list[int]]:
    """scapy knows of a first one only; the others are what follows it."""
    packed = b"" if told is None else bytes(told)
    return [list(pair) for pair in struct.iter_unpack("!HH", packed)]
