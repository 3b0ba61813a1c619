"""BGP messages as ExaBGP reads them: a program of its own, for Debian's Python, which has ExaBGP.

Standard input is JSON: `messages` in hexadecimal, and whether AS paths have numbers of four bytes,
`four_octet`. Standard output is a list of what they say, in the form of tests.support.bgp_readers.
What ExaBGP cannot read ends it with its words.
"""

from __future__ import annotations

import json
import sys
from typing import Any

from exabgp.bgp.message import KeepAlive, Notification, Open, Update
from exabgp.bgp.message.direction import IN, Direction
from exabgp.bgp.message.open.capability import Negotiated
from exabgp.bgp.message.refresh import RouteRefresh
from exabgp.bgp.message.update.attribute import Attribute
from exabgp.bgp.message.update.attribute.attributes import Attributes
from exabgp.bgp.message.update.eor import EOR
from exabgp.bgp.neighbor import Neighbor
from exabgp.configuration.setup import environment
from exabgp.protocol.family import AFI, SAFI

_OPEN, _UPDATE, _NOTIFICATION, _REFRESH = 1, 2, 3, 5
_HEADER = 19
_MULTIPROTOCOL, _EXTENDED_NEXT_HOP, _GRACEFUL_RESTART, _FOUR_OCTETS = 1, 5, 64, 65


def read(message: bytes, negotiated: Any) -> dict[str, Any]:
    """One message."""
    kind, how = message[18], (message[_HEADER:], Direction.IN, negotiated)
    if kind == _OPEN:
        return _open(Open.unpack_message(*how))
    if kind == _UPDATE:
        return _update(Update.unpack_message(*how))
    if kind == _NOTIFICATION:
        # Not the text of a shutdown (RFC 9003): this version fails over it.
        told = Notification.unpack_message(message[_HEADER : _HEADER + 2], *how[1:])
        return {"type": "notification", "code": told.code, "subcode": told.subcode}
    if kind == _REFRESH:
        told = RouteRefresh.unpack_message(*how)
        return {"type": "refresh", "afi": int(told.afi), "subtype": int(told.reserved)}
    KeepAlive.unpack_message(*how)
    return {"type": "keepalive"}


def _open(told: Any) -> dict[str, Any]:
    offered = told.capabilities
    asn4 = offered.get(_FOUR_OCTETS)
    return {
        "type": "open",
        "asn": int(told.asn),
        "hold_time": int(told.hold_time),
        "router_id": str(told.router_id),
        "capabilities": sorted(int(code) for code in offered),
        "families": [_numbers(each) for each in offered.get(_MULTIPROTOCOL, ())],
        "asn4": None if asn4 is None else int(asn4),
        "extended_next_hop": [_numbers(each) for each in offered.get(_EXTENDED_NEXT_HOP, ())],
        "graceful_restart": _restart(offered.get(_GRACEFUL_RESTART)),
    }


def _restart(told: Any) -> dict[str, Any] | None:
    if told is None:
        return None
    return {
        "flags": told.restart_flag,
        "time": told.restart_time,
        "families": [[*_numbers(family), flags] for family, flags in told.items()],
    }


def _numbers(told: Any) -> list[int]:
    return [int(each) for each in told]


def _update(told: Any) -> dict[str, Any]:
    if isinstance(told, EOR):
        return {"type": "end of rib", "afi": int(told.nlris[0].afi)}
    said = json.loads("{" + told.attributes.json() + "}")
    announced = [nlri for nlri in told.nlris if nlri.action == IN.ANNOUNCED]
    return {
        "type": "update",
        # Each comes once for each next hop, of which IPv6 may have two (RFC 2545, section 3).
        "announced": sorted({str(nlri.cidr) for nlri in announced}),
        "withdrawn": sorted(str(n.cidr) for n in told.nlris if n.action == IN.WITHDRAWN),
        "next_hops": sorted({str(nlri.nexthop) for nlri in announced}),
        "origin": said.get("origin"),
        "as_path": _path(told.attributes, Attribute.CODE.AS_PATH),
        "as4_path": _path(told.attributes, Attribute.CODE.AS4_PATH),
        "local_pref": said.get("local-preference"),
        "communities": said.get("community", []),
        "large_communities": said.get("large-community", []),
    }


def _path(attributes: Any, code: int) -> list[int] | None:
    return _numbers(attributes[code].as_seq) if code in attributes else None


def main() -> None:
    """Read, and write."""
    asked = json.load(sys.stdin)
    environment.setup("")
    environment.settings().log.enable = False
    negotiated = Negotiated(Neighbor())
    negotiated.asn4 = asked["four_octet"]
    negotiated.families = [(AFI.ipv4, SAFI.unicast), (AFI.ipv6, SAFI.unicast)]
    negotiated.nexthop = [(AFI.ipv4, SAFI.unicast, AFI.ipv6)]
    # The two paths of an old speaker would become one, and what was sent could not be seen.
    Attributes.merge_attributes = lambda _self: None
    messages = [bytes.fromhex(text) for text in asked["messages"]]
    json.dump([read(message, negotiated) for message in messages], sys.stdout)


if __name__ == "__main__":
    main()
