"""An Explanation as text for people, as JSON or as YAML; all three say the same. PURE."""

from __future__ import annotations

from typing import Any

from vipcast.cli.announcing import Announcement, Order
from vipcast.cli.components import ConfigReport, reports_data
from vipcast.cli.explain import Endpoints, Explanation
from vipcast.cli.output import written
from vipcast.cli.routestext import routed_data, routed_text
from vipcast.cli.text import Screen
from vipcast.cli.wording import why
from vipcast.model.reasons import Reason
from vipcast.ops.values import Output


def tell(explanation: Explanation, output: Output, screen: Screen) -> str:
    """The whole text, with its last line end."""
    return written(as_data(explanation), lambda: _paragraphs(explanation), output, screen)


def as_data(told: Explanation) -> dict[str, Any]:
    """The explanation in the form that JSON and YAML show."""
    given, endpoints = told.given, told.endpoints
    return {
        "service": str(told.service),
        "healthy": told.well,
        "addresses": list(given.addresses),
        "pool": given.pool,
        "reason": given.reason,
        "message": given.message,
        "since": given.since,
        "next": given.next,
        "endpoints": endpoints
        and {
            "serving": endpoints.serving,
            "nodes": list(endpoints.nodes),
            "policy": str(endpoints.policy),
        },
        "announcements": [announcement_data(one) for one in told.announcements],
        "routes": [routed_data(one) for one in told.routes],
        "controller": told.controller,
        "configuration": reports_data(told.config),
        "problems": list(told.problems),
    }


def announcement_data(one: Announcement) -> dict[str, Any]:
    """An announcement in the form that JSON and YAML show."""
    line, answer = one.line, one.line.answer
    holding = answer.holding if answer else None
    return {
        "address": line.address,
        "segment": line.segment,
        "holder": line.holder,
        "former": answer.former if answer else "",
        "interface": holding.interface if holding else "",
        "mac": holding.mac if holding else "",
        "epoch": holding.epoch if holding else 0,
        "since": holding.since if holding else "",
        "reason": str(line.reason),
        "message": line.message,
        "order": list(one.order.heard),
        "weights": dict(one.order.weights),
        "notHeard": list(one.order.silent),
        "mayNot": [{"node": node, "reason": str(reason)} for node, reason in one.order.barred],
        "next": one.next,
    }


def _paragraphs(told: Explanation) -> list[list[str]]:
    return [
        _given(told),
        _endpoints(told.endpoints),
        *(announcement_text(one) for one in told.announcements),
        *(routed_text(one) for one in told.routes),
        [told.controller] if told.controller else [],
        refused_text(told.config),
        list(told.problems),
    ]


def _given(told: Explanation) -> list[str]:
    given = told.given
    if given.addresses:
        pool = f" from pool {given.pool}" if given.pool else ""
        since = f", since {given.since}" if given.since else ""
        has = f"has {', '.join(given.addresses)}{pool} ({given.reason}{since})"
    else:
        has = f"has no address ({given.reason})" if given.reason else "has no address"
    return [f"Service {told.service} {has}.", given.message, *_next(given.next)]


def _endpoints(endpoints: Endpoints | None) -> list[str]:
    if endpoints is None:
        return []
    if not endpoints.serving and endpoints.unread:
        return ["Endpoints: they cannot be read; what is wrong stands below."]
    if not endpoints.serving:
        return [f"Endpoints: {why(Reason.NO_ENDPOINTS)}"]
    where = f", on {', '.join(endpoints.nodes)}" if endpoints.nodes else ""
    return [f"Endpoints: {endpoints.serving} can serve{where} (traffic policy {endpoints.policy})."]


def announcement_text(one: Announcement, *, named: bool = False) -> list[str]:
    """An announcement as a paragraph; `named`: where nobody answers, say for which Service."""
    line, answer = one.line, one.line.answer
    holding = answer.holding if answer else None
    if answer is None:
        text = [f"Nobody answers for {line.address} ({line.reason}).", line.message]
    elif answer.holder and holding is not None:
        text = [
            (
                f"On {line.segment}, {answer.holder} answers for {line.address} with MAC"
                f" {holding.mac} ({line.reason}, since {holding.since}, epoch {holding.epoch})."
            ),
            line.message,
        ]
    else:
        whose = f" for Service {line.service}" if named else ""
        nobody = f"On {line.segment}, nobody answers for {line.address}{whose} ({line.reason})."
        text = [nobody, line.message]
        if answer.former and holding is not None:
            text.append(f"The last one was {answer.former} (since {holding.since}).")
    return [*text, *_ranking(one.order), *_next(one.next)]


def _ranking(order: Order) -> list[str]:
    text = []
    if order.heard:
        named = ", ".join(_weighted(node, order) for node in order.heard)
        text.append(f"Order of those that may: {named}.")
        if order.partial:
            text.append("The configuration cannot be read: what it says about nodes is left out.")
    if order.silent:
        text.append(f"Not heard any more: {', '.join(order.silent)}.")
    if order.barred:
        named = ", ".join(f"{node} ({reason})" for node, reason in order.barred)
        text.append(f"May not: {named}.")
    return text


def _weighted(node: str, order: Order) -> str:
    return f"{node} (weight {order.weights[node]})" if order.weights else node


def _next(sentence: str) -> list[str]:
    return [f"Next: {sentence}"] if sentence else []


def refused_text(reports: tuple[ConfigReport, ...]) -> list[str]:
    """What programs say that refuse the configuration, as a paragraph."""
    if not reports:
        return []
    findings = dict.fromkeys(finding for report in reports for finding in report.findings)
    who = ", ".join(report.component for report in reports)
    return [f"The configuration is not in order, says {who}.", *findings]
