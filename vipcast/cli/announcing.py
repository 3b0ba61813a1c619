"""Who answers for an address on a segment, who would, and who may not. PURE.

Asked in the speakers' own words: the same functions (speaker.plan, speaker.leadership), applied to
the same objects. What a live speaker says of itself counts more: its interface may lack something,
or it may have been started with other flags. Where the configuration cannot be read, what it says
about nodes is left out.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field, replace

from speaker.leadership.ranking import Candidate, rank
from speaker.leadership.timing import AWAY
from speaker.plan import Claim, Memo, Unannounced, decide, settle
from vipcast.cli.picture import Answer, Line, Picture
from vipcast.cli.segments import Place
from vipcast.cli.wording import said
from vipcast.cli.world import World
from vipcast.config import Config
from vipcast.model.addresses import Address, AddressRange, family_of, parse_address
from vipcast.model.advertisement import L2Advertisement
from vipcast.model.classes import Classes
from vipcast.model.objects import Node, Service
from vipcast.model.pool import Pool
from vipcast.model.reasons import Reason

NOT_ANNOUNCED = {
    Reason.FAMILY_UNSUPPORTED: (
        "IPv6 is announced by BGP alone in this version: with a BGPAdvertisement for the pool,"
        " routers are told. The address stays the Service's own."
    ),
    Reason.STATUS_CONTESTED: "An address of a pool is announced as soon as one stands there.",
}
"""What comes next where no node can change anything."""

_NOBODY = Reason.NOT_CANDIDATE
_AS_SOON = "It is announced as soon as that changes."


@dataclass(frozen=True, slots=True)
class Order:
    """A segment's nodes for one address: those that may, best first, and those that may not.

    `weights` are those of the nodes that may, where any has one. `partial`: what the configuration
    says about nodes is not known.
    """

    heard: tuple[str, ...] = ()
    silent: tuple[str, ...] = ()
    barred: tuple[tuple[str, str], ...] = ()
    weights: Mapping[str, int] = field(default_factory=dict)
    partial: bool = False


@dataclass(frozen=True, slots=True)
class Announcement:
    """One address on one segment: who answers, and who would."""

    line: Line
    order: Order
    next: str


def settled(world: World) -> Picture:
    """The picture, with why nobody may announce what all speakers seem to wait for."""
    memo: Memo = {}
    lines = (
        announcement(world, world.store.services[line.service], line, memo).line
        if line.reason == Reason.WAITING and not line.holder
        else line
        for line in world.picture.lines
    )
    return replace(world.picture, lines=tuple(lines))


def announcement(
    world: World, service: Service, line: Line, memo: Memo | None = None
) -> Announcement:
    """Who answers for one address on one segment. `memo` is as for `speaker.plan.decide`."""
    answer = line.answer
    for reason in (line.reason, service.recorded.reason):
        other = reason == Reason.FAMILY_UNSUPPORTED != line.reason and ":" not in line.address
        if not line.holder and reason in NOT_ANNOUNCED and not other:
            return Announcement(line, Order(), NOT_ANNOUNCED[Reason(reason)])
    if answer is None:
        return Announcement(line, Order(), _without_segment(line.reason))
    try:
        address = parse_address(line.address)
    except ValueError:
        return Announcement(line, Order(), "")
    claim = claim_to(world, address, memo)
    if claim is not None and service.key not in claim.services:
        return Announcement(line, Order(), _AS_SOON)
    order = order_on(world, line, answer, claim)
    reasons = {reason for _, reason in order.barred}
    if line.reason == Reason.WAITING and len(reasons) == 1 and not (order.heard or order.silent):
        reason = min(reasons)
        answer = replace(answer, reason=reason)
        line = replace(line, answer=answer, reason=reason, message=said(reason))
    return Announcement(line, order, _next(answer, order, world.picture.away))


def order_on(world: World, line: Line, answer: Answer, claim: Claim | None) -> Order:
    """The order of a segment's nodes for a line's address; every Service that has it counts."""
    address, segment = parse_address(line.address), answer.segment
    may: dict[str, Candidate] = {}
    barred: list[tuple[str, str]] = []
    for place in segment.places:
        verdict = verdict_on(world, address, place, claim)
        hindrance = _hindrance(world, line, answer, place)
        if isinstance(verdict, Candidate) and not hindrance:
            may[place.node] = verdict
        else:
            barred.append((place.node, hindrance or str(verdict)))
    weights = {node: candidate.weight for node, candidate in may.items()}
    ranked = rank(may, address, weights)
    return Order(
        heard=tuple(node for node in ranked if node not in segment.lost),
        silent=tuple(node for node in ranked if node in segment.lost),
        barred=tuple((node, why) for node, why in dict(barred).items() if node not in may),
        weights=weights if any(weights.values()) else {},
        partial=world.config is None and world.configured,
    )


def _hindrance(world: World, line: Line, answer: Answer, place: Place) -> str:
    """Why a live node could not take the address through an interface, as its speaker says."""
    report = world.picture.reports.get(place.node)
    if report is None or place.node in answer.segment.lost or place.node == answer.holder:
        return ""
    for refusal in report.unanswered:
        if (refusal.service, refusal.address) == (line.service, line.address):
            return refusal.reason
    for interface in report.interfaces:
        if interface.name == place.interface and not interface.answering:
            return interface.reason
    seen = answer.segment.reports.get(place)
    return seen.problems[0] if seen and seen.problems else ""


def verdict_on(
    world: World, address: Address, place: Place, claim: Claim | None
) -> Candidate | Reason:
    """Whether a node may announce an address through one of its interfaces, or why not.

    `claim` is that of the whole cluster, the same for every place.
    """
    foreign = _foreign(world, address, place.node)
    if foreign is not None:
        return foreign
    if claim is not None and place.node in claim.candidates:
        candidate = claim.candidates[place.node]
        return candidate if candidate.on(place.interface) else Reason.NOT_MATCH_INTERFACE
    nodes = world.store.nodes
    alone = {place.node: nodes[place.node]} if place.node in nodes else {}
    _, refused = _decided(world, address, alone)
    return next((one.reason for one in refused if one.address in ("", str(address))), _NOBODY)


def _foreign(world: World, address: Address, node: str) -> Reason | None:
    """Why no Service with the address is ours to a node's speaker, by the flags that it tells."""
    told = world.picture.flags.get(node)
    if told is None:
        return None
    refusals = [told.classes.refuse(service) for service in world.sharers(str(address))]
    return refusals[0] if refusals and all(refusals) else None


def claim_to(world: World, address: Address, memo: Memo | None = None) -> Claim | None:
    """Who may announce an address; None: nobody may. `memo` is as for `speaker.plan.decide`."""
    return _decided(world, address, world.store.nodes, memo)[0].get(address)


def _decided(
    world: World, address: Address, nodes: Mapping[str, Node], memo: Memo | None = None
) -> tuple[Mapping[Address, Claim], tuple[Unannounced, ...]]:
    """What the speakers decide for all Services with an address if the cluster has these nodes."""
    services = world.sharers(str(address))
    config = world.config or _unrestricted(address, services)
    classes = Classes(frozenset(filter(None, (one.load_balancer_class for one in services))))
    decisions = {
        one.key: decide(one, world.store.slices(one.key), nodes, config, classes, memo)
        for one in services
    }
    claims, beaten = settle(decisions)
    refused = (no for decision in decisions.values() for no in decision.unannounced)
    return claims, (*refused, *beaten)


def _unrestricted(address: Address, services: tuple[Service, ...]) -> Config:
    """A configuration that says nothing about nodes, for where none can be read."""
    name = services[0].recorded.pool if services else ""
    alone = AddressRange(family_of(address), int(address), int(address))
    pool = Pool(name, (alone,))
    return Config((pool,), l2=(L2Advertisement(name, frozenset({name})),))


def _without_segment(reason: str) -> str:
    if reason == Reason.NO_SPEAKER:
        return "It is announced as soon as one does; `vipcast status` shows what each speaker has."
    return "It is announced as soon as that changes and a speaker reports a segment."


def _next(answer: Answer, order: Order, away: Collection[str]) -> str:
    """What the speakers will do, if nothing changes and if the holder goes."""
    if answer.holder:
        others = [node for node in order.heard if node != answer.holder and node not in away]
        if answer.holder not in order.heard:
            follower = f", and {others[0]} takes it" if others else ""
            return f"{answer.holder} may not have it any more and gives it up{follower}."
        if answer.holder in away:
            follower = f"{others[0]} takes it" if others else "nobody else may take it"
            within = f"if it is not back within {AWAY:.0f} s, {follower}"
            return f"{answer.holder} is being restarted and keeps it meanwhile; {within}."
        stays = f"{answer.holder} keeps it while it is heard, whatever its rank"
        if others:
            return f"{stays}; if it is lost, {others[0]} takes it within two seconds."
        return f"{stays}; if it is lost, there is nobody else who may take it."
    if answer.reason == Reason.NO_SPEAKER:
        return "Start vipcast-speaker on a node of the segment again: none there is heard."
    if answer.reason not in (Reason.WAITING, Reason.HOLDER_LOST, Reason.LEARNING):
        return _AS_SOON
    if order.heard:
        return f"{order.heard[0]} ranks best among those heard and takes it within two seconds."
    if not order.silent:
        return _AS_SOON
    return "It is announced as soon as a node that may is heard again."
