"""A frozen picture of one segment for status, explanations and metrics."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from speaker.leadership.book import Book, Record
from speaker.leadership.members import Members
from vipcast.model.addresses import Address
from vipcast.model.reasons import Reason


@dataclass(frozen=True, slots=True)
class MemberView:
    """A node heard on the segment, and the interface that it is heard through.

    `heard_ago` and `away` are seconds; `away` 0.0 means present. `verified` is False for a node
    that has not yet shown that its hellos are fresh: it counts for nothing. `live` is False for one
    that was verified and is lost.
    """

    node: str
    interface: str
    address: str
    mac: bytes
    boot: int
    link: int
    term: int
    heard_ago: float
    away: float
    verified: bool
    live: bool
    learning: bool
    holds: int


@dataclass(frozen=True, slots=True)
class VipView:
    """An address wanted on the segment.

    `holder` is the node believed to answer (maybe this one), `counter` that of its epoch, `since`
    the time (monotonic seconds) since when it is the holder, or since when there is none.
    `reason` says why this node answers or does not.
    """

    vip: Address
    holder: str | None
    counter: int
    since: float
    answering: bool
    reason: Reason


@dataclass(frozen=True, slots=True)
class SegmentView:
    """One segment as this node sees it at `now`.

    `lease_until` is None if this node has no right to answer, `learning_for` (seconds left) if it
    does not learn. `conditions` are the states of `effects.Condition` that hold. `rejected` counts
    datagrams that were dropped, by the name in `hello.Rejection` (0 for what never occurred);
    `lapses` how often the lease ran out.
    """

    now: float
    node: str
    link: int
    lease_until: float | None
    learning_for: float | None
    conditions: frozenset[Reason]
    members: tuple[MemberView, ...]
    vips: Mapping[Address, VipView]
    rejected: Mapping[str, int]
    accepted: int
    lapses: int


def see_members(members: Members, now: float) -> tuple[MemberView, ...]:
    """Every node of the segment that is or was believed, and strangers; by name."""
    seen = [
        MemberView(
            node=peer.node,
            interface=peer.interface,
            address=str(peer.address or ""),
            mac=peer.mac,
            boot=peer.boot,
            link=peer.link,
            term=peer.term,
            heard_ago=now - peer.heard,
            away=max(0.0, peer.away_until - now),
            verified=True,
            live=peer.live,
            learning=peer.learning,
            holds=len(peer.listing.held),
        )
        for peer in members.everyone()
    ]
    seen += [
        MemberView(
            node=stranger.hello.node,
            interface=stranger.hello.interface,
            address=str(stranger.hello.address or ""),
            mac=stranger.hello.mac,
            boot=stranger.hello.boot,
            link=stranger.hello.link,
            term=stranger.hello.term,
            heard_ago=now - stranger.heard,
            away=0.0,
            verified=False,
            live=False,
            learning=stranger.hello.learning,
            holds=0,
        )
        for stranger in members.strangers(now)
    ]
    return tuple(sorted(seen, key=lambda member: (member.node, not member.verified)))


def see_vips(book: Book, silent: Reason | None) -> dict[Address, VipView]:
    """Every wanted address; `silent` says why this node could answer for none, if that is so."""
    return {
        vip: VipView(
            vip=vip,
            holder=record.holder,
            counter=record.counter,
            since=record.since,
            answering=book.answers(vip),
            reason=_reason(book, record, silent),
        )
        for vip, record in book.records.items()
    }


def _reason(book: Book, record: Record, silent: Reason | None) -> Reason:
    if record.vip in book.own:
        return Reason.HOLDER
    if record.holder is not None:
        return Reason.NOT_OWNER
    if record.candidates is not None and (barred := book.bar(record)) is not None:
        return barred
    return silent or Reason.WAITING
