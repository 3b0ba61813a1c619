"""What is known of every address on the segment: who holds it, what we claim, what entries say.

    listed   address → {live node: counter}, as the nodes themselves say
    own      address → claim of this node; its entry answers once a hello has carried the claim
    record   one per wanted address: candidates, the holder that follows from the two above, entry

The holder is the highest epoch (counter, node) among own claim and listed ones. Every change goes
through `_settle`, which compares what follows now with what is recorded and turns the difference
into effects.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from speaker.leadership.effects import (
    Changed,
    Effect,
    Greet,
    RemoveEntry,
    SetEntry,
    State,
)
from speaker.leadership.hello import MAX_COUNTER
from speaker.leadership.ranking import Candidates, rank
from speaker.leadership.timing import ABANDON, CLAIM_STEP, FIRST_GRACE
from vipcast.model.addresses import Address
from vipcast.model.reasons import Reason


@dataclass(slots=True)
class Claim:
    """An address this node holds, or will as soon as a hello has said so (`answers`)."""

    counter: int
    answers: bool


@dataclass(slots=True)
class Record:
    """A wanted address. `candidates` is None for an adopted one before the first `want`."""

    vip: Address
    candidates: Candidates | None
    since: float
    holder: str | None = None
    counter: int = 0  # of the holder's epoch
    highest: int = 0  # of any epoch seen
    entry: tuple[State, int] | None = None
    reserved_until: float = 0.0  # found held by another at a planned restart: wait for that one
    last_holder: str | None = None
    last_heard: float | None = None  # last sign of life of a holder that was lost
    why_free: Reason = Reason.FIRST_CLAIM
    turn: tuple[frozenset[str], int] | None = None  # rivals, and how many of them come before us


class Book:
    """Addresses and holders of one segment. Effects go to `out`; the caller empties it."""

    def __init__(self, node: str, interface: str, out: list[Effect]) -> None:
        self.node = node
        self.interface = interface
        self._out = out
        self._listed: dict[Address, dict[str, int]] = {}
        self._free: dict[Address, Record] = {}
        self._unsaid: dict[Address, Claim] = {}
        self.records: dict[Address, Record] = {}
        self.own: dict[Address, Claim] = {}
        self.changed = True
        """Own holdings differ from those of the last hello, or somebody contests one of them."""
        self.due: float | None = None
        """When to `decide` next: -inf at once, None not before something changes."""

    def holdings(self) -> dict[Address, int]:
        """Own claims as they stand in a hello."""
        return {vip: claim.counter for vip, claim in self.own.items()}

    @property
    def claiming(self) -> bool:
        """Whether there is a claim that no hello has carried yet."""
        return bool(self._unsaid)

    def answers(self, vip: Address) -> bool:
        """Whether the entry of an address says that this node answers for it."""
        claim = self.own.get(vip)
        return claim is not None and claim.answers

    def adopt(
        self,
        now: float,
        answering: Mapping[Address, int],
        elsewhere: Mapping[Address, int],
        lease_until: float,
    ) -> None:
        """Entries of the agent before this one, and the lease it left.

        Who held the others may be in a planned restart as well, unheard by us: as long as our own
        absence was announced for, they are left to it.
        """
        valid = now < lease_until
        for vip, counter in elsewhere.items():
            record = self._record(vip, None, now)
            record.entry = State.ELSEWHERE, counter
            record.highest = counter
            if counter:
                record.reserved_until = lease_until
        for vip, counter in answering.items():
            record = self._record(vip, None, now)
            record.entry = State.ANSWER, counter
            record.highest = counter
            if valid:
                self.own[vip] = Claim(counter, answers=True)
                self._out.append(SetEntry(vip, State.ANSWER, counter, Reason.ADOPTED))
                self._settle(record, now, Reason.ADOPTED)
            else:
                self._silence(record, Reason.LEASE_OVER)

    def want(self, now: float, wanted: Mapping[Address, Candidates]) -> None:
        """What is to be announced, and by whom; what is not in it is dropped.

        Many addresses have the same candidates, which may be many: two are compared once.
        """
        compared: dict[tuple[int, int], bool] = {}

        def alike(before: Candidates | None, now: Candidates) -> bool:
            pair = id(before), id(now)
            if pair not in compared:
                compared[pair] = before is now or before == now
            return compared[pair]

        for vip in [vip for vip in self.records if vip not in wanted]:
            self._drop(vip)
        for vip, candidates in wanted.items():
            record = self.records.get(vip)
            if record is None:
                record = self._record(vip, candidates, now)
                record.highest = max(self._listed.get(vip, {}).values(), default=0)
                self._settle(record, now, Reason.FIRST_CLAIM)
                self._silence(record, Reason.WAITING)
            elif not alike(record.candidates, candidates):
                self._nominate(record, candidates, now)
            else:
                record.candidates = candidates

    def renamed(self, now: float, interface: str) -> None:
        """The segment is seen through an interface of this name now."""
        could = {vip for vip, record in self.records.items() if self.bar(record) is None}
        self.interface = interface
        for vip, record in self.records.items():
            if record.candidates is not None:
                self._reassess(record, now, could=vip in could)

    def bar(self, record: Record) -> Reason | None:
        """Why this node may not announce an address here, by what is wanted; None if it may."""
        mine = (record.candidates or {}).get(self.node)
        if mine is None:
            return Reason.NOT_CANDIDATE
        return None if mine.on(self.interface) else Reason.NOT_MATCH_INTERFACE

    def listed(self, now: float, node: str, held: Mapping[Address, int]) -> None:
        """A live node says that it holds these."""
        for vip, counter in held.items():
            self._listed.setdefault(vip, {})[node] = counter
            record = self.records.get(vip)
            if record is None:
                continue
            record.highest = max(record.highest, counter)
            self._settle(record, now, Reason.HIGHER_EPOCH)
            self._defend(vip)

    def unlisted(
        self,
        now: float,
        node: str,
        gone: Iterable[Address],
        why: Reason,
        heard: float | None = None,
    ) -> None:
        """A node holds these no more: it said so, or it is lost and was last `heard` then."""
        for vip in gone:
            nodes = self._listed.get(vip, {})
            nodes.pop(node, None)
            if not nodes:
                self._listed.pop(vip, None)
            record = self.records.get(vip)
            if record is not None:
                self._settle(record, now, why, heard)
                self._greet(vip)

    def greet_all(self) -> None:
        """Clients may have been told otherwise, or not have heard."""
        for vip in self.own:
            self._greet(vip)

    def rewrite(self) -> None:
        """The answering entries, to be written anew as they are."""
        for vip, claim in self.own.items():
            if claim.answers:
                self._out.append(SetEntry(vip, State.ANSWER, claim.counter, Reason.HOLDER))

    def forfeit(self, now: float, why: Reason) -> None:
        """Hold nothing any more; entries fall silent first."""
        lost = list(self.own)
        self.changed = self.changed or bool(lost)
        self.own.clear()
        self._unsaid.clear()
        for vip in lost:
            self._silence(self.records[vip], why)
        for vip in lost:
            self._settle(self.records[vip], now, why)

    def reconsider(self, now: float) -> None:
        """We may have missed who holds what: what was given up as nobody's is silent again."""
        for vip, record in self.records.items():
            if record.holder is None and vip not in self._free:
                record.since = now
                self._free[vip] = record
                self._silence(record, Reason.LEARNING)
        self.reopen()

    def said(self, now: float) -> None:
        """A hello with every own claim has left: what was newly claimed answers from now on."""
        for vip, claim in self._unsaid.items():
            record = self.records[vip]
            claim.answers = True
            record.entry = State.ANSWER, claim.counter
            self._out.append(SetEntry(vip, State.ANSWER, claim.counter, Reason.HOLDER))
        for vip in self._unsaid:
            record = self.records[vip]
            took = None if record.last_heard is None else now - record.last_heard
            self._out.append(Greet(vip))
            self._out.append(Changed(vip, record.last_holder, self.node, record.why_free, took))
        self._unsaid.clear()

    def decide(self, now: float, live: Mapping[str, str], since: float) -> None:
        """Claim free addresses whose turn it is for us; give up those that are nobody's for long.

        `live` are the nodes that could claim beside us, each with the name of its interface here,
        `since` is when we began to be able to judge.
        """
        self.due = None
        for record in list(self._free.values()):
            free_since = max(record.since, since)
            if record.candidates is None:
                continue
            if self.bar(record) is None:
                self._claim_in_turn(record, record.candidates, now, free_since, live)
            else:
                self._abandon_in_time(record, now, free_since)

    def abandon_all(self, now: float) -> None:
        """Without a key nothing can be claimed: pass to the host what is nobody's for long."""
        self.due = None
        for record in list(self._free.values()):
            if record.candidates is not None:
                self._abandon_in_time(record, now, record.since)

    def reopen(self) -> None:
        """Who is live, or what we may do, has changed: decide anew."""
        if self._free:
            self.due = float("-inf")

    def _record(self, vip: Address, candidates: Candidates | None, now: float) -> Record:
        record = Record(vip, candidates, now)
        self.records[vip] = self._free[vip] = record
        self.reopen()
        return record

    def _nominate(self, record: Record, candidates: Candidates, now: float) -> None:
        could = self.bar(record) is None
        record.candidates = candidates
        record.turn = None
        self._reassess(record, now, could=could)

    def _reassess(self, record: Record, now: float, *, could: bool) -> None:
        """Who may announce it, or where, has changed: give it up, or have it judged anew.

        Who holds it and still may keeps it, whatever its weight is now.
        """
        barred = self.bar(record)
        if barred is not None and record.vip in self.own:
            del self.own[record.vip]
            self._unsaid.pop(record.vip, None)
            self.changed = True
            self._silence(record, barred)
            self._settle(record, now, barred)
        elif record.holder is None:
            if not could:
                record.since = now
            self._free[record.vip] = record
            self.reopen()

    def _drop(self, vip: Address) -> None:
        record = self.records.pop(vip)
        self._free.pop(vip, None)
        if record.entry is not None:
            self._out.append(RemoveEntry(vip, Reason.NOT_WANTED))
        if self.own.pop(vip, None) is not None:
            self._unsaid.pop(vip, None)
            self.changed = True
            self._out.append(Changed(vip, self.node, None, Reason.NOT_WANTED, None))

    def _settle(self, record: Record, now: float, why: Reason, heard: float | None = None) -> None:
        """Bring holder, own claim, entry and the set of free addresses in line with what is known.

        `heard` is the last sign of life of a holder that is lost.
        """
        vip = record.vip
        counter, holder = self._best(vip)
        if vip in self.own and holder != self.node:
            del self.own[vip]
            self._unsaid.pop(vip, None)
            self.changed = True
        old = record.holder
        record.holder, record.counter = holder, counter
        if holder is not None or old is not None:
            self._silence(record, why if holder is None else Reason.NOT_OWNER)
        if holder != old:
            self._moved(record, old, now, why, heard)

    def _moved(
        self, record: Record, old: str | None, now: float, why: Reason, heard: float | None
    ) -> None:
        record.since = now
        if record.holder is None:
            record.last_holder, record.last_heard, record.why_free = old, heard, why
            self._free[record.vip] = record
            self.reopen()
            self._out.append(Changed(record.vip, old, None, why, None))
            return
        self._free.pop(record.vip, None)
        record.reserved_until = 0.0
        if old is not None:
            record.last_holder, record.last_heard, record.why_free = old, None, why
        if record.holder != self.node or why is Reason.ADOPTED:
            reason = why if old is not None or why is Reason.ADOPTED else record.why_free
            took = None if record.last_heard is None else now - record.last_heard
            self._out.append(Changed(record.vip, record.last_holder, record.holder, reason, took))

    def _best(self, vip: Address) -> tuple[int, str | None]:
        """The highest epoch that a live node or this one names; (0, None) if none does."""
        best: tuple[int, str | None] = 0, None
        own = self.own.get(vip)
        if own is not None:
            best = own.counter, self.node
        for node, counter in self._listed.get(vip, {}).items():
            if best[1] is None or (counter, node) > best:
                best = counter, node
        return best

    def _defend(self, vip: Address) -> None:
        """Somebody else lists what we hold: say at once, and to clients, that it is here."""
        if vip in self.own:
            self.changed = True
            self._greet(vip)

    def _greet(self, vip: Address) -> None:
        if self.answers(vip):
            self._out.append(Greet(vip))

    def _silence(self, record: Record, why: Reason) -> None:
        """The entry of an address that is not ours: with its holder's counter, 0 without one."""
        wanted = State.ELSEWHERE, record.counter if record.holder != self.node else 0
        if record.vip not in self.own and record.entry != wanted:
            record.entry = wanted
            self._out.append(SetEntry(record.vip, *wanted, why))

    def _claim_in_turn(
        self,
        record: Record,
        candidates: Candidates,
        now: float,
        free_since: float,
        live: Mapping[str, str],
    ) -> None:
        steps = self._steps(record, candidates, live)
        grace = FIRST_GRACE if steps and record.why_free is Reason.FIRST_CLAIM else 0.0
        turn = max(free_since, record.reserved_until) + grace + CLAIM_STEP * steps
        if now < turn:
            self._wake(turn)
            return
        record.highest = min(record.highest + 1, MAX_COUNTER)
        claim = Claim(record.highest, answers=False)
        self.own[record.vip] = self._unsaid[record.vip] = claim
        self.changed = True
        self._settle(record, now, record.why_free)

    def _steps(self, record: Record, candidates: Candidates, live: Mapping[str, str]) -> int:
        """How many of those that could claim beside us rank before us.

        A cluster may have many times more nodes than the segment: only those here are ranked.
        """
        rivals = frozenset(
            node for node in live if node in candidates and candidates[node].on(live[node])
        )
        if record.turn is None or record.turn[0] != rivals:
            weights = {node: candidates[node].weight for node in (*rivals, self.node)}
            record.turn = rivals, rank(weights, record.vip, weights).index(self.node)
        return record.turn[1]

    def _abandon_in_time(self, record: Record, now: float, free_since: float) -> None:
        end = free_since + ABANDON
        if now < end:
            self._wake(end)
            return
        del self._free[record.vip]
        if record.entry is not None:
            record.entry = None
            self._out.append(RemoveEntry(record.vip, self.bar(record) or Reason.NO_KEY))

    def _wake(self, at: float) -> None:
        self.due = at if self.due is None else min(self.due, at)
