"""A segment in a box under faults: what a client would have seen, over many schedules.

Kinds of fault one at a time with their bounds (faults.py; campaign.py plays thousands of them), and
schedules that hypothesis makes out of everything at once.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from unittest import mock

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from speaker.leadership.hello import decode
from tests.unit.leadership.campaign import allowed
from tests.unit.leadership.faults import KINDS, TOGETHER, is_settled, longest, run, some
from tests.unit.leadership.simulation import Node, Wire, World, vip

NAMES = ("n0", "n1", "n2")
VIPS = (vip(0), vip(1), vip(2))

slow = settings(
    max_examples=40,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture],
)


@pytest.fixture(autouse=True)
def _decoded_once() -> Iterator[None]:
    """Every receiver decodes the same bytes to the same thing: once is enough."""
    once = functools.lru_cache(maxsize=64)(decode)
    with mock.patch("speaker.leadership.core.decode", once):
        yield


@pytest.mark.parametrize("name", KINDS)
def test_a_kind_of_fault_costs_no_more_than_it_may(name: str) -> None:
    for seed in range(12):
        figures = run(KINDS[name], seed)
        assert allowed(name, figures), (seed, figures)


@dataclass(frozen=True, slots=True)
class Step:
    """After a pause something happens to a node (or to all, or to the wire)."""

    pause: float
    what: str
    node: int
    statements: int


def steps(*what: str) -> st.SearchStrategy[list[Step]]:
    """Schedules of such events."""
    pause = st.sampled_from([0.0, 0.013, 0.1, 0.21, 0.5, 0.81, 1.31, 2.7])
    step = st.builds(Step, pause, st.sampled_from(what), st.integers(0, 2), st.integers(0, 60))
    return st.lists(step, max_size=16)


def play(schedule: list[Step], seed: int, wire: Wire | None = None) -> World:
    """Settle, play a schedule, repair everything, and let it settle again (6 s)."""
    world = World(NAMES, VIPS, seed, wire, drift=0.01)
    world.start_all()
    world.run(4.0)
    for step in schedule:
        world.run(world.now + step.pause)
        happen(world, step)
    world.heal()
    world.wire.loss = world.wire.late = 0.0
    for node in world.nodes.values():
        node.learn(world.candidates)
        if node.interface != "lan0":
            node.rename("lan0")
        node.power_on()
        node.plug()
        node.thaw()
        node.start()
    world.run(world.now + 1.0)
    for node in world.nodes.values():
        node.start()  # one that ended in between, as it had been told to
    world.run(world.now + 5.0)
    return world


def happen(world: World, step: Step) -> None:
    """One event."""
    node = world.nodes[NAMES[step.node]]
    actions: dict[str, Callable[[], None]] = {
        "freeze": lambda: node.freeze(step.statements),
        "thaw": node.thaw,
        "thaw all": lambda: everywhere(world, Node.thaw),
        "kill": node.kill,
        "start": node.start,
        "start all": lambda: everywhere(world, Node.start),
        "terminate": node.terminate,
        "pull": node.pull,
        "plug": node.plug,
        "power off": node.power_off,
        "power on": node.power_on,
        "split": lambda: (
            world.split([[node.name]])
            if step.statements % 2
            else world.split([[n for n in NAMES if n != node.name], [node.name]])
        ),
        "deaf": lambda: world.deaf.add((node.name, NAMES[step.statements % 3])),
        "heal": world.heal,
        "rename": lambda: node.rename("eth0"),
        "limit": lambda: node.learn({v: some(world.random, world) for v in world.vips}),
    }
    actions[step.what]()


def everywhere(world: World, action: Callable[[Node], None]) -> None:
    """Do something to every node."""
    for node in world.nodes.values():
        action(node)


@given(steps("freeze", "thaw", "thaw all"), st.integers(0, 9))
@slow
def test_agents_that_are_stopped_and_go_on_answer_two_at_a_time_only_where_two_claim_at_once(
    schedule: list[Step], seed: int
) -> None:
    world = play(schedule, seed)
    assert longest(i for v in VIPS for i in world.doubles(v, 3.0, world.now)) <= TOGETHER
    assert all(is_settled(world, v) for v in VIPS)


@given(
    steps("freeze", "thaw all", "kill", "start all", "pull", "plug", "power off", "power on"),
    st.integers(0, 9),
)
@slow
def test_without_a_split_two_answers_last_no_longer_than_a_hello_takes(
    schedule: list[Step], seed: int
) -> None:
    world = play(schedule, seed)
    assert longest(i for v in VIPS for i in world.doubles(v, 3.0, world.now)) <= 0.25
    repaired = world.now - 6.0
    assert longest(i for v in VIPS for i in world.silences(v, repaired, world.now)) <= 2.0
    assert all(is_settled(world, v) for v in VIPS)


@given(
    steps(
        *("freeze", "thaw all", "kill", "start", "start all", "terminate", "pull", "plug"),
        *("power off", "power on", "split", "deaf", "heal", "rename", "limit"),
    ),
    st.integers(0, 9),
    st.booleans(),
)
@slow
def test_whatever_happened_half_a_second_after_the_repair_nobody_contests_anything(
    schedule: list[Step], seed: int, bad_wire: bool
) -> None:
    wire = Wire(loss=0.05, copies=0.05, late=0.05, late_by=0.6) if bad_wire else None
    world = play(schedule, seed, wire)
    contested = [end for v in VIPS for _, end in world.doubles(v, world.now - 6.0, world.now)]
    for v in VIPS:
        for begin, end in world.doubles(v, world.now - 6.0, world.now):
            assert end <= world.now - 5.5 or end - begin <= TOGETHER, contested
    assert all(is_settled(world, v) for v in VIPS)


@given(st.integers(0, 10_000), st.sampled_from(NAMES), st.floats(0.0, 0.4))
@slow
def test_a_node_that_comes_back_takes_nothing_back(seed: int, name: str, phase: float) -> None:
    world = World(NAMES, VIPS, seed)
    world.start_all()
    world.run(4.0 + phase)
    world.nodes[name].pull()
    world.run(world.now + 2.5)
    after = [world.holders(v) for v in VIPS]
    assert {name} not in after
    world.nodes[name].plug()
    world.run(world.now + 8.0)
    assert [world.holders(v) for v in VIPS] == after


def test_the_same_seed_gives_the_same_history() -> None:
    def history() -> list[object]:
        world = play([Step(0.3, "freeze", 1, 7), Step(2.0, "thaw", 1, 0)], seed=3)
        return [world.answers(v, 0, world.now) for v in VIPS]

    assert history() == history()


def test_the_judge_sees_two_answers_and_silence() -> None:
    """The measure itself: a data path that is never silenced is seen to answer beside another."""
    world = World(NAMES, VIPS[:1], seed=1)
    world.start_all()
    world.run(4.0)
    (holder,) = world.holders(VIPS[0])
    world.nodes[holder].kill()
    world.nodes[holder].set_lease(world.nodes[holder].clock() + 60)
    world.run(8.0)
    ((begin, end),) = world.doubles(VIPS[0], 4.0, 8.0)
    assert 5.0 < begin < 5.6
    assert end == 8.0
