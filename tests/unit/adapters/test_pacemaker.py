"""The thread that writes while the event loop is held up: when it writes, and when no longer.

Its turns are taken here by hand, at times of the test's own.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from speaker.adapters.bgp_tcp.pacemaker import PATIENCE, Pacemaker


class Loop(asyncio.SelectorEventLoop):
    """An event loop that does nothing but keep what it is asked to do."""

    def __init__(self) -> None:
        super().__init__()
        self.asked: list[Callable[[], object]] = []

    def call_soon_threadsafe(  # type: ignore[override]
        self, callback: Callable[[], object]
    ) -> None:
        self.asked.append(callback)


class Heart:
    """Is to beat every second."""

    def __init__(self, due: float) -> None:
        self.due = due
        self.beats: list[float] = []

    def beat(self, now: float) -> None:
        self.beats.append(now)
        self.due = now + 1.0


class Pace(Pacemaker):
    """Without its thread."""

    def __init__(self, loop: Loop, *hearts: Heart) -> None:
        super().__init__(loop)
        self._paced.update(hearts)


def test_each_is_written_for_when_it_is_due_and_the_thread_waits_for_the_next() -> None:
    loop = Loop()
    one, other = Heart(10.0), Heart(10.5)
    pace = Pace(loop, one, other)
    assert pace.turn(9.0) == 1.0
    assert (one.beats, other.beats, loop.asked) == ([], [], [])
    assert pace.turn(10.0) == 0.5
    assert (one.beats, other.beats) == ([10.0], [])
    assert pace.turn(12.0) == 1.0
    assert (one.beats, other.beats) == ([10.0, 12.0], [12.0])
    loop.close()


class PromptLoop(Loop):
    """It has answered before it is known that it was asked: the interpreter may switch so soon."""

    def call_soon_threadsafe(  # type: ignore[override]
        self, callback: Callable[[], object]
    ) -> None:
        callback()


def test_a_loop_may_answer_at_any_moment() -> None:
    loop, heart = PromptLoop(), Heart(10.0)
    pace = Pace(loop, heart)
    for now in (10.0, 11.0, 11.0 + 2 * PATIENCE):
        pace.turn(now)
    assert heart.beats == [10.0, 11.0, 11.0 + 2 * PATIENCE]
    loop.close()


def test_a_loop_that_never_comes_round_again_is_not_kept_alive() -> None:
    loop = Loop()
    heart = Heart(0.0)
    pace = Pace(loop, heart)
    for second in range(300):
        assert pace.turn(float(second)) == 1.0
    assert heart.beats == [float(second) for second in range(int(PATIENCE))]
    assert len(loop.asked) == 1
    loop.close()


def test_a_loop_that_comes_round_again_is_asked_anew() -> None:
    loop = Loop()
    heart = Heart(0.0)
    pace = Pace(loop, heart)
    for second in range(100):
        pace.turn(float(second))
    loop.asked.pop()()
    pace.turn(100.0)
    assert heart.beats[-1] == 100.0
    assert len(loop.asked) == 1
    loop.close()
