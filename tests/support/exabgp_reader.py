"""BGP messages as ExaBGP reads them: a program of its own, for Debian's Python, which has ExaBGP.

Standard input is a JSON list of messages in hexadecimal; standard output a list of what they say,
in the form of tests.support.bgp_readers. What ExaBGP cannot read ends it with its words.
"""

from __future__ import annotations

import json
import sys
from typing import Any

from exabgp.bgp.message import KeepAlive, Notification, Open, Update
from exabgp.bgp.message.direction import IN, Direction
from exabgp.bgp.message.open.capability import Negotiated
from exabgp.bgp.message.refresh import RouteRefresh
from exabgp.bgp.message.update.eor import EOR
from exabgp.bgp.neighbor import Neighbor
from exabgp.configuration.setup import environment
from exabgp.protocol.family import AFI, SAFI

_OPEN, _UPDATE, _NOTIFICATION, _REFRESH = 1, 2, 3, 5
_HEADER = 19


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
    return {
        "type": "open",
        "asn": int(told.asn),
        "hold_time": int(told.hold_time),
        "router_id": str(told.router_id),
        "capabilities": sorted(int(code) for code in told.capabilities),
    }


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
        "as_path": said.get("as-path"),
        "local_pref": said.get("local-preference"),
        "communities": said.get("community", []),
        "large_communities": said.get("large-community", []),
    }


def main() -> None:
    """Read, and write."""
    environment.setup("")
    environment.settings().log.enable = False
    negotiated = Negotiated(Neighbor())
    negotiated.asn4 = True
    negotiated.families = [(AFI.ipv4, SAFI.unicast), (AFI.ipv6, SAFI.unicast)]
    negotiated.nexthop = [(AFI.ipv4, SAFI.unicast, AFI.ipv6)]
    messages = [bytes.fromhex(text) for text in json.load(sys.stdin)]
    json.dump([read(message, negotiated) for message in messages], sys.stdout)


if __name__ == "__main__":
    main()
