"""The queue of keys: order, pauses, and what is added while a key is being worked on."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, precondition, rule

from vipcast.kube.queue import AT_ONCE, LONGEST_PAUSE, DelayQueue, pause

KEYS = st.sampled_from("abcde")


def test_of_those_that_are_due_the_lowest_rank_comes_first() -> None:
    queue: DelayQueue[str] = DelayQueue()
    queue.add("c", 3)
    queue.add("later", 0, 10.0)
    queue.add("a", 1)
    queue.add("b", 2, 5.0)
    assert [queue.take(5.0) for _ in range(4)] == ["a", "b", "c", None]
    assert queue.deadline() == 10.0
    assert queue.take(10.0) == "later"
    assert queue.deadline() is None


def test_a_key_that_is_added_often_is_taken_once_at_its_earliest_time() -> None:
    queue: DelayQueue[str] = DelayQueue()
    queue.add("a", 0, 7.0)
    queue.add("a", 0, 3.0)
    queue.add("a", 0, 9.0)
    assert len(queue) == 1
    assert queue.deadline() == 3.0
    assert queue.take(2.0) is None
    assert queue.take(3.0) == "a"
    queue.done("a")
    assert queue.take(100.0) is None
    assert queue.deadline() is None


def test_what_is_added_to_a_key_that_is_worked_on_waits_until_that_is_done() -> None:
    queue: DelayQueue[str] = DelayQueue()
    queue.add("a", 0)
    assert queue.take(0.0) == "a"
    queue.add("a", 0, 5.0)
    queue.add("a", 0, 3.0)
    queue.add("a", 0, 8.0)
    assert queue.take(9.0) is None
    assert queue.deadline() is None
    queue.done("a")
    assert queue.deadline() == 3.0
    assert queue.take(9.0) == "a"


def test_what_is_ready_can_be_taken_at_any_time() -> None:
    queue: DelayQueue[str] = DelayQueue()
    queue.add("a", 0)
    queue.add("b", 1)
    assert queue.take(0.0) == "a"
    assert queue.deadline() == AT_ONCE


class Queues(RuleBasedStateMachine):
    """Against a dict of what is queued and what is worked on."""

    def __init__(self) -> None:
        super().__init__()
        self.queue: DelayQueue[str] = DelayQueue()
        self.queued: dict[str, float] = {}
        self.busy: dict[str, float | None] = {}
        self.now = 0.0

    @rule(key=KEYS, delay=st.integers(0, 5))
    def add(self, key: str, delay: int) -> None:
        due = self.now + delay
        self.queue.add(key, ord(key), due)
        where = self.busy if key in self.busy else self.queued
        known = where.get(key)
        where[key] = due if known is None else min(known, due)

    @rule(step=st.integers(0, 4))
    def take(self, step: int) -> None:
        self.now += step
        due = sorted(key for key, time in self.queued.items() if time <= self.now)
        taken = self.queue.take(self.now)
        assert taken == (due[0] if due else None)
        if taken is not None:
            del self.queued[taken]
            self.busy[taken] = None
        assert len(self.queue) == len(self.queued) + len(self.busy)

    @precondition(lambda self: self.busy)
    @rule(data=st.data())
    def done(self, data: st.DataObject) -> None:
        key = data.draw(st.sampled_from(sorted(self.busy)))
        self.queue.done(key)
        again = self.busy.pop(key)
        if again is not None:
            self.queued[key] = again

    @rule()
    def nothing_is_due_before_the_deadline(self) -> None:
        deadline = self.queue.deadline()
        if not self.queued:
            assert deadline is None
        else:
            assert deadline is not None
            assert deadline <= max(self.now, min(self.queued.values()))
            assert deadline == AT_ONCE or deadline in self.queued.values()


TestQueues = Queues.TestCase


def test_pauses_double_up_to_the_longest() -> None:
    whole = [pause(failures, 0.0) for failures in range(1, 11)]
    assert whole == [0.2, 0.4, 0.8, 1.6, 3.2, 6.4, 12.8, 25.6, LONGEST_PAUSE, LONGEST_PAUSE]


@given(failures=st.integers(1, 10**6), draw=st.floats(0, 1))
def test_a_pause_is_at_most_halved_by_chance(failures: int, draw: float) -> None:
    assert pause(failures, 0.0) / 2 <= pause(failures, draw) <= pause(failures, 0.0)
