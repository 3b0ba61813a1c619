"""For how long is an address not answered for when its node goes, and how long do two nodes answer?

Vipcast, and MetalLB where it can be had, one after the other, each on a cluster of three nodes. A
client asks every 5 ms. Of the node that holds the address, in each round:

    port pulled   the switch's port goes down, and up again once another node answers
    frozen        the speaker is stopped (SIGSTOP), and goes on once another node answers
    killed        the speaker is killed (SIGKILL), and started again once another node answers

and in the end of each round all speakers, one by one:

    restarted     the speaker is ended (SIGTERM) and started, and the next one once it has settled

`silence` is the longest time without an answer, `two_macs` how long two nodes answered, in seconds,
until all is settled again; `lost` are requests that nobody answered.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from benchmarks import bars
from benchmarks.administrator import administrator, endpoints
from benchmarks.contenders import Contender, Make, one_by_one, standing
from benchmarks.harness import Body, publish, run, until
from benchmarks.spread import spread
from lab import measure
from lab.host import Host
from lab.measure import Seen

ROUNDS = 3
ADDRESS = "192.0.2.240"
FAULTS = {
    "pulled": "port pulled",
    "frozen": "speaker frozen",
    "killed": "speaker killed",
    "restarted": "all speakers restarted one by one",
}
_PATIENCE = 30.0
_SERVICE = "web"
_FIGURES = ("silence", "two_macs", "lost")

Figures = Mapping[str, float]
Fault = Callable[[Contender, measure.Watch, Host], None]


def main() -> int:
    """Measure, print, and write the result file and its pictures."""
    return publish("failover", _body, shown, picture)


def _body() -> Body:
    def one(name: str, kubernetes: Path, make: Make) -> dict[str, Any]:
        return summed(measured(name, kubernetes, make, ROUNDS))

    found, missing = one_by_one("benchfail", one)
    return {"rounds": ROUNDS, "unit": "s", "contenders": found, "missing": missing}


def measured(name: str, kubernetes: Path, make: Make, rounds: int) -> dict[str, list[Figures]]:
    """By fault, the figures of each round of one contender."""
    told: dict[str, list[Figures]] = {fault: [] for fault in FAULTS}
    with standing(name, kubernetes) as cluster, administrator(cluster) as admin:
        product = make(cluster)
        product.begin([f"{ADDRESS}/32"])
        endpoints(cluster, _SERVICE)
        admin.create(_SERVICE)
        print(f"{name}: ", end="", flush=True)
        for _ in range(rounds):
            for fault, act in _ACTS.items():
                told[fault].append(_one(product, act))
                print(".", end="", flush=True)
        print(flush=True)
    return told


def _one(product: Contender, act: Fault) -> Figures:
    """One fault, from a settled state to the next one."""
    product.settle()
    holder = product.lab.host(_await_one(product))
    with measure.watch(product.lab.client, ADDRESS) as watch:
        act(product, watch, holder)
        product.settle()
        _await_one(product)
    return figures(watch.seen[ADDRESS])


def figures(seen: Seen) -> Figures:
    """What counts of what a client saw."""
    return {
        "silence": seen.longest_silence,
        "two_macs": sum(span.seconds for span in seen.two_macs),
        "lost": seen.lost,
    }


def _await_one(product: Contender) -> str:
    """Wait until one node alone has answered for a while; its name."""
    lab = product.lab
    found: list[str] = []

    def one() -> bool:
        asked = measure.ask(lab.client, ADDRESS, count=200, timeout=0.2)
        found[:] = [lab.owner(mac) for mac in asked.macs]
        return len(found) == 1 and not asked.lost and not asked.doubled

    until(one, f"one node answers for {ADDRESS}")
    return found[0]


@contextmanager
def _moved(watch: measure.Watch, holder: Host) -> Iterator[None]:
    """At the end of the block, wait until another node answers."""
    yield
    watch.moved(ADDRESS, away_from=holder.mac, seconds=_PATIENCE)


def _pulled(product: Contender, watch: measure.Watch, holder: Host) -> None:
    with _moved(watch, holder):
        product.lab.switch.pull(holder)
    product.lab.switch.put_back(holder)


def _frozen(product: Contender, watch: measure.Watch, holder: Host) -> None:
    with _moved(watch, holder):
        product.speaker(holder).freeze()
    product.speaker(holder).wake()


def _killed(product: Contender, watch: measure.Watch, holder: Host) -> None:
    with _moved(watch, holder):
        product.speaker(holder).kill()
    product.start_speaker(holder)


def _restarted(product: Contender, _watch: measure.Watch, _holder: Host) -> None:
    for node in product.lab.nodes:
        product.speaker(node).stop()
        product.start_speaker(node)
        product.settle()


_ACTS: Mapping[str, Fault] = {
    "pulled": _pulled,
    "frozen": _frozen,
    "killed": _killed,
    "restarted": _restarted,
}


def summed(told: Mapping[str, Sequence[Figures]]) -> dict[str, Any]:
    """By fault, the median and the worst of each figure."""
    return {
        fault: {
            what: {"median": round(one.median, 3), "worst": round(one.worst, 3)}
            for what in _FIGURES
            for one in [spread(figure[what] for figure in rounds)]
        }
        for fault, rounds in told.items()
    }


def shown(body: Mapping[str, Any]) -> str:
    """Every figure, in lines of at most 100 columns."""
    lines = [
        f"{'seconds, median (worst)':36}{'nobody answers':>20}{'two nodes answer':>20}{'lost':>8}"
    ]
    for fault, heading in FAULTS.items():
        lines.append(heading)
        for who, found in body["contenders"].items():
            parts = [found[fault][what] for what in _FIGURES]
            spans = [f"{one['median']:.3f} ({one['worst']:.3f})" for one in parts[:2]]
            lines.append(f"  {who:34}{spans[0]:>20}{spans[1]:>20}{parts[2]['median']:8.0f}")
    lines += [f"{who}: {why}" for who, why in body["missing"].items()]
    return "\n".join(lines) + "\n"


def picture(body: Mapping[str, Any], where: Mapping[str, Any]) -> str:
    """The median silences as bars."""
    panels = [
        bars.Panel(
            f"{heading}: seconds without an answer",
            [
                bars.Bar(
                    who,
                    found[fault]["silence"]["median"],
                    f"two nodes answer for {found[fault]['two_macs']['median']:.2f} s",
                )
                for who, found in body["contenders"].items()
            ],
        )
        for fault, heading in FAULTS.items()
    ]
    return bars.svg("How long an address is not answered for", panels, where)


if __name__ == "__main__":
    sys.exit(run(main, __doc__))
