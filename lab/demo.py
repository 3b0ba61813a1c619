"""`make demo`: the main job, shown as it happens, with real frames in network namespaces.

A Service gets an address, one node answers ARP for it inside XDP, a client reaches pods on every
node, and the address moves when the leader's cable is pulled and when its speaker is frozen.
"""

from __future__ import annotations

import sys
from collections import Counter
from dataclasses import dataclass, field

from lab import draw, measure
from lab.cluster import Lab
from lab.errors import LabError
from lab.host import Host
from lab.measure import Watch
from lab.show import Screen
from lab.vipcast import Vipcast, pool, service, until

POOL = "192.0.2.240-192.0.2.249"
SERVICE = "web"
REQUESTS = 30
QUESTIONS = 10_000
MS = 1_000_000


@dataclass(slots=True)
class Findings:
    """What the summary says: rows of what was looked for and found; `well` if all came true."""

    rows: list[tuple[str, str]] = field(default_factory=list)
    well: bool = True

    def add(self, what: str, found: str, well: bool = True) -> None:
        """One row; the whole is well only if every row is."""
        self.rows.append((what, found))
        self.well = self.well and well


class Demo:
    """One run on a lab that stands."""

    def __init__(self, lab: Lab, screen: Screen) -> None:
        self.lab = lab
        self.screen = screen
        self.vipcast = Vipcast(lab)
        self.findings = Findings()
        self.vip = ""

    def run(self) -> bool:
        """All chapters; whether everything came true."""
        self.topology()
        self.start()
        self.address()
        self.leader()
        self.http()
        self.latency()
        self.pulled()
        self.frozen()
        self.summary()
        return self.findings.well

    def topology(self) -> None:
        """What stands."""
        self.screen.heading("A rack: three nodes, a client, one switch")
        self.screen.block("\n".join(draw.topology(self.lab.topology)))

    def start(self) -> None:
        """Programs up, readiness awaited."""
        self.screen.heading("Controller and speakers start, and follow a directory of objects")
        self.vipcast.start()
        self.vipcast.await_checks("config")
        for node in self.lab.nodes:
            self.screen.done(
                f"{node.name}: the responder is attached and answered its own question"
            )

    def address(self) -> None:
        """Pool and Service in, address out."""
        self.screen.heading("A pool and a Service are written; the Service gets an address")
        self.screen.fact(f"pool default, layer 2: {POOL}")
        self.vipcast.apply("pool", pool([POOL]))
        self.vipcast.apply(SERVICE, service(SERVICE))
        self.vip = self.vipcast.serve(SERVICE)
        self.screen.done(f"Service default/{SERVICE}, type LoadBalancer: {self.vip}")
        self.findings.add("address from the pool", self.vip)

    def leader(self) -> None:
        """Who leads and why, in the product's own words, and what the client believes."""
        self.screen.heading("One node leads; the client's neighbour entry says the same")
        answering = self.vipcast.await_answer(self.vip)
        self.vipcast.await_holder(SERVICE, answering)
        self.screen.block(self.vipcast.command("status").stdout)
        self.screen.line()
        self.screen.block(self.vipcast.command("explain", SERVICE).stdout)
        self.lab.client.run(["curl", "-sS", "--max-time", "5", f"http://{self.vip}/"])
        mac = self.lab.client.neighbour(self.vip)
        node = self.lab.owner(mac or "")
        self.screen.line()
        self.screen.done(f"client: {self.vip} lladdr {mac} ({node})")
        self.findings.add("who answers", f"{answering} alone", node == answering)

    def http(self) -> None:
        """Requests reach pods on every node."""
        self.screen.heading(f"{REQUESTS} HTTP requests to http://{self.vip}/")
        config = "".join(f'url = "http://{self.vip}/"\n' for _ in range(REQUESTS))
        path = self.lab.run.path / "demo.curl"
        path.write_text(config)
        answers = self.lab.client.run(
            ["curl", "-sS", "-H", "Connection: close", "--max-time", "10", "-K", path]
        ).stdout
        pods = Counter(line for line in answers.splitlines() if line)
        for pod, count in sorted(pods.items()):
            self.screen.done(f"{count:3} from {pod}")
        well = len(pods) == len(self.lab.nodes) and sum(pods.values()) == REQUESTS
        self.findings.add("HTTP answers", f"{sum(pods.values())} from {len(pods)} nodes", well)

    def latency(self) -> None:
        """Timed ARP answers."""
        self.screen.heading(f"{QUESTIONS:,} ARP questions, one after the other")
        asked = measure.ask(self.lab.client, self.vip, count=QUESTIONS)
        names = list(asked.ns)
        self.screen.table(names, [[f"{asked.ns[name] / 1000:.1f} µs" for name in names]])
        self.screen.fact("from the client's user space and back, over two veth pairs and a bridge")
        found = f"{asked.answered:,} of {asked.sent:,}, median {asked.ns['p50'] / 1000:.1f} µs"
        self.findings.add("ARP answers", found, asked.lost == 0 and asked.doubled == 0)

    def pulled(self) -> None:
        """The leader's port pulled, the VIP moves; put back, nothing moves."""
        with measure.watch(self.lab.client, self.vip) as watch:
            leader = self._holder(watch)
            self.screen.heading(f"The cable of {leader.name}, the leader, is pulled")
            self.lab.switch.pull(leader)
            taker = self._holder(watch, leader)
            self.screen.done(f"{taker.name} answers now")
            self._client_follows(taker)
            self.lab.switch.put_back(leader)
            self._hears(leader, taker)
            self._moved(watch, "cable pulled", limit_two=500)
        self.screen.done(f"put back: {taker.name} keeps it")

    def frozen(self) -> None:
        """The leader's speaker frozen (SIGSTOP), the VIP moves; woken, nothing moves."""
        with measure.watch(self.lab.client, self.vip) as watch:
            leader = self._holder(watch)
            self.screen.heading(f"The speaker of {leader.name}, the leader, is frozen (SIGSTOP)")
            self.vipcast.speaker(leader).freeze()
            taker = self._holder(watch, leader)
            self.screen.done(f"{taker.name} answers now; {leader.name} fell silent by itself")
            self._client_follows(taker)
            self.vipcast.speaker(leader).wake()
            self._hears(leader, taker)
            self._moved(watch, "speaker frozen", limit_two=0)
        self.screen.done(f"woken: {taker.name} keeps it")

    def _holder(self, watch: Watch, before: Host | None = None) -> Host:
        """The host that answers now, another one than before."""
        mac, _ = watch.moved(self.vip, away_from=before.mac if before else "")
        return self.lab.host(self.lab.owner(mac))

    def _client_follows(self, taker: Host) -> None:
        """The greeting has reached the client's own neighbour table."""

        def follows() -> bool:
            return self.lab.client.neighbour(self.vip) == taker.mac

        until(follows, f"the client's neighbour entry of {self.vip} is {taker.name}'s")
        self.screen.done("the client's neighbour entry followed the gratuitous ARP")

    def _hears(self, node: Host, holder: Host) -> None:
        """Wait until a node's speaker reports that it hears the holder."""
        until(
            lambda: holder.name in self.vipcast.heard_by(node), f"{node.name} hears {holder.name}"
        )

    def _moved(self, watch: Watch, what: str, *, limit_two: int) -> None:
        """Account of a watch: the longest silence, and for how long two MACs answered (ms)."""
        seen = watch.seen[self.vip]
        silence, double = seen.longest_silence * 1000, seen.longest_two_macs * 1000
        self.screen.done(f"silence {silence:.0f} ms; two MACs for {double:.0f} ms")
        found = f"{silence:.0f} ms (limit 2000)"
        self.findings.add(f"{what}: silence", found, silence < 2000)
        found = f"{double:.0f} ms (limit {limit_two})"
        self.findings.add(f"{what}: two MACs", found, double <= limit_two)

    def summary(self) -> None:
        """Everything once more in a table."""
        self.screen.heading("Summary")
        self.screen.table(("what", "found"), self.findings.rows)


def main() -> int:
    """Exit status 0 if everything came true, 1 if not, 130 after Ctrl-C."""
    screen = Screen()
    try:
        with Lab("demo") as lab:
            well = Demo(lab, screen).run()
    except LabError as error:
        print(f"demo: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 130
    screen.line()
    screen.done("everything came true; nothing is left behind") if well else screen.failed(
        "not everything came true"
    )
    return 0 if well else 1


if __name__ == "__main__":
    sys.exit(main())
