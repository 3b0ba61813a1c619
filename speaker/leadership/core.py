"""One segment's leadership: what happens there goes in, what to do about it comes out.

This file keeps the time: the right to answer (lease), learning, and when a hello is due. Who is
there is in members, who holds what in book, what is said in voice.

    no right ──first hello sent──> learning ──LEARN──> may claim
       ^                              │                   │
       └──────── the lease ran out before the next hello ─┘   everything held is given up first

Every call first looks whether the lease has run out meanwhile: a process that was frozen finds that
out before it does anything else, and a hello that it had prepared earlier pushes nothing.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping

from speaker.leadership.book import Book
from speaker.leadership.conditions import Conditions
from speaker.leadership.effects import Effect, Effects, Send, SetLease
from speaker.leadership.hello import Rejection, decode
from speaker.leadership.keys import Keyring
from speaker.leadership.listing import Listing
from speaker.leadership.members import Arrival, Members
from speaker.leadership.ranking import Candidates
from speaker.leadership.timing import (
    AWAY,
    AWAY_LEASE,
    CLAIM_STEP,
    HELLO_INTERVAL,
    HELLO_SPACING,
    LEARN,
    LEASE,
    LOST_AFTER,
    PROMPT,
    READ_FIRST,
)
from speaker.leadership.view import MemberView, SegmentView, see_members, see_vips
from speaker.leadership.voice import Identity, Port, Voice
from vipcast.model.addresses import Address
from vipcast.model.reasons import Reason

AT_ONCE = float("-inf")
NEVER = float("inf")


class SegmentCore:
    """Leadership on one segment. Times are monotonic seconds and never go back.

    The shell carries out the effects of one call before it makes the next. Then it looks at
    `next_deadline`, and calls `tick` when that is reached; what has arrived on the socket it hands
    to `receive` before `tick`.
    """

    def __init__(self, identity: Identity, port: Port, key: bytes | None = None) -> None:
        """A segment that knows nothing yet; `key` is `keys.agent_key(…)` or None for no key.

        The interface is taken to have a carrier until `carrier` says otherwise.
        """
        self._out: list[Effect] = []
        self._members = Members(identity.node, identity.boot, port.link)
        self._book = Book(identity.node, port.interface, self._out)
        self._voice = Voice(identity, port)
        self._keys = Keyring(key)
        self._carrier = True
        self._left = False
        self._yields = False  # another node of our name answers
        self._lease: float | None = None  # answers are allowed until then; None: no right at all
        self._learnt: float | None = None  # when learning ends; None: not begun
        self._judging_since = NEVER  # since when we may judge what is free
        self._hello_due = AT_ONCE
        self._hello_made = AT_ONCE
        self._last_call = AT_ONCE
        self._judge_from = AT_ONCE
        held = (Reason.LEARNING,) if self._keys else (Reason.LEARNING, Reason.NO_KEY)
        self._conditions = Conditions(held, self._out)
        self._rejected: Counter[Rejection] = Counter()
        self._accepted = 0
        self._lapses = 0

    def adopt(
        self,
        now: float,
        answering: Mapping[Address, int],
        elsewhere: Mapping[Address, int],
        lease_until: float,
    ) -> Effects:
        """First call after a restart: the entries found in the maps (with counters), and the lease.

        Pass all of them, also if the lease is over: what answered is then silenced before a lease
        runs again. The first hello ends the announced absence, so the long lease of that ends
        before it: call this when all is ready to `tick` and send at once.
        """
        valid = now < lease_until
        if valid:
            self._lease = min(lease_until, now + LEASE)
            self._out.append(SetLease(self._lease))
        self._book.adopt(now, answering, elsewhere, lease_until)
        return self._flush()

    def want(self, now: float, wanted: Mapping[Address, Candidates]) -> Effects:
        """All addresses to be announced, with the nodes that may, by preference and interfaces.

        Whether a node may on this segment is judged here, by the interface that it speaks through.
        Not before the objects have been read once: adopted entries that are not wanted are removed.
        """
        self._begin(now)
        self._book.want(now, wanted)
        return self._flush()

    def receive(self, now: float, datagram: bytes) -> Effects:
        """A datagram heard on the segment, whatever it is."""
        self._begin(now)
        if not self._left:
            refused = self._hear(now, datagram)
            if refused is None:
                self._accepted += 1
            else:
                self._rejected[refused] += 1
        return self._flush()

    def tick(self, now: float) -> Effects:
        """Time has passed: call when `next_deadline` is reached (sooner does no harm)."""
        self._begin(now)
        if not self._left:
            self._lose_the_silent(now)
            self._watch_names(now)
            self._end_learning(now)
            self._decide(now)
            if self._may_speak() and now >= self._speak_at():
                # A claim is said twice: if it were lost, the next in turn would claim as well.
                times = 2 if self._book.claiming else 1
                self._send(now, *(self._hello(now) for _ in range(times)))
        return self._flush()

    def sent(self, now: float, send_time: float) -> Effects:
        """The last `Send` left completely; `send_time` was read before. Only this pushes the lease.

        Never tell it of a send that failed. A claim that was held up on its way is said once more
        before it is answered for: the next in turn may have claimed, and wait to be heard.
        """
        had_right = self._lease is not None
        self._begin(now)
        lapsed = had_right and self._lease is None
        if lapsed or self._yields or Reason.SAME_SEGMENT in self._conditions:
            return self._flush()
        self._lease = send_time + (AWAY_LEASE if self._left else LEASE)
        self._out.append(SetLease(self._lease))
        if self._learnt is None:
            self._learnt = send_time + LEARN
        if now - self._hello_made <= PROMPT:
            self._book.said(now)
        elif self._book.claiming:
            self._book.changed = True
            self._hello_made = now
        return self._flush()

    def carrier(self, now: float, up: bool) -> Effects:
        """The interface lost or got its carrier (or was taken down or up)."""
        self._begin(now)
        if up != self._carrier:
            self._carrier = up
            self._conditions.note(Reason.LINK_DOWN, holds=not up)
            if up:
                self._hello_due = AT_ONCE
                self._book.reopen()
                if Reason.LEARNING not in self._conditions:
                    self._book.greet_all()
        return self._flush()

    def set_key(self, now: float, key: bytes | None) -> Effects:
        """The key from now on; the one before is accepted and used beside it for KEY_OVERLAP."""
        self._begin(now)
        if key is not None and not self._keys:
            self._hello_due = AT_ONCE
            self._book.reconsider(now)
        self._keys.change(now, key)
        self._conditions.note(Reason.NO_KEY, holds=key is None)
        self._book.reopen()
        return self._flush()

    def set_port(self, now: float, port: Port) -> Effects:
        """The interface, of the same ifindex as ever, has another name, MAC or address.

        What it may not announce under its name is given up; for another MAC or address the
        answering entries are written anew.
        """
        self._begin(now)
        before, self._voice.port = self._voice.port, port
        self._hello_due = AT_ONCE
        if port.interface != before.interface:
            self._book.renamed(now, port.interface)
        if (port.mac, port.address) != (before.mac, before.address):
            self._book.rewrite()
            self._book.greet_all()
        return self._flush()

    def twin_heard(self, now: float) -> Effects:
        """Another interface of this node, of lower ifindex, is on this segment: see `twins`."""
        self._begin(now)
        self._members.twin_until = now + LOST_AFTER
        self._watch_names(now)
        return self._flush()

    def leave_for_restart(self, now: float) -> Effects:
        """The last hello before a planned restart; when it is `sent` the lease lasts AWAY_LEASE.

        It is said three times over: were it lost, others would take over while the lease runs.
        Without a right to answer there is nothing to say. Nothing is due afterwards.
        """
        self._begin(now)
        if self._may_speak() and self._lease is not None:
            self._send(now, *(self._hello(now, away=AWAY) for _ in range(3)))
        self._left = True
        return self._flush()

    def may_greet(self, now: float, vip: Address) -> bool:
        """Whether this node may say now that the address is here. Ask before every frame."""
        return self._lease is not None and now < self._lease and self._book.answers(vip)

    @property
    def link(self) -> int:
        """The ifindex of the interface that the segment is seen through."""
        return self._voice.port.link

    @property
    def yields(self) -> bool:
        """Whether another node of our name answers, so that this one does not."""
        return self._yields

    @property
    def conditions(self) -> frozenset[Reason]:
        """The states of the whole segment that hold now: see `Condition`."""
        return frozenset(self._conditions)

    def hears(self) -> frozenset[tuple[str, int, int]]:
        """Node, boot and link of every live node of the segment."""
        return frozenset((peer.node, peer.boot, peer.link) for peer in self._members.live())

    def members(self, now: float) -> tuple[MemberView, ...]:
        """Every node of the segment, as in `view`, which costs more: it shows every address."""
        return see_members(self._members, now)

    def next_deadline(self) -> float | None:
        """When to call `tick`; a time that has passed means at once, None never."""
        if self._left:
            return None
        times = [self._lease, self._decide_at()]
        if self._may_speak():
            times.append(self._speak_at())
        loss = self._members.next_loss()
        if loss is not None:
            times.append(max(loss, self._judge_from))
        ends = {
            Reason.LEARNING: self._learnt,
            Reason.SAME_SEGMENT: self._members.twin_until,
            Reason.DUPLICATE_NODE: self._members.duplicate_until,
        }
        times += [end for reason, end in ends.items() if reason in self._conditions]
        return min((time for time in times if time is not None), default=None)

    def view(self, now: float) -> SegmentView:
        """How things stand, for status, explanations and metrics."""
        learning = Reason.LEARNING in self._conditions
        identity, port = self._voice.identity, self._voice.port
        return SegmentView(
            now=now,
            node=identity.node,
            link=port.link,
            lease_until=self._lease,
            learning_for=max(0.0, (self._learnt or now + LEARN) - now) if learning else None,
            conditions=frozenset(self._conditions),
            members=self.members(now),
            vips=see_vips(self._book, self._why_silent()),
            rejected={reason.value: self._rejected[reason] for reason in Rejection},
            accepted=self._accepted,
            lapses=self._lapses,
        )

    def _begin(self, now: float) -> None:
        """First of all in every call: has the right to answer ended since the last one?"""
        if now - self._last_call > CLAIM_STEP:
            self._judge_from = now + READ_FIRST
        self._last_call = now
        if self._lease is not None and now >= self._lease:
            self._lapses += 1
            mute = self._conditions.first(Reason.NO_KEY, Reason.LINK_DOWN)
            self._lose_right(now, mute or Reason.LEASE_OVER)

    def _lose_right(self, now: float, why: Reason) -> None:
        self._book.forfeit(now, why)
        self._book.reconsider(now)
        self._lease = None
        self._learnt = None
        self._hello_due = AT_ONCE
        self._conditions.note(Reason.LEARNING, holds=True)

    def _hear(self, now: float, datagram: bytes) -> Rejection | None:
        keys = self._keys.at(now)
        hello = decode(datagram, keys) if keys else Rejection.NO_KEY
        if isinstance(hello, Rejection):
            return hello
        learning = Reason.LEARNING in self._conditions
        judged = self._members.believe(now, hello, learning=learning)
        if isinstance(judged, Rejection):
            self._watch_names(now)
            return judged
        peer, arrival = judged
        news = peer.listing.take(hello)
        rebooted = arrival is Arrival.REBOOTED
        self._book.listed(now, peer.node, news.held)
        self._book.unlisted(
            now,
            peer.node,
            news.gone,
            Reason.HOLDER_REBOOTED if rebooted else Reason.HOLDER_RELEASED,
        )
        if arrival is not Arrival.KNOWN:
            self._book.reopen()
            if Reason.LEARNING not in self._conditions:
                self._book.greet_all()  # unheard by us it may have told clients otherwise
        return None

    def _lose_the_silent(self, now: float) -> None:
        if now < self._judge_from:
            return
        for peer in self._members.expire(now):
            held = tuple(peer.listing.held)
            peer.listing = Listing()
            self._book.unlisted(now, peer.node, held, Reason.HOLDER_LOST, peer.heard)
            self._book.reopen()

    def _watch_names(self, now: float) -> None:
        """Is this node heard under its own name: by another of its links, or by somebody else?"""
        twin = now < self._members.twin_until
        if twin and Reason.SAME_SEGMENT not in self._conditions:
            self._lose_right(now, Reason.SAME_SEGMENT)
        self._conditions.note(Reason.SAME_SEGMENT, holds=twin)
        double = now < self._members.duplicate_until
        yields = double and self._members.yields
        turned, self._yields = yields != self._yields, yields
        if yields and turned:
            self._lose_right(now, Reason.DUPLICATE_NODE)
        self._conditions.note(Reason.DUPLICATE_NODE, holds=double, detail=self._about_double())

    def _about_double(self) -> str:
        double = self._members.double
        if double is None:
            return ""
        who = f"It is {double.address or 'one without an address'} ({double.mac.hex(':')})."
        silent, heard = ("This one", "it") if self._yields else ("It", "this one")
        return f"{who} {silent} answers for nothing as long as {heard} is heard."

    def _end_learning(self, now: float) -> None:
        learning = Reason.LEARNING in self._conditions
        if learning and self._learnt is not None and now >= self._learnt:
            self._conditions.note(Reason.LEARNING, holds=False)
            self._judging_since = now
            self._book.reopen()
            self._book.greet_all()  # what was adopted: see _hear, where learners wait

    def _decide_at(self) -> float | None:
        """When free addresses are to be looked at next; None while we may not judge."""
        mute = self._conditions.first(Reason.LINK_DOWN, Reason.SAME_SEGMENT)
        if mute or self._book.due is None:
            return None
        if not self._keys:
            return self._book.due
        if Reason.LEARNING in self._conditions:
            return None
        return max(self._book.due, self._hello_made + HELLO_SPACING, self._judge_from)

    def _decide(self, now: float) -> None:
        at = self._decide_at()
        if at is None or now < at:
            return
        if not self._keys:
            self._book.abandon_all(now)
            return
        live = {
            peer.node: peer.interface for peer in self._members.live() if peer.away_until <= now
        }
        self._book.decide(now, live, self._judging_since)

    def _may_speak(self) -> bool:
        mute = self._conditions.first(Reason.NO_KEY, Reason.LINK_DOWN, Reason.SAME_SEGMENT)
        return mute is None and not self._left

    def _speak_at(self) -> float:
        soon = self._hello_made + HELLO_SPACING
        return soon if self._book.changed else max(soon, self._hello_due)

    def _hello(self, now: float, away: float = 0.0) -> tuple[bytes, ...]:
        keys = self._keys.at(now)
        assert keys is not None  # _may_speak says so
        if self._book.changed:
            self._voice.hold(self._book.holdings())
            self._book.changed = False
        return self._voice.say(
            now,
            keys,
            self._members.echoes(now),
            learning=Reason.LEARNING in self._conditions,
            asks=any(self._members.strangers(now)),
            yields=self._yields,
            away=away,
        )

    def _send(self, now: float, *hellos: tuple[bytes, ...]) -> None:
        self._hello_made = now
        self._hello_due = now + HELLO_INTERVAL
        self._out.append(Send(tuple(datagram for hello in hellos for datagram in hello)))

    def _why_silent(self) -> Reason | None:
        """Why this node could answer for nothing on the segment; None if it could."""
        if self._yields:
            return Reason.DUPLICATE_NODE
        return self._conditions.first(
            Reason.NO_KEY, Reason.LINK_DOWN, Reason.SAME_SEGMENT, Reason.LEARNING
        )

    def _flush(self) -> Effects:
        effects = tuple(self._out)
        self._out.clear()
        return effects
