"""Who answers for an address on a segment: a pure core per segment, fed with time and datagrams.

    core = SegmentCore(Identity(node, boot, term), Port(ifindex, mac, address), agent_key(secret))
    core.adopt(now, answering, elsewhere, lease)   the entries of the agent before this one
    core.want(now, {vip: candidates})              what to announce, and who may through what
    core.receive(now, datagram), core.tick(now)    effects, to be carried out in their order
    core.sent(now, send_time)                      the hello left: only this pushes the lease
    core.next_deadline()                           when to tick

*Hello.* Every 0.2 s a node says on each segment which addresses it holds, each with a counter.
Hellos are authenticated, and believed only if fresh (members). Epoch: (counter, node name).
*Lease.* A node answers until 0.8 s after its last hello left. One that is frozen, killed or cut off
is so silent before others count it as lost, 1.3 s after they heard it last. An agent that finds its
lease over gives up what it held, listens for 1.3 s (learning), and then may claim again.
*Claim.* An address is free if no live node holds it. The best-ranked live candidate claims it at
once, each further one 0.25 s later, so that someone does even where views differ. Candidates on a
segment are those that may announce through the interface which they say hello on. A live holder
that still may keeps its address, however the ranks change.
*Two holders* hear each other: the higher epoch keeps the address and greets, the other yields.
*Planned restart.* The last hello announces 10 s of absence, and the lease then lasts 9.5 s; the
next agent adopts entries and lease. Nobody takes over meanwhile.

    timing     every span of time, and why      members   which hellos are believed, who is live
    ranking    who may, and who claims first    listing   what one node holds, out of slices
    keys       from the Secret to a key         book      holders, own claims, entries
    hello      the datagram                     voice     what this node says
    effects    what the shell has to do         core      lease, learning, deadlines: the whole
    view       a picture for status and metrics  conditions  what holds for the segment, told once
    twin       two interfaces of one node on one segment
"""

from __future__ import annotations

from speaker.leadership.core import SegmentCore
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
from speaker.leadership.ranking import Candidate, Candidates, rank
from speaker.leadership.twin import twins
from speaker.leadership.view import MemberView, SegmentView, VipView
from speaker.leadership.voice import Identity, Port

__all__ = [
    "Candidate",
    "Candidates",
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
