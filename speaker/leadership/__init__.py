"""Who answers for an address on a segment: a pure core per segment, fed with time and datagrams.

core = SegmentCore(Identity("node1", boot, term), Port(ifindex, mac, address), agent_key(secret))
core.adopt(now, answering, elsewhere, lease_until)   entries of the agent before
core.want(now, {vip: candidates})                    what to announce, who may
core.receive(now, datagram) · core.tick(now)         → effects, to be carried out in order
core.sent(send_time)                                 the hello left: the lease is pushed
"""

from __future__ import annotations

from speaker.leadership.core import SegmentCore, twins
from speaker.leadership.effects import (
    Changed,
    Condition,
    Effect,
    Effects,
    Greet,
    RemoveEntry,
    Send,
    SetEntry,
    SetLease,
    State,
)
from speaker.leadership.hello import Rejection
from speaker.leadership.keys import agent_key, probe_key
from speaker.leadership.ranking import rank
from speaker.leadership.view import MemberView, SegmentView, VipView
from speaker.leadership.voice import Identity, Port

__all__ = [
    "Changed",
    "Condition",
    "Effect",
    "Effects",
    "Greet",
    "Identity",
    "MemberView",
    "Port",
    "Rejection",
    "RemoveEntry",
    "SegmentCore",
    "SegmentView",
    "Send",
    "SetEntry",
    "SetLease",
    "State",
    "VipView",
    "agent_key",
    "probe_key",
    "rank",
    "twins",
]
