"""How the figures of bgp_convergence are judged. That it runs: tests/lab/test_benchmarks.py."""

from __future__ import annotations

import xml.etree.ElementTree as ET
from collections.abc import Iterator
from contextlib import contextmanager
from socket import AF_UNIX, SHUT_WR, socketpair
from threading import Thread
from typing import Any

import pytest

from benchmarks.bgp import appearing, change, objects, pouring, shown
from benchmarks.bgp.appearing import LINES, ONE_LINE, VIPCAST
from benchmarks.bgp.change import FLOOR, SEEN
from benchmarks.bgp.tables import Table, complete
from benchmarks.harness import BenchmarkError

ME = "192.0.2.11"
WHERE = {"kernel": "6.1.0", "cpus": 2, "date": "2026-11-21T10:00:00Z"}


def changed(microseconds: int) -> dict[str, Any]:
    """What a run finds in which every change of ours took so long, and the floor a tenth."""
    times = {VIPCAST: microseconds * 1000, FLOOR: microseconds * 100, SEEN: 10**8}
    return change.judged({who: [[time, time]] * 3 for who, time in times.items()})


def appeared(*milliseconds: float) -> dict[str, Any]:
    """What a run finds in which all took so long, announcing and withdrawing."""
    steps = [dict.fromkeys(appearing.STEPS, each) for each in milliseconds]
    return appearing.judged(
        {who: [step] * 2 for who, step in zip((VIPCAST, LINES, ONE_LINE), steps, strict=True)}
    )


def poured(cost: int, late: float) -> dict[str, Any]:
    """What a run finds whose second round was the worst."""
    steps = [
        {"seconds": 4.0, "late": 1.0, "peak": 50_010},
        {"seconds": 4.0, "late": late, "peak": 50_000 + cost},
    ]
    return {"rounds": steps, **pouring.judged(50_000, steps)}


def test_a_change_is_judged_at_its_median() -> None:
    assert changed(2000)[VIPCAST]["line_met"] is True
    assert changed(2001)[VIPCAST]["line_met"] is False
    assert changed(500)[VIPCAST]["beside_asyncio"]["median"]["ratio"] == 10


@pytest.mark.parametrize(
    ("others", "met"), [((200, 100), True), ((100, 200), True), ((200, 99), False)]
)
def test_many_routes_are_judged_beside_the_quicker_of_two(
    others: tuple[int, int], met: bool
) -> None:
    found = appeared(100, *others)[VIPCAST]
    assert found["line_met"] == dict.fromkeys(appearing.STEPS, met)


def test_a_pour_is_judged_by_its_worst_round() -> None:
    kept, over = poured(20_479, 100.0), poured(20_480, 100.1)
    assert kept["line_met"] == {"memory": True, "keepalives": True}
    assert over["line_met"] == {"memory": False, "keepalives": False}
    assert (over["cost"], over["late"]) == (20_480, 100.1)


def test_a_flood_has_every_route_once() -> None:
    found = [route for message in pouring.flood_of(25) for route in change.said(message)]
    assert found == [(f"16.0.{number}.0/24", True) for number in range(25)]


def test_services_have_the_addresses_of_the_routes_and_not_the_one_that_changes() -> None:
    text = objects.services(300)
    routes = objects.prefixes(300)
    assert len(set(routes)) == 300
    assert all(f"ip: {route.removesuffix('/32')}\n" in text for route in routes)
    assert f"{objects.ONE}/32" not in objects.prefixes(65_535)


def test_the_result_is_shown_whole() -> None:
    body = {
        "change": {"routes": 10_000, "contenders": changed(1500)},
        "appearing": {
            "routes": 10_000,
            "routers": 4,
            "line_met": appeared(900, 5000, 800)[VIPCAST]["line_met"],
            "contenders": appeared(900, 5000, 800),
        },
        "pouring": {"routes": 10**6, "quiet_late": 1.0, **poured(1024, 7.0)},
    }
    text = shown.text(body)
    assert max(map(len, text.splitlines())) <= 100
    assert "10.0 times the floor; at most 2 ms at the median: yes" in text
    assert text.count(": NO") == 2
    assert "1.0 MiB more: yes" in text
    assert "5,000" in text
    assert ET.fromstring(shown.svg(body, WHERE)).tag.endswith("svg")


class Bgpd:
    """The other end of a table's socket: it answers with one summary after the other."""

    def __init__(self, *answers: str) -> None:
        self._answers = list(answers)

    @contextmanager
    def table(self, name: str) -> Iterator[Table]:
        """The table, asked on a socket."""
        ours, theirs = socketpair(AF_UNIX)
        with ours, theirs:
            serving = Thread(target=self._serve, args=(theirs,))
            serving.start()
            try:
                yield Table(name, ours)
            finally:
                ours.shutdown(SHUT_WR)
                serving.join()

    def _serve(self, sock: Any) -> None:
        while sock.recv(1024):
            answer = self._answers.pop(0) if len(self._answers) > 1 else self._answers[0]
            text, _, status = answer.partition("|")
            for part in (text[:5], text[5:]):
                sock.sendall(part.encode())
            sock.sendall(b"\0\0\0" + bytes((int(status or 0),)))


def summary(number: int, state: str = "Established") -> str:
    """What bgpd says of one neighbour."""
    return f'{{"peers": {{"{ME}": {{"state": "{state}", "pfxRcd": {number}}}}}}}'


def test_tables_are_complete_when_the_last_of_them_is() -> None:
    quick = Bgpd("", summary(7))
    slow = Bgpd("", "{}", summary(7, "Active"), summary(6), summary(7))
    with quick.table("quick") as first, slow.table("slow") as second:
        assert complete([first, second], ME, 7) > 0
    assert len(slow._answers) == 1


def test_a_router_that_refuses_a_question_is_named() -> None:
    refused = pytest.raises(BenchmarkError, match="router9 does not answer: no")
    with refused, Bgpd("no such command|1").table("router9"):
        pass
