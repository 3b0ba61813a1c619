"""What the speakers report of BGP, as parts of objects and back: the routers of a SpeakerStatus.

Each value and its part hold the same, so parse(render(value)) is the value.
"""

from __future__ import annotations

from typing import Any

from vipcast.kube.fields import Fields
from vipcast.model.status import PeerReport

_PORTS = 2**16 - 1
_ASNS = 2**32 - 1
_MOST = 2**63 - 1


def render_peer(value: PeerReport) -> dict[str, Any]:
    """One router in `status.peers`."""
    return {
        "name": value.name,
        "address": value.address,
        "port": value.port,
        "localASN": value.local_asn,
        "peerASN": value.peer_asn,
        "state": value.state,
        "since": value.since,
        "announced": value.announced,
        "pending": value.pending,
        "families": list(value.families),
        "unspoken": list(value.unspoken),
        "reason": value.reason,
        "lastError": value.error,
        "hint": value.hint,
        "lastNotification": value.notification,
        "bfd": value.bfd,
        "blocked": value.blocked,
    }


def parse_peer(fields: Fields) -> PeerReport:
    """And back. Raises ParseError."""
    return PeerReport(
        name=fields.text("name"),
        address=fields.text("address"),
        port=fields.number("port", 0, _PORTS, 0),
        local_asn=fields.number("localASN", 0, _ASNS, 0),
        peer_asn=fields.number("peerASN", 0, _ASNS, 0),
        state=fields.text("state"),
        since=fields.text("since"),
        announced=fields.number("announced", 0, _MOST, 0),
        pending=fields.number("pending", 0, _MOST, 0),
        families=fields.texts("families"),
        unspoken=fields.texts("unspoken"),
        reason=fields.text("reason"),
        error=fields.text("lastError"),
        hint=fields.text("hint"),
        notification=fields.text("lastNotification"),
        bfd=fields.text("bfd"),
        blocked=fields.text("blocked"),
    )
