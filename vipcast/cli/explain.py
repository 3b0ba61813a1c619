"""`vipcast explain SERVICE`: why it has or lacks an address, who answers, what comes next. PURE.

The order of the nodes comes from the same functions that the speakers use (speaker.plan and
speaker.leadership), applied to the same objects.
"""

from __future__ import annotations

from dataclasses import dataclass

from speaker.leadership.ranking import rank
from speaker.plan import eligible
from vipcast.cli.picture import Answer, Line, Picture, why
from vipcast.kube.store import Store
from vipcast.model.addresses import Address, parse_address
from vipcast.model.objects import Key, Service
from vipcast.model.reasons import Reason

NOT_OURS = {Reason.NOT_LOAD_BALANCER, Reason.OTHER_CLASS}


@dataclass(frozen=True, slots=True)
class Explanation:
    """Paragraphs, each a list of sentences; `well` if every segment has a node that answers."""

    paragraphs: tuple[tuple[str, ...], ...]
    well: bool


@dataclass(frozen=True, slots=True)
class Order:
    """A segment's nodes for one address: those that may, best first, and those that may not."""

    heard: tuple[str, ...]
    silent: tuple[str, ...]
    barred: tuple[tuple[str, Reason], ...]


def explain(store: Store, picture: Picture, service: Service) -> Explanation:
    """All there is to say about one Service."""
    lines = picture.of(service.key)
    paragraphs = [_address(service)]
    if lines:
        paragraphs.append(_endpoints(store, service))
    paragraphs += [_line(store, service, line) for line in lines if line.address]
    paragraphs += [_configuration(picture), _unread(store, service.key)]
    told = tuple(tuple(one) for one in paragraphs if one)
    return Explanation(told, bool(lines) and all(line.holder for line in lines))


def _address(service: Service) -> list[str]:
    recorded = service.recorded
    if not service.load_balancer:
        return _none(service, Reason.NOT_LOAD_BALANCER)
    if service.ingress:
        pool = f" from pool {recorded.pool}" if recorded.pool else ""
        since = f", since {recorded.since}" if recorded.since else ""
        reason = recorded.reason or Reason.KEPT
        plain = reason == Reason.ALLOCATED or not recorded.message
        return [
            f"Service {service.key} has {', '.join(service.ingress)}{pool} ({reason}{since}).",
            why(reason) if plain else recorded.message,
        ]
    if service.load_balancer_class is not None:
        return _none(service, Reason.OTHER_CLASS)
    if not recorded.reason:
        return [
            f"Service {service.key} has no address, and the controller has not said why.",
            "Is it running?",
        ]
    return [
        *_none(service, recorded.reason, recorded.message),
        "Next: it is decided anew when Service or configuration change or an address is freed.",
    ]


def _none(service: Service, reason: str, message: str = "") -> list[str]:
    return [f"Service {service.key} has no address ({reason}).", message or why(reason)]


def _endpoints(store: Store, service: Service) -> list[str]:
    serving = [
        endpoint
        for one in store.slices(service.key)
        for endpoint in one.endpoints
        if endpoint.serving
    ]
    if not serving:
        return [f"Endpoints: {why(Reason.NO_ENDPOINTS)}"]
    nodes = sorted({endpoint.node for endpoint in serving if endpoint.node})
    where = f", on {', '.join(nodes)}" if nodes else ""
    return [f"Endpoints: {len(serving)} can serve{where} (traffic policy {service.policy})."]


def _line(store: Store, service: Service, line: Line) -> list[str]:
    """Who answers for one address on one segment."""
    answer = line.answer
    if answer is None:
        return [f"Nobody answers for {line.address} ({line.reason}).", line.message]
    place = f"On {answer.segment.name}"
    holding = answer.holding
    if answer.holder and holding is not None:
        how = f"{line.reason}, since {holding.since}, epoch {holding.epoch}"
        what = (
            f"{place}, {answer.holder} answers for {line.address} with MAC {holding.mac} ({how})."
        )
        text = [what, line.message]
    else:
        text = [f"{place}, nobody answers for {line.address} ({line.reason}).", line.message]
        if answer.former and holding is not None:
            text.append(f"The last one was {answer.former} (since {holding.since}).")
    try:
        address = parse_address(line.address)
    except ValueError:
        return text
    order = _order(store, service, answer, address)
    return [*text, *_ranking(order), _next(answer, order)]


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


def _ranking(order: Order) -> list[str]:
    text = []
    if order.heard:
        text.append(f"Order of those that may: {', '.join(order.heard)}.")
    if order.silent:
        text.append(f"Not heard any more: {', '.join(order.silent)}.")
    if order.barred:
        named = ", ".join(f"{node} ({reason})" for node, reason in order.barred)
        text.append(f"May not: {named}.")
    return text


def _next(answer: Answer, order: Order) -> str:
    """What the speakers will do, if nothing changes and if the holder goes."""
    if answer.holder:
        others = [node for node in order.heard if node != answer.holder]
        if answer.holder not in order.heard:
            follower = f", and {others[0]} takes it" if others else ""
            return f"Next: {answer.holder} may not have it any more and gives it up{follower}."
        stays = f"Next: {answer.holder} keeps it while it is heard, whatever its rank"
        if others:
            return f"{stays}; if it is lost, {others[0]} takes it within two seconds."
        return f"{stays}; if it is lost, there is nobody else who may take it."
    if answer.reason not in (Reason.WAITING, Reason.HOLDER_LOST, Reason.LEARNING):
        return "Next: it is announced as soon as that changes."
    if order.heard:
        return (
            f"Next: {order.heard[0]} ranks best among those heard and takes it within two seconds."
        )
    return "Next: it is announced as soon as a node that may is heard again."


def _configuration(picture: Picture) -> list[str]:
    wrong = [report for report in picture.config if report.result != "Valid"]
    if not wrong:
        return []
    findings = list(dict.fromkeys(finding for report in wrong for finding in report.findings))
    who = ", ".join(report.component for report in wrong)
    return [f"The configuration is not in order, says {who}.", *findings]


def _unread(store: Store, service: Key) -> list[str]:
    """What is wrong with the object itself; what was readable last stays in force."""
    return [str(one) for one in store.findings if one.object == f"Service {service}"]
