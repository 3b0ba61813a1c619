"""Routes and sessions as text for people, and as JSON and YAML have them. PURE."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from vipcast.cli.routed import Routed, Silent, Teller
from vipcast.cli.sessions import Session
from vipcast.model.reasons import Reason

SHOWN = 8
"""How many nodes a sentence names; JSON and YAML have all of them."""

_POLICY = "A router that is told and has no route drops it by a policy of its own: look at that."
"""What no speaker can see: a session stands, and what is told goes nowhere (RFC 8212)."""
_STAYS = "Next: a node that is lost is left out after the hold time of its sessions at the latest."
_AS_SOON = "Next: It is told as soon as that changes."


def session_data(one: Session) -> dict[str, Any]:
    """A session in the form that JSON and YAML show."""
    peer = one.peer
    return {
        "node": one.node,
        "heard": not one.lost,
        "router": peer.name,
        "address": peer.address,
        "port": peer.port,
        "localASN": peer.local_asn,
        "peerASN": peer.peer_asn,
        "established": one.stands,
        "state": peer.state,
        "since": peer.since,
        "announced": peer.announced,
        "pending": peer.pending,
        "families": list(peer.families),
        "unspoken": list(peer.unspoken),
        "reason": peer.reason,
        "problem": one.problem,
        "hint": peer.hint,
        "lastNotification": peer.notification,
        "bfd": peer.bfd,
    }


def routed_data(one: Routed) -> dict[str, Any]:
    """What is told of an address, in the form that JSON and YAML show."""
    return {
        "service": str(one.service),
        "address": one.address,
        "pool": one.pool,
        "told": one.told,
        "reason": one.reason,
        "message": one.message,
        "tells": [
            {
                "node": each.node,
                "routers": list(each.routers),
                "message": each.message,
                "without": [
                    {"router": session.peer.name, "problem": session.problem}
                    for session in each.without
                ],
            }
            for each in one.tellers
        ],
        "doesNotTell": [
            {"node": each.node, "reason": each.reason, "message": each.message}
            for each in one.silent
        ],
    }


def routed_text(one: Routed, *, named: bool = False) -> list[str]:
    """What is told of an address, as a paragraph; `named`: say for which Service."""
    whose = f" for Service {one.service}" if named else ""
    if one.told:
        count = len(one.nodes)
        tell = f"{count} nodes tell" if count > 1 else f"{one.nodes[0]} tells"
        text = [f"By BGP, {tell} routers of {one.address}{whose} ({one.reason})."]
        text += _tellers(one.tellers)
        text += last_text(one.tellers)
    else:
        text = [
            f"By BGP, nobody tells a router of {one.address}{whose} ({one.reason}).",
            one.message,
        ]
    text += _without(one.tellers)
    text += _silent(each for each in one.silent if one.told or each.reason != one.reason)
    if one.partial:
        text.append("The configuration cannot be read: what it says about nodes is left out.")
    return [*text, _POLICY, _STAYS] if one.told else [*text, _AS_SOON]


def sessions_text(sessions: Iterable[Session]) -> Iterator[str]:
    """A sentence for each that does not stand, those together that have the same to say."""
    grouped: dict[tuple[str, str], list[str]] = {}
    for one in sessions:
        if one.problem:
            grouped.setdefault((one.peer.name, one.problem), []).append(one.node)
    for (router, problem), nodes in grouped.items():
        yield f"{names(nodes)} with {router}: {problem}"


def names(nodes: Iterable[str]) -> str:
    """The first of them, and how many more there are."""
    every = list(nodes)
    more = len(every) - SHOWN
    shown = ", ".join(every[:SHOWN])
    return f"{shown} and {more} more" if more > 0 else shown


def _tellers(tellers: Iterable[Teller]) -> Iterator[str]:
    """Who tells whom, those together that tell the same."""
    grouped: dict[tuple[str, ...], list[str]] = {}
    for each in tellers:
        if each.routers:
            grouped.setdefault(each.routers, []).append(each.node)
    for routers, nodes in grouped.items():
        yield f"  to {', '.join(routers)}: {names(nodes)}"


def last_text(tellers: Iterable[Teller]) -> Iterator[str]:
    """Who asks routers to use it last, and why."""
    grouped: dict[str, list[str]] = {}
    for each in tellers:
        if each.last and each.routers:
            grouped.setdefault(each.message, []).append(each.node)
    yield from (f"To be used last: {names(nodes)}: {why}" for why, nodes in grouped.items())


def _without(tellers: Iterable[Teller]) -> Iterator[str]:
    every = list(tellers)
    lost = [each.node for each in every if each.lost]
    if lost:
        yield f"Not heard any more: {names(lost)}."
    missing = [one for each in every if not each.lost for one in each.without]
    yield from (f"No session: {sentence}" for sentence in sessions_text(missing))


def _silent(silent: Iterable[Silent]) -> Iterator[str]:
    grouped: dict[tuple[str, str], list[str]] = {}
    for each in silent:
        grouped.setdefault((each.reason, each.message), []).append(each.node)
    for (reason, message), nodes in grouped.items():
        shown = "" if reason == Reason.NO_LOCAL_ENDPOINTS else f": {message}"
        yield f"Does not tell ({reason}): {names(nodes)}{shown or '.'}"
