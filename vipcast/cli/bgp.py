"""`vipcast status bgp`: each session of each node, as a table, as JSON or as YAML. PURE."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from typing import Any

from vipcast.cli.output import some
from vipcast.cli.picture import Picture
from vipcast.cli.routestext import names, session_data, sessions_text
from vipcast.cli.sessions import Session
from vipcast.cli.text import Screen, columns

SESSIONS = ("NODE", "ROUTER", "ADDRESS", "AS", "STATE", "SINCE", "ROUTES")
NONE = "No node is to speak with a router: there is no BGPPeer for any."


def sessions_well(picture: Picture) -> bool:
    """Whether every session stands that should."""
    return all(one.stands for one in picture.sessions)


def sessions_data(picture: Picture) -> dict[str, Any]:
    """The sessions in the form that JSON and YAML show."""
    return {
        "healthy": sessions_well(picture),
        "sessions": [session_data(one) for one in picture.sessions],
    }


def sessions_shown(picture: Picture, screen: Screen) -> Iterator[list[str]]:
    """Paragraphs of `vipcast status bgp`."""
    if not picture.sessions:
        yield [NONE]
        return
    rows = [_row(one) for one in picture.sessions]
    head, *shown = columns((SESSIONS, *rows), screen.width)
    table = zip(shown, picture.sessions, strict=True)
    yield [screen.head(head), *(row if one.stands else screen.bad(row) for row, one in table)]
    yield [line for one in sessions_text(picture.sessions) for line in screen.wrapped(one)]
    yield [line for one in cordoned_text(picture) for line in screen.wrapped(one)]
    yield [line for one in _remarks(picture) for line in screen.wrapped(one)]


def sessions_short(picture: Picture, screen: Screen) -> list[str]:
    """What `vipcast status` says of them; nothing where there are none."""
    if not picture.sessions:
        return []
    stand = sum(one.stands for one in picture.sessions)
    every = len(picture.sessions)
    more = "`vipcast status bgp` shows each."
    text = screen.wrapped(f"BGP: {stand} of {every} sessions are established; {more}")
    cordoned = [line for one in cordoned_text(picture) for line in screen.wrapped(one)]
    if stand == every:
        return [*text, *cordoned]
    problems = some(f"  {one}" for one in sessions_text(picture.sessions))
    lines = (line for one in problems for line in screen.wrapped(one.strip(), "  "))
    return [*map(screen.bad, text), *lines, *cordoned]


def cordoned_text(picture: Picture) -> Iterator[str]:
    """What cordoned nodes still tell, those together that tell as much."""
    cordoned = [one.node for one in picture.speakers if one.cordoned and not one.lost]
    if not cordoned or not picture.routes:
        return
    pairs = {(one.address, node) for one in picture.routes for node in one.nodes}
    told = Counter(node for _, node in pairs)
    grouped: dict[int, list[str]] = {}
    for node in cordoned:
        grouped.setdefault(told[node], []).append(node)
    for count, nodes in sorted(grouped.items()):
        each = "address" if count == 1 else "addresses"
        what = f"routers of {count} {each}, to be used last" if count else "no router anything"
        yield f"Cordoned, tells {what}: {names(nodes)}. `vipcast explain node/NAME` says why."


def _row(one: Session) -> tuple[str, ...]:
    peer = one.peer
    waiting = f" (+{peer.pending})" if peer.pending else ""
    asn = str(peer.peer_asn) if peer.peer_asn else ""
    state = "not heard" if one.lost else "Blocked" if peer.blocked else peer.state
    routes = f"{peer.announced}{waiting}" if one.stands else ""
    return one.node, peer.name, one.place, asn, state, peer.since, routes


def _remarks(picture: Picture) -> Iterator[str]:
    """The last NOTIFICATIONs of sessions about which nothing else says them, and what lacks."""
    grouped: dict[str, list[str]] = {}
    for one in picture.sessions:
        if one.remark:
            grouped.setdefault(f"{one.peer.name}: {one.remark}", []).append(one.node)
        for family in one.peer.unspoken if one.stands else ():
            what = f"{one.peer.name}: {family} was agreed upon, and the node has no such address."
            grouped.setdefault(what, []).append(one.node)
    yield from (f"{names(nodes)} with {what}" for what, nodes in grouped.items())
    without = {one.peer.name: one.peer.bfd for one in picture.sessions if one.peer.bfd}
    yield from (f"{name} has a BFD profile: {sentence}" for name, sentence in without.items())
