"""Steps into bytes: what is the same for several peers is encoded once."""

from __future__ import annotations

from dataclasses import replace
from ipaddress import IPv4Address

from speaker.bgp import encode
from speaker.bgp.messages import IPV4_UNICAST, IPV6_UNICAST, AfiSafi, Attributes, RouteRefresh
from speaker.bgp.prefixes import Record, pack, record
from speaker.bgp.rib import (
    AdjRibOut,
    Announce,
    BeginRefresh,
    EndOfRib,
    EndRefresh,
    Withdraw,
)
from speaker.bgp.updates import KEPT, Updates
from tests.unit.bgp.router import Router

PLAIN = Attributes((4200000001,), IPv4Address("192.0.2.1"))
BASE = IPv4Address("198.18.0.0")


def prefixes(*numbers: int) -> tuple[Record, ...]:
    return tuple(record(BASE + number, 32) for number in numbers)


class Counting:
    """The encoder of the programs, and what it was asked for."""

    def __init__(self) -> None:
        self.asked: list[object] = []

    def announce(
        self, family: AfiSafi, attributes: Attributes, prefixes: bytes, *, four_octet: bool
    ) -> bytes:
        self.asked.append((attributes, prefixes, four_octet))
        return encode.announce(family, attributes, prefixes, four_octet=four_octet)

    def withdraw(self, family: AfiSafi, prefixes: bytes) -> bytes:
        self.asked.append(prefixes)
        return encode.withdraw(family, prefixes)

    def end_of_rib(self, family: AfiSafi) -> bytes:
        return encode.end_of_rib(family)

    def route_refresh(self, message: RouteRefresh) -> bytes:
        return encode.route_refresh(message)


def test_every_step_becomes_its_messages_in_their_order() -> None:
    steps = (
        Withdraw(IPV4_UNICAST, prefixes(9)),
        BeginRefresh(IPV4_UNICAST),
        Announce(IPV4_UNICAST, PLAIN, prefixes(3, 1, 2)),
        EndOfRib(IPV6_UNICAST),
        EndRefresh(IPV4_UNICAST),
    )
    assert Updates(encode).encode(steps, four_octet=True) == b"".join(
        (
            encode.withdraw(IPV4_UNICAST, pack(prefixes(9))),
            encode.route_refresh(RouteRefresh(IPV4_UNICAST, 1)),
            encode.announce(IPV4_UNICAST, PLAIN, pack(prefixes(1, 2, 3)), four_octet=True),
            encode.end_of_rib(IPV6_UNICAST),
            encode.route_refresh(RouteRefresh(IPV4_UNICAST, 2)),
        )
    )


def test_ten_thousand_routes_are_encoded_once_for_four_sessions_that_are_told_the_same() -> None:
    counting = Counting()
    updates = Updates(counting)
    routes = dict.fromkeys(prefixes(*range(10_000)), PLAIN)
    said = []
    for _ in range(4):
        rib = AdjRibOut((IPV4_UNICAST,))
        rib.want({prefix: replace(PLAIN) for prefix in routes})  # equal, of each session's own
        said.append(updates.encode(rib.flush(), four_octet=True))
    assert len(counting.asked) == 1
    assert all(each == said[0] for each in said)
    router = Router((IPV4_UNICAST,))
    router.receive(said[0])
    assert len(router.table) == 10_000
    assert router.messages == 13 + 1  # and the End-of-RIB
    assert len(said[0]) < 1.01 * 50_600


def test_what_differs_in_anything_that_shows_is_encoded_for_itself() -> None:
    counting = Counting()
    updates = Updates(counting)
    group = Announce(IPV4_UNICAST, PLAIN, prefixes(1))
    others = (
        replace(group, prefixes=prefixes(2)),
        replace(group, attributes=replace(PLAIN, communities=(1,))),
    )
    for each in (group, *others, group):
        updates.encode((each,), four_octet=True)
    updates.encode((group,), four_octet=False)
    assert counting.asked == [
        (PLAIN, pack(prefixes(1)), True),
        (PLAIN, pack(prefixes(2)), True),
        (replace(PLAIN, communities=(1,)), pack(prefixes(1)), True),
        (PLAIN, pack(prefixes(1)), False),
    ]


def test_a_withdrawal_is_the_same_for_old_peers_and_new_ones() -> None:
    counting = Counting()
    updates = Updates(counting)
    for four_octet in (True, False):
        updates.encode((Withdraw(IPV4_UNICAST, prefixes(1)),), four_octet=four_octet)
    assert counting.asked == [pack(prefixes(1))]


def test_few_groups_are_kept_so_that_old_ones_cost_no_memory() -> None:
    counting = Counting()
    updates = Updates(counting)
    for number in (*range(KEPT + 1), 0):
        updates.encode((Withdraw(IPV4_UNICAST, prefixes(number)),), four_octet=True)
    assert len(counting.asked) == KEPT + 2
