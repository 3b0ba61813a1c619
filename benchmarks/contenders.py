"""Who is measured on a real cluster: Vipcast, and MetalLB where it can be had; a cluster each.

    made, missing = contenders(print)
    with standing("bench", kubernetes) as cluster:
        product = made[VIPCAST](cluster)
        product.begin(["192.0.2.240/32"])

Both run with the tokens of their service accounts, so with the rights of their manifests alone, on
labs that are alike, and take the same objects for their pool.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Protocol

from benchmarks.harness import Measured, say
from benchmarks.metallb import installed, programs
from benchmarks.metallb.installed import MetalLB
from lab.cluster import Lab
from lab.errors import LabError
from lab.host import Host
from lab.kubernetes.cache import Say
from lab.kubernetes.cluster import Cluster
from lab.kubernetes.programs import provide
from lab.kubernetes.vipcast import Installed
from lab.processes import Process
from lab.waiting import until

VIPCAST = "Vipcast"
METALLB = "MetalLB"


class Contender(Protocol):
    """A product on every node of a cluster that stands."""

    @property
    def cluster(self) -> Cluster:
        """Where it runs."""

    @property
    def lab(self) -> Lab:
        """The lab of that cluster."""

    @property
    def controller(self) -> Process:
        """The controller's process."""

    def begin(self, addresses: Sequence[str]) -> None:
        """Install it with one pool, start everything, and wait until it is settled."""

    def speaker(self, node: Host) -> Process:
        """The speaker's process on a node."""

    def start_speaker(self, node: Host) -> Process:
        """Start the speaker of a node again."""

    def settle(self) -> None:
        """Wait until every speaker is ready and knows every other one."""


class Ours(Installed):
    """Vipcast as a contender."""

    def begin(self, addresses: Sequence[str]) -> None:
        """Install it with one pool, start everything, and wait until it is settled."""
        self.start()
        self.apply("pool", *installed.pool(addresses))
        self.settle()

    def settle(self) -> None:
        """Wait until every speaker is ready and hears every other one."""
        self.await_ready()
        names = {node.name for node in self.lab.nodes}
        for node in self.lab.nodes:
            until(
                lambda node=node: self.heard_by(node) >= names - {node.name},  # type: ignore[misc]
                f"{node.name} hears all others",
            )


Make = Callable[[Cluster], Contender]


def contenders(say: Say) -> tuple[Mapping[str, Make], Mapping[str, str]]:
    """By name, how each is made, and why another one cannot be had here."""
    made: dict[str, Make] = {VIPCAST: Ours}
    try:
        built = programs.provide(say)
    except LabError as error:
        last = str(error).strip().splitlines()[-1]
        say(f"{METALLB} cannot be built here: {last}")
        return made, {METALLB: f"cannot be built here: {last}"}
    made[METALLB] = lambda cluster: MetalLB(cluster, built)
    return made, {}


def one_by_one(
    name: str, measure: Callable[[str, Path, Make], Measured]
) -> tuple[dict[str, Measured], Mapping[str, str]]:
    """What each comes to on a cluster of its own, and why another one cannot be had here.

    `measure` is given the cluster's name, which begins with `name`, and what a control plane runs.
    """
    kubernetes = provide(say)
    made, missing = contenders(say)
    found = {
        who: measure(f"{name}{number}", kubernetes, make)
        for number, (who, make) in enumerate(made.items())
    }
    return found, missing


@contextmanager
def standing(
    name: str,
    kubernetes: Path,
    *,
    segment: str = "192.0.2.0/24",
    nodes: int = 3,
    flags: Callable[[Lab], Sequence[str]] = lambda _lab: (),
) -> Iterator[Cluster]:
    """A cluster without servers in its pods, since only ARP is asked; `flags` of its API server."""
    with Lab(name, nodes=nodes, segments=[segment], pods=False, control_plane=True) as lab:
        cluster = Cluster(lab, kubernetes, flags(lab))
        cluster.start()
        yield cluster
