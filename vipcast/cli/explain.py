"""`vipcast explain SERVICE`: why it has or lacks an address, who answers, what comes next. PURE.

    explain(store, picture, service) -> Explanation      printed by vipcast.cli.sentences

The order of the nodes comes from the same functions that the speakers use (speaker.plan and
speaker.leadership), applied to the same objects.
"""

from __future__ import annotations

from dataclasses import dataclass

from speaker.leadership.ranking import rank
from speaker.plan import eligible
from vipcast.cli.components import ConfigReport
from vipcast.cli.picture import Answer, Line, Picture, why
from vipcast.kube.store import Store
from vipcast.model.addresses import Address, parse_address
from vipcast.model.objects import Key, Service
from vipcast.model.reasons import Reason

NOT_ANNOUNCED = {
    Reason.PROTOCOL_NOT_YET: (
        "BGP is not announced in this version. The address stays the Service's own; for one that is"
        " announced, let the Service ask for a pool with protocol layer2."
    ),
    Reason.FAMILY_UNSUPPORTED: (
        "IPv6 is not announced in this version. The address stays the Service's own."
    ),
}
"""What comes next where no node can change anything."""


@dataclass(frozen=True, slots=True)
class Given:
    """The controller's answer. `next` is "" where nothing is to come."""

    addresses: tuple[str, ...]
    pool: str
    reason: str
    message: str
    since: str = ""
    next: str = ""


@dataclass(frozen=True, slots=True)
class Endpoints:
    """How many endpoints can serve, and on which nodes."""

    serving: int
    nodes: tuple[str, ...]
    policy: str


@dataclass(frozen=True, slots=True)
class Order:
    """A segment's nodes for one address: those that may, best first, and those that may not."""

    heard: tuple[str, ...] = ()
    silent: tuple[str, ...] = ()
    barred: tuple[tuple[str, Reason], ...] = ()


@dataclass(frozen=True, slots=True)
class Announcement:
    """One address on one segment: who answers, and who would."""

    line: Line
    order: Order
    next: str


@dataclass(frozen=True, slots=True)
class Explanation:
    """All there is to say about one Service."""

    service: Key
    given: Given
    endpoints: Endpoints | None
    announcements: tuple[Announcement, ...]
    controller: str
    config: tuple[ConfigReport, ...]
    problems: tuple[str, ...]

    @property
    def well(self) -> bool:
        """Whether it has an address, and every segment has a node that answers for it."""
        lines = self.announcements
        return bool(lines) and all(one.line.holder for one in lines)


def explain(store: Store, picture: Picture, service: Service) -> Explanation:
    """The explanation of one Service."""
    lines = picture.of(service.key)
    return Explanation(
        service=service.key,
        given=_given(service),
        endpoints=_endpoints(store, service) if lines else None,
        announcements=tuple(_announcement(store, service, line) for line in lines if line.address),
        controller=picture.controller.problem,
        config=tuple(report for report in picture.config if report.result == "Invalid"),
        problems=tuple(
            str(one) for one in store.findings if one.object == f"Service {service.key}"
        ),
    )


def _given(service: Service) -> Given:
    recorded = service.recorded
    if not service.load_balancer:
        return _none(Reason.NOT_LOAD_BALANCER)
    if service.ingress:
        reason = recorded.reason or Reason.KEPT
        plain = reason == Reason.ALLOCATED or not recorded.message
        message = why(reason) if plain else recorded.message
        return Given(service.ingress, recorded.pool, reason, message, recorded.since)
    if service.load_balancer_class is not None:
        return _none(Reason.OTHER_CLASS)
    if not recorded.reason:
        return Given((), "", "", "The controller has not said why.")
    coming = "It is decided anew when Service or configuration change or an address is freed."
    message = recorded.message or why(recorded.reason)
    return Given((), "", recorded.reason, message, recorded.since, coming)


def _none(reason: Reason) -> Given:
    return Given((), "", reason, why(reason))


def _endpoints(store: Store, service: Service) -> Endpoints:
    serving = [
        endpoint
        for one in store.slices(service.key)
        for endpoint in one.endpoints
        if endpoint.serving
    ]
    nodes = sorted({endpoint.node for endpoint in serving if endpoint.node})
    return Endpoints(len(serving), tuple(nodes), service.policy)


def _announcement(store: Store, service: Service, line: Line) -> Announcement:
    """Who answers for one address on one segment."""
    answer = line.answer
    for reason in (line.reason, service.recorded.reason):
        if not line.holder and reason in NOT_ANNOUNCED:
            return Announcement(line, Order(), NOT_ANNOUNCED[Reason(reason)])
    if answer is None:
        return Announcement(line, Order(), _without_segment(line.reason))
    try:
        address = parse_address(line.address)
    except ValueError:
        return Announcement(line, Order(), "")
    order = _order(store, service, answer, address)
    return Announcement(line, order, _next(answer, order))


def _order(store: Store, service: Service, answer: Answer, address: Address) -> Order:
    """Who may, asked node by node in the speakers' own words, and in their order."""
    slices = store.slices(service.key)
    verdicts = {
        node: eligible(service, slices, {node: store.nodes[node]} if node in store.nodes else {})
        for node in answer.segment.nodes
    }
    able = [node for node, verdict in verdicts.items() if not isinstance(verdict, Reason)]
    ranked = rank(able, address)
    return Order(
        heard=tuple(node for node in ranked if node not in answer.segment.lost),
        silent=tuple(node for node in ranked if node in answer.segment.lost),
        barred=tuple(
            (node, verdict) for node, verdict in verdicts.items() if isinstance(verdict, Reason)
        ),
    )


def _without_segment(reason: str) -> str:
    if reason == Reason.NO_SPEAKER:
        return (
            "Start vipcast-speaker on a node with an interface on the clients' network;"
            " `vipcast status` shows what each speaker has."
        )
    return "It is announced as soon as that changes and a speaker reports a segment."


def _next(answer: Answer, order: Order) -> str:
    """What the speakers will do, if nothing changes and if the holder goes."""
    if answer.holder:
        others = [node for node in order.heard if node != answer.holder]
        if answer.holder not in order.heard:
            follower = f", and {others[0]} takes it" if others else ""
            return f"{answer.holder} may not have it any more and gives it up{follower}."
        stays = f"{answer.holder} keeps it while it is heard, whatever its rank"
        if others:
            return f"{stays}; if it is lost, {others[0]} takes it within two seconds."
        return f"{stays}; if it is lost, there is nobody else who may take it."
    if answer.reason == Reason.NO_SPEAKER:
        return "Start vipcast-speaker on a node of the segment again: none there is heard."
    if answer.reason not in (Reason.WAITING, Reason.HOLDER_LOST, Reason.LEARNING):
        return "It is announced as soon as that changes."
    if order.heard:
        return f"{order.heard[0]} ranks best among those heard and takes it within two seconds."
    return "It is announced as soon as a node that may is heard again."
