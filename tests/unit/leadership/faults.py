"""Schedules of faults for the segment in a box, by kind, and what came of one: the figures.

A kind draws where and when from a random source: which node (most often the holder), the moment
within a hello interval, after how many statements of the shell a freeze strikes, for how long.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass

from speaker.leadership import Candidate, Candidates
from tests.unit.leadership.simulation import Node, Wire, World, vip
from tests.unit.leadership.talking import those
from vipcast.model.addresses import Address

BEGIN = 5.0
"""Seconds after the start at which faults begin: everything has settled by then."""

Draw = random.Random
Play = Callable[[Draw, World], None]


@dataclass(frozen=True, slots=True)
class Kind:
    """A kind of fault, and what it may cost: seconds of silence and of two answers, moves or none.

    Costs count from `begin`, seconds after the start.
    """

    play: Play
    silence: float
    double: float
    moves: bool = True
    wire: Callable[[Draw], Wire] = lambda _draw: Wire()
    begin: float = BEGIN


@dataclass(frozen=True, slots=True)
class Figures:
    """What came of a schedule, the worst over all VIPs: seconds, and whether a VIP moved.

    `settled`: at the end each VIP has one holder, all nodes name it, and it was greeted last by it.
    """

    silence: float
    double: float
    moved: bool
    settled: bool


def run(kind: Kind, seed: int) -> Figures:
    """Play one schedule of a kind."""
    draw = random.Random(seed)
    names = [f"n{number}" for number in range(draw.randint(2, 5))]
    world = World(names, [vip(0), vip(1)], seed, kind.wire(draw), drift=draw.choice([0.0, 0.01]))
    world.start_all(draw.choice([0.0, 0.05, 0.4, 1.5]))
    world.run(BEGIN)
    before = {v: world.holders(v) for v in world.vips}
    kind.play(draw, world)
    moved = any(world.holders(v) != before[v] for v in world.vips)
    return judge(world, kind.begin, moved=moved)


def judge(world: World, since: float, *, moved: bool) -> Figures:
    """The worst over all VIPs from then on."""
    now = world.now
    return Figures(
        silence=longest(i for v in world.vips for i in world.silences(v, since, now)),
        double=longest(i for v in world.vips for i in world.doubles(v, since, now)),
        moved=moved,
        settled=all(is_settled(world, v) for v in world.vips),
    )


def longest(intervals: Iterable[tuple[float, float]]) -> float:
    """The longest of some intervals; 0.0 if there is none."""
    return max((end - begin for begin, end in intervals), default=0.0)


def is_settled(world: World, v: Address) -> bool:
    """One holder, named by every running agent, and the last to greet."""
    holders = world.holders(v)
    believed = {
        node.agent.core.view(node.clock()).vips[v].holder
        for node in world.nodes.values()
        if node.agent is not None and node.called == node.name
    }
    greeters = [name for _, name, greeted in world.greetings if greeted == v]
    return len(holders) == 1 and believed == holders and {greeters[-1]} == holders


def victim(draw: Draw, world: World) -> Node:
    """A node: the holder of the first VIP in most cases."""
    holders = world.holders(world.vips[0])
    if holders and draw.random() < 0.7:
        return world.nodes[min(holders)]
    return world.nodes[draw.choice(sorted(world.nodes))]


def statements(draw: Draw) -> int:
    """After how many statements a freeze strikes; 0 strikes where the shell waits."""
    return draw.choice([0, draw.randint(1, 80)])


def freeze(draw: Draw, world: World) -> None:
    """Agents are stopped and go on, once or a few times."""
    for _ in range(draw.randint(1, 3)):
        node, after = victim(draw, world), statements(draw)
        at = world.now + draw.uniform(0, 0.6)
        span = draw.choice([draw.uniform(0.05, 1), draw.uniform(0.7, 1.5), draw.uniform(1, 5)])
        world.at(at, lambda node=node, after=after: node.freeze(after))  # type: ignore[misc]
        world.at(at + span, node.thaw)
        world.run(at + span + draw.choice([0.05, 0.5, 3.0]))
    for node in world.nodes.values():
        node.thaw()
    world.run(world.now + 5)


def kill(draw: Draw, world: World) -> None:
    """An agent is killed, perhaps in the middle of something, and perhaps started again."""
    node, after = victim(draw, world), statements(draw)
    at = world.now + draw.uniform(0, 0.5)
    world.at(at, lambda: node.freeze(after))
    world.at(at + draw.choice([0.0, 0.3, 2.0]), node.kill)
    world.run(at + 2.0)
    world.run(world.now + draw.choice([0.0, draw.uniform(0, 4)]))
    node.start()
    world.run(world.now + 5)


def crash(draw: Draw, world: World) -> None:
    """An agent is killed and its successor comes within moments, mostly within the lease."""
    node = victim(draw, world)
    at = world.now + draw.uniform(0, 0.5)
    world.at(at, node.kill)
    world.at(at + draw.uniform(0.01, 1.6), node.start)
    world.run(at + 6)


def restart(draw: Draw, world: World) -> None:
    """Every agent is restarted in order, one by one, each absent for up to nine seconds."""
    names = sorted(world.nodes)
    draw.shuffle(names)
    for name in names:
        node = world.nodes[name]
        world.at(world.now + draw.uniform(0, 0.2), node.terminate)
        world.run(world.now + 0.3 + draw.choice([draw.uniform(0.05, 1), draw.uniform(0.5, 8.7)]))
        node.start()
        world.run(world.now + draw.choice([0.5, 1.5, 3]))
    world.run(world.now + 4)


def restart_together(draw: Draw, world: World) -> None:
    """All agents are restarted at nearly the same time."""
    for node in world.nodes.values():
        at = world.now + draw.uniform(0, 0.5)
        world.at(at, node.terminate)
        world.at(at + draw.uniform(0.2, 4), node.start)
    world.run(world.now + 10)


def pull(draw: Draw, world: World) -> None:
    """A port is pulled and put back, once or several times."""
    node = victim(draw, world)
    for _ in range(draw.choice([1, 1, 2, 4])):
        at = world.now + draw.uniform(0, 0.3)
        world.at(at, node.pull)
        world.run(at + draw.choice([draw.uniform(0.01, 1), draw.uniform(0.5, 2), 4.0]))
        node.plug()
        world.run(world.now + draw.choice([0.05, 1, 4]))
    world.run(world.now + 5)


def power(draw: Draw, world: World) -> None:
    """A machine loses power and boots again: another boot, another clock."""
    node = victim(draw, world)
    world.at(world.now + draw.uniform(0, 0.3), node.power_off)
    world.run(world.now + draw.uniform(0.4, 6))
    node.power_on()
    world.run(world.now + draw.uniform(0, 1))
    node.start()
    world.run(world.now + 5)


def pause(draw: Draw, world: World) -> None:
    """A virtual machine is paused and goes on, with a clock that knows nothing of it."""
    node = victim(draw, world)
    world.run(world.now + draw.uniform(0, 0.3))
    node.pause()
    world.run(world.now + draw.choice([draw.uniform(0.05, 2), draw.uniform(2, 6)]))
    node.resume()
    world.run(world.now + 5)


def duplicate(draw: Draw, world: World) -> None:
    """A speaker is started under a name that another has, which is restarted meanwhile, or not."""
    node = victim(draw, world)
    double = world.double(node.name)
    double.start()
    world.run(world.now + draw.uniform(0, 5))
    if draw.random() < 0.5:
        node.terminate()
        world.run(world.now + draw.uniform(0.05, 8.5))
        node.start()
        world.run(world.now + draw.uniform(0, 3))
    (double.kill if draw.random() < 0.5 else double.terminate)()
    world.run(world.now + 5)


def inherit(draw: Draw, world: World) -> None:
    """The node whose name another speaker uses, too, dies; later the two are there again."""
    node = victim(draw, world)
    double = world.double(node.name)
    double.start()
    world.run(world.now + draw.uniform(0, 5))
    node.power_off()
    world.run(world.now + draw.uniform(0.4, 8))
    node.power_on()
    node.start()
    world.run(world.now + draw.uniform(0, 5))
    double.power_off()
    world.run(world.now + 6)


def split(draw: Draw, world: World) -> None:
    """The segment is cut in two, then healed."""
    names = sorted(world.nodes)
    draw.shuffle(names)
    cut = draw.randint(1, len(names) - 1)
    world.run(world.now + draw.uniform(0, 0.2))
    world.split([names[:cut], names[cut:]])
    world.run(world.now + draw.uniform(0.2, 6))
    world.heal()
    world.run(world.now + 5)


def one_way(draw: Draw, world: World) -> None:
    """One node does not hear another, which hears it; then it does."""
    deaf = tuple(draw.sample(sorted(world.nodes), 2))
    world.run(world.now + draw.uniform(0, 0.2))
    world.deaf = {(deaf[0], deaf[1])}
    world.run(world.now + draw.uniform(0.2, 6))
    world.heal()
    world.run(world.now + 5)


def starve(draw: Draw, world: World) -> None:
    """All agents are stopped again and again for less than the lease, as on a busy machine."""
    end = world.now + 8
    for node in world.nodes.values():
        at = world.now
        while at < end:
            at += draw.uniform(0, 0.8)
            after = statements(draw)
            world.at(at, lambda node=node, after=after: node.freeze(after))  # type: ignore[misc]
            at += draw.uniform(0.01, 0.55)
            world.at(at, node.thaw)
    world.run(end + 2)


def arrive(draw: Draw, world: World) -> None:
    """A VIP goes and comes; every node hears of that at another moment."""
    every = world.candidates
    for wanted in ({v: who for v, who in every.items() if v != world.vips[0]}, every):
        for node in world.nodes.values():
            world.at(
                world.now + draw.uniform(0, 0.15),
                lambda node=node, wanted=wanted: node.learn(wanted),  # type: ignore[misc]
            )
        world.run(world.now + 2)


def some(draw: Draw, world: World, weight: int = 100) -> Candidates:
    """Some of the nodes, each with a weight, restricted to interfaces that exist or do not."""
    names = sorted(world.nodes)
    where = (None, frozenset({"lan0"}), frozenset({"lan1"}), frozenset({"lan0", "lan1"}))
    return {
        name: Candidate(draw.randint(0, weight), draw.choice(where))
        for name in draw.sample(names, draw.randint(1, len(names)))
    }


def tell(draw: Draw, world: World, wanted: Callable[[Node], Mapping[Address, Candidates]]) -> None:
    """Each node learns within a second, and not at the same time, who may announce."""
    for node in world.nodes.values():
        own = wanted(node)
        world.at(
            world.now + draw.uniform(0, 1),
            lambda node=node, own=own: node.learn(own),  # type: ignore[misc]
        )
    world.run(world.now + 4)


def disagree(draw: Draw, world: World) -> None:
    """Nodes differ about who may announce where, for a while, each in its own way."""
    willing = draw.choice(sorted(world.nodes))  # one at least thinks that it may, else nobody can

    def own(node: Node) -> Mapping[Address, Candidates]:
        mine = those(willing) if node.name == willing else {}
        return {v: {**some(draw, world), **mine} for v in world.vips}

    tell(draw, world, own)
    tell(draw, world, lambda _node: world.candidates)


def limit(draw: Draw, world: World) -> None:
    """It is said anew, a few times, who may announce, how gladly and on which interfaces."""
    for _ in range(draw.randint(1, 3)):
        willing = those(draw.choice(sorted(world.nodes)))
        wanted = {v: {**some(draw, world), **willing} for v in world.vips}
        tell(draw, world, lambda _node, wanted=wanted: wanted)  # type: ignore[misc]


def weigh(draw: Draw, world: World) -> None:
    """Only the weights are said anew, a few times."""
    for _ in range(draw.randint(1, 3)):
        weights = {name: Candidate(draw.randint(0, 100)) for name in world.nodes}
        wanted = dict.fromkeys(world.vips, weights)
        tell(draw, world, lambda _node, wanted=wanted: wanted)  # type: ignore[misc]


def rename(draw: Draw, world: World) -> None:
    """Only lan0 may announce, and an interface of that name gets another one, perhaps for good."""
    only = {name: Candidate(0, frozenset({"lan0"})) for name in world.nodes}
    tell(draw, world, lambda _node: dict.fromkeys(world.vips, only))
    for _ in range(draw.randint(1, 3)):
        node = victim(draw, world)
        if any(each.interface == "lan0" for each in world.nodes.values() if each is not node):
            node.rename("eth0")
            world.run(world.now + draw.uniform(0, 3))
        if draw.random() < 0.7:
            node.rename("lan0")
        world.run(world.now + draw.uniform(0, 1))
    world.run(world.now + 3)


def nothing(draw: Draw, world: World) -> None:
    """Nobody does anything."""
    world.run(world.now + draw.uniform(9, 10))


def lossy(draw: Draw) -> Wire:
    """A bad segment: loss, copies, and now and then a datagram that is late."""
    return Wire(loss=draw.choice([0.01, 0.03, 0.05]), copies=0.05, late=0.02, late_by=0.1)


NEVER = 0.0
TOGETHER = 0.01
"""Two that claim at the same moment, each in its own turn, hear each other one delay later."""

KINDS: dict[str, Kind] = {
    "cold start": Kind(nothing, silence=3.5, double=0.25, begin=0.0),
    "freeze": Kind(freeze, silence=2.0, double=TOGETHER),
    "kill": Kind(kill, silence=2.0, double=TOGETHER),
    "crash": Kind(crash, silence=2.0, double=TOGETHER),
    "restart": Kind(restart, silence=NEVER, double=NEVER, moves=False),
    "restart together": Kind(restart_together, silence=NEVER, double=NEVER, moves=False),
    "port pulled": Kind(pull, silence=2.0, double=TOGETHER),
    "power": Kind(power, silence=2.0, double=TOGETHER),
    "machine paused": Kind(pause, silence=2.0, double=0.25),
    "duplicate": Kind(duplicate, silence=NEVER, double=NEVER, moves=False),
    "inherit": Kind(inherit, silence=2.0, double=TOGETHER),
    "split": Kind(split, silence=2.0, double=0.5),
    "one way": Kind(one_way, silence=2.0, double=0.5),
    "starve": Kind(starve, silence=NEVER, double=NEVER, moves=False),
    "disagree": Kind(disagree, silence=2.0, double=0.25),
    "limit": Kind(limit, silence=2.0, double=0.25),
    "weigh": Kind(weigh, silence=NEVER, double=NEVER, moves=False),
    "rename": Kind(rename, silence=2.0, double=TOGETHER),
    "loss": Kind(nothing, silence=NEVER, double=NEVER, moves=False, wire=lossy),
    "loss and duplicate": Kind(duplicate, silence=NEVER, double=NEVER, moves=False, wire=lossy),
    "loss and freeze": Kind(freeze, silence=2.0, double=0.25, wire=lossy),
    "loss and weigh": Kind(weigh, silence=NEVER, double=NEVER, moves=False, wire=lossy),
    "loss and restart": Kind(restart, silence=NEVER, double=NEVER, moves=False, wire=lossy),
}
